"""Killed at any request: the next `pulumi up` ends as if nothing had happened, and no window goes unreported.

Each run holds one request of an operation in the emulator, before or after its effect, kills while it is
held, and then runs `pulumi up` once. Where Profile was off by then, a batch ended while it was.
"""

from __future__ import annotations

import signal

import pytest

from support.aep import Aep
from support.killed_run import hold, interrupt_twice
from support.kills import (
    CREATE,
    POSTED,
    WINDOWS,
    Boundary,
    around_the_writes,
    boundaries,
    decisive,
    taking_turns,
)
from support.project import Project

pytestmark = pytest.mark.kill

EVERY = [*boundaries(CREATE), *taking_turns(boundaries)]
DECISIVE = [*decisive(CREATE), *taking_turns(decisive)]
WRITES = list(around_the_writes(CREATE))
ORPHANS = [
    *((signal.SIGKILL, boundary) for boundary in [*WRITES[::2], *taking_turns(around_the_writes)]),
    *((signal.SIGHUP, boundary) for boundary in [*WRITES[1::2], *taking_turns(around_the_writes, 1)]),
]


@pytest.mark.parametrize("boundary", EVERY, ids=str)
def test_plugin_killed(project: Project, aep: Aep, boundary: Boundary) -> None:
    run = hold(project, aep, boundary)
    run.kill_plugin()
    run.ended()
    run.killed_here()
    assert not run.locked()
    run.recovers()


@pytest.mark.parametrize("boundary", DECISIVE, ids=str)
def test_command_and_plugin_killed(project: Project, aep: Aep, boundary: Boundary) -> None:
    run = hold(project, aep, boundary)
    run.process.kill()
    run.kill_plugin()
    run.ended()
    run.killed_here()
    assert run.locked()
    run.recovers()


@pytest.mark.parametrize(("number", "boundary"), ORPHANS, ids=str)
def test_orphan_writes_nothing_new_and_ends_what_it_began(
    project: Project, aep: Aep, number: signal.Signals, boundary: Boundary
) -> None:
    run = hold(project, aep, boundary)
    run.signal_command(number)
    run.deserted()
    run.prove_boundary()
    run.release()
    if boundary.is_before_the_writes:
        run.stops()
    else:
        run.finished()
    run.kill_plugin()
    run.recovers(landed=0 if boundary.is_before_the_writes else len(run.operation.writes))


@pytest.mark.parametrize("boundary", [POSTED, *taking_turns(around_the_writes)], ids=str)
def test_command_and_plugin_terminated(project: Project, aep: Aep, boundary: Boundary) -> None:
    run = hold(project, aep, boundary)
    run.signal_everything(signal.SIGTERM)
    run.ended()
    run.killed_here()
    run.recovers()


def test_command_without_checkpoints_killed_after_its_post(project: Project, aep: Aep) -> None:
    run = hold(project, aep, POSTED, PULUMI_SKIP_CHECKPOINTS="true", PULUMI_EXPERIMENTAL="true")
    run.process.kill()
    run.kill_plugin()
    run.ended()
    run.killed_here()
    assert not run.pending_creates()
    run.recovers()


@pytest.mark.parametrize("boundary", [*WINDOWS, POSTED], ids=str)
def test_second_ctrl_c_while_nothing_is_answered(project: Project, aep: Aep, boundary: Boundary) -> None:
    run = hold(project, aep, boundary, only=False)
    interrupt_twice(run)
    run.ended()
    assert project.plugins() == []
    run.killed_here()
    run.recovers()


@pytest.mark.parametrize("boundary", [*WINDOWS, POSTED], ids=str)
def test_work_is_ended_after_the_second_ctrl_c(project: Project, aep: Aep, boundary: Boundary) -> None:
    run = hold(project, aep, boundary)
    interrupt_twice(run)
    run.prove_boundary()
    run.release()
    run.ended()
    assert project.plugins() == []
    run.finished()
    run.recovers(landed=len(run.operation.writes))
