"""The batches that Profile makes of others, as Catalog shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from aep_provider.emulator import Control, Emulator
from aep_provider.emulator.seeds import ORG_ID
from support.upload import upload

ON = {"unifiedProfile": ["enabled:true"]}
ROW = {"personalEmail": {"address": "ann@example.com"}}


@pytest.fixture
def sub_batches(catalog: requests.Session, steer: Control) -> Callable[[str], dict[str, Any]]:
    """Take the batches on their way to their end and return those of Profile's own for a dataset."""

    def listing(dataset_id: str) -> dict[str, Any]:
        steer.tick(batches=True)
        found = catalog.get("/batches", params={"dataSet": dataset_id}).json()
        return {key: body for key, body in found.items() if key.endswith("-INGEST")}

    return listing


def test_without_the_switch_there_are_none(
    platform: requests.Session, create: Callable[..., str], sub_batches: Callable[[str], dict[str, Any]]
) -> None:
    dataset_id = create(tags=ON)
    upload(platform, dataset_id, ROW)

    assert sub_batches(dataset_id) == {}


def test_a_batch_that_profile_takes_has_a_loaded_one_beside_it(
    platform: requests.Session,
    create: Callable[..., str],
    read: Callable[[str], dict[str, Any]],
    steer: Control,
    sub_batches: Callable[[str], dict[str, Any]],
) -> None:
    steer.switch(sub_batch_seconds=900)
    dataset_id = create(tags=ON)
    batch = upload(platform, dataset_id, ROW)

    [(sub_id, body)] = sub_batches(dataset_id).items()

    assert sub_id == f"{batch}-{ORG_ID}-{read(dataset_id)['sandboxId']}-{dataset_id}-INGEST"
    assert body["status"] == "loaded"
    assert {"type": "batch", "id": batch} in body["relatedObjects"]


def test_it_ends_when_its_time_has_passed(
    platform: requests.Session,
    create: Callable[..., str],
    steer: Control,
    sub_batches: Callable[[str], dict[str, Any]],
) -> None:
    steer.switch(sub_batch_seconds=900)
    dataset_id = create(tags=ON)
    upload(platform, dataset_id, ROW)
    seen = [body["status"] for body in sub_batches(dataset_id).values()]

    steer.tick(900)

    seen += [body["status"] for body in sub_batches(dataset_id).values()]
    assert seen == ["loaded", "success"]


def test_a_batch_that_misses_profile_has_none(
    platform: requests.Session,
    create: Callable[..., str],
    steer: Control,
    sub_batches: Callable[[str], dict[str, Any]],
) -> None:
    steer.switch(sub_batch_seconds=900)
    dataset_id = create()
    upload(platform, dataset_id, ROW)

    assert sub_batches(dataset_id) == {}


def test_it_is_the_last_batch_of_the_dataset(
    platform: requests.Session,
    catalog: requests.Session,
    create: Callable[..., str],
    steer: Control,
    sub_batches: Callable[[str], dict[str, Any]],
) -> None:
    steer.switch(sub_batch_seconds=900)
    dataset_id = create(tags=ON)
    batch = upload(platform, dataset_id, ROW)
    [sub_id] = sub_batches(dataset_id)

    last = catalog.get("/lastBatches", params={"dataSetId": dataset_id}).json()[dataset_id]

    assert (last["lastBatchId"], last["lastSuccessfulBatchId"]) == (sub_id, batch)


def test_a_restart_forgets_none(
    serve: Callable[..., Emulator], connect: Callable[..., requests.Session], tmp_path: Any
) -> None:
    first = serve(state=tmp_path / "aep.db")
    steer = Control(first.url)
    steer.switch(sub_batch_seconds=900)
    steer.seed(datasets={"f" * 24: {"name": "n", "tags": ON}})
    upload(connect(first.url), "f" * 24, ROW)
    steer.tick(batches=True)
    first.stop()

    second = serve(state=tmp_path / "aep.db")
    Control(second.url).tick(900)

    batches = connect(second.url).get("/data/foundation/catalog/batches").json()
    assert [body["status"] for body in batches.values()] == ["success", "success"]
