"""One guard list: what `up` refuses a preview refuses in the same words, or warns of where waiting cures it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from pulumi.output import Unknown

from aep_provider.emulator.seeds import (
    EVENTS_SCHEMA,
    PLAIN_SCHEMA,
    PROFILE_CLASS,
    PROFILE_SCHEMA,
    PROFILE_SCHEMA_2,
)
from aep_provider.errors import AepProviderError, Refused
from aep_provider.operations import guards
from aep_provider.operations.guards import GUARDS, Guard
from support.aep import BareAep, raw_dataset
from support.local import OWNER, Local, inputs, previewed
from support.times import CLOSED

ID = "5b020a27e7040801dedbf46e"
OTHER = "65f1c0a2b3d4e5f60718293a"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
UPSERT = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
NEW = {"name": "Members", "schema_id": PROFILE_SCHEMA}
LATER = Unknown()  # type: ignore[no-untyped-call]
"""Stands for an output of a resource that does not exist yet."""
ADOPT = {"dataset_id": ID, "is_upsert": True}
NOTHING: Callable[[BareAep], object] = lambda aep: None  # noqa: E731


def milliseconds(**ago: float) -> int:
    return int((datetime.now(timezone.utc) - timedelta(**ago)).timestamp() * 1000)


def own(aep: BareAep, dataset_id: str = ID, **fields: Any) -> str:
    """A dataset that carries the owner of the resource under test, an hour old."""
    tags = {**UPSERT, "pulumiManagedBy": [OWNER], "pulumiClaim": ["a1"]}
    created = {"name": "Members", "created": milliseconds(hours=1), "createdClient": "demo-client"}
    return aep.dataset(dataset_id, {**tags, **fields.pop("tags", {})}, **{**created, **fields})


def batch(aep: BareAep, status: str) -> str:
    body = {"status": status, "created": milliseconds(minutes=1)}
    aep.seed(batches={"B1": {**body, "relatedObjects": [{"type": "dataSet", "id": ID}]}})
    return "B1"


def resetting(aep: BareAep) -> None:
    sandbox = {"name": "dev", "type": "development", "state": "resetting"}
    aep.fault({"status": 200, "body": {"sandboxes": [sandbox]}}, times=None, path="/sandbox-management/")


def in_production(aep: BareAep) -> None:
    aep.seed(sandbox="prod", datasets={ID: raw_dataset("Orders", PROFILE_SCHEMA, ON)})


@dataclass(frozen=True)
class Case:
    """A change that one guard refuses.

    Attributes:
        guard: its name.
        prepare: brings the emulator into the state that is refused.
        given: the arguments.
        settings: of the provider.
    """

    guard: str
    prepare: Callable[[BareAep], object]
    given: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)


CASES = [
    Case("sandbox", NOTHING, NEW, {"aep:sandbox": "nowhere"}),
    Case("sandbox", resetting, NEW),
    Case("production", NOTHING, NEW, {"aep:sandbox": "prod"}),
    Case("Adobe-managed", lambda aep: aep.dataset(ID, ON, classification={"managedBy": "SYSTEM"}), ADOPT),
    Case("owner", lambda aep: aep.dataset(ID, {**ON, "pulumiManagedBy": ["aep/qa/x"]}), ADOPT),
    Case("owner", lambda aep: aep.dataset(ID, {"pulumiManagedBy": ["aep/dev/old"]}, name="Members"), NEW),
    Case("schema of the dataset", lambda aep: aep.dataset(ID, ON), {**ADOPT, "schema_id": EVENTS_SCHEMA}),
    Case("namesake", lambda aep: aep.dataset(ID, ON, name="Members"), NEW),
    Case("namesake", lambda aep: (own(aep), own(aep, OTHER)), NEW),
    Case("interrupted run", lambda aep: own(aep, tags={"pulumiClaim": ["a1", "kept"]}), NEW),
    Case("interrupted run", lambda aep: own(aep, created=milliseconds(hours=25)), NEW),
    Case("interrupted run", lambda aep: own(aep, createdClient="other-client"), NEW),
    Case("interrupted run", lambda aep: (own(aep), batch(aep, "success")), NEW),
    Case("interrupted run", own, {**NEW, "schema_id": PROFILE_SCHEMA_2}),
    Case("union", NOTHING, {**NEW, "schema_id": PLAIN_SCHEMA}),
    Case("union", NOTHING, {**NEW, "schema_id": f"{PROFILE_SCHEMA}0"}),
    Case("union", NOTHING, {**NEW, "schema_id": f"{PROFILE_CLASS}__union"}),
    Case("union", lambda aep: aep.dataset(ID, {}, schemaRef={}), ADOPT),
    Case("behaviour", NOTHING, {**NEW, "schema_id": EVENTS_SCHEMA}),
    Case(
        "consent",
        in_production,
        ADOPT,
        {"aep:sandbox": "prod", "aep:allowProduction": "true"},
    ),
    Case("change window", lambda aep: aep.dataset(ID, ON), ADOPT, {"aep:changeWindow": CLOSED}),
    # A take-over of what an interrupted create left behind with another upsert setting.
    Case("change window", own, {**NEW, "is_upsert": False}, {"aep:changeWindow": CLOSED}),
    Case("token", lambda aep: aep.dataset(ID, ON), ADOPT, {"token": "ready"}),
]


@pytest.fixture
def provider_for(local: Local, aep: BareAep, monkeypatch: pytest.MonkeyPatch) -> Callable[[Case], Any]:
    def started(refused: Case) -> Any:
        settings = dict(refused.settings)
        if settings.pop("token", ""):
            monkeypatch.setenv("AEP_ACCESS_TOKEN", aep.token())
        return local.start(aep.url, **settings)

    return started


def refusal(provider_for: Callable[[Case], Any], refused: Case) -> str:
    """What `up` is refused with."""
    with pytest.raises(AepProviderError) as caught:
        provider_for(refused).create(inputs(**refused.given))
    return str(caught.value)


def names(cases: list[Case]) -> list[str]:
    return [f"{one.guard} {number}" for number, one in enumerate(cases)]


@pytest.mark.parametrize("refused", CASES, ids=names(CASES))
def test_preview_and_up_refuse_in_the_same_words(
    provider_for: Callable[[Case], Any], aep: BareAep, refused: Case
) -> None:
    refused.prepare(aep)
    at_preview = provider_for(refused).check({}, inputs(**refused.given) | previewed()).failures
    said = [without_request_ids(failure.reason) for failure in at_preview]
    assert said == [without_request_ids(refusal(provider_for, refused))]
    assert aep.writes() == []


@pytest.mark.parametrize("refused", CASES, ids=names(CASES))
def test_the_refusal_is_the_one_that_is_documented(
    provider_for: Callable[[Case], Any], aep: BareAep, refused: Case
) -> None:
    refused.prepare(aep)
    guard = next(guard for guard in GUARDS if guard.name == refused.guard)
    said = refusal(provider_for, refused).splitlines()[0]
    assert any(re.search(as_pattern(text), said) for text, _ in guard.refusals), said


def test_every_guard_that_refuses_has_a_case() -> None:
    assert {guard.name for guard in GUARDS if guard.refusals} == {one.guard for one in CASES} | {"batches"}


def test_a_change_of_upsert_asks_about_the_schema(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    outputs = provider.create(inputs(dataset_id=ID, is_upsert=False)).outs
    aep.dataset(ID, ON, schemaRef={"id": EVENTS_SCHEMA})
    aep.clear_requests()
    with pytest.raises(Refused, match="time series"):
        provider.update(ID, outputs, inputs(**ADOPT))
    assert aep.writes() == []


@pytest.mark.parametrize(("mode", "would"), [("wait", "wait for them"), ("fail", "refuse")])
def test_batches_in_flight_are_a_warning_at_preview(
    local: Local, aep: BareAep, mode: str, would: str
) -> None:
    aep.dataset(ID, ON)
    batch(aep, "processing")
    given = inputs(**ADOPT, in_flight_batches=mode, wait_timeout=0)
    assert local.start(aep.url).check({}, given | previewed()).failures == []
    assert any(f"`up` would {would}" in said for said in local.said)
    with pytest.raises(Refused, match="in flight"):
        local.start(aep.url).create(given)
    assert aep.writes() == []


@pytest.mark.parametrize("given", [NEW, ADOPT], ids=["create", "adopt"])
def test_a_new_entry_of_the_list_makes_both_refuse(
    local: Local, aep: BareAep, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Refused("not on a Friday", "Wait until Monday.")

    monkeypatch.setattr(guards, "GUARDS", (*GUARDS, Guard("friday", "?", lambda _: True, refuse)))
    aep.dataset(ID, ON)
    failures = local.start(aep.url).check({}, inputs(**given) | previewed()).failures
    assert [failure.reason for failure in failures] == ["not on a Friday\nWait until Monday."]
    with pytest.raises(Refused, match="Friday"):
        local.start(aep.url).create(inputs(**given))
    assert aep.writes() == []


def without_request_ids(text: str) -> str:
    return re.sub(r"request id [\w-]+", "request id", text)


def as_pattern(text: str) -> str:
    return ".*".join(re.escape(part) for part in text.split("…"))


@pytest.mark.parametrize("edit", [{"description": "two"}, {"tags": {"team": ["b"]}}, {"tags": {}}])
@pytest.mark.parametrize("given", [NEW, {"dataset_id": ID, "is_upsert": False}])
def test_an_edit_is_refused_at_preview_as_in_up(
    local: Local, aep: BareAep, given: dict[str, Any], edit: dict[str, Any]
) -> None:
    aep.dataset(ID, ON)
    before = inputs(**given, description="one", tags={"team": ["a"]})
    made = local.start(aep.url).create(before)
    dataset = aep.datasets()[made.id]
    aep.dataset(
        made.id, {**dataset["tags"], "pulumiManagedBy": ["aep/qa/x"]}, name=dataset["name"], description="one"
    )
    after = {**before, **edit}
    provider = local.start(aep.url)
    provider.read(made.id, made.outs)
    at_preview = provider.check(before, after | previewed()).failures
    with pytest.raises(AepProviderError) as caught:
        provider.update(made.id, made.outs, after)
    assert [failure.reason for failure in at_preview] == [str(caught.value)]
    assert "is managed by 'aep/qa/x'" in str(caught.value)


def test_an_edit_in_production_without_consent_is_refused_at_preview(local: Local, aep: BareAep) -> None:
    in_production(aep)
    before = inputs(dataset_id=ID, is_upsert=False, description="one")
    place = {"aep:sandbox": "prod"}
    made = local.start(aep.url, **place, **{"aep:allowProduction": "true"}).create(before)
    after = {**before, "description": "two"}
    (failure,) = local.start(aep.url, **place).check(before, after | previewed()).failures
    assert "this stack may not write to production" in failure.reason
    with pytest.raises(Refused, match="this stack may not write to production"):
        local.start(aep.url, **place).update(made.id, made.outs, after)


@pytest.mark.parametrize(
    "off",
    [
        {"unifiedProfile": ["enabled:false"], "unifiedIdentity": ["enabled:true"]},
        {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:false"]},
    ],
    ids=["Profile", "Identity"],
)
@pytest.mark.parametrize("given", [{"is_upsert": False}, {"is_upsert": True}])
def test_a_repair_of_a_switch_is_refused_at_preview_as_in_up(
    local: Local, aep: BareAep, given: dict[str, Any], off: dict[str, Any]
) -> None:
    aep.dataset(ID, ON)
    made = local.start(aep.url).create(inputs(dataset_id=ID, is_upsert=False))
    aep.dataset(ID, {**off, "pulumiManagedBy": ["aep/qa/x"]})
    provider = local.start(aep.url)
    seen = provider.read(ID, made.outs)
    after = inputs(dataset_id=ID, **given)
    at_preview = provider.check(seen.inputs or {}, after | previewed()).failures
    with pytest.raises(AepProviderError) as caught:
        provider.update(ID, seen.outs, after)
    assert [failure.reason for failure in at_preview] == [str(caught.value)]


@pytest.mark.parametrize(
    "unknown", [{"description": LATER}, {"tags": {"team": [LATER]}}], ids=["text", "tag"]
)
@pytest.mark.parametrize("refused", [CASES[2], CASES[4]], ids=["new", "adopted"])
def test_a_value_that_no_question_depends_on_need_not_be_known(
    provider_for: Callable[[Case], Any], aep: BareAep, refused: Case, unknown: dict[str, Any]
) -> None:
    refused.prepare(aep)
    provider = provider_for(refused)
    known = provider.check({}, inputs(**refused.given) | previewed()).failures
    not_known = provider.check({}, inputs(**refused.given) | unknown | previewed()).failures
    assert [failure.reason for failure in not_known] == [failure.reason for failure in known] != []


@pytest.mark.parametrize(
    "unknown", [{"description": LATER}, {"tags": {"team": [LATER]}}], ids=["text", "tag"]
)
def test_a_value_that_is_not_known_yet_counts_as_unchanged(
    local: Local, aep: BareAep, unknown: dict[str, Any]
) -> None:
    aep.dataset(ID, {**ON, "pulumiManagedBy": ["aep/qa/x"]})
    before = inputs(dataset_id=ID, is_upsert=False, description="one", tags={"team": ["a"]})
    provider = local.start(aep.url)
    assert provider.check(before, before | unknown | previewed()).failures == []
    (failure,) = provider.check(before, {**before, "is_upsert": True} | unknown | previewed()).failures
    assert "is managed by 'aep/qa/x'" in failure.reason
