"""What refreshes and previews read together or ahead, and what is read for one resource alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from aep_provider.aep.reads import PLAIN, FastReads
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from aep_provider.errors import PermissionDenied
from support.aep import BareAep
from support.local import Local, previewed

pytestmark = pytest.mark.skipif(
    os.environ.get(PLAIN) == "1", reason="what is tested here is what AEP_PLAIN_READS=1 turns off"
)

Given = Callable[..., dict[str, Any]]

ID = "5b020a27e7040801dedbf46e"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}


def new(number: int) -> dict[str, Any]:
    """What a program announces of a new dataset."""
    return {"name": f"dataset {number}", "schema_id": PROFILE_SCHEMA, "owner": f"aep/dev/d{number}"}


def reads(aep: BareAep) -> int:
    return sum("/dataSets" in entry["path"] for entry in aep.requests())


def asks_ahead(local: Local, aep: BareAep, given: Given, *announcements: list[dict[str, Any]]) -> None:
    """Check the first dataset of each announcement, and see two more be asked about meanwhile."""
    provider = local.start(aep.url)
    # The listings that serve all of them are asked for once, here.
    assert provider.check({}, given(**new(99)) | previewed([new(99)])).failures == []
    for declared in announcements:
        # All are held: which of them is the check's own is for the threads to settle. The order of the two faults
        # lets none pass between them that is still asked for the announcement before.
        third = aep.fault({"hold": "before"}, nth=3, times=None, method="GET", path="/dataSets$")
        aep.fault({"hold": "before"}, times=2, method="GET", path="/dataSets$")
        with ThreadPoolExecutor(1) as thread:
            news = given(**declared[0]) | previewed(declared)
            check = thread.submit(provider.check, {}, news)
            came = aep.wait_for_hit(third)
            done_before = check.done()
            aep.clear_faults()
            assert check.result(60).failures == []
        assert came
        assert not done_before


def test_a_preview_asks_about_what_is_declared_next(local: Local, aep: BareAep, given: Given) -> None:
    asks_ahead(local, aep, given, [new(number) for number in range(8)])


def test_what_is_declared_later_is_asked_about_ahead_as_well(
    local: Local, aep: BareAep, given: Given
) -> None:
    first, later = [new(number) for number in range(8)], [new(number) for number in range(8, 16)]
    asks_ahead(local, aep, given, first, later)


def test_a_question_asked_ahead_says_nothing_and_its_failure_is_no_answer(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset("0" * 24, {}, name="dataset 1")
    provider = local.start(aep.url)
    declared = [new(0), new(1)]
    first = provider.check({}, given(**new(0)) | previewed(declared))
    assert (first.failures, local.said) == ([], [])
    second = provider.check({}, given(**new(1)) | previewed())
    assert "already has a dataset named 'dataset 1'" in second.failures[0].reason


def test_an_unchanged_resource_asks_nothing_ahead(local: Local, aep: BareAep, given: Given) -> None:
    provider = local.start(aep.url)
    news = given(**new(0))
    provider.check(news, news | previewed([new(0), new(1)], name="d0"))
    assert aep.requests() == []


def test_get_reads_anew_in_a_program_once_in_a_refresh(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    outputs = provider.create(given(dataset_id=ID, is_upsert=False)).outs
    provider = local.start(aep.url)
    before = reads(aep)
    assert provider.read(ID, outputs).outs["is_upsert"] is False
    aep.dataset(ID, {**ON, "unifiedProfile": ["enabled:true", "isUpsert:true"]})
    assert provider.read(ID, outputs).outs["is_upsert"] is False
    assert reads(aep) == before + 1
    assert provider.read(ID, {}).outs["is_upsert"] is True


def test_an_update_plans_from_a_read_of_its_own(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    outputs = provider.create(given(dataset_id=ID, is_upsert=False)).outs
    provider = local.start(aep.url)
    provider.read(ID, outputs)
    aep.dataset(ID, {**ON, "unifiedProfile": ["enabled:true", "isUpsert:true"]})
    writes = len(aep.writes())
    provider.update(ID, outputs, given(dataset_id=ID, is_upsert=True))
    assert len(aep.writes()) == writes


@pytest.mark.parametrize("path", ["/sandbox-management/", "/schemas/", "/dataSets$"])
def test_what_fails_when_asked_ahead_fails_the_operation_that_needs_it_by_one_request(
    local: Local, aep: BareAep, given: Given, path: str
) -> None:
    provider = local.start(aep.url)
    fault = aep.fault({"status": 403, "body": {}}, path=path)
    with pytest.raises(PermissionDenied):
        provider.create(given(**new(0)))
    assert aep.writes() == []
    assert aep.hits(fault) == 1
    assert provider.create(given(**new(0))).id in aep.datasets()


@pytest.mark.parametrize("path", ["/sandbox-management/", "/schemas/", "/dataSets/"])
def test_a_change_of_upsert_is_not_made_where_what_was_asked_ahead_failed(
    local: Local, aep: BareAep, given: Given, path: str
) -> None:
    aep.dataset(ID, ON)
    outputs = local.start(aep.url).create(given(dataset_id=ID, is_upsert=False)).outs
    provider = local.start(aep.url)
    writes = len(aep.writes())
    aep.fault({"status": 403, "body": {}}, path=path)
    with pytest.raises(PermissionDenied):
        provider.update(ID, outputs, given(dataset_id=ID, is_upsert=True))
    assert len(aep.writes()) == writes


def test_an_operation_that_writes_hears_of_no_failure_from_before_it(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    outputs = provider.create(given(dataset_id=ID)).outs
    provider = local.start(aep.url)
    # What is asked ahead is answered at once, so that it is known to have failed.
    local.patch.setattr(FastReads, "start", lambda self, ask: ask())
    aep.fault({"status": 503}, times=None, path="/(sandbox-management|catalog)/")
    with pytest.raises(Exception, match="503"):
        provider.update(ID, outputs, given(dataset_id=ID, is_upsert=False))
    aep.clear_faults()
    seen = provider.update(ID, outputs, given(dataset_id=ID, is_upsert=False)).outs
    assert (outputs["is_upsert"], seen["is_upsert"]) == (True, False)


@pytest.mark.parametrize("workers", ["1", "8"])
def test_a_refused_credential_is_not_tried_again_by_every_question(
    local: Local, aep: BareAep, given: Given, workers: str
) -> None:
    provider = local.start(aep.url, **{"aep:clientSecret": "wrong", "aep:parallel": workers})
    declared = [new(number) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        checks = pool.map(lambda one: provider.check({}, given(**one) | previewed(declared)), declared)
        assert all(check.failures for check in checks)
    assert len(aep.requests()) == 1
