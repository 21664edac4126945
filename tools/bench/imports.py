"""Measure what the documentation claims, against a bare provider in the same run.

Prints medians; never part of the tests, since times differ from machine to machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

from rich.console import Console
from rich.table import Table

RUNS = 9
FIGURES = {
    "start of the plugin's imports, bare": "import pulumi.dynamic",
    "the same with aep_provider": "import pulumi.dynamic, aep_provider.plugin.provider",
    "the same and the first request due": "import aep_provider.plugin.provider, aep_provider.aep",
}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print a JSON object instead of a table")
    arguments = parser.parse_args()
    samples: dict[str, list[float]] = {name: [] for name in FIGURES}
    for _ in range(RUNS):
        # Interleaved, so that a busy moment of the machine meets all of them.
        for name, code in FIGURES.items():
            samples[name].append(_milliseconds(code))
    medians = {name: statistics.median(values) for name, values in samples.items()}
    if arguments.json:
        print(json.dumps(medians, indent=2))
        return
    bare = next(iter(medians.values()))
    table = Table(title=f"Medians of {RUNS}, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    for column in ("figure", "ms", "against bare", "more, ms"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for name, value in medians.items():
        table.add_row(name, f"{value:.0f}", f"{value / bare:.2f}", f"{value - bare:.0f}")
    Console().print(table)


def _milliseconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    main()
