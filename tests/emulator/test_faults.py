"""Faults that a test orders: errors, lost connections, cut and foreign replies, expired tokens."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from aep_provider.emulator import Control, Emulator
from aep_provider.emulator.client import LoggedRequest

Fault = Callable[..., str]
Log = Callable[[], list[LoggedRequest]]
BODY = {"name": "x"}


def statuses(session: requests.Session, count: int) -> list[int]:
    return [session.get("/dataSets").status_code for _ in range(count)]


def test_status_with_body_and_headers(catalog: requests.Session, fault: Fault) -> None:
    body = {"error_code": "429050", "message": "Too many requests"}
    fault({"status": 429, "body": body, "headers": {"Retry-After": "7"}})

    reply = catalog.get("/dataSets")

    assert (reply.status_code, reply.json(), reply.headers["Retry-After"]) == (429, body, "7")


def test_fault_hits_once_by_default(catalog: requests.Session, fault: Fault) -> None:
    fault({"status": 503})

    assert statuses(catalog, 3) == [503, 200, 200]


def test_nth_and_times_count_matching_requests(catalog: requests.Session, fault: Fault) -> None:
    fault({"status": 503}, nth=2, times=2)
    catalog.get("/batches")

    assert statuses(catalog, 5) == [200, 503, 503, 200, 200]


def test_times_null_hits_until_cleared(
    catalog: requests.Session, control: requests.Session, fault: Fault
) -> None:
    fault_id = fault({"status": 503}, times=None)
    assert statuses(catalog, 4) == [503] * 4

    assert control.delete(f"/faults/{fault_id}").ok
    assert statuses(catalog, 1) == [200]


def test_method_path_and_service_all_have_to_match(
    catalog: requests.Session, control: requests.Session, create: Callable[..., str]
) -> None:
    match = {"method": "PATCH", "path": "/dataSets/[0-9a-f]{24}$", "service": "catalog"}
    control.post("/faults", json={"match": match, "action": {"status": 503}, "times": None})
    path = f"/dataSets/{create()}"

    assert catalog.get(path).status_code == 200
    assert catalog.patch(path, json={"description": "x"}).status_code == 503
    assert catalog.patch(f"/v2{path}/x", json={}).status_code == 404


def test_service_alone_matches(catalog: requests.Session, control: requests.Session) -> None:
    control.post("/faults", json={"match": {"service": "ims"}, "action": {"status": 500}})

    assert statuses(catalog, 1) == [200]
    [fault] = control.get("/faults").json()["faults"]
    assert fault["hits"] == 0


def test_refusing_fault_has_no_effect(catalog: requests.Session, fault: Fault) -> None:
    fault({"status": 500}, method="POST")

    assert catalog.post("/dataSets", json=BODY).status_code == 500
    assert catalog.get("/dataSets").json() == {}


def test_effect_carries_the_request_out_and_still_reports_the_error(
    catalog: requests.Session, fault: Fault
) -> None:
    fault({"effect": True, "status": 504}, method="POST")

    assert catalog.post("/dataSets", json=BODY).status_code == 504
    assert [body["name"] for body in catalog.get("/dataSets").json().values()] == ["x"]


@pytest.mark.parametrize(("moment", "left"), [("before", []), ("after", ["x"])])
def test_reset_drops_the_connection(
    catalog: requests.Session, fault: Fault, moment: str, left: list[str]
) -> None:
    fault({"reset": moment}, method="POST")

    with pytest.raises(requests.ConnectionError):
        catalog.post("/dataSets", json=BODY)

    assert [body["name"] for body in catalog.get("/dataSets").json().values()] == left


@pytest.mark.parametrize("moment", ["before", "after"])
def test_reset_is_one_and_not_a_clean_end(
    aep: Emulator, catalog: requests.Session, fault: Fault, moment: str
) -> None:
    """A client library tells an end without a reply from a reset, and may repeat after the one only."""
    fault({"reset": moment})
    head = "".join(f"{name}: {value!s}\r\n" for name, value in catalog.headers.items())

    with socket.create_connection(("127.0.0.1", int(aep.url.rpartition(":")[2])), timeout=30) as raw:
        raw.sendall(f"GET /data/foundation/catalog/dataSets HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode())
        with pytest.raises(ConnectionResetError):
            raw.recv(1)


def test_reset_leaves_no_status_in_the_log(catalog: requests.Session, fault: Fault, log: Log) -> None:
    fault_id = fault({"reset": "after"}, method="POST")
    with pytest.raises(requests.ConnectionError):
        catalog.post("/dataSets", json=BODY)

    entry = log()[-1]

    assert (entry["method"], entry["status"], entry["fault"]) == ("POST", None, fault_id)


def test_truncated_reply_breaks_off(catalog: requests.Session, fault: Fault) -> None:
    fault({"truncate": 5}, method="POST")

    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        catalog.post("/dataSets", json=BODY)

    assert len(catalog.get("/dataSets").json()) == 1


def test_raw_body_is_a_foreign_page(catalog: requests.Session, fault: Fault) -> None:
    fault({"raw_body": "<html>busy</html>", "content_type": "text/html", "status": 502})

    reply = catalog.get("/dataSets")

    assert (reply.status_code, reply.text) == (502, "<html>busy</html>")
    assert reply.headers["Content-Type"].startswith("text/html")


def test_true_body_may_come_with_a_wrong_content_type(catalog: requests.Session, fault: Fault) -> None:
    fault({"content_type": "text/plain"})

    reply = catalog.get("/dataSets")

    assert (reply.status_code, reply.headers["Content-Type"], reply.text) == (200, "text/plain", "{}")


def test_raw_body_may_pretend_success(catalog: requests.Session, fault: Fault) -> None:
    fault({"raw_body": "{not json", "content_type": "application/json", "status": 200})

    reply = catalog.get("/dataSets")

    assert (reply.status_code, reply.text) == (200, "{not json")


def test_expired_tokens_are_refused_and_a_new_one_works(
    catalog: requests.Session, aep: Emulator, fault: Fault
) -> None:
    fault({"expire_tokens": True})

    reply = catalog.get("/dataSets")

    assert (reply.status_code, reply.json()["error_code"]) == (401, "401013")
    catalog.headers["Authorization"] = f"Bearer {Control(aep.url).token()}"
    assert catalog.get("/dataSets").status_code == 200


def test_fault_on_the_token_call(bare: requests.Session, control: requests.Session) -> None:
    control.post("/faults", json={"match": {"service": "ims"}, "action": {"status": 500}})

    assert bare.post("/ims/token/v3").status_code == 500


def test_fault_is_named_in_the_log(catalog: requests.Session, fault: Fault, log: Log) -> None:
    fault_id = fault({"status": 503})
    statuses(catalog, 2)

    assert [entry["fault"] for entry in log()[-2:]] == [fault_id, None]


def test_list_shows_rules_and_hits(
    catalog: requests.Session, control: requests.Session, fault: Fault
) -> None:
    first = fault({"status": 503}, times=2)
    second = fault({"status": 500}, path="/nothing")
    statuses(catalog, 3)

    told = {rule["id"]: rule["hits"] for rule in control.get("/faults").json()["faults"]}

    assert told == {first: 2, second: 0}


def test_delete_of_all_faults(catalog: requests.Session, control: requests.Session, fault: Fault) -> None:
    fault({"status": 503}, times=None)

    assert control.delete("/faults").ok
    assert statuses(catalog, 1) == [200]
    assert control.get("/faults").json()["faults"] == []


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"action": {}},
        {"action": {"stauts": 500}},
        {"action": {"status": 500}, "match": {"path": "("}},
        {"action": {"status": 500}, "match": {"verb": "GET"}},
        {"action": {"status": 500}, "nth": 0},
        {"action": {"reset": "sometimes"}},
        {"action": {"status": 99999}},
        {"action": {"status": 100}},
        {"action": {"status": 500, "headers": 5}},
        {"action": {"status": 500, "headers": {"Retry-After": "1\r\nx: y"}}},
        {"action": {"status": 500, "headers": {"Retry After": "1"}}},
        {"action": {"raw_body": "x", "content_type": "text/\u20ac"}},
        {"action": {"raw_body": {}}},
        {"action": {"status": 500}, "match": {"method": 1}},
    ],
)
def test_order_that_is_no_rule_is_refused(control: requests.Session, order: dict[str, Any]) -> None:
    reply = control.post("/faults", json=order)

    assert (reply.status_code, "error" in reply.json()) == (400, True)
    assert control.get("/faults").json()["faults"] == []


@pytest.mark.parametrize("call", [("GET", ""), ("DELETE", ""), ("POST", "/release")])
def test_unknown_fault(control: requests.Session, call: tuple[str, str]) -> None:
    method, rest = call

    assert control.request(method, f"/faults/none{rest}").status_code == 404


def test_throttled_without_retry_after(catalog: requests.Session, fault: Fault) -> None:
    fault({"throttle": "bare"})

    reply = catalog.get("/dataSets")

    assert reply.status_code == 429
    assert reply.json() == {"error_code": "429050", "message": "Too many requests"}
    assert "Retry-After" not in reply.headers


def test_throttled_with_retry_after_in_seconds(catalog: requests.Session, fault: Fault) -> None:
    fault({"throttle": "seconds", "retry_after": 7}, method="POST")

    reply = catalog.post("/dataSets", json={"name": "x"})

    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "7")
    assert catalog.get("/dataSets").json() == {}, "the request has no effect"


def test_throttled_with_retry_after_as_a_date(
    catalog: requests.Session, control: requests.Session, fault: Fault
) -> None:
    control.post("/tick", json={"seconds": 3600})
    fault({"throttle": "date", "retry_after": 30})

    until = parsedate_to_datetime(catalog.get("/dataSets").headers["Retry-After"])

    ahead = until - datetime.now(timezone.utc)
    assert timedelta(seconds=3600) < ahead <= timedelta(seconds=3630), "by the emulator's own clock"


def test_dripping_reply_sends_its_head_first_and_its_body_slowly(
    platform: requests.Session, fault: Fault
) -> None:
    fault({"drip": 3600})

    reply = platform.get("/data/foundation/catalog/dataSets", stream=True)

    assert (reply.status_code, reply.raw.read(1)) == (200, b"{")
    reply.close()


def test_dripping_reply_is_complete_when_it_has_come(
    catalog: requests.Session, create: Callable[..., str], fault: Fault
) -> None:
    dataset_id = create()
    fault({"drip": 0})

    assert catalog.get(f"/dataSets/{dataset_id}").json().keys() == {dataset_id}


def test_dripping_write_takes_effect(
    catalog: requests.Session, create: Callable[..., str], fault: Fault, read: Callable[[str], Any]
) -> None:
    dataset_id = create()
    fault({"drip": 0.0001}, method="PATCH")

    assert catalog.patch(f"/dataSets/{dataset_id}", json={"description": "x"}).status_code == 200

    assert read(dataset_id)["description"] == "x"


def test_cleared_drip_sends_the_rest_at_once(aep: Emulator, platform: requests.Session, fault: Fault) -> None:
    order = fault({"drip": 3600})
    reply = platform.get("/data/foundation/catalog/dataSets", stream=True)

    Control(aep.url).clear_faults(order)

    assert reply.json() == {}


@pytest.mark.parametrize("seconds", [-1, True, "1", 10**9])
def test_drip_must_be_a_number_of_seconds(control: requests.Session, seconds: Any) -> None:
    assert control.post("/faults", json={"action": {"drip": seconds}}).status_code == 400
