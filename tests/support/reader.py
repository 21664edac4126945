"""Someone who does what a remedy says: reads it from the real output, and carries out the commands it names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from support.project import TIMEOUT, Project
from support.remedies import inventory

BESIDE = Path(sys.executable).parent
"""Where `aep-provider` is."""


class Reader:
    """A user at a shell, in the folder of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.environment = project.environment
        self.environment |= {"PULUMI_OPTION_YES": "true", "PULUMI_RUN_PROGRAM": "true", "COLUMNS": "200"}
        self.environment["PATH"] += f"{os.pathsep}{BESIDE}"

    def run(self, line: str, expect: int | None = 0) -> str:
        """Run a command line; returns what it printed."""
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.project.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert expect is None or done.returncode == expect, done.stdout
        return done.stdout

    def told(self, line: str, remedy: str) -> str:
        """Run a command that fails, or finds a problem, and return the remedy that it prints.

        Args:
            line: the command line.
            remedy: a part of the remedy, as the code has it.
        """
        done = self.run(line, expect=None)
        return printed(remedy, done)

    def follow(self, told: str, *values: str, first: int = 0, count: int = 9, **instead: str) -> str:
        """Carry out the commands that a remedy names, from the first-th on.

        Args:
            told: the remedy, as printed.
            values: what stands instead of dots, one for each.
            first: which command of the remedy is the first to carry out.
            count: how many.
            instead: what stands instead of a word, such as ``urn`` for ``<urn>``.
        """
        said, given = "", list(values)
        chosen = commands(told)[first : first + count]
        assert chosen, told
        for command in chosen:
            line = re.sub("…", lambda _: given.pop(0), command)
            for word, value in instead.items():
                line = line.replace(f"<{word}>", f"'{value}'")
            said += self.run(line)
        return said


def commands(remedy: str) -> list[str]:
    """The commands in a remedy: what stands in backticks and begins with the name of a program."""
    return re.findall(r"`((?:pulumi|aep-provider|make) [^`]*)`", remedy)


def printed(remedy: str, output: str) -> str:
    """The remedy as it was printed; fails where it was not.

    Args:
        remedy: a part of it, as the code has it.
        output: of a command.
    """
    whole = [text for text in inventory() if remedy == text]
    (template,) = whole or [text for text in inventory() if remedy in text]
    filled = re.escape(_plain(template)).replace("…", "(.*?)")
    found = re.search(f"{filled}\\S*", _plain(output))
    assert found, f"{template!r} is not in:\n{output}"
    return found[0]


def _plain(text: str) -> str:
    """Without colours, and with one space where the output has a line break or indents."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return re.sub(r"\s+", " ", re.sub(r"\.(?=\s|$)", "", text)).strip()
