"""The batches that Profile makes of others are neither waited for nor to be ingested again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.aep import BareAep
from support.local import Local
from support.upload import Platform, upload
from support.window import ADOPT, ID, ON

Given = Callable[..., dict[str, Any]]
ROW = {"personalEmail": {"address": "ann@example.com"}}


def taken(aep: BareAep) -> tuple[str, str]:
    """A batch that Profile took, and the one that Profile made of it, which is loaded."""
    aep.switch(sub_batch_seconds=3600)
    aep.dataset(ID, ON)
    with Platform(aep.url, aep.headers()) as platform:
        batch = upload(platform, ID, ROW)
        aep.tick(batches=True)
        shown = platform.get("/data/foundation/catalog/batches", params={"status": "loaded"}).json()
    [sub_batch] = shown
    assert sub_batch.startswith(batch)
    assert sub_batch.endswith(f"-{ID}-INGEST")
    return batch, sub_batch


@pytest.mark.parametrize("mode", ["wait", "fail"])
def test_a_window_opens_while_one_is_loaded(local: Local, aep: BareAep, given: Given, mode: str) -> None:
    batch, _ = taken(aep)

    outputs = local.start(aep.url).create(given(**ADOPT, in_flight_batches=mode)).outs

    assert (outputs["profile_gap"]["replay"], outputs["profile_gap"]["suspect"]) == ([], [batch])
    assert [said for said in local.said if "in flight" in said] == []


def test_no_message_names_one(local: Local, aep: BareAep, given: Given) -> None:
    _, sub_batch = taken(aep)

    local.start(aep.url).create(given(**ADOPT))

    assert any("Profile was off" in said for said in local.said)
    assert [said for said in local.said if sub_batch in said] == []


def test_one_that_ended_in_a_window_is_not_replayed(local: Local, aep: BareAep, given: Given) -> None:
    batch, sub_batch = taken(aep)
    aep.tick(3600)

    gap = local.start(aep.url).create(given(**ADOPT)).outs["profile_gap"]

    assert sub_batch not in [*gap["replay"], *gap["suspect"]]
    assert batch in gap["suspect"]
