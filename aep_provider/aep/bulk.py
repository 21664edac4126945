"""Datasets that are asked for one by one, read many at a time.

A refresh calls the provider once for each dataset, and many of these calls wait at the same time. What waits
while a request is under way goes into the next one together; and a stack that is a fair part of its sandbox
is read from the listing, a hundred to a page.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence, Set
from functools import partial

from aep_provider.aep.catalog import PAGE, Catalog
from aep_provider.aep.single_flight import Memory
from aep_provider.dataset.observed import Observed
from aep_provider.errors import ApiError, NotFound, PermissionDenied, RequestRefused, UnreadableResponse

TOGETHER = 50
"""Ids in one request: a URL of some 1,400 characters, where the shortest known limit is 2,000."""

AT_ONCE = 4
"""Requests by id under way together, and pages. More would leave nothing that waits, and so nothing to put together."""

LISTED_AFTER = AT_ONCE + 1
"""Datasets asked for before the listing is tried. The first ones are asked for by their ids; what comes after them has
to wait anyway, and the first page takes no longer than they do."""

FAIR_SHARE = 0.05
"""The part of the listed datasets that must have been asked for before another page is. So pages go on at the rate of
one for five datasets asked for, however large the sandbox."""

_LASTING = (NotFound, PermissionDenied, RequestRefused, UnreadableResponse)
"""What the next request for several datasets would meet as well."""


class Bulk:
    """Reads datasets for many threads, each dataset once per process until it is written to.

    What shared requests do not show is read alone, so absence is only ever told by a request for that one
    dataset.

    Args:
        catalog: for the requests, and for what this process has written to.
        together: of what is read ahead: the datasets that one request showed, by the first of their ids.
    """

    def __init__(self, catalog: Catalog, together: Memory[dict[str, Observed]]) -> None:
        self._catalog = catalog
        self._read_ahead = together
        self._groups: dict[str, list[str]] = {}
        self._changed = threading.Condition()
        self._known: dict[str, Observed] = {}
        self._asked: set[str] = set()
        self._waiting: dict[str, None] = {}
        self._alone: set[str] = set()
        self._under_way = 0
        self._together = TOGETHER
        self._pages = _Pages()

    def get(self, dataset_id: str) -> Observed:
        """Read one dataset.

        Args:
            dataset_id: 24 hexadecimal characters.

        Raises:
            NotFound: a 404 of any kind on a request for this dataset alone.
            ApiError: it could not be read, or not understood.
        """
        if ahead := self._among(dataset_id):
            return ahead
        with self._changed:
            if dataset_id not in self._asked:
                self._asked.add(dataset_id)
                self._waiting[dataset_id] = None
                self._pages.asked_for(dataset_id)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._settled(dataset_id) or self._may_ask(dataset_id))
                if self._settled(dataset_id):
                    known = None if dataset_id in self._catalog.written else self._known.get(dataset_id)
                    break
                ask = self._next(dataset_id)
            try:
                ask()
            finally:
                with self._changed:
                    self._changed.notify_all()
        return known or self._catalog.get(dataset_id)

    @property
    def asked(self) -> int:
        """How many datasets were asked for one by one until now."""
        with self._changed:
            return len(self._asked)

    def ahead(self, dataset_ids: Sequence[str]) -> None:
        """Have datasets read together that `get` will be asked for."""
        with self._changed:
            begun = self._groups.keys() | self._asked
            new = [one for one in dict.fromkeys(dataset_ids) if one not in begun]
            groups = [new[start : start + TOGETHER] for start in range(0, len(new), TOGETHER)]
            for ids in groups:
                self._groups |= dict.fromkeys(ids, ids)
        for ids in groups:
            self._read_ahead.ahead(ids[0], partial(self._many, ids))

    def _among(self, dataset_id: str) -> Observed | None:
        """The dataset, if it was read ahead, with others, and not written to since."""
        ids = self._groups.get(dataset_id)
        if ids is None or dataset_id in self._catalog.written:
            return None
        return self._read_ahead.get(ids[0], partial(self._many, ids)).get(dataset_id)

    def _many(self, ids: list[str]) -> dict[str, Observed]:
        try:
            return self._catalog.many(ids)
        except ApiError as error:
            # Whoever asks for one of them then reads it as if nothing had been asked ahead, and hears what is wrong.
            if isinstance(error, _LASTING):
                self._together = 1
            return {}

    def _settled(self, dataset_id: str) -> bool:
        return dataset_id in self._known or dataset_id in self._alone or dataset_id in self._catalog.written

    def _may_ask(self, dataset_id: str) -> bool:
        if self._pages.worth_it(len(self._asked)):
            return self._pages.under_way < AT_ONCE
        if self._pages.under_way or self._under_way >= AT_ONCE:
            return False
        return dataset_id in self._waiting

    def _next(self, dataset_id: str) -> Callable[[], None]:
        if self._pages.worth_it(len(self._asked)):
            return partial(self._ask_page, self._pages.take())
        del self._waiting[dataset_id]
        ids = [dataset_id, *list(self._waiting)[: self._together - 1]]
        for taken in ids[1:]:
            del self._waiting[taken]
        self._under_way += 1
        return partial(self._ask_together, ids)

    def _ask_together(self, ids: list[str]) -> None:
        found: dict[str, Observed] = {}
        try:
            if len(ids) == 1:
                found[ids[0]] = self._catalog.get(ids[0])
            else:
                found |= self._catalog.many(ids)
        except ApiError as error:
            if len(ids) == 1:
                raise
            # Each is asked for alone then, and so says what is wrong with it.
            if isinstance(error, _LASTING):
                self._together = 1
        finally:
            with self._changed:
                self._under_way -= 1
                # Also that one of them is gone: a page that came meanwhile may be older.
                for asked in ids:
                    self._known.pop(asked, None)
                self._known |= found
                self._alone.update(ids)

    def _ask_page(self, start: int) -> None:
        found: dict[str, Observed] = {}
        more = False
        try:
            found, more = self._catalog.page(start)
        except ApiError:
            # As above: what waits is read by id then.
            return
        finally:
            with self._changed:
                self._pages.came(found.keys(), self._asked, more=more)
                # What was asked for by id keeps that answer: a listing may be behind.
                self._known |= {key: one for key, one in found.items() if key not in self._alone}
                for dataset_id in found:
                    self._waiting.pop(dataset_id, None)


class _Pages:
    """How far the listing has been read, and whether it brings enough to go on."""

    def __init__(self) -> None:
        self.under_way = 0
        self._start = 0
        self._ended = False
        self._listed: set[str] = set()
        self._hits = 0

    def worth_it(self, asked: int) -> bool:
        """Whether the next page should be read."""
        if self._ended or asked < LISTED_AFTER:
            return False
        return self._start == 0 or self._hits >= max(FAIR_SHARE * len(self._listed), 1)

    def take(self) -> int:
        """Where the next page starts; it is under way now."""
        self.under_way += 1
        self._start += PAGE
        return self._start - PAGE

    def came(self, listed: Set[str], asked: Set[str], *, more: bool) -> None:
        """Take note of a page. One that brings nothing new ends the listing, whatever it says of more."""
        self.under_way -= 1
        new = listed - self._listed
        self._ended = self._ended or not more or not new
        self._listed |= new
        self._hits += len(new & asked)

    def asked_for(self, dataset_id: str) -> None:
        """Count a dataset that is asked for after its page has come."""
        self._hits += dataset_id in self._listed
