"""One run of `pulumi` in view of the user, with its event log read afterwards."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aep_provider.cli import events, pulumi
from aep_provider.cli.stack import Stack

LOCKED = ("currently locked by", "Another update is currently in progress")
"""What `pulumi` says of a lock: with a bucket or a folder (seen), and Pulumi Cloud (Pulumi's documentation)."""

UNREACHABLE = ("dial tcp", "connection refused", "i/o timeout", "no such host", "TLS handshake timeout")
"""What `pulumi`, a Go program, says of a backend that it cannot reach (seen, and Go's net package)."""

_HOLDER = re.compile(r"created by (?P<by>.+ \(pid \d+\)) at (?P<since>\S+)")
_PASSED_ON = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Lock:
    """Who holds the stack.

    Attributes:
        by: user, host and process, as the lock says; ``""`` where it does not.
        since: when it was taken, or ``""``.
    """

    by: str
    since: str


@dataclass(frozen=True)
class Ran:
    """What came of one run.

    Attributes:
        code: the exit code of `pulumi`.
        log: its events.
        complaint: its standard error.
        stopped: whether this process was told to stop meanwhile.
    """

    code: int
    log: events.Log
    complaint: str
    stopped: bool = False

    @property
    def lock(self) -> Lock | None:
        """Whose lock kept the run from beginning, if one did."""
        if self.log.begun or not any(text in self.complaint for text in LOCKED):
            return None
        held = _HOLDER.search(self.complaint)
        return Lock(held["by"], held["since"]) if held else Lock("", "")

    @property
    def unreachable(self) -> bool:
        """Whether the backend could not be reached, so that the run did not begin."""
        return bool(self.code) and not self.log.begun and any(text in self.complaint for text in UNREACHABLE)


def run(stack: Stack, arguments: Sequence[str]) -> Ran:
    """Run `pulumi` on a stack, with standard output as it is.

    Args:
        stack: the stack.
        arguments: the subcommand and its flags.

    Raises:
        PulumiFailed: there is no `pulumi`.
    """
    with tempfile.TemporaryDirectory(prefix="aep-run-") as folder:
        # Only the owner can read the folder: the log holds what the state holds.
        file = Path(folder) / "events"
        command = [
            pulumi.found(),
            *map(pulumi.in_utf8, arguments),
            "--non-interactive",
            "--stack",
            stack.name,
            "--cwd",
            stack.folder,
            "--event-log",
            file,
        ]
        # A group of its own: a signal to ours reaches it once, from here. A second one would break off a window.
        process = subprocess.Popen(  # noqa: S603
            command,
            env=pulumi.environment() | {"PULUMI_DEBUG_COMMANDS": "true"},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        with _signals_to(process) as stopped:
            complaint = _passed_through(process)
            code = process.wait()
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else []
        return Ran(code, events.read(lines), complaint, stopped.is_set())


def _passed_through(process: subprocess.Popen[str]) -> str:
    source: IO[str] | None = process.stderr
    said = []
    for line in source or ():
        said.append(line)
        sys.stderr.write(line)
        sys.stderr.flush()
    return "".join(said)


@contextlib.contextmanager
def _signals_to(process: subprocess.Popen[str]) -> Iterator[threading.Event]:
    """Pass on what tells this process to stop: `pulumi` then ends what is under way, and stores it."""
    stopped = threading.Event()

    def pass_on(number: int, _frame: object) -> None:
        stopped.set()
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in _PASSED_ON}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
