"""The request log, from which tests of a client count requests, writes and connections."""

from __future__ import annotations

from collections.abc import Callable

import requests

from aep_provider.emulator import Emulator
from aep_provider.emulator.client import LoggedRequest
from aep_provider.emulator.seeds import ORG_ID

DATASETS = "/data/foundation/catalog/dataSets"
Log = Callable[[], list[LoggedRequest]]


def test_entry_describes_the_request_and_its_reply(platform: requests.Session, log: Log) -> None:
    platform.get(DATASETS, params={"limit": "5", "tags": ["a:1", "b:2"]}, headers={"x-request-id": "id-1"})

    entry = log()[-1]

    assert (entry["service"], entry["method"], entry["path"]) == ("catalog", "GET", DATASETS)
    assert entry["query"] == {"limit": ["5"], "tags": ["a:1", "b:2"]}
    assert (entry["status"], entry["write"], entry["body"], entry["fault"]) == (200, False, None, None)
    headers = entry["headers"]
    assert (headers["x-sandbox-name"], headers["x-gw-ims-org-id"]) == ("dev", ORG_ID)
    assert (headers["x-request-id"], "user-agent" in headers) == ("id-1", True)


def test_body_is_kept_as_json(create: Callable[..., str], log: Log) -> None:
    create("Loyalty")

    assert (log()[-1]["body"]["name"], log()[-1]["headers"]["content-type"]) == (
        "Loyalty",
        "application/json",
    )


def test_path_keeps_its_escapes(platform: requests.Session, log: Log) -> None:
    path = "/data/foundation/schemaregistry/tenant/schemas/https%3A%2F%2Fns.adobe.com%2Fx"

    platform.get(path, headers={"Accept": "application/vnd.adobe.xed+json; version=1"})

    assert (log()[-1]["path"], log()[-1]["service"], log()[-1]["status"]) == (path, "schemaregistry", 404)


def test_writes_are_marked_and_the_token_call_is_none(
    create: Callable[..., str], patch: Callable[..., requests.Response], log: Log, catalog: requests.Session
) -> None:
    dataset_id = create()
    patch(dataset_id, ("add", "/description", "x"))
    catalog.get("/dataSets")
    catalog.delete(f"/dataSets/{dataset_id}")

    told = [(entry["method"], entry["service"], entry["write"]) for entry in log()]

    assert told == [
        ("POST", "ims", False),
        ("POST", "catalog", True),
        ("PATCH", "catalog", True),
        ("GET", "catalog", False),
        ("DELETE", "catalog", True),
    ]


def test_refused_requests_are_logged(bare: requests.Session, log: Log) -> None:
    bare.get(DATASETS)
    bare.get("/nothing")

    assert [(entry["status"], entry["service"]) for entry in log()] == [(403, "catalog"), (404, "unknown")]


def test_control_calls_are_not_logged(control: requests.Session, log: Log) -> None:
    control.get("/health")
    control.post("/tick", json={"seconds": 1})

    assert log() == []


def test_since_shows_only_what_came_later(
    platform: requests.Session, control: requests.Session, log: Log
) -> None:
    platform.get(DATASETS)
    last = log()[-1]["seq"]
    platform.get(DATASETS, params={"limit": 7})

    [entry] = control.get("/requests", params={"since": last}).json()["requests"]

    assert (entry["query"], entry["seq"]) == ({"limit": ["7"]}, last + 1)


def test_delete_empties_the_log(platform: requests.Session, control: requests.Session, log: Log) -> None:
    platform.get(DATASETS)

    assert control.delete("/requests").ok
    assert log() == []
    platform.get(DATASETS)
    assert len(log()) == 1


def test_numbering_goes_on_after_an_emptied_log(
    platform: requests.Session, control: requests.Session, log: Log
) -> None:
    platform.get(DATASETS)
    last = log()[-1]["seq"]
    control.delete("/requests")
    platform.get(DATASETS)

    assert [entry["seq"] for entry in log()] == [last + 1]
    assert len(control.get("/requests", params={"since": last}).json()["requests"]) == 1


def test_one_session_keeps_its_connection(platform: requests.Session, log: Log) -> None:
    platform.get(DATASETS)
    platform.get(DATASETS)

    first, second = log()[-2:]
    assert first["connection"] == second["connection"]


def test_another_session_has_another_connection(
    aep: Emulator, connect: Callable[..., requests.Session], log: Log
) -> None:
    one, two = connect(aep.url), connect(aep.url)
    one.get(DATASETS)
    two.get(DATASETS)
    one.get(DATASETS)

    first, other, third = [entry["connection"] for entry in log()[-3:]]
    assert first == third != other


def test_no_secret_and_no_token_is_kept(
    bare: requests.Session, platform: requests.Session, control: requests.Session
) -> None:
    form = {"grant_type": "client_credentials", "client_id": "demo-client", "scope": "openid"}
    for secret in ("demo-secret", "wrong-secret"):
        bare.post("/ims/token/v3", data={**form, "client_secret": secret})
        bare.post("/ims/token/v3", params={**form, "client_secret": secret})
    platform.get(DATASETS)

    text = control.get("/requests").text

    token = str(platform.headers["Authorization"]).removeprefix("Bearer ")
    assert "client_secret" in text
    assert "demo-secret" not in text
    assert "wrong-secret" not in text
    assert token not in text
    assert "authorization" not in text.lower()
