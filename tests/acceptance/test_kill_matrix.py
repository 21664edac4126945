"""Killed at any request: the next `pulumi up` ends as if nothing had happened.

Each run holds one request of an operation in the emulator, before or after its effect, kills while it is
held, and then runs `pulumi up` once. What a kill between two requests leaves behind does not depend on where
between them it falls, so "before" each request, "after" each write and "after" the last are all boundaries.
"""

from __future__ import annotations

import json
import os
import select
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from aep_provider.emulator.seeds import PROFILE_SCHEMA

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from support.aep import Aep
    from support.project import Project

pytestmark = pytest.mark.kill

ID = "5b020a27e7040801dedbf46e"
BYSTANDER = "65f1c0a2b3d4e5f60718293a"
FOREIGN = {"acp_validationContext": ["enabled"], "a/b~c": ["x: y", "ä"], "unicode": ["☂"]}
OURS = ("unifiedProfile", "unifiedIdentity", "pulumiManagedBy", "pulumiProfileGap")
LATE = {"op": "add", "path": "/tags/written~1by~0others", "value": ["after: the kill", "☂"]}

TOKEN, ONE, MANY = "POST /ims/token/v3", "GET catalog/dataSets/{id}", "GET catalog/dataSets"
SANDBOXES, SCHEMA = "GET sandbox-management/", "GET schemaregistry/tenant/schemas/{schema}"
FLOWS = ("GET flowservice/targetConnections", "GET flowservice/flows")
BATCHES, POST, PATCH = "GET catalog/batches", "POST catalog/dataSets", "PATCH catalog/dataSets/{id}"
TOGGLE = [TOKEN, ONE, SANDBOXES, SCHEMA, *FLOWS, BATCHES, BATCHES, PATCH, PATCH, ONE, BATCHES]


@dataclass(frozen=True)
class Operation:
    """One thing that `pulumi up` does: the programs before and during it, and the requests it makes."""

    name: str
    requests: list[str]
    program: str
    profile: tuple[str, ...]
    """`unifiedProfile` at the end, without ``enabledAt``."""
    before: str = ""
    """The program that is deployed first."""
    profile_before: tuple[str, ...] = ()
    """`unifiedProfile` of the dataset that exists from the start."""

    @property
    def creates(self) -> bool:
        """Whether the dataset is new."""
        return not self.profile_before

    @property
    def is_create_for_the_engine(self) -> bool:
        """Whether Pulumi keeps it as a pending create when the command is killed."""
        return not self.before

    @property
    def writes(self) -> list[int]:
        """The numbers of the requests that change something."""
        return [n for n, request in enumerate(self.requests, 1) if request in (POST, PATCH)]


CREATE = Operation(
    "create",
    [TOKEN, SANDBOXES, SCHEMA, MANY, MANY, POST, ONE],
    f'UpsertDataset("orders", name="Orders", schema_id="{PROFILE_SCHEMA}")',
    ("enabled:true", "isUpsert:true"),
)
ADOPT = Operation(
    "adopt",
    TOGGLE,
    f'UpsertDataset("orders", dataset_id="{ID}")',
    ("enabled:true", "isUpsert:true"),
    profile_before=("enabled:true",),
)
UPDATE = Operation(
    "toggle",
    TOGGLE,
    f'UpsertDataset("orders", dataset_id="{ID}", is_upsert=False)',
    ("enabled:true",),
    before=ADOPT.program,
    profile_before=("enabled:true", "isUpsert:true"),
)


@dataclass(frozen=True)
class Boundary:
    """Before or after the effect of request number `number` of an operation."""

    operation: Operation
    moment: str
    number: int

    @property
    def landed(self) -> list[int]:
        """The numbers of the writes that had taken effect."""
        return [n for n in self.operation.writes if n < self.number + (self.moment == "after")]

    @property
    def profile_is_off(self) -> bool:
        """Whether it lies between disable and enable."""
        return not self.operation.creates and len(self.landed) == 1

    def __str__(self) -> str:
        request = self.operation.requests[self.number - 1].split("/{")[0]
        short = request.replace(" ", "_").replace("/", "_").strip("_")
        return f"{self.operation.name}-{self.moment}_{self.number:02}_{short}"


def boundaries(operation: Operation) -> Iterator[Boundary]:
    for number in range(1, len(operation.requests) + 1):
        yield Boundary(operation, "before", number)
        if number in operation.writes or number == len(operation.requests):
            yield Boundary(operation, "after", number)


