"""What a page of the documentation shows: its commands, its files and what it says is printed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(text: str) -> Iterator[tuple[str, str, str]]:
    """The language of each block of a page, what is in it, and the paragraph before it."""
    for found in BLOCK.finditer(text):
        before = text[: found.start()].rstrip().rpartition("\n\n")[2]
        yield found[2], re.sub(f"^{found[1]}", "", found[3], flags=re.MULTILINE), before


def commands(block: str) -> Iterator[str]:
    """The commands of a console block, with the lines on which they go on."""
    command = ""
    for line in block.splitlines():
        if command or line.lstrip().startswith("$ "):
            command += line.strip().removeprefix("$ ") if not command else f"\n{line}"
            if not _goes_on(command):
                yield command
                command = ""


def outputs(block: str) -> str:
    """What a console block shows below its commands."""
    rest = block
    for command in commands(block):
        rest = rest.replace(f"$ {command}", "", 1)
    return rest.strip("\n")


def _goes_on(command: str) -> bool:
    """Whether a line ends in a backslash, or within quotes."""
    try:
        shlex.split(command)
    except ValueError:
        return True
    return command.endswith("\\")


def not_printed(shown: str, printed: str) -> list[str]:
    """The lines of a documented output that a command did not print, in their order.

    Ids, times, durations, ports and the width of columns may differ; lines may be left out and wrapped, and dots
    stand for what is left out of one.

    Args:
        shown: the output in the documentation.
        printed: what came of the command.
    """
    rest, missing = _plain(printed), []
    for line in shown.splitlines():
        for part in filter(str.strip, line.split("…")):
            plain = _plain(part).strip()
            found = rest.find(plain)
            if found < 0:
                missing.append(line)
                break
            rest = rest[found + len(plain) :]
    return missing


def _plain(text: str) -> str:
    for pattern, instead in (
        (r"\x1b\[[0-9;?]*[a-zA-Z]", ""),
        (r"\b[0-9a-f]{24}\b", "<id>"),
        (r"\b[0-9a-f]{16}\b", "<claim>"),
        (r"\(\d+ of 600 s\)", "<waited>"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
        (r"\(\d+(\.\d+)?s\)", "<took>"),
        (r"\b(about|takes) \d+\.\d\d s", r"\1 <took>"),
        (r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d\d-\d\d\b", "<day>"),
        (r"\(\d\d:\d\d UTC\)", "<in UTC>"),
        (r"127\.0\.0\.1:\d+", "<address>"),
        (r"─+", "─"),
        (r"\s+", " "),
    ):
        text = re.sub(pattern, instead, text)
    return text
