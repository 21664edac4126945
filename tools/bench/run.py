"""Measure what the documentation claims: each figure against a floor that runs back to back with it.

Prints a table, or JSON; with --write what was measured takes its place in the table of docs/performance.md. Never
part of the tests, since times differ from machine to machine; the tests count calls instead.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import date
from pathlib import Path

from felt import Felt
from figure import Figure
from project import emulator, pulumi
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"
GROUPS = ("preview", "window", "forty")
"""What people wait for most; the rest takes half an hour and more."""

MORE = ("unchanged", "refresh", "growth", "writes", "toggle", "fleet")


def main() -> int:
    """Run the groups; the exit code is 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="samples of each figure (default 5)")
    parser.add_argument(
        "--only", action="append", choices=(*GROUPS, *MORE), help="run this group; may be repeated"
    )
    parser.add_argument("--full", action="store_true", help="run all groups")
    parser.add_argument("--json", action="store_true", help="print a JSON array instead of a table")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    arguments = parser.parse_args()
    command = pulumi()
    progress = Console(stderr=True)
    figures: list[Figure] = []
    with emulator(0) as url, emulator(0) as bare_url:
        bench = Felt(command, url, bare_url, arguments.runs, progress.log)
        for group in arguments.only or ((*GROUPS, *MORE) if arguments.full else GROUPS):
            figures += getattr(bench, group)()
    if arguments.json:
        print(json.dumps([_line(figure) for figure in figures], indent=2, ensure_ascii=False))
    else:
        Console().print(_table(figures, arguments.runs))
    if arguments.write:
        _write(figures, arguments.runs)
    return 0 if all(figure.holds(figure.result) for figure in figures) else 1


def _line(figure: Figure) -> dict[str, str]:
    holds = figure.holds(figure.result)
    return {
        "figure": figure.name,
        "against": figure.floor,
        "result": f"{figure.result:.2f}{figure.unit}",
        "goal": figure.goal,
        "met": "yes" if holds else "no",
    }


def _machine(runs: int) -> str:
    return f"{date.today()}, medians of {runs}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _table(figures: list[Figure], runs: int) -> Table:
    table = Table(title=_machine(runs))
    lines = [_line(figure) for figure in figures]
    for column in lines[0]:
        table.add_column(column)
    for line in lines:
        table.add_row(*line.values())
    return table


def _write(figures: list[Figure], runs: int) -> None:
    """Put the figures into the page: each instead of its last result, new ones at the end."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    held, _, after = rest.partition(END)
    head, rule, *rows = held.splitlines()
    kept = {tuple(row.split(" | ")[:2]): row for row in rows}
    for figure in figures:
        row = f"| {' | '.join([*_line(figure).values(), _machine(runs)])} |"
        kept[tuple(row.split(" | ")[:2])] = row
    text = "\n".join([head, rule, *kept.values()]) + "\n"
    PAGE.write_text(f"{before}{BEGIN}{text}{END}{after}")


if __name__ == "__main__":
    sys.exit(main())
