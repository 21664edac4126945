"""How long the lake keeps events: rowExpiration of a dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from aep_provider.emulator import Control
from aep_provider.emulator.seeds import EVENTS_SCHEMA

Read = Callable[[str], dict[str, Any]]


def keep(
    catalog: requests.Session, dataset_id: str, period: Any, path: str = "v2/datasets"
) -> requests.Response:
    retention = {"rowExpiration": {"ttlValue": period}}
    return catalog.patch(f"/{path}/{dataset_id}", json={"extensions": {"adobe_lakeHouse": retention}})


@pytest.mark.parametrize("path", ["v2/datasets", "v2/dataSets"])
def test_retention_of_events_is_set_and_stamped(
    catalog: requests.Session, create: Callable[..., str], read: Read, path: str
) -> None:
    dataset_id = create(schema=EVENTS_SCHEMA)

    reply = keep(catalog, dataset_id, "P3M", path)

    assert (reply.status_code, reply.json()) == (200, [f"@/dataSets/{dataset_id}"])
    body = read(dataset_id)
    retention = body["extensions"]["adobe_lakeHouse"]["rowExpiration"]
    assert retention.pop("updated") == body["updated"]
    assert retention == {"ttlValue": "P3M", "valueStatus": "custom", "setBy": "user"}
    assert body["extensions"]["adobe_unifiedProfile"] == {}


def test_an_older_reply_is_the_configuration(
    catalog: requests.Session, create: Callable[..., str], steer: Control
) -> None:
    steer.switch(retention_reply="configuration")
    dataset_id = create(schema=EVENTS_SCHEMA)

    body = keep(catalog, dataset_id, "P30D").json()

    assert body[dataset_id]["extensions"]["adobe_lakeHouse"]["rowExpiration"]["ttlValue"] == "P30D"
    other = catalog.patch(f"/v2/datasets/{dataset_id}", json={"description": "x"})
    assert other.json() == [f"@/dataSets/{dataset_id}"]


def test_records_have_no_retention(catalog: requests.Session, create: Callable[..., str], read: Read) -> None:
    dataset_id = create()

    assert keep(catalog, dataset_id, "P3M").status_code == 400

    assert "rowExpiration" not in read(dataset_id)["extensions"]["adobe_lakeHouse"]


@pytest.mark.parametrize("period", ["P30D", "P1M", "P5W", "P1Y", "P1M1D", None])
def test_a_period_of_thirty_days_or_none_is_taken(
    catalog: requests.Session, create: Callable[..., str], period: Any
) -> None:
    assert keep(catalog, create(schema=EVENTS_SCHEMA), period).status_code == 200


@pytest.mark.parametrize("period", ["P29D", "P4W", "30", "P", "PT720H", 30, ""])
def test_a_shorter_or_unreadable_period_is_refused(
    catalog: requests.Session, create: Callable[..., str], period: Any
) -> None:
    assert keep(catalog, create(schema=EVENTS_SCHEMA), period).status_code == 400


def test_json_patch_keeps_the_same_rule(create: Callable[..., str], patch: Callable[..., Any]) -> None:
    operation = ("add", "/extensions/adobe_lakeHouse/rowExpiration", {"ttlValue": "P7D"})

    assert patch(create(schema=EVENTS_SCHEMA), operation).status_code == 400


def test_another_write_leaves_the_stamp(
    catalog: requests.Session, create: Callable[..., str], read: Read
) -> None:
    dataset_id = create(schema=EVENTS_SCHEMA)
    keep(catalog, dataset_id, "P3M")
    before = read(dataset_id)["extensions"]

    catalog.patch(f"/v2/datasets/{dataset_id}", json={"description": "x"})

    assert read(dataset_id)["extensions"] == before
