"""An emulator for a run of the probe."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.aep import BareAep, serving
from support.probed import two_batches

ORDERS = "5b020a27e7040801dedbf46e"


@pytest.fixture
def aep() -> Iterator[BareAep]:
    """A strict one that holds a dataset of somebody else's, with batches."""
    with serving() as running:
        running.dataset(
            ORDERS, {"pulumiManagedBy": ["aep/dev/orders"]}, name="Orders", createdClient="other-client"
        )
        two_batches(running, ORDERS)
        yield running
