"""Whatever a service answers, a run ends with a report and leaves nothing behind."""

from __future__ import annotations

from typing import Any

import pytest

from aep_provider.probe.beliefs import BELIEFS
from support.aep import BareAep
from support.probed import cleaned, probed

NONSENSE: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "403": {"status": 403, "body": {"title": "ForbiddenError"}},
    "HTML": {"status": 404, "body": "<html>", "headers": {"Content-Type": "text/html"}},
    "a page with 200": {"status": 200, "body": "<html>", "headers": {"Content-Type": "text/html"}},
    "a list": {"status": 200, "body": [1, {"a": []}, None]},
    "a number": {"status": 200, "body": 7},
    "objects of another form": {
        "status": 200,
        "body": {"a": 1, "b": [], "sandboxes": [{"name": 1}], "items": {}},
    },
    "a reset": {"reset": "before"},
}


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
@pytest.mark.parametrize("path", ["/data/", "/data/foundation/catalog/"])
def test_a_run_against_nonsense_ends_with_an_answer_for_each_belief(
    aep: BareAep, answer: dict[str, Any], path: str
) -> None:
    before = aep.datasets()
    aep.fault(answer, times=None, path=path)
    found = probed(aep)
    assert len(found.outcome.answers) == len(BELIEFS)
    assert found["create-reply"].verdict != "agrees"
    assert aep.datasets() == before


@pytest.mark.parametrize(
    "answer", [NONSENSE["500"], NONSENSE["403"], NONSENSE["HTML"]], ids=["500", "403", "HTML"]
)
@pytest.mark.parametrize("nth", [40, 90])
def test_a_service_that_breaks_in_the_middle_is_cleaned_later(
    aep: BareAep, answer: dict[str, Any], nth: int
) -> None:
    before = aep.datasets()
    fault = aep.fault(answer, nth=nth, times=None, service="catalog")
    found = probed(aep)
    assert found.outcome.left
    aep.clear_faults(fault)
    assert cleaned(aep)[1] == []
    assert aep.datasets() == before


def test_a_page_in_the_place_of_a_response_leaves_it_open(aep: BareAep) -> None:
    before = aep.datasets()
    page = {"raw_body": "<html>", "content_type": "text/html", "status": 404}
    aep.fault(page, nth=2, method="POST", path="dataSets$")
    assert probed(aep).outcome.left == ()
    assert aep.datasets() == before


def test_a_token_that_ends_during_the_run_is_renewed(aep: BareAep) -> None:
    aep.fault({"expire_tokens": True}, nth=60, service="catalog")
    found = probed(aep)
    assert found.outcome.left == ()
    assert not [one.seen for one in found.outcome.answers if "401" in one.seen and one.belief != "bad-token"]
    assert found["delete-reply"].verdict == "agrees"


def test_a_bare_429_is_a_reason_and_no_verdict(aep: BareAep) -> None:
    aep.fault({"throttle": "bare"}, times=None, method="POST", path="dataSets$")
    found = probed(aep)
    assert found["create-reply"].seen == "a dataset could not be created: 429 429050"
    assert found["read-after-write"].verdict == "not asked"
