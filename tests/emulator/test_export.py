"""Data Access: which files a batch has, and what is in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from aep_provider.emulator import Control
from support.upload import upload_bytes

EXPORT = "/data/foundation/export"
FIRST, SECOND = b'{"a": 1}\n{"a": 2}', b'{"a": 3}'
BROKEN = b"{"


@pytest.fixture
def batch(platform: requests.Session, create: Callable[..., str], steer: Control) -> str:
    """A batch of two files that has succeeded."""
    made = upload_bytes(platform, create(), FIRST, SECOND)
    steer.tick(batches=True)
    return made


def listed(platform: requests.Session, path: str, **query: Any) -> dict[str, Any]:
    reply = platform.get(f"{EXPORT}{path}", params=query)
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


def test_files_of_a_batch_have_ids_and_links(platform: requests.Session, batch: str) -> None:
    body = listed(platform, f"/batches/{batch}/files")

    assert body["_page"] == {"limit": 100, "count": 2}
    first, second = body["data"]
    assert first["dataSetFileId"] != second["dataSetFileId"]
    assert (first["isValid"], first["version"], first["size"], first["records"]) == (True, "1.0.0", "17", "2")
    assert first["_links"]["self"]["href"].endswith(f"{EXPORT}/files/{first['dataSetFileId']}")
    assert first["created"].isdecimal()


def test_a_file_has_its_name_and_length_as_text(platform: requests.Session, batch: str) -> None:
    file_id = listed(platform, f"/batches/{batch}/files")["data"][0]["dataSetFileId"]

    [entry] = listed(platform, f"/files/{file_id}")["data"]

    assert (entry["name"], entry["length"]) == ("1.json", "17")
    assert entry["_links"]["self"]["href"].endswith(f"{EXPORT}/files/{file_id}?path=1.json")


def test_the_links_lead_to_what_was_uploaded(platform: requests.Session, batch: str) -> None:
    contents = []
    for listing in listed(platform, f"/batches/{batch}/files")["data"]:
        path = EXPORT + listing["_links"]["self"]["href"].partition(EXPORT)[2]
        [entry] = platform.get(path).json()["data"]
        contents.append(platform.get(EXPORT + entry["_links"]["self"]["href"].partition(EXPORT)[2]).content)

    assert contents == [FIRST, SECOND]


def test_a_range_of_bytes_is_206(platform: requests.Session, batch: str) -> None:
    path = f"{EXPORT}/files/{batch}-1?path=1.json"

    reply = platform.get(path, headers={"Range": "bytes=1-3"})

    assert (reply.status_code, reply.content) == (206, FIRST[1:4])
    assert (reply.headers["Content-Range"], reply.headers["Content-Length"]) == ("bytes 1-3/17", "3")


def test_head_tells_the_length_of_a_file(platform: requests.Session, batch: str) -> None:
    reply = platform.head(f"{EXPORT}/files/{batch}-1?path=1.json")

    assert (reply.status_code, reply.content, reply.headers["Content-Length"]) == (200, b"", "17")
    assert reply.headers["Accept-Ranges"] == "bytes"


def test_pages_of_files(platform: requests.Session, batch: str) -> None:
    first = listed(platform, f"/batches/{batch}/files", limit=1)
    second = listed(platform, f"/batches/{batch}/files", limit=1, start=1)

    assert first["_links"]["next"]["href"].endswith(f"/batches/{batch}/files?start=1&limit=1")
    assert [page["_page"] for page in (first, second)] == [{"limit": 1, "count": 1}] * 2
    assert first["data"] != second["data"]
    assert "_links" not in second


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"start": "x"}])
def test_page_out_of_range(platform: requests.Session, batch: str, query: dict[str, Any]) -> None:
    assert platform.get(f"{EXPORT}/batches/{batch}/files", params=query).status_code == 400


def test_a_batch_on_its_way_has_no_files_yet(platform: requests.Session, create: Callable[..., str]) -> None:
    batch = upload_bytes(platform, create(), FIRST)

    assert listed(platform, f"/batches/{batch}/files")["data"] == []
    assert platform.get(f"{EXPORT}/files/{batch}-1").status_code == 404


def test_files_of_a_failed_batch_can_be_had_back(
    platform: requests.Session, create: Callable[..., str], steer: Control
) -> None:
    batch = upload_bytes(platform, create(), FIRST, BROKEN)
    steer.tick(batches=True)

    entries = listed(platform, f"/batches/{batch}/failed")["data"]

    assert [(entry["name"], entry["length"]) for entry in entries] == [("1.json", "17"), ("2.json", "1")]
    assert platform.get(f"{EXPORT}/batches/{batch}/failed", params={"path": "2.json"}).content == BROKEN
    assert listed(platform, f"/batches/{batch}/files")["data"] == []


def test_a_batch_that_succeeded_has_no_failed_files(platform: requests.Session, batch: str) -> None:
    assert listed(platform, f"/batches/{batch}/failed")["data"] == []


@pytest.mark.parametrize("path", ["/batches/NONE/files", "/batches/NONE/failed", "/files/NONE-1"])
def test_missing_batch_or_file(platform: requests.Session, path: str) -> None:
    assert platform.get(EXPORT + path).status_code == 404


def test_missing_name_of_a_file(platform: requests.Session, batch: str) -> None:
    assert platform.get(f"{EXPORT}/files/{batch}-1", params={"path": "other"}).status_code == 404
