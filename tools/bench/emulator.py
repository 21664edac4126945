"""Measure the emulator: reads and writes a second by number of clients, and what a page of a long list takes.

The clients are processes of their own, so that the emulator has one core for itself. Figures, not tests.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.table import Table

from aep_provider.emulator import Control, Emulator
from aep_provider.emulator.seeds import PROFILE_SCHEMA

DATASETS = 10_000
SECONDS = 3.0
CATALOG = "/data/foundation/catalog/dataSets"
PAGES: dict[str, dict[str, Any]] = {
    "first page of 100": {"limit": 100},
    "last page of 100": {"limit": 100, "start": DATASETS - 100},
    "page of 100, ordered by name": {"limit": 100, "orderBy": "desc:name"},
    "search by exact name": {"name": f"dataset {DATASETS // 2}"},
    "search by tag": {"tags": "team:t7", "limit": 100},
}
CLIENT = """
import http.client, json, sys, time
host, method, path, body = sys.argv[1:5]
headers, seconds = json.loads(sys.argv[5]), float(sys.argv[6])
connection = http.client.HTTPConnection(host)
sys.stdin.readline()
end, count = time.perf_counter() + seconds, 0
while time.perf_counter() < end:
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    reply.read()
    assert reply.status == 200
    count += 1
print(count)
"""


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print a JSON object instead of a table")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Emulator(state=Path(folder) / "aep.db") as aep,
        Control(aep.url) as control,
        requests.Session() as session,
    ):
        session.trust_env = False
        _fill(control)
        headers = control.headers()
        reads = {str(count): _rate(aep.url, headers, count, "GET") for count in (1, 8, 64)}
        writes = {str(count): _rate(aep.url, headers, count, "PATCH") for count in (1, 8, 64)}
        pages = {name: _milliseconds(session, aep.url, headers, query) for name, query in PAGES.items()}
    if arguments.json:
        figures = {
            "datasets": DATASETS,
            "reads_per_second": reads,
            "writes_per_second": writes,
            "pages_ms": pages,
        }
        print(json.dumps(figures, indent=2))
        return
    title = f"The emulator with {DATASETS} datasets, {os.cpu_count()} cores, Python {sys.version.split()[0]}"
    table = Table(title=title)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for what, rates in (("reads", reads), ("writes", writes)):
        for count, rate in rates.items():
            table.add_row(f"{what} of one dataset, {count} clients", f"{rate:.0f} /s")
    for name, (median, worst) in pages.items():
        table.add_row(name, f"{median:.1f} ms, at most {worst:.1f}")
    Console().print(table)


def _fill(control: Control) -> None:
    schema = {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}
    datasets = {
        f"{number:024x}": {
            "name": f"dataset {number}",
            "schemaRef": schema,
            "tags": {"team": [f"t{number % 50}"]},
        }
        for number in range(DATASETS)
    }
    control.seed(datasets=datasets)


def _rate(url: str, headers: dict[str, str], clients: int, method: str) -> float:
    """Return how many requests a second so many clients get together, each with a connection of its own."""
    body = "" if method == "GET" else json.dumps({"description": "measured"})
    command = [sys.executable, "-c", CLIENT, url.removeprefix("http://"), method, f"{CATALOG}/{7:024x}", body]
    command += [json.dumps({**headers, "Content-Type": "application/json"}), str(SECONDS)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(clients)
    ]
    counts = []
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.close()
        process.stdin = None
    for process in running:
        counts.append(int(process.communicate()[0]))
    return sum(counts) / SECONDS


def _milliseconds(
    session: requests.Session, url: str, headers: dict[str, str], query: dict[str, Any]
) -> tuple[float, float]:
    times = []
    for _ in range(30):
        start = time.perf_counter()
        session.get(f"{url}{CATALOG}", params=query, headers=headers).raise_for_status()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times), max(times)


if __name__ == "__main__":
    main()
