"""The same API for refreshes and previews: what is read is read for every resource that asks.

Nothing that writes uses it: a write is planned from a read of its own.
"""

from __future__ import annotations

from dataclasses import replace

from aep_provider.aep import Aep
from aep_provider.aep.batches import Batch, Batches
from aep_provider.aep.bulk import Bulk
from aep_provider.aep.catalog import Catalog
from aep_provider.aep.gateway import Gateway
from aep_provider.aep.single_flight import SingleFlight
from aep_provider.dataset.observed import Observed


def shared(aep: Aep) -> Aep:
    """The API with answers that are remembered for as long as the process lives.

    Args:
        aep: the API that the same process writes with.
    """
    return replace(
        aep,
        catalog=_SharedCatalog(aep.gateway, Bulk(aep.catalog)),
        batches=_SharedBatches(aep.gateway),
    )


class _SharedCatalog(Catalog):
    def __init__(self, gateway: Gateway, bulk: Bulk) -> None:
        super().__init__(gateway, SingleFlight())
        self._bulk = bulk
        self._named: SingleFlight[list[Observed]] = SingleFlight()

    def get(self, dataset_id: str, *, urgent: bool = False) -> Observed:
        return super().get(dataset_id, urgent=True) if urgent else self._bulk.get(dataset_id)

    def named(self, name: str) -> list[Observed]:
        ask = super().named
        return self._named.get(name, lambda: ask(name))


class _SharedBatches(Batches):
    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway)
        self._recent: SingleFlight[list[Batch]] = SingleFlight()

    def recent(self, dataset_id: str) -> list[Batch]:
        ask = super().recent
        return self._recent.get(dataset_id, lambda: ask(dataset_id))
