"""What the sources tell the user, and how they run commands that may fail, hang or be interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

SECONDS_BETWEEN_SIGNS_OF_LIFE = 30
LINES_OF_A_FAILURE = 15


class UnavailableError(Exception):
    """A source has no Pulumi command to offer; the text says why."""


def say(text: str) -> None:
    """Tell the user what is going on; standard output is for the answer alone."""
    print(f"get_pulumi: {text}", file=sys.stderr, flush=True)


def run(
    command: Sequence[str | Path],
    *,
    limit: float,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a command to its end and return its output; failing, or taking over `limit` seconds, is an error.

    It gets a session of its own, so that whatever it started ends with it.
    """
    began = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as log, tempfile.TemporaryFile("w+") as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                start_new_session=True,
            )
        except OSError as error:
            raise UnavailableError(str(error)) from error
        try:
            code = _wait(process, began, limit)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        output.seek(0)
        printed = output.read()
        if code != 0:
            log.seek(0)
            tail = (printed + log.read()).strip().splitlines()[-LINES_OF_A_FAILURE:]
            raise UnavailableError("\n    ".join([f"`{command[0]} {command[1]} ...` failed:", *tail]))
        return printed


def _wait(process: subprocess.Popen[bytes], began: float, limit: float) -> int:
    while True:
        left = began + limit - time.monotonic()
        try:
            return process.wait(max(0, min(left, SECONDS_BETWEEN_SIGNS_OF_LIFE)))
        except subprocess.TimeoutExpired:
            passed = time.monotonic() - began
            if passed >= limit:
                raise UnavailableError(f"no end after {limit:.0f} seconds") from None
            say(f"... still at it after {passed:.0f} s")
