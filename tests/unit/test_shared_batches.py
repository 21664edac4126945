"""Batches for previews: one listing of the sandbox for every dataset, where that holds them all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from aep_provider.aep import connect
from aep_provider.aep.batches import PAGE, Batches
from aep_provider.aep.shared import shared
from aep_provider.emulator import Control, Emulator
from aep_provider.errors import PermissionDenied
from aep_provider.settings import Settings
from support.clock import FakeClock
from support.settings import environment

ONE, OTHER = "1" * 24, "2" * 24
"""Two datasets."""


class Sandbox(Control):
    """A strict emulator, and what previews read of its batches."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.batches: Batches = shared(connect(Settings.load({}, environment(url)), FakeClock())).batches

    def hold(self, count: int, dataset_id: str = ONE, **body: Any) -> None:
        """Put batches of the last days into the sandbox, one second apart."""
        now = int(time.time() * 1000)
        common = {"status": "processing", "relatedObjects": [{"type": "dataSet", "id": dataset_id}], **body}
        self.seed(
            batches={
                f"{dataset_id[0]}-{number:03}": {"created": now - number * 1000, **common}
                for number in range(count)
            }
        )

    def ids(self, dataset_id: str) -> list[str]:
        """The batches of a dataset, as a preview sees them."""
        return [batch.id for batch in self.batches.recent(dataset_id)]

    def asked(self) -> list[str]:
        """Whose batches were listed: a dataset's id, or ``all``."""
        log = [entry for entry in self.requests() if entry["path"].endswith("/batches")]
        return [entry["query"].get("dataSet", ["all"])[0] for entry in log]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Emulator(strict=True) as emulator:
        yield Sandbox(emulator.url)


def test_one_listing_serves_every_dataset(sandbox: Sandbox) -> None:
    sandbox.hold(2, ONE)
    sandbox.hold(1, OTHER)
    assert (sandbox.ids(ONE), sandbox.ids(OTHER), sandbox.ids("3" * 24)) == (
        ["1-000", "1-001"],
        ["2-000"],
        [],
    )
    assert sandbox.asked() == ["all"]


def test_a_batch_counts_for_each_dataset_that_it_names(sandbox: Sandbox) -> None:
    related = [{"type": "batch", "id": "b"}, *({"type": "dataSet", "id": one} for one in (ONE, OTHER))]
    sandbox.hold(1, relatedObjects=related)
    assert sandbox.ids(ONE) == sandbox.ids(OTHER) == ["1-000"]


def test_a_page_that_may_be_short_is_not_the_end(sandbox: Sandbox) -> None:
    sandbox.hold(PAGE - 1)
    assert len(sandbox.ids(ONE)) == PAGE - 1
    assert sandbox.asked() == ["all", "all"]


def test_where_there_are_many_batches_each_dataset_is_asked_about(sandbox: Sandbox) -> None:
    sandbox.hold(PAGE, OTHER)
    sandbox.hold(1, ONE, created=int((time.time() - 86_400) * 1000))
    assert (sandbox.ids(ONE), len(sandbox.ids(OTHER))) == (["1-000"], PAGE)
    assert sandbox.asked()[:2] == ["all", ONE]


@pytest.mark.parametrize("related", [None, "text", [], [{"type": "batch", "id": "b"}], [{"type": "dataSet"}]])
def test_where_a_batch_does_not_say_whose_it_is_each_dataset_is_asked_about(
    sandbox: Sandbox, related: object
) -> None:
    batch = {"status": "processing", "created": 1, "relatedObjects": related}
    sandbox.fault({"status": 200, "body": {"b": batch}}, path="/batches")
    sandbox.hold(1, ONE)
    assert sandbox.ids(ONE) == ["1-000"]
    assert sandbox.asked() == ["all", ONE]


def test_what_fails_for_all_is_asked_and_told_for_each_dataset(sandbox: Sandbox) -> None:
    sandbox.fault({"status": 403, "body": {}}, times=2, path="/batches")
    with pytest.raises(PermissionDenied, match=f"batches of dataset {ONE}"):
        sandbox.batches.recent(ONE)
    assert sandbox.ids(OTHER) == []
    assert sandbox.asked() == ["all", ONE, OTHER]
