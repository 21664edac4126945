"""Sandbox Management's list, and what a sandbox keeps apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from aep_provider.emulator import Emulator

DATASETS = "/data/foundation/catalog/dataSets"
AVAILABLE = "/data/foundation/sandbox-management/"


@pytest.fixture
def nowhere(aep: Emulator, connect: Callable[..., requests.Session]) -> requests.Session:
    """An authorised session that names no sandbox."""
    return connect(aep.url, sandbox=None)


@pytest.fixture
def prod(aep: Emulator, connect: Callable[..., requests.Session]) -> requests.Session:
    return connect(aep.url, sandbox="prod")


def listed(reply: requests.Response) -> list[str]:
    assert reply.status_code == 200, reply.text
    return [str(row["name"]) for row in reply.json()["sandboxes"]]


def test_list_needs_no_sandbox_header(nowhere: requests.Session) -> None:
    assert set(listed(nowhere.get(AVAILABLE))) == {"dev", "prod"}


def test_list_shows_the_documented_fields(nowhere: requests.Session) -> None:
    rows = {row["name"]: row for row in nowhere.get(AVAILABLE).json()["sandboxes"]}

    assert {"name", "title", "state", "type", "region", "isDefault", "createdDate"} <= rows["prod"].keys()
    assert (rows["prod"]["state"], rows["prod"]["type"], rows["prod"]["isDefault"]) == (
        "active",
        "production",
        True,
    )
    assert (rows["dev"]["type"], rows["dev"]["isDefault"]) == ("development", False)


def test_list_has_a_page_and_a_link(nowhere: requests.Session) -> None:
    body = nowhere.get(AVAILABLE).json()

    assert body["_page"]["count"] == 2
    assert body["_links"]["page"]["templated"] is True


@pytest.mark.parametrize("params", [{"limit": 1}, {"offset": 0}])
def test_limit_and_offset_come_together(nowhere: requests.Session, params: dict[str, int]) -> None:
    assert nowhere.get(AVAILABLE, params=params).status_code == 400


def test_pages_give_each_sandbox_once(nowhere: requests.Session) -> None:
    pages = [listed(nowhere.get(AVAILABLE, params={"limit": 1, "offset": offset})) for offset in range(3)]

    assert sorted(pages[0] + pages[1]) == ["dev", "prod"]
    assert pages[2] == []


def test_default_page_is_fifty(nowhere: requests.Session, seed: Callable[..., None]) -> None:
    [row] = [row for row in nowhere.get(AVAILABLE).json()["sandboxes"] if row["name"] == "dev"]

    seed(sandboxes=[{**row, "name": f"s{n}"} for n in range(60)])

    assert len(listed(nowhere.get(AVAILABLE))) == 50


def test_datasets_of_one_sandbox_are_not_in_another(
    platform: requests.Session, prod: requests.Session, create: Callable[..., str]
) -> None:
    dataset_id = create()

    assert prod.get(DATASETS).json() == {}
    assert prod.get(f"{DATASETS}/{dataset_id}").status_code == 404
    assert list(platform.get(DATASETS).json()) == [dataset_id]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_write_from_another_sandbox_does_not_reach_it(
    prod: requests.Session,
    create: Callable[..., str],
    read: Callable[[str], dict[str, Any]],
    method: str,
) -> None:
    dataset_id = create()
    before = read(dataset_id)

    reply = prod.request(method, f"{DATASETS}/{dataset_id}", json={"description": "x"})

    assert reply.status_code == 404
    assert read(dataset_id) == before


def test_sandbox_id_differs(
    prod: requests.Session,
    create: Callable[..., str],
    seed: Callable[..., None],
    read: Callable[[str], dict[str, Any]],
) -> None:
    own = read(create())
    there = prod.post(DATASETS, json={"name": own["name"], "schemaRef": own["schemaRef"]}).json()[0][-24:]

    other = prod.get(f"{DATASETS}/{there}").json()[there]

    assert own["sandboxId"] != other["sandboxId"]


def test_batches_of_one_sandbox_are_not_in_another(
    platform: requests.Session, prod: requests.Session, seed: Callable[..., None]
) -> None:
    seed(batches={"B1": {"status": "loading"}})

    assert list(platform.get("/data/foundation/catalog/batches").json()) == ["B1"]
    assert prod.get("/data/foundation/catalog/batches").json() == {}


def test_flow_service_falls_back_to_the_default_sandbox(
    nowhere: requests.Session, seed: Callable[..., None]
) -> None:
    seed(sandbox="prod", flows=[{"id": "in-prod"}])
    seed(sandbox="dev", flows=[{"id": "in-dev"}])

    reply = nowhere.get("/data/foundation/flowservice/flows")

    assert [item["id"] for item in reply.json()["items"]] == ["in-prod"]


def test_one_sandbox(platform: requests.Session) -> None:
    reply = platform.get("/data/foundation/sandbox-management/sandboxes/prod")

    assert reply.status_code == 200
    assert {"name": "prod", "type": "production", "isDefault": True}.items() <= reply.json().items()


def test_look_up_shows_the_id_that_datasets_carry_and_the_list_hides_it(
    platform: requests.Session, create: Callable[..., str], read: Callable[[str], dict[str, Any]]
) -> None:
    base = "/data/foundation/sandbox-management"
    carried = read(create())["sandboxId"]

    assert platform.get(f"{base}/sandboxes/dev").json()["id"] == carried
    assert not [row for row in platform.get(f"{base}/").json()["sandboxes"] if "id" in row]


def test_missing_sandbox(platform: requests.Session) -> None:
    reply = platform.get("/data/foundation/sandbox-management/sandboxes/none")

    assert (reply.status_code, reply.json()["status"]) == (404, 404)


def test_administrators_list_is_the_same(platform: requests.Session) -> None:
    base = "/data/foundation/sandbox-management"

    assert (
        platform.get(f"{base}/sandboxes").json()["sandboxes"] == platform.get(f"{base}/").json()["sandboxes"]
    )
