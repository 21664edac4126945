"""Catalog's batches: filters, order and the last batch of a dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

FIRST, SECOND = "a" * 24, "b" * 24


def batch(dataset_id: str, status: str, created: int) -> dict[str, Any]:
    related = [{"type": "dataSet", "id": dataset_id}]
    return {"status": status, "created": created, "updated": created, "relatedObjects": related}


BATCHES = {
    "B1": batch(FIRST, "success", 1000),
    "B2": batch(FIRST, "failed", 3000),
    "B3": batch(FIRST, "loading", 2000),
    "B4": batch(SECOND, "success", 4000),
}


@pytest.fixture
def batches(catalog: requests.Session, seed: Callable[..., None]) -> Callable[..., list[str]]:
    """List the ids of the batches, in the order of the reply."""
    seed(batches=BATCHES)

    def ids(**params: Any) -> list[str]:
        reply = catalog.get("/batches", params=params)
        assert reply.status_code == 200, reply.text
        return list(reply.json())

    return ids


def test_look_up_is_wrapped_in_its_id(catalog: requests.Session, batches: Callable[..., list[str]]) -> None:
    body = catalog.get("/batches/B1").json()

    assert list(body) == ["B1"]
    assert {**body["B1"], **BATCHES["B1"]} == body["B1"]


def test_missing_batch(catalog: requests.Session) -> None:
    assert catalog.get("/batches/NONE").status_code == 404


def test_several_batches_in_one_look_up(catalog: requests.Session, batches: Callable[..., list[str]]) -> None:
    body = catalog.get("/batches/B2,B4,NONE", params={"properties": "status,created"}).json()

    assert body == {"B2": {"status": "failed", "created": 3000}, "B4": {"status": "success", "created": 4000}}


def test_each_batch_of_a_look_up_goes_one_step(catalog: requests.Session, seed: Callable[..., None]) -> None:
    script = {"_script": ["processing", "success"]}
    seed(batches={name: {**batch(FIRST, "loaded", 1), **script} for name in ("B1", "B2")})

    seen = [[body["status"] for body in catalog.get("/batches/B1,B2").json().values()] for _ in range(2)]

    assert seen == [["processing"] * 2, ["success"] * 2]


def test_dataset_filter(batches: Callable[..., list[str]]) -> None:
    assert set(batches(dataSet=FIRST)) == {"B1", "B2", "B3"}


def test_dataset_without_batches(batches: Callable[..., list[str]]) -> None:
    assert batches(dataSet="c" * 24) == []


@pytest.mark.parametrize(("value", "expected"), [("success", {"B1", "B4"}), ("failed,loading", {"B2", "B3"})])
def test_status_filter(batches: Callable[..., list[str]], value: str, expected: set[str]) -> None:
    assert set(batches(status=value)) == expected


def test_created_filters(batches: Callable[..., list[str]]) -> None:
    assert set(batches(createdAfter=1500)) == {"B2", "B3", "B4"}
    assert set(batches(createdAfter=1500, createdBefore=3500)) == {"B2", "B3"}


def test_newest_first(batches: Callable[..., list[str]]) -> None:
    assert batches(dataSet=FIRST, orderBy="desc:created", limit=100) == ["B2", "B3", "B1"]


def test_oldest_first(batches: Callable[..., list[str]]) -> None:
    assert batches(orderBy="asc:created") == ["B1", "B3", "B2", "B4"]


def test_pages(batches: Callable[..., list[str]]) -> None:
    pages = [batches(orderBy="created", limit=3, start=start) for start in (0, 3, 6)]

    assert pages == [["B1", "B3", "B2"], ["B4"], []]


@pytest.mark.parametrize("limit", [0, 101])
def test_limit_out_of_range(catalog: requests.Session, limit: int) -> None:
    reply = catalog.get("/batches", params={"limit": limit})

    assert reply.status_code == 400
    assert "Please supply a valid query limit: (1 - 100)" in reply.text


def test_last_batches(catalog: requests.Session, batches: Callable[..., list[str]]) -> None:
    body = catalog.get("/lastBatches", params={"dataSetId": f"{FIRST},{SECOND}"}).json()

    assert body.keys() == {FIRST, SECOND}
    assert (body[FIRST]["lastBatchId"], body[FIRST]["lastBatchStatus"]) == ("B2", "failed")
    assert (body[FIRST]["lastSuccessfulBatchId"], body[FIRST]["lastFailedBatchId"]) == ("B1", "B2")
    assert body[SECOND]["lastSuccessfulBatchId"] == "B4"


def test_status_moves_on_order(
    catalog: requests.Session, control: requests.Session, batches: Callable[..., list[str]]
) -> None:
    reply = control.patch("/batches/B3", json={"status": "success"})

    assert reply.ok, reply.text
    assert catalog.get("/batches/B3").json()["B3"]["status"] == "success"
    assert batches(status="loading") == []


def test_last_batches_of_all_datasets_with_their_filters(
    catalog: requests.Session, batches: Callable[..., list[str]]
) -> None:
    def ids(**params: Any) -> list[str]:
        reply = catalog.get("/lastBatches", params=params)
        assert reply.status_code == 200, reply.text
        return list(reply.json())

    assert set(ids()) == {FIRST, SECOND}
    assert ids(lastBatchStatus="failed") == [FIRST]
    assert ids(orderBy="desc:created") == [SECOND, FIRST]
    assert ids(orderBy="desc:created", limit=1, start=1) == [FIRST]
    body = catalog.get("/lastBatches", params={"properties": "lastBatchId"}).json()
    assert body == {FIRST: {"lastBatchId": "B2"}, SECOND: {"lastBatchId": "B4"}}


def test_availability_filters(catalog: requests.Session, seed: Callable[..., None]) -> None:
    dates = {"startDate": 1000, "endDate": 2000}
    seed(
        batches={
            "B1": {**batch(FIRST, "success", 1), "availableDates": dates},
            "B2": batch(FIRST, "loading", 2),
        }
    )

    def ids(**params: Any) -> list[str]:
        return list(catalog.get("/batches", params=params).json())

    assert [ids(startAfter=999), ids(startAfter=1000), ids(startBefore=1001)] == [["B1"], [], ["B1"]]
    assert [ids(endAfter=1999), ids(endBefore=2000), ids(endBefore=2001)] == [["B1"], [], ["B1"]]
