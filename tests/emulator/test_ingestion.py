"""Batch Ingestion: create, upload, finish; what each action may start from."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from aep_provider.emulator import Emulator
from aep_provider.emulator.seeds import ORG_ID

BINARY = {"Content-Type": "application/octet-stream"}
ROW = {"personalEmail": {"address": "ann@example.com"}}
LINE = json.dumps(ROW).encode()


@pytest.fixture
def ingest(aep: Emulator, connect: Callable[..., requests.Session]) -> requests.Session:
    return connect(aep.url, "/data/foundation/import")


@pytest.fixture
def begin(ingest: requests.Session) -> Callable[..., str]:
    """Create a batch and return its id."""

    def post(dataset_id: str, format: str = "json", **more: Any) -> str:
        body = {"datasetId": dataset_id, "inputFormat": {"format": format, **more}}
        reply = ingest.post("/batches", json=body)
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])

    return post


@pytest.fixture
def status(catalog: requests.Session) -> Callable[[str], str]:
    """Read a batch's status once: each reading is one step of its way."""
    return lambda batch: str(catalog.get(f"/batches/{batch}").json()[batch]["status"])


def files(batch: str, dataset_id: str, name: str = "a.json") -> str:
    return f"/batches/{batch}/datasets/{dataset_id}/files/{name}"


def test_new_batch_is_loading(ingest: requests.Session, create: Callable[..., str]) -> None:
    dataset_id = create()

    reply = ingest.post("/batches", json={"datasetId": dataset_id, "inputFormat": {"format": "parquet"}})

    body = reply.json()
    assert reply.status_code == 201
    assert {
        "imsOrg": ORG_ID,
        "status": "loading",
        "version": "1.0.0",
        "tags": {},
        "relatedObjects": [{"type": "dataSet", "id": dataset_id}],
    }.items() <= body.items()
    assert len(body["id"]) == 26


def test_new_batch_is_in_catalog(
    begin: Callable[..., str], create: Callable[..., str], catalog: requests.Session
) -> None:
    dataset_id = create()
    batch = begin(dataset_id)

    assert list(catalog.get("/batches", params={"dataSet": dataset_id}).json()) == [batch]


def test_batches_cannot_be_listed_here(ingest: requests.Session) -> None:
    assert ingest.get("/batches").status_code == 405


def test_batch_for_a_missing_dataset(ingest: requests.Session) -> None:
    body = {"datasetId": "f" * 24, "inputFormat": {"format": "json"}}

    assert ingest.post("/batches", json=body).status_code == 400


@pytest.mark.parametrize("body", [[], {"inputFormat": {"format": "json"}}, {"datasetId": 7}])
def test_body_that_is_no_batch(ingest: requests.Session, body: Any) -> None:
    assert ingest.post("/batches", json=body).status_code == 400


def test_unknown_format_is_refused(ingest: requests.Session, create: Callable[..., str]) -> None:
    body = {"datasetId": create(), "inputFormat": {"format": "xml"}}

    assert ingest.post("/batches", json=body).status_code == 400


def test_upload_creates_then_replaces(
    ingest: requests.Session, begin: Callable[..., str], create: Callable[..., str]
) -> None:
    dataset_id = create()
    path = files(begin(dataset_id), dataset_id, "part/one.json")

    replies = [ingest.put(path, data=LINE, headers=BINARY) for _ in range(2)]

    assert [(reply.status_code, reply.content) for reply in replies] == [(201, b""), (200, b"")]


def test_upload_needs_its_media_type(
    ingest: requests.Session, begin: Callable[..., str], create: Callable[..., str]
) -> None:
    dataset_id = create()

    assert ingest.put(files(begin(dataset_id), dataset_id), json=ROW).status_code == 415


def test_upload_into_another_dataset_of_the_batch(
    ingest: requests.Session, begin: Callable[..., str], create: Callable[..., str]
) -> None:
    path = files(begin(create()), create())

    assert ingest.put(path, data=LINE, headers=BINARY).status_code == 404


def test_completed_batch_ends_in_success_by_being_read(
    ingest: requests.Session,
    begin: Callable[..., str],
    create: Callable[..., str],
    status: Callable[[str], str],
    catalog: requests.Session,
) -> None:
    dataset_id = create()
    batch = begin(dataset_id)
    ingest.put(files(batch, dataset_id), data=LINE + b"\n" + LINE, headers=BINARY)

    reply = ingest.post(f"/batches/{batch}", params={"action": "COMPLETE"})

    assert (reply.status_code, reply.json()["status"]) == (200, "loaded")
    assert [status(batch) for _ in range(4)] == ["staged", "processing", "success", "success"]
    body = catalog.get(f"/batches/{batch}").json()[batch]
    assert (body["recordCount"], body["metrics"]["inputRecordCount"]) == (2, 2)
    assert body["completed"] >= body["started"] >= body["created"]
    assert not [name for name in body if name.startswith("_")]


def test_completing_again_is_harmless(
    ingest: requests.Session,
    begin: Callable[..., str],
    create: Callable[..., str],
    status: Callable[[str], str],
) -> None:
    dataset_id = create()
    batch = begin(dataset_id)
    ingest.put(files(batch, dataset_id), data=LINE, headers=BINARY)

    replies = [ingest.post(f"/batches/{batch}", params={"action": name}) for name in ("COMPLETE", "complete")]

    assert [reply.status_code for reply in replies] == [200, 200]
    assert status(batch) == "staged"


