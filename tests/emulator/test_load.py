"""Many datasets, many clients at once, and a process that is killed while it writes."""

from __future__ import annotations

import contextlib
import gc
import json
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from aep_provider.emulator import Emulator
from aep_provider.emulator.seeds import PROFILE_SCHEMA

DATASETS = "/data/foundation/catalog/dataSets"
COMMAND = [sys.executable, "-c", "from aep_provider.cli.emulator import emulator; emulator()"]
CLIENTS = 64
SCHEMA_REF = {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}
ENABLE = [{"op": "add", "path": "/tags/unifiedProfile", "value": ["enabled:true"]}]
PATCH_TYPE = {"Content-Type": "application/json-patch+json"}


@pytest.fixture
def start() -> Iterator[Callable[[Path], tuple[subprocess.Popen[str], str]]]:
    """Start the command on a state file; return it and its address. What still runs is killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def run(state: Path) -> tuple[subprocess.Popen[str], str]:
        command = [*COMMAND, "--state", str(state)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        return process, process.stdout.readline().partition("=")[2].strip()

    yield run
    for process in started:
        process.kill()
        process.communicate(timeout=30)


@pytest.mark.parametrize("acknowledged", [1, 40, 150])
def test_what_was_acknowledged_survives_kill_9_while_others_write(
    tmp_path: Path,
    start: Callable[[Path], tuple[subprocess.Popen[str], str]],
    connect: Callable[..., requests.Session],
    acknowledged: int,
) -> None:
    process, url = start(tmp_path / "aep.db")
    promised: dict[str, str] = {}
    enough = threading.Condition()

    def write(session: requests.Session) -> None:
        """Create and patch until the process is gone."""
        for number in range(10_000):
            try:
                body = {"name": f"dataset {number}", "schemaRef": SCHEMA_REF}
                dataset_id = session.post(DATASETS, json=body).json()[0].rpartition("/")[2]
                with enough:
                    promised[dataset_id] = "created"
                    enough.notify()
                path = f"{DATASETS}/{dataset_id}"
                if session.patch(path, data=json.dumps(ENABLE), headers=PATCH_TYPE).ok:
                    with enough:
                        promised[dataset_id] = "enabled"
            except requests.RequestException:
                return

    sessions = [connect(url) for _ in range(4)]
    with ThreadPoolExecutor(len(sessions)) as pool:
        writers = [pool.submit(write, session) for session in sessions]
        with enough:
            assert enough.wait_for(lambda: len(promised) >= acknowledged, timeout=60)
        process.send_signal(signal.SIGKILL)
        for writer in writers:
            writer.result(timeout=60)
    process.wait(timeout=30)

    _, url = start(tmp_path / "aep.db")
    held = connect(url, "/_emulator", client=None).get("/datasets").json()
    lost = [
        dataset_id
        for dataset_id, state in promised.items()
        if dataset_id not in held or (state == "enabled" and "unifiedProfile" not in held[dataset_id]["tags"])
    ]
    assert lost == []


def test_64_clients_among_10000_datasets_see_no_error(
    serve: Callable[..., Emulator], connect: Callable[..., requests.Session]
) -> None:
    aep = serve(strict=True)
    ids = [f"{number:024x}" for number in range(10_000)]
    tags = {"adobe/siphon/table/format": ["delta"]}
    seeded = {key: {"name": key, "schemaRef": SCHEMA_REF, "tags": tags} for key in ids}
    control = connect(aep.url, "/_emulator", client=None)
    control.post("/seed", json={"datasets": seeded}).raise_for_status()

    def work(number: int, session: requests.Session) -> list[int]:
        own = f"{DATASETS}/{ids[number]}"
        replies = [
            session.get(DATASETS, params={"limit": 100, "start": number * 100}),
            session.get(DATASETS, params={"name": ids[-number - 1], "properties": "name"}),
            session.post(DATASETS, json={"name": f"new {number}", "schemaRef": SCHEMA_REF}),
            session.patch(own, data=json.dumps(ENABLE), headers=PATCH_TYPE),
            session.get(own),
        ]
        assert list(replies[1].json()) == [ids[-number - 1]]
        values: list[str] = replies[4].json()[ids[number]]["tags"]["unifiedProfile"]
        assert values[0] == "enabled:true"
        return [reply.status_code for reply in replies]

    sessions: list[Any] = [connect(aep.url) for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        seen = list(pool.map(work, range(CLIENTS), sessions))

    assert seen == [[200, 200, 201, 200, 200]] * CLIENTS
    assert len(control.get("/datasets").json()) == 10_000 + CLIENTS


def test_no_connection_is_left_open_by_a_stop_while_clients_come() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        for _ in range(5):
            stopped, came = threading.Event(), threading.Semaphore(0)
            with ThreadPoolExecutor(4) as clients:
                try:
                    with Emulator() as aep:
                        for _ in range(4):
                            clients.submit(_come_and_go, urlsplit(aep.url).port or 0, stopped, came)
                        for _ in range(50):
                            assert came.acquire(timeout=30)
                finally:
                    stopped.set()
        gc.collect()
    assert [str(one.message) for one in caught] == []


def _come_and_go(port: int, stopped: threading.Event, came: threading.Semaphore) -> None:
    while not stopped.is_set():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=30):
            came.release()
