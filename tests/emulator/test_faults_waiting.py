"""Faults that hold or delay a request, and waiting for a fault to be hit. Nothing here sleeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import requests

from aep_provider.emulator import Emulator

WAIT = 30
Fault = Callable[..., str]


@pytest.fixture
def behind(control: requests.Session) -> Iterator[ThreadPoolExecutor]:
    """A thread for the request that is held; whatever is held goes on when the test ends."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        try:
            yield pool
        finally:
            control.delete("/faults")


@pytest.fixture
def hold(
    behind: ThreadPoolExecutor, catalog: requests.Session, control: requests.Session, fault: Fault
) -> Callable[[dict[str, Any]], tuple[str, Future[requests.Response]]]:
    """Start a POST that hits a fault, and return when it has."""

    def start(action: dict[str, Any]) -> tuple[str, Future[requests.Response]]:
        fault_id = fault(action, method="POST")
        reply = behind.submit(catalog.post, "/dataSets", json={"name": "x"})
        hit = control.get(f"/faults/{fault_id}", params={"wait": WAIT}).json()
        assert hit["hits"] == 1
        return fault_id, reply

    return start


Hold = Callable[[dict[str, Any]], tuple[str, "Future[requests.Response]"]]


def stored(control: requests.Session) -> int:
    return len(control.get("/datasets", params={"sandbox": "dev"}).json())


@pytest.mark.parametrize(("moment", "meanwhile"), [("before", 0), ("after", 1)])
def test_held_request_goes_on_when_released(
    control: requests.Session, hold: Hold, moment: str, meanwhile: int
) -> None:
    fault_id, reply = hold({"hold": moment})
    assert (stored(control), reply.done()) == (meanwhile, False)

    assert control.post(f"/faults/{fault_id}/release").json() == {"released": 1}

    assert reply.result(WAIT).status_code == 201
    assert stored(control) == 1


def test_other_requests_pass_a_held_one(
    platform: requests.Session, control: requests.Session, hold: Hold
) -> None:
    fault_id, reply = hold({"hold": "before"})

    assert platform.get("/data/foundation/catalog/dataSets").json() == {}

    control.post(f"/faults/{fault_id}/release")
    assert reply.result(WAIT).status_code == 201


def test_deleting_the_fault_releases(control: requests.Session, hold: Hold) -> None:
    fault_id, reply = hold({"hold": "before"})

    control.delete(f"/faults/{fault_id}")

    assert reply.result(WAIT).status_code == 201


def test_reset_of_the_emulator_releases(control: requests.Session, hold: Hold) -> None:
    _, reply = hold({"hold": "after"})

    assert control.post("/reset", json={"seed": "empty"}).ok

    assert reply.result(WAIT).status_code == 201


def test_held_request_can_end_in_an_error(control: requests.Session, hold: Hold) -> None:
    fault_id, reply = hold({"hold": "before", "status": 503})

    control.post(f"/faults/{fault_id}/release")

    assert reply.result(WAIT).status_code == 503
    assert stored(control) == 0


@pytest.mark.parametrize(("moment", "meanwhile"), [("before", 0), ("after", 1)])
def test_delay_is_before_or_after_the_effect(
    control: requests.Session, hold: Hold, moment: str, meanwhile: int
) -> None:
    fault_id, reply = hold({"delay_ms": 600_000, "when": moment})
    assert (stored(control), reply.done()) == (meanwhile, False)

    control.delete(f"/faults/{fault_id}")

    assert reply.result(WAIT).status_code == 201


def test_client_that_times_out_leaves_a_delayed_write_undone(
    catalog: requests.Session, control: requests.Session, fault: Fault
) -> None:
    fault({"delay_ms": 600_000, "when": "before"}, method="POST")

    with pytest.raises(requests.ReadTimeout):
        catalog.post("/dataSets", json={"name": "x"}, timeout=0.2)

    assert stored(control) == 0


def test_client_that_times_out_after_the_effect_has_written(
    catalog: requests.Session, control: requests.Session, fault: Fault
) -> None:
    fault({"delay_ms": 600_000, "when": "after"}, method="POST")

    with pytest.raises(requests.ReadTimeout):
        catalog.post("/dataSets", json={"name": "x"}, timeout=2)

    assert stored(control) == 1


def test_waiting_returns_when_the_fault_is_hit(
    behind: ThreadPoolExecutor, catalog: requests.Session, control: requests.Session, fault: Fault
) -> None:
    fault_id = fault({"status": 503})
    waiting = behind.submit(control.get, f"/faults/{fault_id}", params={"wait": WAIT})

    catalog.get("/dataSets")

    assert waiting.result(WAIT).json()["hits"] == 1


def test_waiting_ends_without_a_hit(control: requests.Session, fault: Fault) -> None:
    fault_id = fault({"status": 503})

    assert control.get(f"/faults/{fault_id}", params={"wait": 0.01}).json()["hits"] == 0


def test_stop_frees_a_held_request(
    serve: Callable[..., Emulator], connect: Callable[..., requests.Session]
) -> None:
    aep = serve()
    control, catalog = connect(aep.url, "/_emulator", client=None), connect(aep.url)
    order = {"match": {"method": "POST"}, "action": {"hold": "before"}}
    fault_id = control.post("/faults", json=order).json()["id"]
    with ThreadPoolExecutor(max_workers=1) as pool:
        reply = pool.submit(catalog.post, "/data/foundation/catalog/dataSets", json={"name": "x"})
        control.get(f"/faults/{fault_id}", params={"wait": WAIT})

        aep.stop()

        assert reply.exception(WAIT) is not None or reply.result().status_code == 201