def test_tick_finishes_the_batches(
    ingest: requests.Session,
    begin: Callable[..., str],
    create: Callable[..., str],
    status: Callable[[str], str],
    control: requests.Session,
) -> None:
    dataset_id = create()
    batch, open_batch = begin(dataset_id), begin(dataset_id)
    ingest.put(files(batch, dataset_id), data=LINE, headers=BINARY)
    ingest.post(f"/batches/{batch}", params={"action": "COMPLETE"})

    reply = control.post("/tick", json={"batches": True})

    assert reply.json()["batches"] == 1
    assert (status(batch), status(open_batch)) == ("success", "loading")


@pytest.mark.parametrize("readings", [0, 1, 3])
def test_number_of_readings_is_a_switch(
    ingest: requests.Session,
    begin: Callable[..., str],
    create: Callable[..., str],
    status: Callable[[str], str],
    control: requests.Session,
    readings: int,
) -> None:
    control.post("/settings", json={"batch_readings": readings})
    dataset_id = create()
    batch = begin(dataset_id)
    ingest.put(files(batch, dataset_id), data=LINE, headers=BINARY)
    ingest.post(f"/batches/{batch}", params={"action": "COMPLETE"})

    seen = [status(batch) for _ in range(readings + 1)]

    assert seen.count("success") == 1
    assert seen[-1] == "success"


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "106"), (b"[1]", "200"), (b"{not json", "200"), (b"\xff", "200")]
)
def test_rows_that_cannot_be_read_fail_the_batch(
    ingest: requests.Session,
    begin: Callable[..., str],
    create: Callable[..., str],
    catalog: requests.Session,
    control: requests.Session,
    content: bytes,
    code: str,
) -> None:
    dataset_id = create()
    batch = begin(dataset_id)
    ingest.put(files(batch, dataset_id), data=content, headers=BINARY)
    ingest.post(f"/batches/{batch}", params={"action": "COMPLETE"})
    control.post("/tick", json={"batches": True})

    body = catalog.get(f"/batches/{batch}").json()[batch]
    assert (body["status"], [error["code"] for error in body["errors"]]) == ("failed", [code])


def test_batch_without_files_fails(
    ingest: requests.Session,
    begin: Callable[..., str],
    create: Callable[..., str],
    status: Callable[[str], str],
    control: requests.Session,
) -> None:
    batch = begin(create())
    ingest.post(f"/batches/{batch}", params={"action": "COMPLETE"})
    control.post("/tick", json={"batches": True})

    assert status(batch) == "failed"


@pytest.mark.parametrize(
    ("content", "more", "rows"),
    [
        (b"", {}, []),
        (b'{"a": 1}\n[1]\n{"a": 2}', {}, ["2"]),
        (b'[1]\n{"a": 1}\n{\n\n[2]\n3', {}, ["1", "3-5"]),
        (b'[{"a": 1}, 2, {"a": 3}]', {"isMultiLineJson": True}, ["2"]),
        (b"[{", {"isMultiLineJson": True}, []),
    ],
)
def test_error_names_the_rows(
    ingest: requests.Session,
    begin: Callable[..., str],
    create: Callable[..., str],
    catalog: requests.Session,
    control: requests.Session,
    content: bytes,
    more: dict[str, Any],
    rows: list[str],
) -> None:
    dataset_id = create()
    batch = begin(dataset_id, **more)
    ingest.put(files(batch, dataset_id), data=content, headers=BINARY)
    ingest.post(f"/batches/{batch}", params={"action": "COMPLETE"})
    control.post("/tick", json={"batches": True})

    body = catalog.get(f"/batches/{batch}").json()[batch]

    assert (body["status"], [error["rows"] for error in body["errors"]]) == ("failed", [rows])


@pytest.mark.parametrize(("action", "end"), [("ABORT", "aborted"), ("FAIL", "failed")])
def test_loading_batch_can_be_given_up(
    ingest: requests.Session,
    begin: Callable[..., str],
    create: Callable[..., str],
    status: Callable[[str], str],
    action: str,
    end: str,
) -> None:
    dataset_id = create()
    batch = begin(dataset_id)

    assert ingest.post(f"/batches/{batch}", params={"action": action}).status_code == 200

    assert status(batch) == end
    assert ingest.put(files(batch, dataset_id), data=LINE, headers=BINARY).status_code == 428


def test_reverting_an_aborted_batch(
    ingest: requests.Session, begin: Callable[..., str], create: Callable[..., str]
) -> None:
    batch = begin(create())
    ingest.post(f"/batches/{batch}", params={"action": "ABORT"})

    reply = ingest.post(f"/batches/{batch}", params={"action": "REVERT"})

    assert (reply.status_code, "ERR-BI-104" in reply.text) == (428, True)


def test_reverted_batch_is_inactive_then_deleted(
    ingest: requests.Session,
    begin: Callable[..., str],
    create: Callable[..., str],
    status: Callable[[str], str],
    control: requests.Session,
) -> None:
    dataset_id = create()
    batch = begin(dataset_id, format="parquet")
    ingest.put(files(batch, dataset_id, "a.parquet"), data=b"PAR1\x00\xff", headers=BINARY)
    ingest.post(f"/batches/{batch}", params={"action": "COMPLETE"})
    control.post("/tick", json={"batches": True})

    reply = ingest.post(f"/batches/{batch}", params={"action": "REVERT"})

    assert (reply.status_code, reply.json()["status"]) == (200, "inactive")
    assert status(batch) == "deleted"


@pytest.mark.parametrize("action", ["", "PROMOTE"])
def test_unknown_action(
    ingest: requests.Session, begin: Callable[..., str], create: Callable[..., str], action: str
) -> None:
    assert ingest.post(f"/batches/{begin(create())}", params={"action": action}).status_code == 400


def test_missing_batch(ingest: requests.Session) -> None:
    assert ingest.post("/batches/NONE", params={"action": "COMPLETE"}).status_code == 404
