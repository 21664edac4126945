"""A batch that replaces others: the old ones leave, and what becomes of their rows in Profile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from aep_provider.emulator import Control
from aep_provider.emulator.seeds import EVENTS_SCHEMA
from support.upload import IMPORT, upload, upload_bytes

ON = {"unifiedProfile": ["enabled:true"]}
ANN = "ann@example.com"
ACCESS = "/data/core/ups/access/entities"
EVENTS = {"schema.name": "_xdm.context.experienceevent", "entityId": ANN, "entityIdNS": "Email"}
PROFILE = {**EVENTS, "schema.name": "_xdm.context.profile"}
Create = Callable[..., str]


def person(**fields: Any) -> dict[str, Any]:
    return {"personalEmail": {"address": ANN}, **fields}


def status(catalog: requests.Session, batch: str) -> str:
    return str(catalog.get(f"/batches/{batch}").json()[batch]["status"])


def replacing(*ids: str) -> dict[str, Any]:
    return {"replay": {"predecessors": list(ids), "reason": "replace"}}


@pytest.mark.parametrize("written", ["{}", "${}", "${{{}}}"])
def test_the_order_names_the_batches_that_are_replaced(
    platform: requests.Session, create: Create, steer: Control, written: str
) -> None:
    dataset_id = create()
    old = upload(platform, dataset_id, person())
    steer.tick(batches=True)
    order = {"datasetId": dataset_id, "inputFormat": {"format": "json"}, **replacing(written.format(old))}

    reply = platform.post(f"{IMPORT}/batches", json=order)

    assert (reply.status_code, reply.json()["status"]) == (201, "loading")
    assert reply.json()["replay"] == {"predecessors": [old], "reason": "replace"}


def test_predecessors_are_inactive_then_deleted_once_the_new_batch_succeeds(
    platform: requests.Session, catalog: requests.Session, create: Create, steer: Control
) -> None:
    dataset_id = create()
    old = [upload(platform, dataset_id, person(n=n)) for n in (1, 2)]
    steer.tick(batches=True)

    new = upload(platform, dataset_id, person(n=3), **replacing(*old))
    before = [status(catalog, batch) for batch in old]
    while status(catalog, new) != "success":
        pass

    assert before == ["success", "success"]
    [shown] = steer.call("GET", "status")["datasets"]
    assert [batch["status"] for batch in shown["windows"][0]["batches"]] == [
        "inactive",
        "inactive",
        "success",
    ]
    assert [status(catalog, batch) for batch in (*old, new)] == ["deleted", "deleted", "success"]


def test_a_replay_that_fails_replaces_nothing(
    platform: requests.Session, catalog: requests.Session, create: Create, steer: Control
) -> None:
    dataset_id = create()
    old = upload(platform, dataset_id, person())
    steer.tick(batches=True)

    new = upload_bytes(platform, dataset_id, b"{", **replacing(old))
    steer.tick(batches=True)

    assert [status(catalog, batch) for batch in (old, new)] == ["success", "failed"]


def test_a_predecessor_that_had_failed_stays_failed(
    platform: requests.Session, catalog: requests.Session, create: Create, steer: Control
) -> None:
    dataset_id = create()
    old = upload_bytes(platform, dataset_id, b"{")
    steer.tick(batches=True)

    new = upload(platform, dataset_id, person(), **replacing(old))
    steer.tick(batches=True)

    assert [status(catalog, batch) for batch in (old, new)] == ["failed", "success"]


def test_predecessors_by_external_id(
    platform: requests.Session, catalog: requests.Session, create: Create, steer: Control
) -> None:
    dataset_id = create()
    old = upload(platform, dataset_id, person(), externalId="mine")
    steer.tick(batches=True)

    upload(
        platform, dataset_id, person(), replay={"predecessorsByExternalId": ["$mine"], "reason": "replace"}
    )
    steer.tick(batches=True)

    assert status(catalog, old) == "deleted"


@pytest.mark.parametrize("replay", [[], {"predecessors": "a"}, {"predecessors": [1]}])
def test_replay_of_another_shape(platform: requests.Session, create: Create, replay: Any) -> None:
    order = {"datasetId": create(), "inputFormat": {"format": "json"}, "replay": replay}

    assert platform.post(f"{IMPORT}/batches", json=order).status_code == 400


def test_strict_refuses_a_predecessor_that_nobody_knows(platform: requests.Session, create: Create) -> None:
    order = {"datasetId": create(), "inputFormat": {"format": "json"}, **replacing("NONE")}

    reply = platform.post(f"{IMPORT}/batches", json=order)

    assert (reply.status_code, "NONE" in reply.text) == (400, True)


@pytest.mark.parametrize("switch", ["keep", "remove"])
def test_records_of_a_replaced_batch_stay_in_profile(
    platform: requests.Session, create: Create, steer: Control, switch: str
) -> None:
    steer.switch(profile_on_revert=switch)
    dataset_id = create(tags={"unifiedProfile": ["enabled:true", "isUpsert:true"]})
    old = upload(platform, dataset_id, person(city="Berlin"))
    steer.tick(batches=True)

    upload(platform, dataset_id, person(street="Wall"), **replacing(old))
    steer.tick(batches=True)

    [body] = platform.get(ACCESS, params=PROFILE).json().values()
    assert body["entity"] == person(city="Berlin", street="Wall")


@pytest.mark.parametrize(("switch", "left"), [("keep", ["old", "new"]), ("remove", ["new"])])
def test_what_becomes_of_replaced_events_is_a_switch(
    platform: requests.Session, create: Create, steer: Control, switch: str, left: list[str]
) -> None:
    steer.switch(profile_on_revert=switch)
    dataset_id = create(tags=ON, schema=EVENTS_SCHEMA)
    old = upload(platform, dataset_id, person(_id="old", timestamp="2026-01-01T00:00:00Z"))
    steer.tick(batches=True)

    upload(platform, dataset_id, person(_id="new", timestamp="2026-01-02T00:00:00Z"), **replacing(old))
    steer.tick(batches=True)

    children = platform.get(ACCESS, params=EVENTS).json()["children"]
    assert [child["entityId"] for child in children] == left


def test_a_deleted_batch_is_as_a_replaced_one(
    platform: requests.Session, create: Create, steer: Control
) -> None:
    steer.switch(profile_on_revert="remove")
    event = person(_id="old", timestamp="2026-01-01T00:00:00Z")
    old = upload(platform, create(tags=ON, schema=EVENTS_SCHEMA), event)
    steer.tick(batches=True)

    platform.post(f"{IMPORT}/batches/{old}", params={"action": "REVERT"})

    assert platform.get(ACCESS, params=EVENTS).json()["children"] == []
