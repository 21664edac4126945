"""Ended anywhere, a run leaves nothing that `--clean` does not find, and `--clean` finds nothing else."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import requests

from aep_provider.aep.transport import Transport
from aep_provider.emulator.seeds import OTHER_CLIENT_ID, PROFILE_SCHEMA
from aep_provider.probe import runner
from aep_provider.probe.cleanup import CleanUp
from aep_provider.probe.scratch import NAME, OWNER
from aep_provider.probe.steps import datasets, ends, switches
from support.aep import BareAep, raw_dataset
from support.probed import cleaned, probed

STEPS = (*datasets.STEPS, *switches.STEPS, *ends.STEPS)
ID = "65f1c0a2b3d4e5f600000001"
OURS = {"pulumiManagedBy": [f"{OWNER}0123abcd"]}


class Killed(BaseException):
    """The process is gone: nothing of it runs any more."""


class Kill:
    """Ends a process at one of its requests.

    Args:
        number: of the request that is the last one, among those that count.
        moment: before or after its effect.
        every: whether reads count as well.
    """

    def __init__(self, number: int, moment: str, *, every: bool = False) -> None:
        self.number, self.moment, self.every = number, moment, every
        self.dead = False

    def send(self, transport: Transport, request: Any, *rest: Any, **named: Any) -> Any:
        """Instead of the transport's own."""
        counts = self.every or request.method in ("POST", "DELETE")
        self.number -= counts
        if self.dead or (counts and self.number == 0 and self.moment == "before"):
            self.dead = True
            raise Killed
        response = SEND(transport, request, *rest, **named)
        if counts and self.number == 0:
            self.dead = True
            raise Killed
        return response


SEND = Transport.send


