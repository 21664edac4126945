"""One window after the other: what is sent, in which order, and what is said when the service lags or refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aep_provider.aep.gateway import Prepared
from aep_provider.errors import (
    NotConverged,
    PreconditionFailed,
    ProfileOff,
    Refused,
    RequestRefused,
    RolledBack,
)
from aep_provider.plugin import host
from support.aep import BareAep
from support.local import Local
from support.window import (
    ADOPT,
    BUSY,
    ID,
    LOST,
    NO_REPLY,
    ON,
    REFUSED,
    UPSERT,
    before_disable,
    patches,
    profile,
)

Given = Callable[..., dict[str, Any]]

# What is sent


def test_a_toggle_takes_the_documented_requests_in_order(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    outputs = provider.create(given(dataset_id=ID, is_upsert=False)).outs
    aep.clear_requests()
    provider.update(ID, outputs, given(**ADOPT))
    once = ("sandbox-management", "schemaregistry", "flowservice", "POST ")
    assert [call for call in aep.calls() if not any(part in call for part in once)] == [
        "GET catalog/dataSets/{id}",
        "GET catalog/batches",
        "GET catalog/dataSets/{id}",
        "PATCH catalog/dataSets/{id}",
        "PATCH catalog/dataSets/{id}",
        "GET catalog/dataSets/{id}",
        "GET catalog/batches",
    ]
    assert patches(aep) == ["off!", "upsert"]


def test_the_disable_is_only_for_the_version_that_was_read(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    before_disable(monkeypatch, lambda: aep.tick(background=True))
    local.start(aep.url).create(given(**ADOPT))
    assert patches(aep) == ["off!", "off!", "upsert"]
    assert [entry["status"] for entry in aep.writes()] == [412, 200, 200]


def test_the_third_disable_is_for_whatever_is_there(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    before_disable(monkeypatch, lambda: aep.tick(background=True), times=9)
    local.start(aep.url).create(given(**ADOPT))
    assert patches(aep) == ["off!", "off!", "off", "upsert"]


def test_a_disable_that_is_refused_as_malformed_is_sent_once_more_without_its_version(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, ON)
    aep.fault({"status": 400, "body": {}}, times=1, method="PATCH")
    local.start(aep.url).create(given(**ADOPT))
    assert patches(aep) == ["off!", "off", "upsert"]


def test_a_disable_that_is_malformed_without_its_version_as_well_leaves_profile_on(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, ON)
    aep.fault({"status": 400, "body": {}}, times=None, method="PATCH")
    with pytest.raises(RequestRefused):
        local.start(aep.url).create(given(**ADOPT))
    assert patches(aep) == ["off!", "off"]
    assert profile(aep) == ON["unifiedProfile"]


def test_a_412_to_a_disable_without_version_is_an_error(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    aep.fault({"status": 412, "body": {}}, 1, None, method="PATCH")
    with pytest.raises(PreconditionFailed):
        local.start(aep.url).create(given(**ADOPT))
    assert profile(aep) == ["enabled:true"]


def test_a_412_to_a_disable_without_version_that_landed_restores(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, ON)
    aep.fault({"status": 400, "body": {}}, method="PATCH")
    aep.fault({"status": 412, "effect": True, "body": {}}, 2, method="PATCH")
    with pytest.raises(RolledBack, match="Profile is back ON as it was"):
        local.start(aep.url).create(given(**ADOPT))
    assert patches(aep) == ["off!", "off", "plain"]


def test_a_412_after_no_answer_is_followed_by_a_disable(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    aep.fault(LOST, 1, method="PATCH")
    before_disable(monkeypatch, lambda: aep.tick(background=True), nth=2)
    provider.create(given(**ADOPT))
    assert patches(aep) == ["off!", "off!", "off", "upsert"]
    assert [entry["status"] for entry in aep.writes()] == [None, 412, 200, 200]
    assert sum(host.CLOCK.waits) == 0.2, "nothing is waited for after the 412"  # type: ignore[attr-defined]


def test_a_412_after_no_answer_to_the_last_disable_restores(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    aep.fault(LOST, 1, 3, method="PATCH")
    before_disable(monkeypatch, lambda: aep.tick(background=True), nth=4)
    with pytest.raises(RolledBack):
        provider.create(given(**ADOPT))
    assert patches(aep) == ["off!", "off!", "off!", "off!", "plain"]


def test_what_somebody_else_wrote_before_the_disable_stays(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    path = "/tags/unifiedProfile"
    theirs = [{"op": "replace", "path": path, "value": ["enabled:true", "mergePolicy:7"]}]
    before_disable(monkeypatch, lambda: aep.someone_else("PATCH", ID, theirs))
    local.start(aep.url).create(given(**ADOPT))
    assert profile(aep) == ["enabled:true", "isUpsert:true", "mergePolicy:7"]


def test_a_disable_that_landed_in_spite_of_its_412_is_told_where_no_enable_is_taken(
    local: Local, aep: BareAep, given: Given
) -> None:
    # A gateway has sent it twice: the first one landed, the second is refused.
    aep.dataset(ID, ON)
    aep.fault({"status": 412, "effect": True, "body": {}}, method="PATCH")
    aep.fault(REFUSED, 2, None, method="PATCH")
    with pytest.raises(ProfileOff, match=r"^Profile is OFF for dataset .* AEP answered 403"):
        local.start(aep.url).create(given(**ADOPT))
    assert profile(aep) == ["enabled:false"]


def test_an_owner_that_came_before_the_disable_is_honoured(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    theirs = [{"op": "add", "path": "/tags/pulumiManagedBy", "value": ["other/prod/orders"]}]
    before_disable(monkeypatch, lambda: aep.someone_else("PATCH", ID, theirs))
    with pytest.raises(Refused, match="other/prod/orders"):
        local.start(aep.url).create(given(**ADOPT))
    assert profile(aep) == ["enabled:true"]


def test_a_setting_that_came_before_the_disable_needs_no_window(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    theirs = [{"op": "replace", "path": "/tags/unifiedProfile", "value": UPSERT["unifiedProfile"]}]
    before_disable(monkeypatch, lambda: aep.someone_else("PATCH", ID, theirs))
    local.start(aep.url).create(given(**ADOPT))
    assert [entry["status"] for entry in aep.writes()] == [200, 412], "theirs, and the disable"
    assert profile(aep) == ["enabled:true", "isUpsert:true"]


@pytest.mark.parametrize("nth", [1, 2])
def test_one_conflict_is_sent_again(local: Local, aep: BareAep, given: Given, nth: int) -> None:
    aep.dataset(ID, ON)
    aep.fault(BUSY, nth, method="PATCH")
    local.start(aep.url).create(given(**ADOPT))
    assert profile(aep) == ["enabled:true", "isUpsert:true"]
    assert [entry["status"] for entry in aep.writes()].count(409) == 1


@pytest.mark.parametrize("status", [423, 425])
@pytest.mark.parametrize("nth", [1, 2])
def test_what_is_locked_or_too_early_is_sent_again(
    local: Local, aep: BareAep, given: Given, nth: int, status: int
) -> None:
    aep.dataset(ID, ON)
    aep.fault({"status": status, "body": {"title": "Busy"}}, nth, method="PATCH")
    local.start(aep.url).create(given(**ADOPT))
    assert profile(aep) == ["enabled:true", "isUpsert:true"]


def test_a_conflict_with_the_enable_is_not_waited_for(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    aep.fault(BUSY, 2, method="PATCH")
    provider.create(given(**ADOPT))
    assert sum(host.CLOCK.waits) == 0  # type: ignore[attr-defined]


def test_one_conflict_with_an_edit_is_sent_again(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, UPSERT)
    provider = local.start(aep.url)
    aep.fault(BUSY, 1, method="PATCH")
    provider.create(given(**ADOPT, name="Renamed"))
    assert aep.datasets()[ID]["name"] == "Renamed"
    assert sum(host.CLOCK.waits) == 0  # type: ignore[attr-defined]


def test_an_edit_outlasts_conflicts_that_go_on(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, UPSERT)
    aep.fault(BUSY, 1, 2, method="PATCH")
    local.start(aep.url).create(given(**ADOPT, name="Renamed"))
    assert aep.datasets()[ID]["name"] == "Renamed"


def test_a_union_that_propagates_late_is_tried_again(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    aep.fault({"status": 422, "body": {}}, 2, 2, method="PATCH")
    local.start(aep.url).create(given(**ADOPT))
    assert patches(aep) == ["off!", "upsert", "upsert", "upsert"]


def test_a_long_retry_after_is_not_waited_for(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    aep.fault({"status": 429, "body": {}, "headers": {"Retry-After": "30"}}, 2, method="PATCH")
    provider.create(given(**ADOPT))
    assert max(host.CLOCK.waits) <= 0.2  # type: ignore[attr-defined]


# When the outcome of the disable is unknown


@pytest.mark.parametrize("action", [NO_REPLY, {"status": 408, "effect": True, "body": {}}])
def test_a_disable_that_landed_is_not_sent_again(
    local: Local, aep: BareAep, given: Given, action: dict[str, Any]
) -> None:
    aep.dataset(ID, ON)
    aep.fault(action, 1, method="PATCH")
    local.start(aep.url).create(given(**ADOPT))
    assert patches(aep) == ["off!", "upsert"]
    assert not any("A disable was not answered" in said for said in local.said), "a read has shown it"


def test_a_lagging_read_does_not_lengthen_the_window(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    aep.switch(read_lag=3)
    aep.fault(NO_REPLY, 1, method="PATCH")
    local.start(aep.url).create(given(**ADOPT))
    assert patches(aep)[:4] == ["off!", "off!", "off", "upsert"], (
        "the second is refused: the first had landed"
    )
    between = [call for call in aep.calls() if "{id}" in call][2:7]
    assert [call.split()[0] for call in between] == ["PATCH", "GET", "PATCH", "PATCH", "PATCH"]
    assert not any("A disable was not answered" in said for said in local.said), "it has landed"


# When the enable fails


def test_a_refused_change_is_back_on_when_a_read_shows_it(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    aep.switch(read_lag=3)
    local.on_wait = aep.tick
    provider = local.start(aep.url)
    aep.fault(REFUSED, 2, method="PATCH")
    with pytest.raises(RolledBack, match="back ON as it was; changing upsert failed"):
        provider.create(given(**ADOPT))
    assert profile(aep) == ["enabled:true"]
    assert 0 < sum(host.CLOCK.waits) <= 10  # type: ignore[attr-defined]


def test_a_restore_that_no_read_shows_may_be_off(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    aep.switch(read_lag_seconds=12)
    local.on_wait = aep.tick
    aep.fault(REFUSED, 2, method="PATCH")
    with pytest.raises(ProfileOff, match=r"^Profile may be OFF"):
        local.start(aep.url).create(given(**ADOPT))


def test_an_old_read_after_two_refusals_is_not_believed(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    aep.switch(read_lag=3)
    provider = local.start(aep.url)
    aep.fault(REFUSED, 2, None, method="PATCH")
    with pytest.raises(ProfileOff, match=r"^Profile may be OFF"):
        provider.create(given(**ADOPT))
    assert profile(aep) == ["enabled:false"]
    assert sum(host.CLOCK.waits) == 0, "no write of ours is waited for"  # type: ignore[attr-defined]


def test_with_our_tags_off_a_restore_reads_as_on(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    aep.fault(REFUSED, 2, method="PATCH")
    with pytest.raises(RolledBack, match="Profile reads as ON as it was"):
        local.start(aep.url, **{"aep:ownershipTag": "false"}).create(given(**ADOPT))


def test_no_old_setting_follows_an_enable_that_may_still_land(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, ON)
    aep.fault(LOST, 2, method="PATCH")
    aep.fault(REFUSED, 3, None, method="PATCH")
    with pytest.raises(ProfileOff, match=r"^Profile may be OFF"):
        local.start(aep.url).create(given(**ADOPT))
    assert patches(aep) == ["off!", "upsert", "upsert"]


def test_an_enable_shown_late_is_a_success(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    aep.switch(read_lag_seconds=6)
    local.on_wait = aep.tick
    outputs = local.start(aep.url).create(given(**ADOPT)).outs
    assert outputs["is_upsert"] is True
    assert patches(aep) == ["off!", "upsert"]


def test_an_enable_that_takes_effect_late_is_a_success(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    aep.switch(write_lag_seconds=6)
    local.on_wait = aep.tick
    assert local.start(aep.url).create(given(**ADOPT)).outs["is_upsert"] is True


def test_an_owner_tag_that_is_gone_at_the_end_is_an_error(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    sending = Prepared.send
    theirs = [{"op": "add", "path": "/tags/pulumiManagedBy", "value": ["other/prod/orders"]}]

    def send(self: Prepared, fill: Any = None) -> Any:
        reply = sending(self, fill)
        if fill:
            aep.someone_else("PATCH", ID, theirs)
        return reply

    monkeypatch.setattr(Prepared, "send", send)
    with pytest.raises(NotConverged, match="tag pulumiManagedBy is 'other/prod/orders'"):
        local.start(aep.url).create(given(**ADOPT))


def test_a_recovery_that_no_read_shows_may_be_off(local: Local, aep: BareAep, given: Given) -> None:
    off = {"unifiedProfile": ["enabled:false"], "unifiedIdentity": ["enabled:false"]}
    aep.dataset(ID, {**off, "pulumiProfileGap": ["from:2026-01-31T09:00:00.000Z", "by:aep/dev/orders"]})
    aep.switch(read_lag_seconds=30)
    local.on_wait = aep.tick
    with pytest.raises(ProfileOff, match=r"^Profile may be OFF"):
        local.start(aep.url).create(given(**ADOPT))
    assert profile(aep) == ["enabled:true", "isUpsert:true"]


def test_an_edit_shown_late_is_looked_at_again(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, UPSERT)
    aep.switch(read_lag=3)
    local.start(aep.url).create(given(**ADOPT, name="Renamed"))
    assert len(aep.writes()) == 1


def test_an_enable_is_tried_again_after_growing_waits(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    aep.fault(LOST, 2, 3, method="PATCH")
    provider.create(given(**ADOPT))
    waits = host.CLOCK.waits  # type: ignore[attr-defined]
    assert [waited for waited in waits if waited][:3] == [0.2, 0.5, 1.0]
