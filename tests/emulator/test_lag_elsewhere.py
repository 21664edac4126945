"""Batches and schemas that stay behind the writes that were answered, as datasets do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import requests

from aep_provider.emulator import Control
from aep_provider.emulator.seeds import PLAIN_SCHEMA
from support.upload import IMPORT, upload

Create = Callable[..., str]
REGISTRY = "/data/foundation/schemaregistry/tenant/schemas"
SCHEMA = f"{REGISTRY}/{quote(PLAIN_SCHEMA, safe='')}"
UNION = [{"op": "add", "path": "/meta:immutableTags", "value": ["union"]}]
ROW = {"personalEmail": {"address": "ann@example.com"}}


def statuses(catalog: requests.Session, **query: str) -> list[str]:
    return [body["status"] for body in catalog.get("/batches", params=query).json().values()]


def begin(platform: requests.Session, dataset_id: str) -> str:
    order = {"datasetId": dataset_id, "inputFormat": {"format": "json"}}
    return str(platform.post(f"{IMPORT}/batches", json=order).json()["id"])


def in_union(platform: requests.Session) -> bool:
    reply = platform.get(SCHEMA, headers={"Accept": "application/vnd.adobe.xed+json; version=1"})
    return "union" in reply.json().get("meta:immutableTags", [])


def test_a_new_batch_is_not_listed_at_first(
    platform: requests.Session, catalog: requests.Session, create: Create, steer: Control
) -> None:
    dataset_id = create()
    steer.switch(list_lag=2)

    begin(platform, dataset_id)

    assert [statuses(catalog, dataSet=dataset_id) for _ in range(3)] == [[], [], ["loading"]]


def test_listings_of_datasets_do_not_count_for_batches(
    platform: requests.Session, catalog: requests.Session, create: Create, steer: Control
) -> None:
    steer.switch(list_lag=2)
    begin(platform, create())

    seen = [len(catalog.get("/dataSets").json()) for _ in range(3)]

    assert (seen, [statuses(catalog) for _ in range(3)]) == ([0, 0, 1], [[], [], ["loading"]])


def test_a_listing_shows_the_status_of_before(
    platform: requests.Session, catalog: requests.Session, create: Create, steer: Control
) -> None:
    batch = begin(platform, create())
    steer.switch(list_lag=1)

    steer.batch(batch, status="success")

    assert [statuses(catalog), statuses(catalog)] == [["loading"], ["success"]]


def test_filters_judge_the_status_that_is_shown(
    platform: requests.Session, catalog: requests.Session, create: Create, steer: Control
) -> None:
    batch = begin(platform, create())
    steer.switch(list_lag=1)

    steer.batch(batch, status="success")

    assert statuses(catalog, status="loading") == ["loading"]
    assert statuses(catalog, status="loading") == []


def test_a_look_up_shows_the_status_of_before(
    platform: requests.Session, catalog: requests.Session, create: Create, steer: Control
) -> None:
    batch = begin(platform, create())
    steer.switch(read_lag=1)

    steer.batch(batch, status="success")

    seen = [catalog.get(f"/batches/{batch}").json()[batch]["status"] for _ in range(2)]
    assert (seen, statuses(catalog)) == (["loading", "success"], ["success"])


def test_a_batch_is_behind_until_the_clock_has_moved(
    platform: requests.Session, catalog: requests.Session, create: Create, steer: Control
) -> None:
    dataset_id = create()
    steer.switch(list_lag_seconds=60, read_lag_seconds=120)
    batch = begin(platform, dataset_id)
    seen = [len(statuses(catalog)), catalog.get(f"/batches/{batch}").status_code]

    for _ in range(2):
        steer.tick(60)
        seen += [len(statuses(catalog)), catalog.get(f"/batches/{batch}").status_code]

    assert seen == [0, 404, 1, 404, 1, 200]


def test_the_last_batch_is_behind_too(
    platform: requests.Session, catalog: requests.Session, create: Create, steer: Control
) -> None:
    dataset_id = create()
    steer.switch(list_lag=1)

    begin(platform, dataset_id)

    assert [list(catalog.get("/lastBatches").json()) for _ in range(2)] == [[], [dataset_id]]


def test_a_batch_that_no_listing_shows_goes_its_way(
    platform: requests.Session, create: Create, steer: Control
) -> None:
    dataset_id = create(tags={"unifiedProfile": ["enabled:true"]})
    steer.switch(list_lag=9, read_lag=9)

    upload(platform, dataset_id, ROW)
    steer.tick(batches=True)

    query = {"schema.name": "_xdm.context.profile", "entityId": "ann@example.com", "entityIdNS": "Email"}
    assert platform.get("/data/core/ups/access/entities", params=query).status_code == 200


def test_each_reading_takes_a_lagging_batch_one_step_further(
    platform: requests.Session, catalog: requests.Session, create: Create, steer: Control
) -> None:
    dataset_id = create()
    batch = upload(platform, dataset_id, ROW)
    steer.switch(list_lag=1)

    seen = [statuses(catalog)[0] for _ in range(5)]

    assert seen == ["loaded", "staged", "processing", "success", "success"]
    assert catalog.get(f"/batches/{batch}").json()[batch]["status"] == "success"


@pytest.mark.usefixtures("identified")
def test_a_schema_shows_the_union_later(platform: requests.Session, steer: Control) -> None:
    steer.switch(read_lag=2)

    assert platform.patch(SCHEMA, json=UNION).json()["meta:immutableTags"] == ["union"]

    assert [in_union(platform) for _ in range(3)] == [False, False, True]


def test_a_new_schema_is_listed_later(platform: requests.Session, steer: Control) -> None:
    steer.switch(list_lag=1)
    body = {
        "title": "New",
        "type": "object",
        "description": "",
        "allOf": [{"$ref": "https://ns.adobe.com/x"}],
    }
    assert platform.post(REGISTRY, json=body).status_code == 201

    def titles() -> list[str]:
        reply = platform.get(REGISTRY, headers={"Accept": "application/vnd.adobe.xed-id+json"})
        return [item["title"] for item in reply.json()["results"]]

    assert ["New" in titles() for _ in range(2)] == [False, True]


@pytest.mark.usefixtures("identified")
def test_profile_can_be_enabled_although_the_union_is_not_shown_yet(
    platform: requests.Session, create: Create, patch: Callable[..., Any], steer: Control
) -> None:
    dataset_id = create(schema=PLAIN_SCHEMA)
    steer.switch(read_lag=9, lagging="schemas")
    platform.patch(SCHEMA, json=UNION)

    assert not in_union(platform)
    assert patch(dataset_id, ("add", "/tags/unifiedProfile", ["enabled:true"])).status_code == 200


@pytest.mark.usefixtures("identified")
@pytest.mark.parametrize(
    ("lagging", "behind"),
    [
        ("all", [True, True, True]),
        ("datasets", [True, False, False]),
        ("batches", [False, True, False]),
        ("schemas", [False, False, True]),
    ],
)
def test_what_lags_is_a_switch(
    platform: requests.Session,
    catalog: requests.Session,
    create: Create,
    patch: Callable[..., Any],
    steer: Control,
    lagging: str,
    behind: list[bool],
) -> None:
    dataset_id = create("old")
    batch = begin(platform, dataset_id)
    steer.switch(read_lag=1, lagging=lagging)

    patch(dataset_id, ("replace", "/name", "new"))
    steer.batch(batch, status="success")
    platform.patch(SCHEMA, json=UNION)

    seen = [
        catalog.get(f"/dataSets/{dataset_id}").json()[dataset_id]["name"] == "old",
        catalog.get(f"/batches/{batch}").json()[batch]["status"] == "loading",
        not in_union(platform),
    ]
    assert seen == behind
