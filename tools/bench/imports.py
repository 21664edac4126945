"""Measure what is imported before anything is asked, against a bare provider's program and plugin.

By ``python -X importtime``; of each module the least of several runs counts, since a busy machine only ever adds.
Never part of the tests, since times differ from machine to machine; the tests count modules instead.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

RUNS = 7
BARE = "import pulumi.dynamic"
PROGRAM = "from aep_provider import UpsertDataset, declare"
PLUGIN = "import aep_provider.plugin.provider"
ASKED = f"{PLUGIN}, aep_provider.aep, aep_provider.aep.shared"
"""What the first request of a plugin imports as well, the HTTP library with it."""


class Cost(NamedTuple):
    """What imports take: milliseconds, and how many modules."""

    ms: float
    modules: int


@dataclass(frozen=True)
class Figure:
    """One line: what imports beyond a bare provider's, and at most how many milliseconds it should take."""

    name: str
    imports: tuple[str, ...]
    goal: int | None = None


FIGURES = (
    Figure("program", (PROGRAM,)),
    Figure("plugin", (PLUGIN,)),
    Figure("both, where nothing changes", (PROGRAM, PLUGIN), 60),
    Figure("both, where AEP is asked", (PROGRAM, ASKED), 110),
)


def parsed(report: Iterable[str]) -> dict[str, int]:
    """The microseconds that each module takes by itself, from what ``-X importtime`` writes."""
    found = {}
    for line in report:
        own, _, rest = line.removeprefix("import time:").partition("|")
        if line.startswith("import time:") and own.strip().isdecimal():
            found[rest.partition("|")[2].strip()] = int(own)
    return found


def least(runs: Iterable[dict[str, int]]) -> dict[str, int]:
    """Of each module the least that it took in any run."""
    found: dict[str, int] = {}
    for run in runs:
        for module, took in run.items():
            found[module] = min(took, found.get(module, took))
    return found


def beyond(bare: dict[str, int], whole: dict[str, int]) -> Cost:
    """What is imported beyond what a bare provider imports."""
    new = [took for name, took in whole.items() if name not in bare]
    return Cost(sum(new) / 1000, len(new))


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print a JSON object instead of a table")
    arguments = parser.parse_args()
    codes = (PROGRAM, PLUGIN, ASKED)
    bare = _imported(BARE)
    costs = {code: beyond(bare, least(_imported(f"{BARE}; {code}") for _ in range(RUNS))) for code in codes}
    lines = []
    for figure in FIGURES:
        ms = sum(costs[code].ms for code in figure.imports)
        modules = sum(costs[code].modules for code in figure.imports)
        goal, met = (
            ("", "") if figure.goal is None else (f"≤ {figure.goal}", "yes" if ms <= figure.goal else "no")
        )
        lines.append({"beyond a bare provider": figure.name, "ms": f"{ms:.0f}", "modules": str(modules)})
        lines[-1] |= {"goal, ms": goal, "met": met}
    if arguments.json:
        print(json.dumps(lines, indent=2, ensure_ascii=False))
        return
    title = f"Imports, the least of {RUNS}, {os.cpu_count()} cores, Python {sys.version.split()[0]}"
    table = Table(title=f"{title}; a bare one imports {len(bare)} modules")
    for column in lines[0]:
        table.add_column(column, justify="left" if column == "beyond a bare provider" else "right")
    for line in lines:
        table.add_row(*line.values())
    Console().print(table)


def _imported(code: str) -> dict[str, int]:
    # As where it is installed: compiled once.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return parsed(done.stderr.splitlines())


if __name__ == "__main__":
    main()
