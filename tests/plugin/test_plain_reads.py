"""The plain way to read and the fast one: the same results, and only the number of requests differs.

The whole suite runs plainly with ``AEP_PLAIN_READS=1 pytest tests/plugin``.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from aep_provider.aep.reads import PLAIN, FastReads, PlainReads, chosen
from aep_provider.aep.single_flight import EachTime
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from aep_provider.plugin import host
from support.aep import BareAep
from support.clock import FakeClock
from support.local import Local, previewed

Given = Callable[..., dict[str, Any]]

ID = "5b020a27e7040801dedbf46e"
OTHER = "65f1c0a2b3d4e5f60718293a"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}


@pytest.fixture(params=["", "1"], ids=["fast", "plain"])
def plain(request: pytest.FixtureRequest, local: Local) -> bool:
    local.patch.setenv(PLAIN, request.param)
    return bool(request.param)


@pytest.mark.usefixtures("plain")
def test_a_toggle_ends_as_asked_for(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    asked = given(dataset_id=ID, is_upsert=True, allow_profile_gap=True)
    assert local.start(aep.url).create(asked).outs["is_upsert"] is True
    assert [entry["method"] for entry in aep.writes()] == ["PATCH", "PATCH"]


@pytest.mark.usefixtures("plain")
def test_a_refresh_shows_each_dataset_as_it_is(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    aep.dataset(OTHER, {})
    provider = local.start(aep.url)
    outputs = provider.create(given(dataset_id=ID, is_upsert=False)).outs
    provider = local.start(aep.url)
    assert provider.read(ID, outputs).outs["profile_enabled"] is True
    assert provider.read(OTHER, {}).outs["profile_enabled"] is False


@pytest.mark.usefixtures("plain")
def test_a_refresh_shows_no_drift_where_empty_objects_stand_for_no_value(
    local: Local, aep: BareAep, given: Given
) -> None:
    """Created, changed and read in a service that shows `{}` for whatever a dataset does not have."""
    aep.switch(empty_properties="missing_too")
    aep.dataset(OTHER, {}, name="")
    asked = given(name="Members", schema_id=PROFILE_SCHEMA, is_upsert=False)
    made = local.start(aep.url).create(asked)
    outputs = local.start(aep.url).update(str(made.id), made.outs, {**asked, "is_upsert": True}).outs
    assert local.start(aep.url).read(str(made.id), outputs).outs == outputs


@pytest.mark.usefixtures("plain")
def test_a_preview_refuses_a_name_in_use(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, {}, name="Orders")
    news = given(name="Orders", schema_id=PROFILE_SCHEMA)
    (failure,) = local.start(aep.url).check({}, news | previewed()).failures
    assert "already has a dataset named 'Orders'" in failure.reason


def test_read_plainly_nothing_is_remembered_or_asked_ahead(
    local: Local, aep: BareAep, given: Given, *, plain: bool
) -> None:
    widened: list[int] = []
    local.patch.setattr(host, "widen", widened.append)
    local.patch.setenv("AEP_PARALLEL", "5")
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    outputs = provider.create(given(dataset_id=ID, is_upsert=False)).outs
    provider = local.start(aep.url)
    aep.forget()
    widened.clear()
    for _ in range(3):
        provider.read(ID, outputs)
    assert sum("/dataSets" in entry["path"] for entry in aep.requests()) == (3 if plain else 1)
    # Twice as many calls as requests at once.
    assert widened == ([] if plain else [10])


def test_read_plainly_a_preview_asks_about_the_checked_resource_only(
    local: Local, aep: BareAep, given: Given
) -> None:
    local.patch.setenv(PLAIN, "1")
    announced = [{"name": name, "schema_id": PROFILE_SCHEMA, "owner": f"aep/dev/{name}"} for name in "abc"]
    submitted: list[object] = []
    local.patch.setattr(ThreadPoolExecutor, "submit", lambda pool, *call: submitted.append(call))
    checked = local.start(aep.url).check({}, given(**announced[0]) | previewed(announced))
    assert checked.failures == []
    assert submitted == []


@pytest.mark.parametrize(
    ("value", "kind"), [("1", PlainReads), ("", FastReads), ("0", FastReads), (None, FastReads)]
)
def test_only_1_chooses_the_plain_way(value: str | None, kind: type) -> None:
    assert isinstance(chosen({} if value is None else {PLAIN: value}, FakeClock(), 4), kind)


def test_a_memory_that_keeps_nothing_asks_each_time() -> None:
    answers = iter([1, 2])
    memory: EachTime[int] = EachTime()
    assert [memory.get("key", lambda: next(answers)) for _ in range(2)] == [1, 2]
