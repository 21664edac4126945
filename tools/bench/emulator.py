"""Measure the emulator against moto's server with as many objects, on the same machine and in one run.

Reads and writes a second and the slowest of a hundred, by number of clients; memory and start; and of the emulator
alone what a page of a long list takes. The clients are processes of their own. The exit code is 1 where the emulator
does not reach `LEAST` of moto's reads a second.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.table import Table

from aep_provider.emulator import Control
from aep_provider.emulator.seeds import PROFILE_SCHEMA

OBJECTS = 10_000
SECONDS = 3.0
CLIENTS = (1, 8, 64)
LEAST = 3
"""Times moto's reads a second, with the most clients."""

CATALOG = "/data/foundation/catalog/dataSets"
PAGES: dict[str, dict[str, Any]] = {
    "first page of 100": {"limit": 100},
    "last page of 100": {"limit": 100, "start": OBJECTS - 100},
    "page of 100, ordered by name": {"limit": 100, "orderBy": "desc:name"},
    "search by exact name": {"name": f"dataset {OBJECTS // 2}"},
    "search by tag": {"tags": "team:t7", "limit": 100},
}
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20261127/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=none"
}
"""Moto reads who asks, and checks no signature."""

CLIENT = """
import http.client, json, sys, time
host, method, path, body = sys.argv[1:5]
headers, seconds = json.loads(sys.argv[5]), float(sys.argv[6])
connection = http.client.HTTPConnection(host)
sys.stdin.readline()
end, took = time.perf_counter() + seconds, []
while (start := time.perf_counter()) < end:
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    reply.read()
    assert reply.status == 200, reply.status
    took.append(round((time.perf_counter() - start) * 1000, 2))
print(json.dumps(took))
"""


@dataclass(frozen=True)
class Server:
    """A server with its objects.

    Attributes:
        url: where it listens.
        pid: its process.
        read, write: path of the object of a ``client``, headers and body. Each client has an object of its own: moto
            fails where several overwrite one.
    """

    url: str
    pid: int
    read: tuple[str, dict[str, str], str]
    write: tuple[str, str, dict[str, str], str]


@dataclass(frozen=True)
class Measured:
    """What one server came to: seconds until it answered, MiB with its objects, and by number of clients a rate and
    the slowest of a hundred in milliseconds.
    """

    start: float
    memory: float
    reads: dict[int, tuple[float, float]]
    writes: dict[int, tuple[float, float]]


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moto", type=Path, help="the command moto_server; without it the emulator alone")
    parser.add_argument("--json", action="store_true", help="print a JSON object instead of a table")
    arguments = parser.parse_args()
    with _emulator() as (server, start):
        ours = _measured(server, start)
        pages = {name: _milliseconds(server, query) for name, query in PAGES.items()}
    theirs = None
    if arguments.moto:
        with _moto(arguments.moto) as (server, start):
            theirs = _measured(server, start)
    if arguments.json:
        found = {"objects": OBJECTS, "emulator": asdict(ours), "pages_ms": pages}
        print(json.dumps(found | ({"moto": asdict(theirs)} if theirs else {}), indent=2))
    else:
        Console().print(_table(ours, theirs, pages))
    most = max(CLIENTS)
    return 1 if theirs and ours.reads[most][0] < LEAST * theirs.reads[most][0] else 0


def _table(ours: Measured, theirs: Measured | None, pages: dict[str, tuple[float, float]]) -> Table:
    table = Table(title=f"{OBJECTS} objects, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    for column in ("figure", "emulator", "moto"):
        table.add_column(column)

    def row(name: str, value: Callable[[Measured], str]) -> None:
        table.add_row(name, value(ours), value(theirs) if theirs else "-")

    row("start", lambda one: f"{one.start:.2f} s")
    row("memory", lambda one: f"{one.memory:.0f} MiB")
    for count in CLIENTS:
        row(f"reads, {count} clients", lambda one, n=count: _rate(one.reads[n]))  # type: ignore[misc]
    for count in CLIENTS:
        row(f"writes, {count} clients", lambda one, n=count: _rate(one.writes[n]))  # type: ignore[misc]
    for name, (median, worst) in pages.items():
        table.add_row(name, f"{median:.1f} ms, at most {worst:.1f}", "-")
    return table


def _rate(one: tuple[float, float]) -> str:
    return f"{one[0]:.0f} /s, p99 {one[1]:.0f} ms"


@contextmanager
def _running(command: Sequence[str], url: str) -> Iterator[tuple[int, float]]:
    """Start a server; yields its process id and the seconds until it answered."""
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            while True:
                try:
                    requests.get(url, timeout=5)
                    break
                except requests.ConnectionError:
                    assert process.poll() is None, f"{command[0]} ended"
                    time.sleep(0.01)
            yield process.pid, time.perf_counter() - begin
        finally:
            process.terminate()


@contextmanager
def _emulator() -> Iterator[tuple[Server, float]]:
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(Path(sys.executable).parent / "aep-provider"), "emulator", "--port", str(port)]
    with _running(command, f"{url}/_emulator/health") as (pid, start), Control(url) as control:
        schema = {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}
        control.seed(
            datasets={
                f"{number:024x}": {
                    "name": f"dataset {number}",
                    "schemaRef": schema,
                    "tags": {"team": [f"t{number % 50}"]},
                }
                for number in range(OBJECTS)
            }
        )
        headers = control.headers() | {"Content-Type": "application/json"}
        path = CATALOG + "/{client:024x}"
        body = json.dumps({"description": "measured"})
        yield Server(url, pid, (path, headers, ""), ("PATCH", path, headers, body)), start


@contextmanager
def _moto(command: Path) -> Iterator[tuple[Server, float]]:
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    with _running([str(command), "-H", "127.0.0.1", "-p", str(port)], f"{url}/moto-api/data.json") as (
        pid,
        start,
    ):
        with requests.Session() as session:
            session.put(f"{url}/bench", timeout=30).raise_for_status()
            body = json.dumps({"name": "dataset", "tags": {"team": ["t7"]}, "schema": PROFILE_SCHEMA})
            for number in range(OBJECTS):
                session.put(f"{url}/bench/{number}", data=body, timeout=30).raise_for_status()
        yield (
            Server(url, pid, ("/bench/{client}", SIGNED, ""), ("PUT", "/bench/{client}", SIGNED, body)),
            start,
        )


def _measured(server: Server, start: float) -> Measured:
    path, headers, body = server.read
    reads = {count: _load(server.url, "GET", path, headers, body, count) for count in CLIENTS}
    writes = {count: _load(server.url, *server.write, count) for count in CLIENTS}
    return Measured(start, _memory(server.pid), reads, writes)


def _load(
    url: str, method: str, path: str, headers: dict[str, str], body: str, clients: int
) -> tuple[float, float]:
    """How many requests a second so many clients get together, and the slowest of a hundred in milliseconds."""
    command = [sys.executable, "-c", CLIENT, url.removeprefix("http://"), method]
    rest = [body, json.dumps(headers), str(SECONDS)]
    running = [
        subprocess.Popen(
            [*command, path.format(client=number), *rest],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(clients)
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.close()
        process.stdin = None
    took = [one for process in running for one in json.loads(process.communicate()[0])]
    return len(took) / SECONDS, statistics.quantiles(took, n=100)[98]


def _milliseconds(server: Server, query: dict[str, Any]) -> tuple[float, float]:
    times = []
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(30):
            start = time.perf_counter()
            session.get(f"{server.url}{CATALOG}", params=query, headers=server.read[1]).raise_for_status()
            times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times), max(times)


def _memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
