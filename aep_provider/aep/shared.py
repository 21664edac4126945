"""The same API for refreshes and previews: what is read is read for every resource that asks.

Nothing that writes uses it: a write is planned from a read of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from aep_provider.aep import Aep
from aep_provider.aep.batches import LOOK_BACK, Batch, Batches
from aep_provider.aep.bulk import Bulk
from aep_provider.aep.catalog import Catalog
from aep_provider.aep.gateway import Gateway
from aep_provider.aep.paginate import SMALLEST_PAGE, Page, with_end
from aep_provider.aep.reads import Reads
from aep_provider.aep.single_flight import Memory
from aep_provider.dataset.observed import Observed
from aep_provider.errors import ApiError

_Page = Page[int, "Observed | None"]


def shared(aep: Aep) -> Aep:
    """The API with answers that are remembered for as long as the process lives.

    Args:
        aep: the API that the same process writes with.
    """
    return replace(
        aep,
        catalog=_SharedCatalog(aep.gateway, Bulk(aep.catalog, aep.reads.memory()), aep.reads),
        batches=_SharedBatches(aep.gateway, aep.reads),
    )


class _SharedCatalog(Catalog):
    def __init__(self, gateway: Gateway, bulk: Bulk, reads: Reads) -> None:
        super().__init__(gateway, reads.memory())
        self._bulk = bulk
        self._named: Memory[list[Observed]] = reads.memory()
        self._reads = reads
        self._expected = 0

    def get(self, dataset_id: str, *, urgent: bool = False) -> Observed:
        return super().get(dataset_id, urgent=True) if urgent else self._bulk.get(dataset_id)

    def get_ahead(self, dataset_ids: Sequence[str]) -> None:
        self._bulk.ahead(dataset_ids)

    def tagged_ahead(
        self, key: str, each: Callable[[Observed], None] | None = None, *, expected: int = 0
    ) -> None:
        self._expected = max(self._expected, expected)
        super().tagged_ahead(key, each)

    def _fetch(
        self, query: Mapping[str, str], wanted: Callable[[Mapping[str, Any]], bool], start: int
    ) -> _Page:
        """The first page of what carries a tag comes with the end of the listing, where its length can be guessed.

        A page shorter than asked for need not be the last one, and to see that nothing follows would take one request
        after another.
        """
        if start or "tags" not in query:
            return super()._fetch(query, wanted, start)
        ask = partial(self._end, query, wanted)
        # For this listing alone: one that is made anew after a failure may have become longer.
        end: Memory[tuple[int, _Page | None]] = self._reads.memory()
        end.ahead("", ask)
        page = super()._fetch(query, wanted, start)
        return page if page.following is None else with_end(page, *end.get("", ask))

    def _end(
        self, query: Mapping[str, str], wanted: Callable[[Mapping[str, Any]], bool]
    ) -> tuple[int, _Page | None]:
        # A refresh asks for one dataset after another, for most of them while the token is on its way.
        with contextlib.suppress(ApiError):
            self._gateway.tokens.get()
            start = max(self._expected, self._bulk.asked)
            if start >= SMALLEST_PAGE:
                return start, super()._fetch(query, wanted, start)
        return 0, None

    def named(self, name: str) -> list[Observed]:
        return self._named.get(name, partial(super().named, name))

    def named_ahead(self, name: str) -> None:
        self._named.ahead(name, partial(super().named, name))


class _SharedBatches(Batches):
    """Batches that are listed once; those of the whole sandbox at first, so that a few serve every dataset."""

    def __init__(self, gateway: Gateway, reads: Reads) -> None:
        super().__init__(gateway)
        self._recent: Memory[list[Batch]] = reads.memory()
        self._of_sandbox: Memory[Mapping[str, list[Batch]] | None] = reads.memory()

    def recent(self, dataset_id: str) -> list[Batch]:
        return self._recent.get(dataset_id, partial(self._ask, dataset_id))

    def recent_ahead(self, dataset_id: str) -> None:
        self._recent.ahead(dataset_id, partial(self._ask, dataset_id))

    def sandbox_ahead(self) -> None:
        self._of_sandbox.ahead("", self._ask_for_all)

    def _ask(self, dataset_id: str) -> list[Batch]:
        everything = self._of_sandbox.get("", self._ask_for_all)
        return super().recent(dataset_id) if everything is None else everything.get(dataset_id, [])

    def _ask_for_all(self) -> Mapping[str, list[Batch]] | None:
        # What fails is asked again for each dataset, and said for it.
        with contextlib.suppress(ApiError):
            return self.of_sandbox(LOOK_BACK)
        return None
