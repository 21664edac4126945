"""Small batches of one row, and what becomes of the row in Profile."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, repeat
from typing import Any, TypeVar

from aep_provider.aep.batches import ENDED, SUCCESS
from aep_provider.probe.belief import NotAsked
from aep_provider.probe.raw import CATALOG, Raw, Reply
from aep_provider.probe.rows import Shape
from aep_provider.probe.steps.step import Run

IMPORT = "/data/foundation/import/batches"
ENTITIES = "/data/core/ups/access/entities"
PROFILE_CLASS = "_xdm.context.profile"

LOOKS = (0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each look; the last one repeats."""

T = TypeVar("T")


def until(run: Run, look: Callable[[], T | None], most: float = math.inf) -> T | None:
    """Look again and again until something is found, or the wait of the run is over.

    Args:
        run: says how long to wait.
        look: returns what it found, or ``None``.
        most: seconds, where that is less.

    Raises:
        NotAsked: the run was interrupted.
    """
    started = run.clock.monotonic()
    for pause in chain(LOOKS, repeat(LOOKS[-1])):
        if pause and run.clock.wait(pause):
            raise NotAsked("the run was interrupted")
        found = look()
        if found is not None:
            return found
        if run.clock.monotonic() - started >= min(run.wait, most):
            return None
    return None


class Ingestion:
    """Batches into one scratch dataset, all about one identity.

    Args:
        run: of the probe.
        dataset_id: the scratch dataset.
        shape: of its rows.
        value: of the identity.

    Attributes:
        statuses: those that the batches showed, in the order in which they were first seen.
        made: the ids of the batches that were made.
    """

    def __init__(self, run: Run, dataset_id: str, shape: Shape, value: str) -> None:
        self._run, self._raw, self._shape, self._value = run, run.raw, shape, value
        self.dataset_id = dataset_id
        self.statuses: list[str] = []
        self.made: list[str] = []

    def create(self) -> str:
        """Create a batch and return its id.

        Raises:
            NotAsked: it was refused.
        """
        return self.accepted(self.order())

    def order(self, predecessors: Sequence[str] = ()) -> Reply:
        """Ask for a batch.

        Args:
            predecessors: ids of batches that it takes the place of.
        """
        body: dict[str, object] = {"datasetId": self.dataset_id, "inputFormat": {"format": "json"}}
        if predecessors:
            body["replay"] = {"predecessors": list(predecessors), "reason": "replace"}
        return self._raw.send("POST", IMPORT, body=body)

    def accepted(self, reply: Reply) -> str:
        """The id of the batch that was asked for.

        Raises:
            NotAsked: it was refused.
        """
        batch_id = reply.object().get("id")
        if not reply.ok or not isinstance(batch_id, str):
            raise NotAsked(f"a batch could not be created: {reply.describe()}")
        self.made.append(batch_id)
        return batch_id

    def fill(self, batch_id: str, *texts: str | None) -> None:
        """Upload the one row and complete the batch.

        Args:
            batch_id: the batch.
            texts: for each field of text its value.

        Raises:
            NotAsked: one of the two was refused.
        """
        file = f"{IMPORT}/{batch_id}/datasets/{self.dataset_id}/files/row.json"
        content = {"Content-Type": "application/octet-stream"}
        reply = self._raw.send("PUT", file, body=self._shape.row(self._value, *texts), headers=content)
        if reply.ok:
            reply = self._raw.send("POST", f"{IMPORT}/{batch_id}", query={"action": "COMPLETE"})
        if not reply.ok:
            raise NotAsked(f"a batch could not be filled: {reply.describe()}")

    def status(self, batch_id: str) -> str:
        """The status that Catalog shows now; ``""`` if it does not show the batch."""
        reply = self._raw.send("GET", f"{CATALOG}/batches/{batch_id}")
        body = reply.object().get(batch_id)
        status = str(body.get("status", "")).lower() if isinstance(body, dict) else ""
        if status and status not in self.statuses:
            self.statuses.append(status)
        return status

    def landed(self, batch_id: str, what: str) -> None:
        """Wait until the lake has a batch.

        Args:
            batch_id: the batch.
            what: how a message names it.

        Raises:
            NotAsked: it has failed, or has not ended in time.
        """
        ended = until(self._run, lambda: self._end(batch_id))
        if ended is None:
            raise NotAsked(f"{what} had not ended after {self._run.wait:.0f} s; a longer --wait may help")
        if ended not in SUCCESS:
            raise NotAsked(
                f"{what} ended as {ended}: the schema may ask for fields that the row does not have"
            )

    def _end(self, batch_id: str) -> str | None:
        status = self.status(batch_id)
        return status if status in ENDED else None

    def profile(self) -> Mapping[str, Any] | None:
        """What Profile holds of the identity now; ``None`` if it holds nothing.

        Raises:
            NotAsked: it cannot be looked up.
        """
        query = {"schema.name": PROFILE_CLASS, "entityId": self._value, "entityIdNS": self._shape.namespace}
        reply = self._raw.send("GET", ENTITIES, query=query)
        if reply.status == 404:
            return None
        if not reply.ok:
            raise NotAsked(f"profiles cannot be looked up: {reply.describe()} (permission View Profiles)")
        for found in reply.object().values():
            entity = found.get("entity") if isinstance(found, dict) else None
            if isinstance(entity, dict):
                return entity
        return None

    def text(self, number: int) -> str | None:
        """What a field of text holds in Profile now; ``None`` without a profile or without the field."""
        entity = self.profile()
        return None if entity is None else self._shape.text(entity, number)

    def shown(self, number: int, text: str, what: str) -> float:
        """Wait until Profile shows a text, and return the seconds that it took.

        Args:
            number: of the field.
            text: what it was given.
            what: how a message names the batch.

        Raises:
            NotAsked: it is not there in time.
        """
        clock = self._run.clock
        started = clock.monotonic()
        if until(self._run, lambda: True if self.text(number) == text else None) is None:
            raise NotAsked(
                f"Profile did not show {what} within {self._run.wait:.0f} s; Adobe's notes speak of up to three hours, "
                "so a longer --wait may help"
            )
        return clock.monotonic() - started


def listed(raw: Raw, dataset_id: str) -> dict[str, Any]:
    """The batches that Catalog lists of a dataset, as the provider asks for them."""
    query: dict[str, str | int] = {"dataSet": dataset_id, "orderBy": "desc:created", "limit": 100}
    reply = raw.send("GET", f"{CATALOG}/batches", query=query)
    if not reply.ok:
        raise NotAsked(f"batches cannot be listed: {reply.describe()}")
    return reply.object()
