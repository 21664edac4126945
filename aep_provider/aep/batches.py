"""Catalog: the batches of a dataset. Source: *Catalog Service API* description, ``GET /batches``."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any, NamedTuple

from aep_provider.aep.gateway import ApiRequest, Gateway
from aep_provider.aep.paginate import Page, next_offset, paginate
from aep_provider.aep.responses import mapping, unreadable
from aep_provider.dataset.tags import moment, split_element, timestamp

PATH = "/data/foundation/catalog/batches"
LAST = "/data/foundation/catalog/lastBatches"
PAGE = 100
LOOK_BACK = timedelta(days=7)

REPLAY_TAG = "pulumiReplay"
"""The tag of a batch that is ingested again: AEP may forget the one that it replaces, and with it where it belongs in
the order. Adobe's description of a new batch has ``tags`` for "properties associated with the previous batches"."""

SUCCESS = frozenset({"success", "active"})
ENDED = SUCCESS | {
    "failed",
    "failure",
    "aborted",
    "abandoned",
    "inactive",
    "deleted",
    "archived",
    "retained",
}
"""The statuses after which nothing more comes. Any other one, also one not known yet, is in flight."""

_INTERNAL = re.compile(r".+-.+-.+-[0-9a-f]{24}-INGEST", re.IGNORECASE)
"""Profile's own sub-batches: ``<batch>-<org>-<sandbox id>-<dataset>-INGEST`` (a third party's live notes)."""


def is_internal(batch_id: str) -> bool:
    """Whether Profile made a batch of another one, by its id."""
    return _INTERNAL.fullmatch(batch_id) is not None


class Origin(NamedTuple):
    """What a batch that was ingested again says of the one that it stands for, in the tag `REPLAY_TAG`.

    Attributes:
        of: the id of the batch that was ingested first, however often it was replaced since.
        ended: when the lake had that one, UTC.
    """

    of: str
    ended: datetime

    @classmethod
    def read(cls, elements: object) -> Origin | None:
        """Read the tag; ``None`` where it is absent or not as `elements` writes it."""
        if not isinstance(elements, list) or not all(isinstance(element, str) for element in elements):
            return None
        values = dict(split_element(element) for element in elements)
        ended = moment(values.get("ended", ""))
        return cls(values["of"], ended) if values.get("of") and ended is not None else None

    def elements(self) -> list[str]:
        """The elements to write."""
        return [f"of:{self.of}", f"ended:{timestamp(self.ended)}"]


class Batch(NamedTuple):
    """A batch.

    Attributes:
        id: its id.
        status: in lower case.
        created, completed: when (UTC); ``None`` = not said.
        replaces: ids of the batches that it replaces (``replay.predecessors``).
        origin: the batch that it stands for, where it says so.
        dataset_ids: the datasets that it is for, as far as it says so.
    """

    id: str
    status: str
    created: datetime
    completed: datetime | None
    replaces: tuple[str, ...] = ()
    origin: Origin | None = None
    dataset_ids: tuple[str, ...] = ()

    @property
    def in_flight(self) -> bool:
        """Whether it is still on its way into the lake (which of the statuses are: partly inferred)."""
        return self.status not in ENDED and not self.internal

    @property
    def succeeded(self) -> bool:
        """Whether the lake has it, as a batch that can be ingested again."""
        return self.status in SUCCESS and not self.internal

    @property
    def internal(self) -> bool:
        """Whether Profile made it of another batch: it is neither waited for nor ingested again."""
        return is_internal(self.id)


class LastBatch(NamedTuple):
    """The newest batch of a dataset; ``updated`` is UTC, ``None`` = not said."""

    id: str
    status: str
    updated: datetime | None


