"""How batches in flight are named in a message."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from aep_provider.aep.batches import Batch
from aep_provider.operations.in_flight import listed

NOW = datetime(2026, 1, 31, 9, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("count", "named", "rest"), [(1, 1, ""), (5, 5, ""), (6, 5, " and 1 more"), (9, 5, " and 4 more")]
)
def test_five_batches_are_named_and_the_rest_counted(count: int, named: int, rest: str) -> None:
    batches = [Batch(str(number), "loading", NOW, None) for number in range(count)]
    assert listed(batches) == ", ".join(f"{number} (loading)" for number in range(named)) + rest
