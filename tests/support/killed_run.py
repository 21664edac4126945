"""One operation of the real command, held at a boundary, killed there, and ended by the next `pulumi up`."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.kills import ID, Boundary
from support.project import Project

BYSTANDER = "65f1c0a2b3d4e5f60718293a"
FOREIGN = {"acp_validationContext": ["enabled"], "a/b~c": ["x: y", "ä"], "unicode": ["☂"]}
OURS = ("unifiedProfile", "unifiedIdentity", "pulumiManagedBy", "pulumiClaim", "pulumiProfileGap")
MISSED = "01HMISSED"
LATE = {"op": "add", "path": "/tags/written~1by~0others", "value": ["after: the kill", "☂"]}


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
        # Where it is to stop before it writes, this one tells when all else is done.
        asked = operation.writes[0] - 1
        self.asked = (
            aep.fault({"headers": {"x-asked": "1"}}, nth=asked, path="") if boundary.number < asked else ""
        )
        self.since = ""
        """Since when Profile was off while a batch ended that nobody has reported."""
        self.process: subprocess.Popen[str] = project.start("up", "--yes", "--skip-preview", **env)
        aep.hit(self.fault)
        self.prove_boundary()
        self.pids = project.plugins()
        assert len(self.pids) == 1
        self.misses_a_batch()

    def prove_boundary(self) -> None:
        """The log: every request up to the held one, that one unanswered, and the effects so far."""
        number, beside = self.boundary.number, self.operation.beside
        log, calls = self.aep.requests(), self.aep.calls()
        held = [self.operation.requests[n - 1] for n in (beside if number in beside else (number,))]
        assert sorted(calls[: number - 1]) == sorted(self.operation.requests[: number - 1])
        assert calls[number - 1] in held
        unanswered = [entry["status"] is None for entry in log]
        assert unanswered[:number] == [n == number for n in range(1, number + 1)]
        # What was given up and sent again is held as well; what only reads, beside the held one, may have its answer.
        assert number in beside or all(unanswered[number:])
        assert log[number - 1]["fault"] == self.fault
        if self.operation.creates:
            assert len(self.datasets()) == len(self.boundary.landed)
        elif self.boundary.profile_is_off:
            assert self.switches() == (("enabled:false",), ["enabled:false"])
            assert self.datasets()[ID]["tags"]["pulumiProfileGap"][1] == "by:aep/dev/orders"
        else:
            operation = self.operation
            on = operation.profile if self.boundary.landed else operation.profile_before
            assert self.switches() == (on, ["enabled:true"])

    def misses_a_batch(self) -> None:
        """A batch ends while Profile is off, if it is or was."""
        notes = [body["tags"].get("pulumiProfileGap") for body in self.datasets().values()]
        if self.since or not any(notes):
            return
        (note,) = notes
        self.since = note[0].removeprefix("from:")
        # What ends after the enable was sent, and before it takes effect, is suspect only.
        ended = round(datetime.fromisoformat(self.since.replace("Z", "+00:00")).timestamp() * 1000)
        body = {
            "status": "success",
            "created": ended - 1000,
            "completed": ended,
            "relatedObjects": [{"type": "dataSet", "id": ID}],
        }
        self.aep.seed(batches={MISSED: body})

    def interrupt(self, number: int) -> None:
        """Send the command a signal that it acknowledges; returns when it has."""
        output = self.process.stdout
        assert output is not None
        os.kill(self.process.pid, number)
        said = "^C received" if number == signal.SIGINT else "terminating immediately"
        assert any(said in line for line in output)

    def signal_command(self, number: int) -> str:
        """Send the command a signal that ends it; returns what it printed."""
        os.kill(self.process.pid, number)
        return self.ended()

    def signal_everything(self, number: int) -> None:
        """Send the command, the processes of its group and the plugin a signal that ends them."""
        handles = [os.pidfd_open(pid) for pid in self.pids]
        os.killpg(self.process.pid, number)
        for pid in self.pids:
            os.kill(pid, number)
        for handle in handles:
            assert select.select([handle], [], [], 60)[0]
            os.close(handle)

    def deserted(self) -> None:
        """Wait until the plugin has lost its connection to the engine."""
        deadline = time.monotonic() + 60
        while any(_is_called(pid) for pid in self.pids):
            assert time.monotonic() < deadline
            os.sched_yield()

    def stops(self) -> None:
        """Wait until the plugin has asked all that it asks before it writes: it does not write."""
        if self.asked:
            self.aep.hit(self.asked)
        method = "POST" if self.operation.creates else "PATCH"
        write = self.aep.fault({"hold": "before"}, method=method, path="catalog/dataSets")
        assert not self.aep.wait_for_hit(write, 1)
        assert sorted(self.aep.calls()) == sorted(self.operation.requests[: self.operation.writes[0] - 1])
        assert self.aep.writes() == []

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
        if self.boundary.number in self.operation.beside:
            # What was sent beside the held one may have been answered: it only reads.
            assert self.aep.writes() == []
            return
        assert {entry["fault"] for entry in self.aep.requests()[self.boundary.number - 1 :]} == {self.fault}

    def release(self) -> None:
        """Let the held request go on."""
        self.aep.release(self.fault)

    def finished(self) -> None:
        """Wait until the method has made its last request; nothing was skipped or sent twice."""
        if self.end:
            self.aep.hit(self.end)
        assert sorted(self.aep.calls()) == sorted(self.operation.requests)
        assert (
            self.aep.calls()[self.operation.beside.stop - 1 :]
            == self.operation.requests[self.operation.beside.stop - 1 :]
        )
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
        self.misses_a_batch()
        self.aep.forget()
        refreshed = self.operation.before and self.boundary.number % 2 == 0 and self.refreshes(landed)
        text = self.project.up().text
        writes = self.aep.writes()
        assert [write["method"] for write in writes] == self.missing(landed)
        assert all(write["status"] in (200, 201) for write in writes)
        if self.operation.creates and landed:
            assert sent.count("POST") == 1
        if killed_off:
            assert writes[0]["body"][2]["value"][3].startswith("to:")
        if self.since and not refreshed:
            self.reports(text)
        (dataset_id,) = self.datasets()
        assert self.switches() == (self.operation.profile, ["enabled:true"])
        if before != "{}":
            assert self.foreign() == before
        assert self.aep.datasets()[BYSTANDER] == self.bystander
        self.finds_nothing_to_do(dataset_id)

    def missing(self, landed: int) -> list[str]:
        """The writes of the next run; a take-over writes a claim of its own."""
        if self.operation.creates:
            return ["PATCH"] if landed else ["POST"]
        return ["PATCH"] * (len(self.operation.writes) - landed)

    def reports(self, text: str) -> None:
        """A run says since when Profile was off, and which batch it has missed."""
        assert f"Profile was off from {self.since} to " in text, text
        assert f"ingest again: {MISSED}" in text, text

    def refreshes(self, landed: int) -> bool:
        """`pulumi refresh` before the next `up`; whether it reports the window, which it does unless that is open."""
        text = self.project.refresh().text
        if landed == 1:
            assert (
                f"Profile is OFF for dataset 'dataset 5b02' ({ID}) in sandbox dev since {self.since}" in text
            )
        elif landed:
            self.reports(text)
        return landed > 1

    def finds_nothing_to_do(self, dataset_id: str) -> None:
        """The state has all there is to know, and no run says it again."""
        if self.process.returncode != 255 and self.pending_creates():
            self.project.refresh("--clear-pending-creates")
        self.aep.forget()
        result = self.project.up("--refresh", "--expect-no-changes")
        assert "pending operations" not in result.text
        assert MISSED not in result.text
        assert self.aep.writes() == []
        (resource,) = self.project.state()
        assert resource["id"] == dataset_id
        if self.since:
            gap = resource["outputs"]["profile_gap"]
            assert (gap["from"], gap["replay"]) == (self.since, [MISSED])

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


def _is_called(pid: int) -> bool:
    """Whether somebody holds a connection to the port on which a process listens."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(os.readlink(entry).removeprefix("socket:[").rstrip("]"))
    rows = [
        row.split()
        for table in ("tcp", "tcp6")
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    ours = [(row[1].rpartition(":")[2], row[3]) for row in rows if row[9] in inodes]
    ports = {port for port, state in ours if state == LISTENS}
    return any(port in ports for port, state in ours if state != LISTENS)


LISTENS = "0A"
"""How /proc/net/tcp says that a socket waits for connections."""