class Batches:
    """Lists batches of the gateway's sandbox."""

    MOST = 50
    """Datasets that one request asks about for their last batch: a URL of some 1,300 characters."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def recent(self, dataset_id: str) -> list[Batch]:
        """The dataset's batches of the last seven days, newest first.

        Raises:
            ApiError: they could not be read, or not understood.
        """
        return self.of_last(dataset_id, LOOK_BACK)

    def recent_ahead(self, dataset_id: str) -> None:
        """Have them listed, for `recent`. Nothing here, where they are listed when they are asked for."""

    def sandbox_ahead(self) -> None:
        """Have those of the whole sandbox listed, for `recent`. Nothing here, where each dataset's are listed."""

    def of_last(self, dataset_id: str, look_back: timedelta) -> list[Batch]:
        """The dataset's batches of the last days, newest first.

        Args:
            dataset_id: the dataset.
            look_back: how far back their creation may lie.

        Raises:
            ApiError: they could not be read, or not understood.
        """
        what = f"batches of dataset {dataset_id}"
        found = self._listed(what, {"dataSet": dataset_id}, look_back)
        return sorted(found, key=lambda batch: batch.created, reverse=True)

    def of_sandbox(self, look_back: timedelta) -> Mapping[str, list[Batch]] | None:
        """The batches of the last days of every dataset, newest first, where these are few.

        Args:
            look_back: how far back their creation may lie.

        Returns:
            By dataset; ``None`` where they fill a page, or one does not say for which dataset it is.

        Raises:
            ApiError: they could not be read, or not understood.
        """
        found = list(islice(self._listed("batches of all datasets", {}, look_back), PAGE))
        if len(found) == PAGE or not all(batch.dataset_ids for batch in found):
            return None
        by_dataset: dict[str, list[Batch]] = {}
        for batch in sorted(found, key=lambda batch: batch.created, reverse=True):
            for dataset_id in batch.dataset_ids:
                by_dataset.setdefault(dataset_id, []).append(batch)
        return by_dataset

    def _listed(self, what: str, only: Mapping[str, str], look_back: timedelta) -> Iterator[Batch]:
        # By the service's clock: with a local one that is ahead, the newest batches would be missed.
        since = int((self._gateway.server_time() - look_back).timestamp() * 1000)

        def fetch(start: int) -> Page[int, Batch]:
            query: dict[str, str | int] = {
                **only,
                "createdAfter": since,
                "orderBy": "desc:created",
                "limit": PAGE,
                "start": start,
            }
            request = ApiRequest("GET", PATH, what, query=query, permission="View Datasets")
            response = self._gateway.send(request)
            page = mapping(response)
            for body in page.values():
                if isinstance(body, dict):
                    self._gateway.check_ours(response, body)
            try:
                found: dict[Hashable, Batch] = {
                    batch_id: _read(batch_id, body) for batch_id, body in page.items()
                }
            except (TypeError, ValueError) as error:
                raise unreadable(response, f"batches were expected ({error})") from error
            return Page(response, found, next_offset(start, len(page)))

        return paginate(fetch, 0)

    def any(self, dataset_id: str) -> bool:
        """Whether a batch was ever made for the dataset.

        Raises:
            ApiError: it could not be read, or not understood.
        """
        query: dict[str, str | int] = {"dataSet": dataset_id, "limit": 1}
        what = f"batches of dataset {dataset_id}"
        return bool(
            mapping(
                self._gateway.send(ApiRequest("GET", PATH, what, query=query, permission="View Datasets"))
            )
        )

    def last(self, dataset_ids: Sequence[str]) -> dict[str, LastBatch]:
        """The newest batch of each dataset that has any. Source: ``GET /lastBatches`` of the description.

        Args:
            dataset_ids: at most `MOST`.

        Raises:
            ApiError: they could not be read, or not understood.
        """
        query = {"dataSetId": ",".join(dataset_ids)}
        response = self._gateway.send(
            ApiRequest("GET", LAST, "last batches", query=query, permission="View Datasets")
        )
        found: dict[str, LastBatch] = {}
        for dataset_id, body in mapping(response).items():
            if not isinstance(body, dict):
                raise unreadable(response, "an object for each dataset was expected")
            batch_id, status = body.get("lastBatchId"), body.get("lastBatchStatus")
            if isinstance(batch_id, str) and isinstance(status, str):
                found[dataset_id] = LastBatch(batch_id, status.lower(), _moment(body.get("updated")))
        return found


def _read(batch_id: str, body: Any) -> Batch:
    if not isinstance(body, dict) or not isinstance(body.get("status"), str):
        raise TypeError(f"batch {batch_id} has no status")
    created = _moment(body.get("created"))
    if created is None:
        raise TypeError(f"batch {batch_id} has no creation time")
    # `completed` is not in every response; `updated` moves last when the status does.
    completed = _moment(body.get("completed") or body.get("updated"))
    replaces, tags = _predecessors(body.get("replay")), body.get("tags")
    origin = Origin.read(tags.get(REPLAY_TAG)) if isinstance(tags, dict) else None
    return Batch(
        batch_id,
        body["status"].lower(),
        created,
        completed,
        replaces,
        origin,
        datasets_of(body.get("relatedObjects")),
    )


def datasets_of(related: object) -> tuple[str, ...]:
    """The datasets among what a batch is related to; none where that is malformed."""
    objects = [one for one in related if isinstance(one, dict)] if isinstance(related, list) else []
    ids = (one.get("id") for one in objects if one.get("type") == "dataSet")
    return tuple(one for one in ids if isinstance(one, str))


def _predecessors(replay: object) -> tuple[str, ...]:
    """What a batch replaces; a malformed list replaces nothing, since only a list of gaps rests on it."""
    named = replay.get("predecessors") if isinstance(replay, dict) else None
    return tuple(one for one in named if isinstance(one, str)) if isinstance(named, list) else ()


def _moment(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 253_402_300_800_000:
        return None
    return datetime.fromtimestamp(value / 1000, timezone.utc)
