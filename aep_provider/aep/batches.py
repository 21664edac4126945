"""Catalog: the batches of a dataset. Source: *Catalog Service API* description, ``GET /batches``."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from aep_provider.aep.gateway import ApiRequest, Gateway
from aep_provider.aep.paginate import Page, next_offset, paginate
from aep_provider.aep.responses import mapping, unreadable

PATH = "/data/foundation/catalog/batches"
LAST = "/data/foundation/catalog/lastBatches"
PAGE = 100
IDS = 50
"""Datasets per request for their last batch: a URL of some 1,300 characters."""

LOOK_BACK = timedelta(days=7)

_SUCCESS = frozenset({"success", "active"})
_ENDED = _SUCCESS | {
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


@dataclass(frozen=True)
class Batch:
    """A batch: its id, status, and when it was created and completed (UTC; ``None`` = not said)."""

    id: str
    status: str
    created: datetime
    completed: datetime | None

    @property
    def in_flight(self) -> bool:
        """Whether it is still on its way into the lake (which of the statuses are: partly inferred)."""
        return self.status not in _ENDED and not self.internal

    @property
    def succeeded(self) -> bool:
        """Whether the lake has it, as a batch that can be ingested again."""
        return self.status in _SUCCESS and not self.internal

    @property
    def internal(self) -> bool:
        """Whether Profile made it of another batch: it is neither waited for nor ingested again."""
        return _INTERNAL.fullmatch(self.id) is not None


@dataclass(frozen=True)
class LastBatch:
    """The newest batch of a dataset; ``updated`` is UTC, ``None`` = not said."""

    id: str
    status: str
    updated: datetime | None


class Batches:
    """Lists batches of the gateway's sandbox."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def recent(self, dataset_id: str) -> list[Batch]:
        """The dataset's batches of the last seven days, newest first.

        Raises:
            ApiError: they could not be read, or not understood.
        """
        # By the service's clock: with a local one that is ahead, the newest batches would be missed.
        since = int((self._gateway.server_time() - LOOK_BACK).timestamp() * 1000)

        def fetch(start: int) -> Page[int, Batch]:
            query: dict[str, str | int] = {
                "dataSet": dataset_id,
                "createdAfter": since,
                "orderBy": "desc:created",
                "limit": PAGE,
                "start": start,
            }
            request = ApiRequest(
                "GET", PATH, f"batches of dataset {dataset_id}", query=query, permission="View Datasets"
            )
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

        return sorted(paginate(fetch, 0), key=lambda batch: batch.created, reverse=True)

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

        Raises:
            ApiError: they could not be read, or not understood.
        """
        found: dict[str, LastBatch] = {}
        for start in range(0, len(dataset_ids), IDS):
            query = {"dataSetId": ",".join(dataset_ids[start : start + IDS])}
            request = ApiRequest("GET", LAST, "last batches", query=query, permission="View Datasets")
            response = self._gateway.send(request)
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
    return Batch(batch_id, body["status"].lower(), created, completed)


def _moment(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 253_402_300_800_000:
        return None
    return datetime.fromtimestamp(value / 1000, timezone.utc)