def decisive(operation: Operation) -> Iterator[Boundary]:
    """The first, the last, and those around each write."""
    for boundary in boundaries(operation):
        ends = (("before", 1), ("after", len(operation.requests)))
        if boundary.number in operation.writes or (boundary.moment, boundary.number) in ends:
            yield boundary


def between_the_patches(operation: Operation) -> Iterator[Boundary]:
    return (boundary for boundary in boundaries(operation) if boundary.profile_is_off)


OPERATIONS = (CREATE, ADOPT, UPDATE)
EVERY = [boundary for operation in OPERATIONS for boundary in boundaries(operation)]
DECISIVE = [boundary for operation in OPERATIONS for boundary in decisive(operation)]
WINDOWS = [boundary for operation in (ADOPT, UPDATE) for boundary in between_the_patches(operation)]
POSTED = Boundary(CREATE, "after", 6)


class Run:
    """One operation, held at a boundary, with the command and the plugin still alive."""

    def __init__(self, project: Project, aep: Aep, boundary: Boundary, *, only: bool, **env: str) -> None:
        self.project, self.aep, self.boundary = project, aep, boundary
        self.operation = operation = boundary.operation
        aep.dataset(BYSTANDER, PROFILE_SCHEMA, {"pulumiManagedBy": ["other/dev/orders"], **FOREIGN})
        if not operation.creates:
            enabled = [*operation.profile_before, "enabledAt:2024-11-05 12:33:59"]
            tags = {"unifiedProfile": enabled, "unifiedIdentity": ["enabled:true"]}
            aep.dataset(ID, PROFILE_SCHEMA, tags | FOREIGN)
        if operation.before:
            project.program(operation.before)
            project.up()
        self.bystander = aep.datasets()[BYSTANDER]
        project.program(operation.program)
        aep.forget()
        self.fault = aep.fault(
            {"hold": boundary.moment}, nth=boundary.number, times=1 if only else None, path=""
        )
        last = len(operation.requests)
        # Where the method is to run to its end after the kill, this one tells when it has.
        self.end = (
            aep.fault({"headers": {"x-last": "1"}}, nth=last, path="") if boundary.number < last else ""
        )
        self.process: subprocess.Popen[str] = project.start("up", "--yes", "--skip-preview", **env)
        aep.hit(self.fault)
        self.prove_boundary()
        self.pids = project.plugins()
        assert len(self.pids) == 1

    def prove_boundary(self) -> None:
        """The log: every request up to the held one, that one unanswered, and the effects so far."""
        reached = self.operation.requests[: self.boundary.number]
        log = self.aep.requests()
        assert self.aep.calls()[: len(reached)] == reached
        assert [entry["status"] is None for entry in log] == [
            n >= len(reached) for n in range(1, len(log) + 1)
        ]
        assert log[len(reached) - 1]["fault"] == self.fault
        if self.operation.creates:
            assert len(self.datasets()) == len(self.boundary.landed)
        elif self.boundary.profile_is_off:
            assert self.switches() == (("enabled:false",), ["enabled:false"])
            assert self.datasets()[ID]["tags"]["pulumiProfileGap"][1] == "by:aep/dev/orders"
        else:
            operation = self.operation
            on = operation.profile if self.boundary.landed else operation.profile_before
            assert self.switches() == (on, ["enabled:true"])

    def kill_plugin(self) -> None:
        """SIGKILL the plugin; returns when it is dead."""
        for pid in self.pids:
            handle = os.pidfd_open(pid)
            os.kill(pid, signal.SIGKILL)
            assert select.select([handle], [], [], 60)[0]
            os.close(handle)
        assert self.project.plugins() == []

    def ended(self) -> str:
        """Wait for the command's failure; returns what it printed."""
        text, _ = self.process.communicate(timeout=120)
        assert self.process.returncode != 0
        return text

    def killed_here(self) -> None:
        """The log again, now that the plugin is dead: nothing was answered or sent since."""
        if self.boundary.number == len(self.aep.requests()):
            self.prove_boundary()
            return
        # Requests that were given up and repeated while the plugin had its five seconds; all were held.
        self.prove_boundary()
        assert {entry["fault"] for entry in self.aep.requests()[self.boundary.number - 1 :]} == {self.fault}

    def release(self) -> None:
        """Let the held request go on."""
        self.aep.release(self.fault)

    def finished(self) -> None:
        """Wait until the method has made its last request; nothing was skipped or sent twice."""
        if self.end:
            self.aep.hit(self.end)
        assert self.aep.calls() == self.operation.requests
        assert self.switches() == (self.operation.profile, ["enabled:true"])

    def locked(self) -> bool:
        """Whether the killed command has left its lock."""
        return any((self.project.folder.parent / "backend/.pulumi/locks").rglob("*.json"))

    def datasets(self) -> dict[str, Any]:
        """All but the bystander."""
        return {key: body for key, body in self.aep.datasets().items() if key != BYSTANDER}

    def switches(self) -> tuple[tuple[str, ...], list[str]]:
        ((_, body),) = self.datasets().items()
        tags = body["tags"]
        profile = (element for element in tags["unifiedProfile"] if not element.startswith("enabledAt"))
        return tuple(profile), tags["unifiedIdentity"]

    def foreign(self) -> str:
        """The tags that are not ours, to the byte and in their order."""
        tags = {
            key: {name: value for name, value in body["tags"].items() if name not in OURS}
            for key, body in self.datasets().items()
        }
        return json.dumps(tags)

    def recovers(self, landed: int | None = None) -> None:
        """One `pulumi up` ends the work, and the next finds nothing to do.

        Args:
            landed: how many of the operation's writes had taken effect, if more than at the boundary.
        """
        if landed is None:
            landed = len(self.boundary.landed)
        self.aep.clear_faults()
        sent = [entry["method"] for entry in self.aep.writes()]
        killed_off = bool(self.datasets()) and self.switches()[0] == ("enabled:false",)
        assert killed_off == (not self.operation.creates and landed == 1)
        for dataset_id in self.datasets():
            self.aep.someone_else("PATCH", dataset_id, [LATE])
        before = self.foreign()
        if self.locked():
            self.project.run("cancel", "--yes")
        self.aep.forget()
        self.project.up()
        writes = self.aep.writes()
        missing = len(self.operation.writes) - landed
        assert [write["method"] for write in writes] == [
            "POST" if self.operation.creates else "PATCH"
        ] * missing
        assert all(write["status"] in (200, 201) for write in writes)
        if self.operation.creates and landed:
            assert sent.count("POST") == 1
        if killed_off:
            assert writes[0]["body"][2]["value"][2].startswith("to:")
        (dataset_id,) = self.datasets()
        assert self.switches() == (self.operation.profile, ["enabled:true"])
        if before != "{}":
            assert self.foreign() == before
        assert self.aep.datasets()[BYSTANDER] == self.bystander
        self.finds_nothing_to_do(dataset_id)

    def finds_nothing_to_do(self, dataset_id: str) -> None:
        if self.process.returncode != 255 and self.pending_creates():
            self.project.refresh("--clear-pending-creates")
        self.aep.forget()
        result = self.project.up("--refresh", "--expect-no-changes")
        assert "pending operations" not in result.text
        assert self.aep.writes() == []
        (resource,) = self.project.state()
        assert resource["id"] == dataset_id

    def pending_creates(self) -> bool:
        exported = json.loads(self.project.run("stack", "export").text)
        return bool(exported["deployment"].get("pending_operations"))


def hold(project: Project, aep: Aep, boundary: Boundary, *, only: bool = True, **env: str) -> Run:
    """Start the operation and return when it is held at the boundary.

    Args:
        only: hold that request alone, not those after it.
        env: environment of the command.
    """
    return Run(project, aep, boundary, only=only, **env)


def interrupt_twice(run: Run) -> None:
    """Press Ctrl-C, and again once it was acknowledged; returns when the second one was, too."""
    output = run.process.stdout
    assert output is not None
    for _ in range(2):
        os.kill(run.process.pid, signal.SIGINT)
        assert any("^C received" in line for line in output)


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


@pytest.mark.parametrize("boundary", DECISIVE, ids=str)
def test_command_killed_and_the_orphan_ends_its_work(project: Project, aep: Aep, boundary: Boundary) -> None:
    run = hold(project, aep, boundary)
    run.process.kill()
    run.ended()
    run.prove_boundary()
    run.release()
    run.finished()
    run.kill_plugin()
    run.recovers(landed=len(run.operation.writes))


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
