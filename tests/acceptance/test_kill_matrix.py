"""Killed at any request: the next `pulumi up` ends as if nothing had happened, and no window goes unreported.

Each run holds one request of an operation in the emulator, before or after its effect, kills while it is
held, and then runs `pulumi up` once. Where Profile was off by then, a batch ended while it was.
"""

from __future__ import annotations

import os
import signal
import time

import pytest

from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.killed_run import hold
from support.kills import (
    CREATE,
    ID,
    POSTED,
    UPDATE,
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


@pytest.mark.parametrize("boundary", [POSTED, *taking_turns(around_the_writes, 1)[:-1]], ids=str)
def test_terminated_command_waits_and_records(project: Project, aep: Aep, boundary: Boundary) -> None:
    run = hold(project, aep, boundary)
    run.interrupt(signal.SIGTERM)
    run.prove_boundary()
    run.release()
    text = run.ended()
    run.finished()
    assert project.plugins() == []
    assert not run.locked()
    if run.since:
        run.reports(text)
    (dataset_id,) = run.datasets()
    run.finds_nothing_to_do(dataset_id)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL], ids=str)
def test_orphan_of_a_wait_never_toggles_what_was_reverted(
    project: Project, aep: Aep, number: signal.Signals
) -> None:
    aep.dataset(
        ID, PROFILE_SCHEMA, {"unifiedProfile": [*UPDATE.profile_before], "unifiedIdentity": ["enabled:true"]}
    )
    project.program(UPDATE.before)
    project.up()
    created = int(time.time() * 1000) - 60_000
    body = {"status": "loading", "created": created, "relatedObjects": [{"type": "dataSet", "id": ID}]}
    aep.seed(batches={"01HBATCH": body})
    project.program(UPDATE.program)
    process = project.start("up", "--yes", "--skip-preview")
    assert process.stdout is not None
    assert any("a second Ctrl-C is safe" in line for line in process.stdout)
    os.kill(process.pid, number)
    process.communicate(timeout=60)
    write = aep.fault({"hold": "before"}, method="PATCH", path="catalog/dataSets")
    aep.batch("01HBATCH", status="success")
    project.program(UPDATE.before)
    project.run("cancel", "--yes")
    project.up("--expect-no-changes")
    # Two seconds after its first look, the plugin would have looked again.
    assert not aep.wait_for_hit(write, 3)
    project.up("--refresh", "--expect-no-changes")
    assert aep.writes() == []
    assert tuple(aep.datasets()[ID]["tags"]["unifiedProfile"]) == UPDATE.profile_before
    assert project.outputs()["is_upsert"] is True


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
    run.interrupt(signal.SIGINT)
    run.interrupt(signal.SIGINT)
    run.ended()
    assert project.plugins() == []
    run.killed_here()
    run.recovers()


@pytest.mark.parametrize("boundary", [*WINDOWS, POSTED], ids=str)
def test_work_is_ended_after_the_second_ctrl_c(project: Project, aep: Aep, boundary: Boundary) -> None:
    run = hold(project, aep, boundary)
    run.interrupt(signal.SIGINT)
    run.interrupt(signal.SIGINT)
    run.prove_boundary()
    run.release()
    run.ended()
    assert project.plugins() == []
    run.finished()
    run.recovers(landed=len(run.operation.writes))