def every_kill(aep: BareAep, patch: pytest.MonkeyPatch, moment: str, steps: Any, *, every: bool) -> int:
    """Kill one run after the other, one request later each time; how many it takes to the end of a run."""
    before = aep.datasets()
    for number in itertools.count(1):
        kill = Kill(number, moment, every=every)
        with patch.context() as killing:
            killing.setattr(Transport, "send", lambda *given, **named: kill.send(*given, **named))  # noqa: B023
            try:
                probed(aep, only=steps)
            except Killed:
                pass
            else:
                return number
        _, left = cleaned(aep)
        assert left == [], (number, moment)
        assert aep.datasets() == before, (number, moment)
    return 0


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_any_post_or_delete_it_is_cleaned(
    aep: BareAep, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    assert every_kill(aep, monkeypatch, moment, STEPS, every=False) > 15


@pytest.mark.kill
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_at_any_request_it_is_cleaned(
    aep: BareAep, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    assert every_kill(aep, monkeypatch, moment, None, every=True) > 150


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_creation_that_is_not_answered_is_looked_for(aep: BareAep, nth: int, moment: str) -> None:
    before = aep.datasets()
    aep.fault({"reset": moment}, nth=nth, method="POST", path="dataSets$")
    left = probed(aep, only=STEPS).outcome.left
    assert [one.id for one in left] == ([""] if moment == "before" else [])
    assert all(one.why.startswith("it may exist: its creation was not answered") for one in left)
    assert aep.datasets() == before


@pytest.mark.parametrize(
    "tags",
    [
        {"pulumiManagedBy": [f"{OWNER}team/dev/orders"]},
        {**OURS, "pulumiClaim": ["0123456789abcdef"]},
        {"pulumiManagedBy": [f"{OWNER}0123abcd", "aep/dev/orders"]},
    ],
)
def test_what_a_stack_marked_is_left_although_it_begins_alike(aep: BareAep, tags: dict[str, Any]) -> None:
    aep.dataset(ID, tags, name=f"{NAME}results", createdClient="demo-client")
    before = aep.datasets()
    deleted, left = cleaned(aep)
    assert (deleted, [one.id for one in left]) == (0, [ID])
    assert aep.datasets() == before


@pytest.mark.parametrize("nth", range(1, 9))
def test_a_dataset_that_shows_nothing_of_the_run_is_never_written_to(aep: BareAep, nth: int) -> None:
    aep.dataset(ID, {"pulumiManagedBy": ["aep/dev/orders"]}, name="Orders", createdClient="demo-client")
    aep.fault({"status": 201, "body": [f"@/dataSets/{ID}"]}, nth=nth, method="POST", path="dataSets$")
    left = probed(aep).outcome.left
    assert [(one.id, one.why) for one in left] == [(ID, "nothing of it is the probe's")]
    assert [call["method"] for call in aep.writes() if ID in call["path"]] == []


def test_a_clean_up_that_is_interrupted_names_all_that_may_exist(
    aep: BareAep, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(CleanUp, "these", interrupted)
    aep.fault({"reset": "after"}, nth=2, method="POST", path="dataSets$")
    left = probed(aep, only=STEPS).outcome.left
    ours = [body["name"] for body in aep.datasets().values() if body["name"].startswith(NAME)]
    assert {one.name for one in left} >= set(ours)
    assert "" in [one.id for one in left]


def test_a_creation_that_is_listed_late_is_found(aep: BareAep) -> None:
    before = aep.datasets()
    aep.switch(list_lag=6)
    aep.fault({"reset": "after"}, nth=2, method="POST", path="dataSets$")
    assert probed(aep, only=switches.STEPS).outcome.left == ()
    assert aep.datasets() == before


def test_a_delete_that_is_not_answered_is_sent_again(aep: BareAep) -> None:
    before = aep.datasets()
    aep.fault({"reset": "after"}, times=2, method="DELETE")
    assert probed(aep, only=datasets.STEPS).outcome.left == ()
    assert aep.datasets() == before


def test_what_cannot_be_deleted_is_named_and_cleaned_later(aep: BareAep) -> None:
    before = aep.datasets()
    fault = aep.fault({"status": 503}, times=None, method="DELETE")
    found = probed(aep, only=datasets.STEPS)
    assert [one.why for one in found.outcome.left] == [
        "it is unknown whether it was deleted: the DELETE was not answered"
    ]
    aep.clear_faults(fault)
    assert cleaned(aep) == (1, [])
    assert aep.datasets() == before


def test_ctrl_c_ends_the_run_with_its_clean_up(aep: BareAep, monkeypatch: pytest.MonkeyPatch) -> None:
    before = aep.datasets()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "_ask", interrupt_after(runner._ask, 4, interrupted))
    found = probed(aep, only=STEPS)
    assert found.outcome.stopped == "the run was interrupted"
    assert found["gone-at-once"].seen == "the run was interrupted"
    assert aep.datasets() == before


def interrupt_after(real: Any, calls: int, then: Any) -> Any:
    """A function that is replaced after some calls."""
    left = iter(range(calls))
    return lambda *given: real(*given) if next(left, None) is not None else then(*given)


@pytest.mark.parametrize(
    ("name", "tags", "fields", "why"),
    [
        (f"{NAME}2026 x", {}, {}, "it does not carry the probe's mark in the tag pulumiManagedBy"),
        (
            f"{NAME}2026 x",
            {"pulumiManagedBy": ["aep/dev/x"]},
            {},
            "it does not carry the probe's mark in the tag",
        ),
        (
            f"{NAME}2026 x",
            {"pulumiManagedBy": [f"{OWNER}1", "x"]},
            {},
            "it does not carry the probe's mark in the tag",
        ),
        ("Orders", OURS, {}, "its name is not one of the probe's"),
        (f"{NAME}2026 x", OURS, {"createdClient": OTHER_CLIENT_ID}, "another credential created it"),
        (f"{NAME}2026 x", OURS, {"classification": {"managedBy": "SYSTEM"}}, "Adobe manages it"),
    ],
)
def test_clean_leaves_what_is_not_certainly_its_own(
    aep: BareAep, name: str, tags: dict[str, Any], fields: dict[str, Any], why: str
) -> None:
    aep.dataset(ID, tags, name=name, **fields)
    aep.forget()
    deleted, left = cleaned(aep)
    assert (deleted, [one.id for one in left]) == (0, [ID])
    assert left[0].why.startswith(why)
    assert aep.writes() == []


def test_clean_leaves_a_dataset_with_somebody_elses_batch(aep: BareAep) -> None:
    aep.dataset(ID, OURS, name=f"{NAME}2026 x")
    related = [{"type": "dataSet", "id": ID}]
    aep.seed(
        batches={"B1": {"status": "success", "createdClient": OTHER_CLIENT_ID, "relatedObjects": related}}
    )
    assert [one.why for one in cleaned(aep)[1]] == ["it holds batches of somebody else"]
    assert ID in aep.datasets()


def test_clean_deletes_a_dataset_with_its_own_batches_and_profiles_of_them(aep: BareAep) -> None:
    aep.dataset(ID, OURS, name=f"{NAME}2026 x")
    related = [{"type": "dataSet", "id": ID}]
    batch = {"status": "success", "relatedObjects": related}
    sub = f"B1-0123456789ABCDEF01234567-sandbox-{ID}-INGEST"
    aep.seed(
        batches={"B1": {**batch, "createdClient": "demo-client"}, sub: {**batch, "createdClient": "adobe"}}
    )
    assert cleaned(aep) == (1, [])


def test_clean_finds_more_than_a_page_holds(aep: BareAep) -> None:
    before = aep.datasets()
    for number in range(7):
        aep.dataset(f"65f1c0a2b3d4e5f60000000{number}", OURS, name=f"{NAME}2026 {number}")
    aep.switch(page_cap=2)
    assert cleaned(aep) == (7, [])
    assert aep.datasets() == before


def test_clean_finds_what_is_listed_late(aep: BareAep) -> None:
    before = aep.datasets()
    aep.switch(list_lag=2)
    body = raw_dataset(f"{NAME}2026 x", PROFILE_SCHEMA, OURS)
    url = f"{aep.url}/data/foundation/catalog/dataSets"
    requests.post(url, json=body, headers=aep.headers(), timeout=10).raise_for_status()
    assert cleaned(aep) == (1, [])
    assert aep.datasets() == before


@pytest.mark.parametrize("switch", ["tag_filter", "name_filter"])
def test_clean_finds_them_where_a_filter_is_ignored(aep: BareAep, switch: str) -> None:
    aep.dataset(ID, OURS, name=f"{NAME}2026 x")
    aep.switch(**{switch: "ignored"})
    assert cleaned(aep) == (1, [])


def test_the_owner_of_a_scratch_dataset_is_never_one_of_a_stack() -> None:
    assert "/" not in OWNER
