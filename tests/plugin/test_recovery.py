"""What is said, sent and kept when a window goes wrong, and when an earlier run has left one open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from aep_provider.aep import connect
from aep_provider.aep.gateway import Prepared
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.tags import timestamp
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from aep_provider.errors import (
    AepProviderError,
    NotConverged,
    ProfileOff,
    Refused,
    RolledBack,
    WrongLocation,
)
from aep_provider.operations import reconcile
from aep_provider.operations.change import Policy
from aep_provider.operations.context import Context
from aep_provider.plugin import host
from aep_provider.settings import Settings
from support.aep import BareAep
from support.local import Local, previewed

Given = Callable[..., dict[str, Any]]

ID = "5b020a27e7040801dedbf46e"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
UPSERT = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
STARTED = datetime.now(timezone.utc) - timedelta(minutes=10)
LEFT_OFF = {
    "unifiedProfile": ["enabled:false"],
    "unifiedIdentity": ["enabled:false"],
    "pulumiProfileGap": [f"from:{timestamp(STARTED)}", "by:aep/dev/orders"],
}
ADOPT = {"dataset_id": ID, "is_upsert": True}

LOST = {"reset": "before"}
REFUSED = {"status": 403, "body": {"error_code": "403027", "message": "User region is missing"}}
DOWN = {"status": 503, "body": {}}
EXPIRED = {"status": 401, "body": {"error_code": "401013", "message": "Oauth token is not valid"}}


def profile(aep: BareAep) -> list[str]:
    found: list[str] = aep.datasets()[ID]["tags"]["unifiedProfile"]
    return [element for element in found if not element.startswith("enabledAt")]


def sent_last(aep: BareAep) -> list[str]:
    """The `unifiedProfile` elements of the last PATCH."""
    patch = [entry for entry in aep.writes() if entry["method"] == "PATCH"][-1]
    found: list[str] = next(op["value"] for op in patch["body"] if op["path"] == "/tags/unifiedProfile")
    return found


def batch(status: str, *, created: datetime, completed: datetime | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "status": status,
        "created": int(created.timestamp() * 1000),
        "relatedObjects": [{"type": "dataSet", "id": ID}],
    }
    return body | ({"completed": int(completed.timestamp() * 1000)} if completed else {})


def seed_batches(aep: BareAep, **batches: dict[str, Any]) -> None:
    aep.seed(batches=batches)


@pytest.mark.parametrize(
    "then",
    [
        lambda aep: aep.fault(LOST, 2, 3, method="PATCH"),
        lambda aep: aep.fault(REFUSED, 2, method="PATCH"),
        lambda aep: aep.fault(DOWN, 3, 3, method="GET", path=ID),
    ],
    ids=["lost again and again", "refused", "no read possible"],
)
def test_a_disable_in_doubt_is_followed_by_an_enable(
    local: Local, aep: BareAep, given: Given, then: Callable[[Any], Any]
) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    provider.create(given(dataset_id=ID, is_upsert=False))
    aep.fault(LOST, 1, method="PATCH")
    then(aep)
    with pytest.raises((RolledBack, ProfileOff)) as caught:
        provider.create(given(**ADOPT))
    assert sent_last(aep) == ["enabled:true"], "the last word is an enable, with the setting of before"
    assert profile(aep) == ["enabled:true"]
    assert "A disable was not answered" in str(caught.value) or "may be OFF" in str(caught.value)


def test_a_shutdown_after_a_disable_in_doubt_still_enables(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    aep.fault(LOST, 1, method="PATCH")
    monkeypatch.setattr(host.CLOCK, "wait", lambda seconds: seconds == 0.2)
    with pytest.raises(RolledBack, match="stopped before the disable"):
        provider.create(given(**ADOPT))
    assert sent_last(aep) == ["enabled:true"]


def test_a_token_that_fails_after_a_disable_in_doubt_still_enables(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    aep.fault(LOST, 1, method="PATCH")
    aep.fault(EXPIRED, 2, method="PATCH")
    aep.fault({"status": 400, "body": {"error": "invalid_client"}}, 2, service="ims")
    with pytest.raises(RolledBack, match="invalid_client"):
        provider.create(given(**ADOPT))
    assert sent_last(aep) == ["enabled:true"]


@pytest.mark.parametrize(
    "value", ["9" * 400, "Fri, 31 Dec 99999999999999999999 23:59:59 GMT", "Mon, 99 Foo 2026", "-1", "1e5"]
)
def test_no_retry_after_breaks_the_window(local: Local, aep: BareAep, given: Given, value: str) -> None:
    aep.dataset(ID, ON)
    aep.fault({"status": 429, "body": {}, "headers": {"Retry-After": value}}, 2, method="PATCH")
    local.start(aep.url).create(given(**ADOPT))
    assert profile(aep) == ["enabled:true", "isUpsert:true"]


def test_an_error_nobody_foresaw_inside_the_window_does_not_leave_profile_off(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    sending, sent = Prepared.send, []

    def send(self: Prepared, fill: Any = None) -> Any:
        if self.name.startswith("PATCH"):
            sent.append(self)
            if len(sent) == 2:
                raise MemoryError("none left")
        return sending(self, fill)

    monkeypatch.setattr(Prepared, "send", send)
    local.start(aep.url).create(given(**ADOPT))
    assert profile(aep) == ["enabled:true", "isUpsert:true"]
    assert any("ON as wanted, but on the way: unexpected error: MemoryError" in said for said in local.said)


def test_both_patches_hold_one_place_among_the_calls_at_once(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    sending, held = Prepared.send, []

    def send(self: Prepared, fill: Any = None) -> Any:
        if self.name.startswith("PATCH"):
            held.append(self._gateway.transport.holds_slot)
        return sending(self, fill)

    monkeypatch.setattr(Prepared, "send", send)
    local.start(aep.url).create(given(**ADOPT))
    assert held == [True, True]


def test_identity_that_was_off_before_is_named_when_rolled_back(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, {"unifiedProfile": ["enabled:true"]})
    aep.fault(REFUSED, 2, method="PATCH")
    with pytest.raises(RolledBack, match="Identity, which was off, is ON"):
        local.start(aep.url).create(given(**ADOPT))


def test_a_setting_that_took_effect_after_all_is_not_called_off(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, ON)
    aep.fault({"status": 403, "body": {}, "effect": True}, 2, method="PATCH")
    aep.fault(REFUSED, 3, None, method="PATCH")
    with pytest.raises(NotConverged, match="Profile is ON as wanted"):
        local.start(aep.url).create(given(**ADOPT))


@pytest.mark.parametrize(
    "fault", [("schemas", DOWN), ("sandbox-management", REFUSED), ("dataSets/" + ID, REFUSED)]
)
def test_a_recovery_that_fails_says_first_that_profile_is_off(
    local: Local, aep: BareAep, given: Given, fault: tuple[str, dict[str, Any]]
) -> None:
    aep.dataset(ID, LEFT_OFF)
    path, action = fault
    method = "PATCH" if ID in path else "GET"
    aep.fault(action, 1, None, method=method, path=path)
    with pytest.raises(ProfileOff) as caught:
        local.start(aep.url).create(given(**ADOPT))
    first = str(caught.value).splitlines()[0]
    assert first.startswith("Profile is OFF for dataset")
    assert timestamp(STARTED) in first
    assert f"aep-provider enable {ID} --upsert" in str(caught.value)


def test_a_preview_of_a_recovery_that_would_be_refused_says_so_first(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, LEFT_OFF | {"pulumiManagedBy": ["other/prod/orders"]})
    result = local.start(aep.url).check({}, given(**ADOPT) | previewed())
    assert [failure.reason.splitlines()[0] for failure in result.failures] == [
        f"Profile is OFF for dataset 'dataset 5b02' ({ID}) in sandbox dev since {timestamp(STARTED)}: "
        f"Dataset 'dataset 5b02' ({ID}) in sandbox dev is managed by 'other/prod/orders'"
    ]


def test_a_recovery_that_wrote_nothing_is_looked_at_once(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, LEFT_OFF | {"pulumiManagedBy": ["other/prod/orders"]})
    provider = local.start(aep.url)
    with pytest.raises(ProfileOff, match="other/prod/orders"):
        provider.create(given(**ADOPT))
    assert aep.calls().count("GET catalog/dataSets/{id}") == 2, "before the guards, and to say that it is off"


def test_a_recovery_reports_the_gap_that_it_closes(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, LEFT_OFF)
    seed_batches(
        aep,
        inside=batch("success", created=STARTED, completed=STARTED + timedelta(minutes=3)),
        before=batch(
            "success",
            created=STARTED - timedelta(minutes=40),
            completed=STARTED - timedelta(minutes=30),
        ),
        older=batch("success", created=STARTED - timedelta(hours=9), completed=STARTED - timedelta(hours=8)),
        going=batch("processing", created=STARTED + timedelta(minutes=1)),
    )
    gap = local.start(aep.url).create(given(**ADOPT)).outs["profile_gap"]
    assert gap["from"] == timestamp(STARTED)
    assert sorted(gap["replay"]) == ["going", "inside"]
    assert gap["suspect"] == ["before"]
    assert any("ingest again" in said and "inside" in said for said in local.said)


def test_profile_found_off_without_a_note_is_reported_with_an_unknown_start(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, UPSERT)
    provider = local.start(aep.url)
    outputs = provider.create(given(**ADOPT)).outs
    aep.dataset(ID, {"unifiedProfile": ["enabled:false"], "unifiedIdentity": ["enabled:false"]})
    seen = provider.read(ID, outputs).outs
    gap = provider.update(ID, seen, given(**ADOPT)).outs["profile_gap"]
    assert gap["from"] == ""
    assert any("from an unknown time" in said for said in local.said)


def test_an_ignored_batch_in_flight_is_always_replayed(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    skewed = datetime.now(timezone.utc) + timedelta(minutes=5)
    seed_batches(aep, skewed=batch("processing", created=skewed))
    gap = local.start(aep.url).create(given(**ADOPT, in_flight_batches="ignore")).outs["profile_gap"]
    assert gap["replay"] == ["skewed"]


def test_an_adopted_dataset_released_while_off_is_warned_about(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, UPSERT)
    provider = local.start(aep.url)
    outputs = provider.create(given(**ADOPT)).outs
    aep.dataset(ID, LEFT_OFF)
    local.start(aep.url).delete(ID, outputs)
    assert any(
        said.startswith("Profile is OFF for dataset") and "stays off after this release" in said
        for said in local.said
    )


def test_a_partial_record_deletes_nothing(local: Local, aep: BareAep, given: Given) -> None:
    provider = local.start(aep.url)
    made = provider.create(given(name="New", schema_id=PROFILE_SCHEMA, deletion_protection=False))
    place = {key: made.outs[key] for key in ("sandbox", "org_id", "endpoint")}
    with pytest.raises(WrongLocation, match="does not say where"):
        provider.delete(made.id, {"adopted": False})
    provider.delete(made.id, place)
    with pytest.raises(Refused, match="not by ''"):
        provider.delete(made.id, {**place, "adopted": False})
    provider.delete(made.id, {**made.outs, "managed": ["dataset_id"]})
    assert not [entry for entry in aep.writes() if entry["method"] == "DELETE"]
    assert made.id in aep.datasets()


def test_a_created_dataset_that_is_given_its_own_id_stays_protected(
    local: Local, aep: BareAep, given: Given
) -> None:
    provider = local.start(aep.url)
    olds = given(name="New", schema_id=PROFILE_SCHEMA)
    news = {key: value for key, value in olds.items() if key != "deletion_protection"} | {"dataset_id": ID}
    assert provider.check(olds, news).inputs["deletion_protection"] is True
    assert provider.check({}, news).inputs["deletion_protection"] is False
    assert provider.check(olds, news | {"deletion_protection": False}).inputs["deletion_protection"] is False


def test_a_foreign_owner_is_honoured_with_our_tags_off(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON | {"pulumiManagedBy": ["other/prod/orders"]})
    provider = local.start(aep.url, **{"aep:ownershipTag": "false"})
    with pytest.raises(Refused, match="other/prod/orders"):
        provider.create(given(**ADOPT))
    assert aep.writes() == []


def test_a_dataset_of_ours_is_found_although_it_has_a_namesake(
    local: Local, aep: BareAep, given: Given
) -> None:
    provider = local.start(aep.url)
    arguments = given(name="New", schema_id=PROFILE_SCHEMA)
    made = provider.create(arguments)
    aep.dataset("0" * 24, ON, name="New")
    assert local.start(aep.url).create(arguments).id == made.id


def test_batches_that_cannot_be_listed_warn_at_preview_and_refuse_at_up(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, ON)
    aep.fault(DOWN, 1, None, path="/batches")
    provider = local.start(aep.url)
    assert provider.check({}, given(**ADOPT) | previewed()).failures == []
    assert any("could not check everything in AEP" in said for said in local.said)
    with pytest.raises(AepProviderError, match="Could not find out whether"):
        provider.create(given(**ADOPT))
    assert aep.writes() == []


def test_a_token_that_cannot_last_is_refused_before_the_name_is_written(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    asked: list[float] = []
    monkeypatch.setattr("aep_provider.aep.auth.TokenSource.ensure", lambda _, seconds: refuse(asked, seconds))
    with pytest.raises(Refused, match="may end"):
        provider.create(given(**ADOPT, name="Renamed"))
    assert asked == [600.0]
    assert aep.writes() == []


def refuse(asked: list[float], seconds: float) -> None:
    asked.append(seconds)
    raise Refused("AEP_ACCESS_TOKEN may end")


def test_a_batch_that_comes_between_the_two_looks_is_waited_for(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    sending, looks = Prepared.send, []

    def send(self: Prepared, fill: Any = None) -> Any:
        if self.name.startswith("GET batches"):
            looks.append(self.name)
            if len(looks) == 2:
                seed_batches(aep, late=batch("processing", created=datetime.now(timezone.utc)))
            if len(looks) == 4:
                assert len(aep.writes()) == 1, "the new name, and no disable"
                seed_batches(
                    aep,
                    late=batch(
                        "success",
                        created=datetime.now(timezone.utc),
                        completed=datetime.now(timezone.utc),
                    ),
                )
        return sending(self, fill)

    monkeypatch.setattr(Prepared, "send", send)
    provider.create(given(**ADOPT, name="Renamed"))
    assert len(looks) > 4
    assert profile(aep) == ["enabled:true", "isUpsert:true"]


@pytest.mark.parametrize("status", [200, 502])
def test_no_error_quotes_what_the_token_service_sent(
    local: Local, aep: BareAep, given: Given, status: int
) -> None:
    token = "<p>eyJ.secret.token demo-secret</p>"
    aep.fault({"status": status, "raw_body": token, "content_type": "text/html"}, 1, None, service="ims")
    with pytest.raises(AepProviderError) as caught:
        local.start(aep.url).create(given(**ADOPT))
    assert "secret" not in str(caught.value)
    assert "POST token" in str(caught.value)


NO_EFFECT = {"status": 200, "body": []}


def test_a_refused_disable_is_believed_after_a_read_only(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    aep.fault({**REFUSED, "effect": True}, 1, method="PATCH")
    with pytest.raises(RolledBack):
        local.start(aep.url).create(given(**ADOPT))
    assert profile(aep) == ["enabled:true"]


def test_an_error_nobody_foresaw_after_the_disable_does_not_leave_profile_off(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    sending, sent = Prepared.send, []

    def send(self: Prepared, fill: Any = None) -> Any:
        reply = sending(self, fill)
        if self.name.startswith("PATCH"):
            sent.append(self)
            if len(sent) == 1:
                raise MemoryError("none left")
        return reply

    monkeypatch.setattr(Prepared, "send", send)
    with pytest.raises(RolledBack, match="MemoryError"):
        local.start(aep.url).create(given(**ADOPT))
    assert profile(aep) == ["enabled:true"]


def test_an_enable_without_effect_that_cannot_be_read_may_be_off(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, ON)
    aep.fault(NO_EFFECT, 2, method="PATCH")
    aep.fault(DOWN, 3, None, method="GET", path=ID)
    with pytest.raises(ProfileOff, match=r"^Profile may be OFF"):
        local.start(aep.url).create(given(**ADOPT))


def test_a_refused_enable_is_followed_by_the_old_setting(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    aep.fault(NO_EFFECT, 2, method="PATCH")
    aep.fault(REFUSED, 3, method="PATCH")
    with pytest.raises(RolledBack):
        local.start(aep.url).create(given(**ADOPT))
    assert profile(aep) == ["enabled:true"]


def test_a_closed_gap_is_reported_when_the_run_fails_later(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, LEFT_OFF)
    seed_batches(aep, inside=batch("success", created=STARTED, completed=STARTED + timedelta(minutes=3)))
    aep.fault({"status": 400, "body": {"title": "BadRequestError"}}, 2, method="PATCH")
    with pytest.raises(AepProviderError, match="answered 400"):
        local.start(aep.url).create(given(**ADOPT, name="Renamed"))
    assert any("ingest again: inside" in said for said in local.said)


def test_a_success_after_a_disable_in_doubt_says_so(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    aep.fault(LOST, 1, method="PATCH")
    local.start(aep.url).create(given(**ADOPT))
    assert profile(aep) == ["enabled:true", "isUpsert:true"]
    assert any("A disable was not answered" in said for said in local.said)


def test_a_recorded_dataset_that_is_off_is_named_first(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, UPSERT)
    provider = local.start(aep.url, **{"aep:ownershipTag": "false"})
    outputs = provider.create(given(**ADOPT)).outs
    aep.dataset(ID, {"unifiedProfile": ["enabled:false"], "unifiedIdentity": ["enabled:false"]})
    seen = provider.read(ID, outputs).outs
    aep.fault(REFUSED, 1, None, method="PATCH")
    with pytest.raises(ProfileOff, match=r"^Profile is OFF .* since an unknown time"):
        provider.update(ID, seen, given(**ADOPT))


def test_a_dataset_deleted_by_this_run_is_not_taken_over(local: Local, aep: BareAep, given: Given) -> None:
    provider = local.start(aep.url)
    one = given(name="One", schema_id=PROFILE_SCHEMA, deletion_protection=False, owner="aep/dev/one")
    two = given(name="Two", schema_id=PROFILE_SCHEMA, deletion_protection=False, owner="aep/dev/two")
    first, second = provider.create(one), provider.create(two)
    provider = local.start(aep.url)
    provider.delete(first.id, first.outs)
    provider.create(one)
    provider.delete(second.id, second.outs)
    again = provider.create(two)
    assert again.id != second.id
    assert again.id in aep.datasets()


def test_trouble_that_passes_does_not_fail_the_preview_of_a_recovery(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, LEFT_OFF)
    aep.fault(DOWN, 1, None, method="GET", path="schemas")
    assert local.start(aep.url).check({}, given(**ADOPT) | previewed()).failures == []
    assert any(said.startswith("Profile is OFF for dataset") for said in local.said)


def test_enabling_what_may_be_an_identity_dataset_warns(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, {"unifiedProfile": ["enabled:false"], "unifiedIdentity": ["enabled:true"]})
    local.start(aep.url).create(given(**ADOPT))
    assert any("identity dataset" in said for said in local.said)


def test_before_a_disable_it_is_said_which_writers_cannot_be_seen(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, ON)
    local.start(aep.url).create(given(**ADOPT))
    assert any("Web and Mobile SDK datastreams" in said for said in local.said)


def test_a_dataset_that_came_on_meanwhile_is_not_disabled_by_enable(
    local: Local, aep: BareAep, configured: Callable[[str], dict[str, Any]]
) -> None:
    aep.dataset(ID, ON)
    local.start(aep.url)
    settings = Settings.load(configured(aep.url), {})
    context = Context(connect(settings, host.CLOCK), settings, host.EngineReporter(), host.CLOCK)
    policy = Policy(allow_profile_gap=True, in_flight_batches="ignore", wait_timeout=0, may_disable=False)
    with pytest.raises(Refused, match="nothing was changed"):
        reconcile.adopt(context, ID, Desired(is_upsert=True), policy)
    assert aep.writes() == []


def test_an_imported_dataset_without_recorded_owner_shows_no_change(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, UPSERT)
    provider = local.start(aep.url)
    read = provider.read(ID, {})
    news = given(**ADOPT, name=read.outs["name"], schema_id=read.outs["schema_id"])
    assert provider.diff(ID, read.outs, news).changes is False
    assert provider.diff(ID, read.outs | {"adopted": False}, news).changes is True
