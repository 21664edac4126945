"""A whole run without batches, against the emulator as it is by default."""

from __future__ import annotations

import re

from aep_provider.probe.beliefs import BELIEFS
from aep_provider.probe.steps import steps
from support.aep import BareAep
from support.probed import probed

NOT_LIKE_AEP = {"token-claims"}
"""Beliefs that the emulator does not share: its tokens are random text."""


def test_everything_that_needs_no_batch_is_asked_and_agrees(aep: BareAep) -> None:
    found = probed(aep)
    with_batches = {
        belief for step in steps(batches=True)[len(steps(batches=False)) :] for belief in step.beliefs
    }
    asked = {one.id for one in BELIEFS if one.probed} - with_batches
    verdicts = {one.belief: one.verdict for one in found.outcome.answers}
    assert list(verdicts) == [one.id for one in BELIEFS]
    assert {belief for belief in asked if verdicts[belief] == "not asked"} == set()
    assert found.differs == NOT_LIKE_AEP


def test_nothing_is_left_and_nobody_elses_dataset_was_written_to(aep: BareAep) -> None:
    before = aep.datasets()
    found = probed(aep)
    assert found.outcome.left == ()
    assert aep.datasets() == before
    assert not [one for one in aep.writes() if any(dataset in one["path"] for dataset in before)]


def test_a_line_is_said_for_each_step(aep: BareAep) -> None:
    every = steps(batches=False)
    said = probed(aep).said
    assert said[: len(every)] == [f"[{n}/{len(every)}] {step.title}" for n, step in enumerate(every, 1)]


def test_a_run_takes_no_more_requests_than_it_says(aep: BareAep) -> None:
    found = probed(aep)
    assert found.outcome.requests < 160
    assert sum(found.clock.waits) < 5


def test_what_is_seen_names_no_id_name_or_organisation(aep: BareAep) -> None:
    seen = " ".join(one.seen for one in probed(aep).outcome.answers)
    for pattern in (
        r"[0-9a-f]{24}",
        "AdobeOrg",
        "demo-client",
        "demo-secret",
        "acmeinc",
        "aep-provider probe 20",
        "eyJ",
    ):
        assert not re.search(pattern, seen), pattern


def test_figures_are_measured(aep: BareAep) -> None:
    assert probed(aep).outcome.figures.keys() >= {"round_trip_ms", "window_ms", "read_lag_seconds"}


def test_each_belief_is_told_once_and_asked_by_one_step() -> None:
    ids = [one.id for one in BELIEFS]
    assert len(set(ids)) == len(ids) >= 40
    asked = [belief for step in steps(batches=True) for belief in step.beliefs]
    assert sorted(asked) == sorted(one.id for one in BELIEFS if one.probed)


def test_each_belief_is_whole() -> None:
    for belief in BELIEFS:
        said = (belief.statement, belief.source, belief.rests, belief.if_false, belief.how)
        assert all(said), belief.id
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", belief.id)
        assert belief.statement.endswith("."), belief.id
