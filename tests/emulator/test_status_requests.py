"""What the status page gets of the request log: each request beside the datasets that it was for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from aep_provider.emulator import Emulator

Overview = Callable[..., "dict[str, Any]"]


@pytest.fixture
def overview(control: requests.Session) -> Overview:
    return lambda **query: dict(control.get("/status", params=query).json())


@pytest.fixture
def beside(overview: Overview) -> Callable[[str], list[str]]:
    """Return method and path of the requests beside a dataset, oldest first."""

    def get(dataset_id: str) -> list[str]:
        [found] = [one["requests"] for one in overview()["datasets"] if one["id"] == dataset_id]
        return [f"{one['method']} {one['path'].rpartition('/data/foundation')[2]}" for one in reversed(found)]

    return get


def test_requests_by_path_and_by_what_they_create(
    create: Callable[..., str], read: Callable[[str], Any], beside: Callable[[str], list[str]]
) -> None:
    first, second = create("One"), create("Two")
    read(second)

    assert beside(first) == ["POST /catalog/dataSets"]
    assert beside(second) == ["POST /catalog/dataSets", f"GET /catalog/dataSets/{second}"]


def test_request_for_several_datasets_is_beside_each(
    create: Callable[..., str], catalog: requests.Session, overview: Overview
) -> None:
    ids = sorted([create("One"), create("Two")])
    catalog.get(f"/dataSets/{'%2C'.join(ids)}")

    told = overview()
    assert told["requests"][0]["datasets"] == ids
    assert {one["requests"][0]["seq"] for one in told["datasets"]} == {told["requests"][0]["seq"]}


def test_requests_by_query_and_by_batch(
    aep: Emulator,
    connect: Callable[..., requests.Session],
    create: Callable[..., str],
    catalog: requests.Session,
    beside: Callable[[str], list[str]],
) -> None:
    dataset_id = create()
    session = connect(aep.url, "/data/foundation/import")
    order = {"datasetId": dataset_id, "inputFormat": {"format": "json"}}
    batch = session.post("/batches", json=order).json()["id"]
    session.post(f"/batches/{batch}", params={"action": "ABORT"})
    catalog.get("/batches", params={"dataSet": dataset_id})

    assert beside(dataset_id)[1:] == [
        "POST /import/batches",
        f"POST /import/batches/{batch}",
        "GET /catalog/batches",
    ]


def test_request_in_another_sandbox_is_for_none_of_these(
    aep: Emulator,
    connect: Callable[..., requests.Session],
    create: Callable[..., str],
    beside: Callable[[str], list[str]],
) -> None:
    dataset_id = create()
    connect(aep.url, sandbox="prod").get(f"/data/foundation/catalog/dataSets/{dataset_id}")

    assert beside(dataset_id) == ["POST /catalog/dataSets"]


def test_time_query_and_body_are_told(
    control: requests.Session, catalog: requests.Session, create: Callable[..., str], overview: Overview
) -> None:
    control.post("/tick", json={"seconds": 3600})
    create("Loyalty")
    catalog.get("/dataSets", params={"limit": "5", "properties": "name"})

    told = overview()
    read, written = told["requests"][:2]
    assert (read["query"], read["body"]) == (["limit=5", "properties=name"], None)
    assert json.loads(written["body"])["name"] == "Loyalty"
    assert written["ms"] > 0
    assert told["now"] - 60_000 < written["at"] <= read["at"] <= told["now"]


def test_long_body_is_cut(catalog: requests.Session, overview: Overview) -> None:
    catalog.post("/dataSets", data="x" * 5000)

    assert overview()["requests"][0]["body"] == f"{'x' * 2000}… (5000 characters)"


def test_requests_of_one_service(
    create: Callable[..., str], platform: requests.Session, overview: Overview
) -> None:
    create()
    platform.get("/data/foundation/sandbox-management/sandboxes")

    told = overview(service="sandbox")
    assert [one["service"] for one in told["requests"]] == ["sandbox"]
    assert told["datasets"][0]["requests"] == []
    assert {one["service"] for one in overview()["requests"]} == {"ims", "catalog", "sandbox"}


def test_reset_connection_has_no_time_and_no_status(
    catalog: requests.Session, fault: Callable[..., str], overview: Overview
) -> None:
    fault({"reset": "before"})
    with pytest.raises(requests.ConnectionError):
        catalog.get("/dataSets")

    assert (overview()["requests"][0]["ms"], overview()["requests"][0]["status"]) == (None, None)
