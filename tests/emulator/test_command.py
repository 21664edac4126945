"""The command: what it prints, how it ends, and the state it keeps."""

from __future__ import annotations

import json
import re
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
import requests

from aep_provider.emulator import Emulator
from aep_provider.emulator.seeds import DEMO_PROFILE_DATASET, PROFILE_SCHEMA
from support.command import WAIT, Process

DATASETS = "/data/foundation/catalog/dataSets"


def published(process: Process) -> list[str]:
    """Return the two lines that the command prints once it serves."""
    output: IO[str] | None = process.stdout
    assert output is not None
    return [output.readline().rstrip("\n") for _ in range(2)]


def address(process: Process) -> str:
    return published(process)[0].partition("=")[2]


def test_prints_the_two_variables_that_point_a_client_at_it(run: Callable[..., Process]) -> None:
    lines = published(run("--port", 0))

    url = re.fullmatch(r"export AEP_ENDPOINT=(http://127\.0\.0\.1:\d+)", lines[0])
    assert url is not None, lines
    assert lines[1] == f"export AEP_IMS_ENDPOINT={url[1]}"


def test_prints_them_as_json_where_that_is_asked_for(run: Callable[..., Process]) -> None:
    process = run("--json")

    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", told["AEP_ENDPOINT"])
    url = told["AEP_ENDPOINT"]
    assert told == {"schema_version": 1, "AEP_ENDPOINT": url, "AEP_IMS_ENDPOINT": url}


def test_serves_when_the_lines_are_out(
    run: Callable[..., Process], connect: Callable[..., requests.Session]
) -> None:
    url = address(run("--seed", "demo", "--strict"))

    health = connect(url, client=None).get("/_emulator/health").json()

    assert (health["status"], health["seed"], health["strict"]) == ("ok", "demo", True)
    assert DEMO_PROFILE_DATASET in connect(url).get(DATASETS).json()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_well(run: Callable[..., Process], number: signal.Signals) -> None:
    process = run()
    published(process)

    process.send_signal(number)
    out, err = process.communicate(timeout=WAIT)

    assert (process.returncode, out, err) == (0, "", "")


def test_signal_ends_it_in_spite_of_an_open_connection(
    run: Callable[..., Process], connect: Callable[..., requests.Session]
) -> None:
    process = run()
    connect(address(process)).get(DATASETS)

    process.terminate()

    assert process.wait(WAIT) == 0


def test_busy_port_is_an_error_without_a_traceback(run: Callable[..., Process]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        process = run("--port", port)
        out, err = process.communicate(timeout=WAIT)

    assert (process.returncode, out) == (1, "")
    assert str(port) in err
    assert "in use" in err
    assert "Traceback" not in err


def test_unknown_seed_is_an_error_without_a_traceback(run: Callable[..., Process]) -> None:
    process = run("--seed", "nothing")
    _, err = process.communicate(timeout=WAIT)

    assert process.returncode == 1
    assert "nothing" in err
    assert "Traceback" not in err


def write(session: requests.Session, name: str) -> tuple[str, dict[str, Any]]:
    schema = {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}
    reply = session.post(DATASETS, json={"name": name, "schemaRef": schema, "tags": {"team": ["ä"]}})
    path = f"{DATASETS}/{reply.json()[0].rpartition('/')[2]}"
    return path, session.get(path).json()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_state_survives_the_process(
    run: Callable[..., Process],
    connect: Callable[..., requests.Session],
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    state = tmp_path / "aep.db"
    first = run("--state", state)
    session = connect(address(first))
    path, body = write(session, "kept")
    first.send_signal(number)
    first.wait(WAIT)

    second = address(run("--state", state, "--seed", "demo"))

    again = connect(second)
    assert again.get(path).json() == body
    assert DEMO_PROFILE_DATASET not in again.get(DATASETS).json(), "a seed is for a fresh state only"
    again.headers["Authorization"] = session.headers["Authorization"]
    assert again.get(path).status_code == 200, "the token of before is still valid"


def test_state_survives_a_restart_of_the_library(
    serve: Callable[..., Emulator], connect: Callable[..., requests.Session], tmp_path: Path
) -> None:
    with Emulator(state=tmp_path / "aep.db") as first:
        path, body = write(connect(first.url), "kept")
        connect(first.url, "/_emulator", client=None).post("/settings", json={"delayed_delete": 4})

    second = serve(state=tmp_path / "aep.db")

    assert connect(second.url).get(path).json() == body
    assert connect(second.url, "/_emulator", client=None).get("/settings").json()["delayed_delete"] == 4


def test_without_a_file_nothing_is_kept(
    serve: Callable[..., Emulator], connect: Callable[..., requests.Session]
) -> None:
    with Emulator() as first:
        write(connect(first.url), "gone")

    assert connect(serve().url).get(DATASETS).json() == {}


def test_state_file_has_one_holder(run: Callable[..., Process], tmp_path: Path) -> None:
    published(run("--state", tmp_path / "aep.db"))

    second = run("--state", tmp_path / "aep.db")
    _, err = second.communicate(timeout=WAIT)

    assert second.returncode == 1
    assert "in use" in err
    assert "Traceback" not in err


def test_listens_on_the_loopback_interface_only(aep: Emulator) -> None:
    assert aep.url.startswith("http://127.0.0.1:")
    if sys.platform == "linux":
        # There every address of 127/8 is the machine's own: one that listens everywhere would answer here.
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", int(aep.url.rpartition(":")[2])), timeout=WAIT)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.2 is no address of the machine")
def test_listens_elsewhere_if_told(
    run: Callable[..., Process], connect: Callable[..., requests.Session]
) -> None:
    url = address(run("--host", "127.0.0.2"))

    assert url.startswith("http://127.0.0.2:")
    assert connect(url).get(DATASETS).json() == {}


def test_warns_of_an_address_that_others_reach(run: Callable[..., Process]) -> None:
    """192.0.2.1 is for documentation: no machine has it, so that nothing is opened by this test."""
    process = run("--host", "192.0.2.1")
    _, err = process.communicate(timeout=WAIT)

    assert process.returncode == 1
    assert "Warning: 192.0.2.1 can be reached by others" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:8080"), ("::", "http://[::1]:8080"), ("aep.test", "http://aep.test:8080")],
)
def test_url_is_one_that_a_client_on_this_machine_can_use(host: str, url: str) -> None:
    assert Emulator(port=8080, host=host).url == url


def test_latency_delays_aep_and_not_the_control_routes(
    run: Callable[..., Process], connect: Callable[..., requests.Session]
) -> None:
    url = address(run("--latency", 600_000))
    assert connect(url, client=None).get("/_emulator/health").json()["latency_ms"] == 600_000

    with pytest.raises(requests.ReadTimeout):
        connect(url, client=None).get(DATASETS, timeout=1)


def test_two_emulators_know_nothing_of_each_other(
    serve: Callable[..., Emulator], connect: Callable[..., requests.Session]
) -> None:
    one, two = serve(), serve()
    write(connect(one.url), "here")

    assert connect(two.url).get(DATASETS).json() == {}
