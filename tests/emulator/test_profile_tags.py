"""The tags that feed a dataset to Profile and Identity, and the documented change to upsert."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
import requests

from aep_provider.emulator.seeds import EVENTS_SCHEMA, PLAIN_SCHEMA, PROFILE_SCHEMA_2

ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
NOT_IN_UNION = {
    "type": "/placeholder/type/uri",
    "status": 400,
    "title": "BadRequestError",
    "detail": "To enable profile datasets the schema should be valid",
}
DISABLE = (
    ("replace", "/tags/unifiedProfile", ["enabled:false"]),
    ("replace", "/tags/unifiedIdentity", ["enabled:false"]),
)
ENABLE_UPSERT = (
    ("add", "/tags/unifiedProfile", ["enabled:true", "isUpsert:true"]),
    ("add", "/tags/unifiedIdentity", ["enabled:true"]),
)
Patch = Callable[..., requests.Response]
Read = Callable[[str], dict[str, Any]]


def stamps(body: dict[str, Any]) -> list[str]:
    return [value for value in body["tags"]["unifiedProfile"] if value.startswith("enabledAt:")]


def test_server_stamps_when_profile_was_enabled(create: Callable[..., str], read: Read) -> None:
    body = read(create(tags=ON))

    assert body["tags"]["unifiedProfile"][0] == "enabled:true"
    [stamp] = stamps(body)
    assert re.fullmatch(r"enabledAt:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", stamp)
    at = datetime.strptime(stamp, "enabledAt:%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
    assert abs(at.timestamp() * 1000 - body["created"]) < 5000


def test_identity_gets_no_stamp(create: Callable[..., str], read: Read) -> None:
    assert read(create(tags=ON))["tags"]["unifiedIdentity"] == ["enabled:true"]


def test_dataset_that_is_off_gets_no_stamp(create: Callable[..., str], read: Read) -> None:
    off = {"unifiedProfile": ["enabled:false"], "unifiedIdentity": ["enabled:true"]}

    tags = read(create(tags=off))["tags"]

    assert {**tags, **off} == tags


def test_patch_enables_and_stamps(create: Callable[..., str], patch: Patch, read: Read) -> None:
    dataset_id = create()

    assert patch(dataset_id, *ENABLE_UPSERT).status_code == 200

    body = read(dataset_id)
    assert body["tags"]["unifiedProfile"][:2] == ["enabled:true", "isUpsert:true"]
    assert len(stamps(body)) == 1


def test_documented_change_to_upsert(create: Callable[..., str], patch: Patch, read: Read) -> None:
    dataset_id = create(tags=ON)

    assert patch(dataset_id, *DISABLE).status_code == 200
    between = read(dataset_id)["tags"]
    assert patch(dataset_id, *ENABLE_UPSERT).status_code == 200

    assert between["unifiedProfile"] == ["enabled:false"]
    assert between["unifiedIdentity"] == ["enabled:false"]
    body = read(dataset_id)
    assert body["version"] == "1.0.2"
    assert [value for value in body["tags"]["unifiedProfile"] if not value.startswith("enabledAt:")] == [
        "enabled:true",
        "isUpsert:true",
    ]
    assert body["tags"]["unifiedIdentity"] == ["enabled:true"]


def test_re_enabling_writes_a_new_stamp(
    create: Callable[..., str], patch: Patch, read: Read, seed: Callable[..., None]
) -> None:
    old = "enabledAt:2020-01-02 03:04:05"
    dataset_id = create(tags=ON)
    seed(datasets={dataset_id: {**read(dataset_id), "tags": {**ON, "unifiedProfile": ["enabled:true", old]}}})
    assert stamps(read(dataset_id)) == [old]

    patch(dataset_id, *DISABLE)
    patch(dataset_id, *ENABLE_UPSERT)

    [stamp] = stamps(read(dataset_id))
    assert stamp > old


def test_stamp_stays_while_profile_stays_on(create: Callable[..., str], patch: Patch, read: Read) -> None:
    dataset_id = create(tags=ON)
    before = read(dataset_id)["tags"]

    patch(dataset_id, ("add", "/tags/team", ["a"]))

    assert read(dataset_id)["tags"] == {**before, "team": ["a"]}


@pytest.mark.parametrize("spelling", ["enabled:true", "enabled: true"])
def test_spelling_is_kept_and_counts_either_way(
    create: Callable[..., str], read: Read, spelling: str
) -> None:
    body = read(create(tags={"unifiedProfile": [spelling], "unifiedIdentity": [spelling]}))

    assert body["tags"]["unifiedProfile"][0] == spelling
    assert body["tags"]["unifiedIdentity"] == [spelling]
    assert len(stamps(body)) == 1


def test_profile_without_identity_is_accepted(create: Callable[..., str], patch: Patch, read: Read) -> None:
    dataset_id = create()

    assert patch(dataset_id, ("add", "/tags/unifiedProfile", ["enabled:true"])).status_code == 200
    assert "unifiedIdentity" not in read(dataset_id)["tags"]


def test_upsert_on_a_time_series_dataset_is_accepted(create: Callable[..., str], patch: Patch) -> None:
    assert patch(create(schema=EVENTS_SCHEMA), *ENABLE_UPSERT).status_code == 200


def test_create_enabled_with_a_schema_outside_the_union(catalog: requests.Session) -> None:
    schema = {"id": PLAIN_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}

    reply = catalog.post("/dataSets", json={"name": "x", "schemaRef": schema, "tags": ON})

    assert (reply.status_code, reply.json()) == (400, NOT_IN_UNION)
    assert catalog.get("/dataSets").json() == {}


def test_enable_with_a_schema_outside_the_union(create: Callable[..., str], patch: Patch, read: Read) -> None:
    dataset_id = create(schema=PLAIN_SCHEMA)
    before = read(dataset_id)

    reply = patch(dataset_id, *ENABLE_UPSERT)

    assert (reply.status_code, reply.json()) == (400, NOT_IN_UNION)
    assert read(dataset_id) == before


def test_dataset_outside_the_union_may_stay_off(create: Callable[..., str], read: Read) -> None:
    assert "unifiedProfile" not in read(create(schema=PLAIN_SCHEMA))["tags"]


def test_every_schema_in_the_union_can_be_enabled(create: Callable[..., str], patch: Patch) -> None:
    assert patch(create(schema=PROFILE_SCHEMA_2), *ENABLE_UPSERT).status_code == 200
