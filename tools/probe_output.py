"""Write into docs/probe.md what `aep-provider probe --batches` prints on a terminal, against the emulator.

    python tools/probe_output.py

A test compares the page with a real run; dates, times and counts may differ.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from aep_provider.emulator import Emulator
from aep_provider.emulator.seeds import CLIENT_ID, CLIENT_SECRET, ORG_ID, PROFILE_SCHEMA

PAGE = Path(__file__).resolve().parent.parent / "docs/probe.md"
COLUMNS = 100
COMMAND = ("probe", "--no-stack", "--schema", PROFILE_SCHEMA, "--batches", "--wait", "2s", "--yes")
MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\d"), "<day>"),
    (re.compile(r"(lag|requests|trip|window) \d+(\.\d+)?"), r"\1 <number>"),
)
"""What is another one in each run."""


def on_terminal(columns: int = COLUMNS, **more: str) -> str:
    """What the command writes to a terminal.

    Args:
        columns: how wide that is.
        more: variables of the environment.
    """
    with Emulator(seed="demo", strict=True) as emulator:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("AEP_")} | {
            "AEP_ENDPOINT": emulator.url,
            "AEP_IMS_ENDPOINT": emulator.url,
            "AEP_SANDBOX": "dev",
            "AEP_ORG_ID": ORG_ID,
            "AEP_CLIENT_ID": CLIENT_ID,
            "AEP_CLIENT_SECRET": CLIENT_SECRET,
            "TERM": "xterm-256color",
        }
        for name in ("COLUMNS", "NO_COLOR"):
            environment.pop(name, None)
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        command = [str(Path(sys.executable).parent / "aep-provider"), *COMMAND]
        process = subprocess.Popen(
            command, env=environment | more, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        text = _read(ours)
        process.wait()
    return text


def printed(columns: int = COLUMNS) -> str:
    """What the command prints, without what steers the terminal."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", on_terminal(columns, NO_COLOR="1"))
    return "\n".join(line.rstrip() for line in text.splitlines())


def _read(terminal: int) -> str:
    """Everything that comes out of a terminal until the last writer is gone, which Linux makes an error."""
    text = b""
    with os.fdopen(terminal, "rb", buffering=0) as screen:
        try:
            while part := screen.read(65536):
                text += part
        except OSError:
            pass
    return text.decode()


def plain(text: str) -> str:
    """An output without what is another one in each run."""
    for mask, instead in MASKS:
        text = mask.sub(instead, text)
    return text


def on_page() -> str:
    """The output that the page shows."""
    found = re.search(r"<!-- probe -->\n\n```text\n(.*?)\n```\n\n<!-- end -->", PAGE.read_text(), re.DOTALL)
    return found[1] if found else ""


if __name__ == "__main__":
    block = f"<!-- probe -->\n\n```text\n{printed()}\n```\n\n<!-- end -->"
    PAGE.write_text(
        re.sub(r"<!-- probe -->.*?<!-- end -->", lambda _: block, PAGE.read_text(), flags=re.DOTALL)
    )
