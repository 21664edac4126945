"""Measure the commands that read a whole sandbox: how deep their requests wait for each other, when they first print,
and how their time grows with the sandbox.

Paging needs one request for each hundred datasets, one more to see the end, and a token before. The goals: at most
1.2 times as deep, something printed within a second, and at most 4.4 times as long for four times as many datasets.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from chain import calls, longest
from project import COMMAND, Project, emulator, existing, pulumi, slow
from rich.console import Console
from rich.table import Table

from aep_provider.emulator import Control

ROOT = Path(__file__).resolve().parents[2]
PAGE = 100
"""Datasets that AEP lists in one request."""

COMMANDS = ("discover", "status", "gaps", "doctor")
SIZES = (500, 2000)


@dataclass(frozen=True)
class Run:
    """What one run of a command took.

    Attributes:
        command: its name.
        datasets: how many the sandbox and the stack hold.
        requests: how many were sent.
        deep: the longest chain of them.
        needed: how long it has to be for the token and the pages.
        first, took: seconds until it printed anything, and in all.
    """

    command: str
    datasets: int
    requests: int
    deep: int
    needed: int
    first: float
    took: float


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print a JSON array instead of a table")
    parser.add_argument("--delay", type=int, default=100, help="milliseconds a call (default 100)")
    arguments = parser.parse_args()
    command = pulumi()
    runs: list[Run] = []
    for size in SIZES:
        with emulator(0) as url:
            project = Project(command, url, bare=False, PULUMI_SKIP_CHECKPOINTS="true")
            project.declare(existing(url, size, upsert=True))
            project.up("--parallel", "64")
            with slow(url, arguments.delay):
                runs += [_run(project, command, size) for command in COMMANDS]
            project.remove()
    if arguments.json:
        print(json.dumps([asdict(run) for run in runs], indent=2))
        return
    table = Table(title=f"{arguments.delay} ms a call, {os.cpu_count()} cores")
    for column in ("command", "datasets", "requests", "deep", "needed", "first line", "took", "growth"):
        table.add_column(column, justify="left" if column == "command" else "right")
    small = {run.command: run.took for run in runs if run.datasets == min(SIZES)}
    for run in runs:
        growth = "" if run.datasets == min(SIZES) else f"{run.took / small[run.command]:.1f}×"
        counts = (run.datasets, run.requests, run.deep, run.needed)
        table.add_row(run.command, *map(str, counts), f"{run.first:.2f} s", f"{run.took:.2f} s", growth)
    Console().print(table)


def _run(project: Project, command: str, size: int) -> Run:
    aep = Control(project.url)
    aep.clear_requests()
    start = time.perf_counter()
    with subprocess.Popen(
        [COMMAND, command, "-C", str(project.folder), "--stack", "dev"],
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
    ) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        first = time.perf_counter() - start
        rest = process.stdout.read()
    took = time.perf_counter() - start
    if process.returncode not in (0, 1):
        sys.exit(rest.decode())
    log = aep.requests()
    needed = 1 + size // PAGE + 1
    return Run(command, size, len(log), len(longest(calls(log))), needed, first, took)


if __name__ == "__main__":
    main()
