"""Creating, reading and deleting datasets."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from aep_provider.emulator.seeds import EVENTS_SCHEMA, ORG_ID, PROFILE_SCHEMA

MISSING = "ffffffffffffffffffffffff"
NOT_FOUND = {
    "type": "/placeholder/type/uri",
    "status": 404,
    "title": "NotFoundError",
    "detail": "DataSet not found.",
}
BODY = {
    "name": "Demo System - Event Dataset for Website (Global v1.1)",
    "schemaRef": {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"},
}


def test_create_answers_with_a_reference_and_its_location(catalog: requests.Session) -> None:
    reply = catalog.post("/dataSets", json=BODY)

    assert reply.status_code == 201
    [reference] = reply.json()
    assert re.fullmatch(r"@/dataSets/[0-9a-f]{24}", reference)
    assert reply.headers["Location"].endswith(reference.removeprefix("@"))


def test_new_dataset_holds_what_the_server_adds(
    create: Callable[..., str], read: Callable[[str], dict[str, Any]]
) -> None:
    earliest = int(time.time() * 1000)

    body = read(create())

    assert body["version"] == "1.0.0"
    assert body["state"] == "ACTIVE"
    assert body["imsOrg"] == ORG_ID
    assert body["createdClient"] == "demo-client"
    assert earliest <= body["created"] <= time.time() * 1000
    assert body["updated"] >= body["created"]
    assert body["createdUser"].endswith("@techacct.adobe.com")
    assert {"sandboxId", "viewId", "files", "extensions", "fileDescription", "updatedUser"} <= body.keys()


def test_new_dataset_keeps_what_the_client_sent(
    create: Callable[..., str], read: Callable[[str], dict[str, Any]]
) -> None:
    sent = {"description": "Städte, Märkte", "enableErrorDiagnostics": True, "tags": {"team": ["a", "b"]}}

    body = read(create("Läden", **sent))

    assert body["name"] == "Läden"
    assert body["schemaRef"] == BODY["schemaRef"]
    assert (body["description"], body["enableErrorDiagnostics"]) == ("Städte, Märkte", True)
    assert body["tags"]["team"] == ["a", "b"]


def test_server_adds_its_tags_from_the_start(
    create: Callable[..., str], read: Callable[[str], dict[str, Any]]
) -> None:
    tags = read(create("Demo System - Event Dataset for Website (Global v1.1)"))["tags"]

    assert tags["adobe/siphon/table/format"] == ["delta"]
    assert tags["adobe/pqs/table"] == ["demo_system_event_dataset_for_website_global_v1_1"]


@pytest.mark.parametrize(
    ("schema", "behaviour"), [(PROFILE_SCHEMA, "record"), (EVENTS_SCHEMA, "time-series")]
)
def test_classification_follows_the_schema(
    create: Callable[..., str], read: Callable[[str], dict[str, Any]], schema: str, behaviour: str
) -> None:
    classification = read(create(schema=schema))["classification"]

    assert classification == {"dataBehavior": behaviour, "managedBy": "CUSTOMER"}


def test_read_of_one_is_wrapped_in_its_id(catalog: requests.Session, create: Callable[..., str]) -> None:
    dataset_id = create()

    reply = catalog.get(f"/dataSets/{dataset_id}")

    assert reply.status_code == 200
    assert list(reply.json()) == [dataset_id]


def test_read_of_several_is_keyed_by_id(catalog: requests.Session, create: Callable[..., str]) -> None:
    first, second, _ = create("a"), create("b"), create("c")

    reply = catalog.get(f"/dataSets/{first},{second}")

    assert {key: body["name"] for key, body in reply.json().items()} == {first: "a", second: "b"}


def test_read_of_a_missing_one(catalog: requests.Session) -> None:
    reply = catalog.get(f"/dataSets/{MISSING}")

    assert (reply.status_code, reply.json()) == (404, NOT_FOUND)


def test_two_datasets_may_have_one_name(catalog: requests.Session, create: Callable[..., str]) -> None:
    assert create("Twin") != create("Twin")
    assert len(catalog.get("/dataSets", params={"name": "Twin"}).json()) == 2


def test_table_names_of_namesakes_differ_by_a_date(
    create: Callable[..., str], read: Callable[[str], dict[str, Any]]
) -> None:
    first, *others = (read(create("My data"))["tags"]["adobe/pqs/table"][0] for _ in range(4))

    assert first == "my_data"
    assert all(re.fullmatch(r"my_data_20\d{6}_\d{6}_\d{3}", name) for name in others)
    assert len(set(others)) == 3


def test_table_name_is_free_again_after_a_delete(
    catalog: requests.Session, create: Callable[..., str], read: Callable[[str], dict[str, Any]]
) -> None:
    catalog.delete(f"/dataSets/{create('My data')}")

    assert read(create("My data"))["tags"]["adobe/pqs/table"] == ["my_data"]


def test_table_name_of_a_write_that_waits_is_taken(
    catalog: requests.Session, create: Callable[..., str], control: requests.Session
) -> None:
    control.post("/settings", json={"write_lag": 2})
    create("My data")
    create("My data")
    control.post("/settings", json={"write_lag": 0})

    tables = [body["tags"]["adobe/pqs/table"][0] for body in catalog.get("/dataSets").json().values()]
    assert len(tables) == len(set(tables)) == 2


def test_create_without_content_type(catalog: requests.Session) -> None:
    reply = catalog.post("/dataSets", data=b'{"name": "x"}')

    assert reply.status_code == 400
    assert reply.json()["detail"] == "A valid content-type must be specified"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 10_000, b'{"name": "\\ud800"}', b"[]", b"null"])
def test_create_with_a_body_that_is_no_json_object(
    catalog: requests.Session, control: requests.Session, body: bytes
) -> None:
    reply = catalog.post("/dataSets", data=body, headers={"Content-Type": "application/json"})

    assert (reply.status_code, reply.json()["title"]) == (400, "BadRequestError")
    assert catalog.get("/dataSets").json() == {}
    assert control.get("/requests").status_code == 200


def test_refused_create_leaves_nothing(catalog: requests.Session) -> None:
    reply = catalog.post("/dataSets", json={**BODY, "tags": {"team": "not a list"}})

    assert reply.status_code == 400
    assert catalog.get("/dataSets").json() == {}


def test_delete_answers_with_the_reference_then_404(
    catalog: requests.Session, create: Callable[..., str]
) -> None:
    dataset_id = create()

    reply = catalog.delete(f"/dataSets/{dataset_id}")

    assert (reply.status_code, reply.json()) == (200, [f"@/dataSets/{dataset_id}"])
    after = catalog.get(f"/dataSets/{dataset_id}")
    assert (after.status_code, after.json()) == (404, NOT_FOUND)
    assert catalog.get("/dataSets").json() == {}


def test_delete_of_a_missing_one(catalog: requests.Session) -> None:
    reply = catalog.delete(f"/dataSets/{MISSING}")

    assert (reply.status_code, reply.json()) == (404, NOT_FOUND)


def test_delete_twice(catalog: requests.Session, create: Callable[..., str]) -> None:
    dataset_id = create()
    catalog.delete(f"/dataSets/{dataset_id}")

    assert catalog.delete(f"/dataSets/{dataset_id}").status_code == 404


def test_delete_of_a_system_dataset_is_refused(
    catalog: requests.Session, seed: Callable[..., None], read: Callable[[str], dict[str, Any]]
) -> None:
    owner = {"dataBehavior": "record", "managedBy": "SYSTEM"}
    seed(datasets={MISSING: {**BODY, "classification": owner}})

    reply = catalog.delete(f"/dataSets/{MISSING}")

    assert reply.status_code == 403
    assert read(MISSING)["classification"] == owner


def test_deleting_one_leaves_the_others(
    catalog: requests.Session, create: Callable[..., str], read: Callable[[str], dict[str, Any]]
) -> None:
    gone, kept = create("a"), create("b")
    before = read(kept)

    catalog.delete(f"/dataSets/{gone}")

    assert read(kept) == before


def test_fields_that_adobes_own_client_sends_are_kept(
    catalog: requests.Session, read: Callable[[str], dict[str, Any]]
) -> None:
    extra = {
        "unifiedTags": ["8f2c"],
        "systemLabels": ["C1"],
        "fileDescription": {"persisted": True, "containerFormat": "parquet", "format": "parquet"},
    }

    reply = catalog.post("/dataSets", params={"requestDataSource": "False"}, json={"name": "x", **extra})

    assert reply.status_code == 201, reply.text
    assert extra.items() <= read(reply.json()[0].rpartition("/")[2]).items()
