"""The same API for refreshes and previews: what is read is read for every resource that asks.

Nothing that writes uses it: a write is planned from a read of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from aep_provider.aep import Aep
from aep_provider.aep.batches import LOOK_BACK, Batch, Batches
from aep_provider.aep.bulk import AT_ONCE, Bulk
from aep_provider.aep.catalog import PAGE, Catalog, Pages
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
    return aep._replace(
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

    def _pages(self, query: Mapping[str, str], wanted: Callable[[Mapping[str, Any]], bool]) -> Pages:
        one_by_one = super()._pages(query, wanted)
        return _PagesAhead(one_by_one, self._reads, self._guess) if "tags" in query else one_by_one

    def _guess(self) -> int:
        """How many datasets carry a tag, at a guess."""
        # A refresh asks for one dataset after another, for most of them while the token is on its way.
        self._gateway.tokens.get()
        return max(self._expected, self._bulk.asked)

    def named(self, name: str) -> list[Observed]:
        return self._named.get(name, partial(super().named, name))

    def named_ahead(self, name: str) -> None:
        self._named.ahead(name, partial(super().named, name))


class _PagesAhead:
    """The pages of one listing, of which more than one is asked for at a time where it is known where they begin.

    Args:
        one_by_one: reads a page.
        reads: makes memories; for this listing alone, since one that is made anew after a failure may have grown.
        guess: how many entries the listing has.
    """

    def __init__(self, one_by_one: Pages, reads: Reads, guess: Callable[[], int]) -> None:
        self._one_by_one = one_by_one
        self._guess = guess
        self._asked: Memory[_Page] = reads.memory()
        self._end: Memory[tuple[int, _Page | None]] = reads.memory()

    def __call__(self, start: int) -> _Page:
        """The page at an offset, the first one with the end of a listing whose length was guessed.

        A page shorter than asked for need not be the last one, and to see that nothing follows would take one request
        after another. Only a full one tells where the next ones begin.
        """
        if not start:
            self._end.ahead("", self._ask_for_end)
        page = self._asked.get(str(start), partial(self._one_by_one, start))
        if len(page.entries) == PAGE:
            for following in range(start + PAGE, start + PAGE * (AT_ONCE + 1), PAGE):
                self._asked.ahead(str(following), partial(self._one_by_one, following))
        elif not start and page.following is not None:
            return with_end(page, *self._end.get("", self._ask_for_end))
        return page

    def _ask_for_end(self) -> tuple[int, _Page | None]:
        with contextlib.suppress(ApiError):
            start = self._guess()
            if start >= SMALLEST_PAGE:
                return start, self._one_by_one(start)
        return 0, None


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
