"""How many requests of an operation wait for each other: what a slow network multiplies, however many run at once.

Read from the emulator's log: a request waits for another one if it arrives after that one was answered. Prints the
longest chain of each operation beside that of the bare provider, which asks for no token.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from project import Project, emulator, existing, new, pulumi, slow
from rich.console import Console
from rich.table import Table

from aep_provider.emulator import Control
from aep_provider.emulator.client import LoggedRequest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- chains: begin -->\n", "<!-- chains: end -->\n"
LATENCY = 400
"""Milliseconds; far more than one process needs to send what it sends side by side."""

AT_ONCE = "64"
"""Calls at once: more than there are datasets, so that what waits waits for an answer and not for its turn."""

UP, PREVIEW, REFRESH = ("up", "--yes", "--skip-preview"), ("preview",), ("refresh", "--yes", "--skip-preview")


@dataclass(frozen=True)
class Call:
    """One request: its route, the process that sent it, when it arrived and when it was answered."""

    route: str
    process: int
    start: float
    end: float


def calls(log: Iterable[LoggedRequest]) -> Iterator[Call]:
    """The answered requests of a log. A process asks for a token before anything else, so each token begins one."""
    process = 0
    for entry in sorted(log, key=lambda entry: entry["received"]):
        process += entry["service"] == "ims"
        if entry["answered"] is not None:
            yield Call(_route(entry), process, entry["received"], entry["answered"])


def longest(sent: Iterable[Call]) -> list[Call]:
    """The longest chain of requests of one process of which each arrives after the one before was answered."""
    ordered = sorted(sent, key=lambda call: (call.process, call.end))
    chains = [_chain(one) for _, one in groupby(ordered, key=lambda call: call.process)]
    return max(chains, key=len, default=[])


def _chain(sent: Iterable[Call]) -> list[Call]:
    # In the order of their answers: taking whatever does not overlap the one taken last gives the longest chain.
    chain: list[Call] = []
    for call in sent:
        if not chain or call.start >= chain[-1].end:
            chain.append(call)
    return chain


def told(chain: Iterable[Call]) -> str:
    """A chain by its routes; what follows itself is counted."""
    runs = [(route, len(list(same))) for route, same in groupby(chain, key=lambda call: call.route)]
    return ", ".join(route if count == 1 else f"{count} × {route}" for route, count in runs)


def _route(entry: LoggedRequest) -> str:
    """As in ``GET dataSets/{id}``; of a listing it tells by what it is filtered."""
    path = re.sub(r"/[0-9a-f]{24}(,[0-9a-f]{24})+", "/{ids}", entry["path"].rstrip("/"))
    path = re.sub(r"/[0-9a-f]{24}$", "/{id}", path)
    path = re.sub(r"/schemas/.+", "/schemas/{id}", path)
    parts = path.removeprefix("/data/foundation").strip("/").split("/")
    by = next((f"?{key}" for key in ("name", "tags") if key in entry["query"]), "")
    return f"{entry['method']} {'/'.join(parts[1:] or parts)}{by}"


def operations(project: Project, count: int, *, bare: bool) -> Iterator[tuple[str, list[Call]]]:
    """Run each operation on one stack of datasets.

    Args:
        project: the stack.
        count: how many datasets.
        bare: whether they are the floor's, which adopts nothing.

    Returns:
        What was done, and what it asked.
    """
    yield from (
        (name, _asked(project, command, entries))
        for name, command, entries in (
            ("create", UP, new(count)),
            ("toggle", UP, new(count, upsert=False)),
            ("preview of toggles", PREVIEW, new(count)),
            ("preview of no change", PREVIEW, new(count, upsert=False)),
            ("refresh", REFRESH, new(count, upsert=False)),
        )
    )
    if not bare:
        project.destroy()
        yield "adoption", _asked(project, UP, existing(project.url, count, upsert=True))
        toggled = existing(project.url, count, upsert=True)
        toggled = [{**entry, "is_upsert": False} for entry in toggled]
        yield "preview of toggles, adopted", _asked(project, PREVIEW, toggled)


def _asked(project: Project, command: Sequence[str], entries: list[dict[str, Any]]) -> list[Call]:
    aep = Control(project.url)
    project.declare(entries)
    aep.clear_requests()
    with slow(project.url, LATENCY):
        project.run(*command, "--parallel", AT_ONCE)
    return list(calls(aep.requests()))


def main() -> int:
    """Run each operation on both providers, and print the chains."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=40, help="datasets (default 40)")
    parser.add_argument("--json", action="store_true", help="print a JSON array instead of a table")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    arguments = parser.parse_args()
    command = pulumi()
    lines: dict[str, dict[str, str]] = {}
    for bare in (True, False):
        with emulator(0) as url:
            many = {"AEP_PARALLEL": AT_ONCE, "BENCH_THREADS": AT_ONCE, "PULUMI_SKIP_CHECKPOINTS": "true"}
            project = Project(command, url, bare=bare, **many)
            for name, sent in operations(project, arguments.n, bare=bare):
                chain = longest(sent)
                line = lines.setdefault(name, {"operation": name, "bare provider": "—"})
                if bare:
                    line["bare provider"] = str(len(chain))
                else:
                    line |= {"deep": str(len(chain)), "requests": str(len(sent)), "chain": told(chain)}
            project.remove()
    if arguments.json:
        print(json.dumps(list(lines.values()), indent=2, ensure_ascii=False))
    else:
        Console().print(_table(list(lines.values()), arguments.n))
    if arguments.write:
        _write(list(lines.values()), arguments.n)
    return 0


def _write(lines: list[dict[str, str]], count: int) -> None:
    rows = [list(lines[-1]), ["---"] * len(lines[-1]), *(list(line.values()) for line in lines)]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}{count} datasets, {AT_ONCE} calls at once.\n\n{table}{END}{after}")


def _table(lines: list[dict[str, str]], count: int) -> Table:
    table = Table(title=f"Requests that wait for each other, {count} datasets, {AT_ONCE} calls at once")
    for column in lines[-1]:
        table.add_column(column)
    for line in lines:
        table.add_row(*line.values())
    return table


if __name__ == "__main__":
    sys.exit(main())
