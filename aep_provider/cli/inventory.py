"""The datasets of a sandbox with what their schema and batches say, and what is wrong with them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aep_provider.cli.console import Progress, side_by_side
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import UNIFIED_IDENTITY, UNIFIED_PROFILE, split_element, timestamp
from aep_provider.errors import ApiError, NotFound

if TYPE_CHECKING:
    from aep_provider.aep import Aep
    from aep_provider.aep.batches import LastBatch
    from aep_provider.aep.schemas import XdmSchema

TIME_SERIES, RECORD = "time-series", "record"


@dataclass(frozen=True)
class Item:
    """One dataset.

    Attributes:
        dataset: as listed.
        schema: its schema, or ``None`` if it could not be read.
        schema_missing: whether AEP says that there is no such schema.
        last_batch: its newest batch, or ``None``.
    """

    dataset: Observed
    schema: XdmSchema | None = None
    schema_missing: bool = False
    last_batch: LastBatch | None = None

    @property
    def behaviour(self) -> str:
        """``record``, ``time-series``, or ``""`` where neither dataset nor schema says."""
        if self.dataset.behaviour or self.schema is None:
            return self.dataset.behaviour
        return TIME_SERIES if self.schema.time_series else RECORD

    @property
    def faults(self) -> list[str]:
        """States that ingest into Profile wrongly, or that surprise; in words."""
        dataset, found = self.dataset, []
        if dataset.profile.enabled and not dataset.identity.enabled:
            found.append("Profile is on and Identity is off")
        if dataset.upsert and self.behaviour == TIME_SERIES:
            found.append("upsert on time series: it is for record data only")
        if self.schema_missing:
            found.append("its schema does not exist")
        elif dataset.profile.enabled and self.schema is not None and not self.schema.in_union:
            found.append("Profile is on, and its schema is not in the Profile union")
        if spaced := _spaced(dataset):
            found.append(f"spaces in a tag: {', '.join(spaced)}")
        return found

    def row(self) -> dict[str, Any]:
        """All of it, for JSON."""
        dataset, gap, batch = self.dataset, self.dataset.open_note, self.last_batch
        return {
            "name": dataset.name,
            "id": dataset.id,
            "schema_id": dataset.schema_id,
            "schema": self.schema.title if self.schema else "",
            "behaviour": self.behaviour,
            "profile": dataset.profile.enabled,
            "identity": dataset.identity.enabled,
            "upsert": dataset.upsert,
            "managed_by": dataset.managed_by,
            "owner": dataset.owner,
            "off_since": gap.start if gap else "",
            "off_by": gap.owner if gap else "",
            "last_batch": {
                "id": batch.id,
                "status": batch.status,
                "updated": timestamp(batch.updated) if batch.updated else "",
            }
            if batch
            else None,
            "faults": self.faults,
        }


@dataclass(frozen=True)
class Inventory:
    """Datasets, and what could not be found out about them."""

    items: Sequence[Item]
    notes: Sequence[str] = ()


def listed(aep: Aep, progress: Progress) -> list[Observed]:
    """Every dataset of the sandbox, by name."""
    return sorted(_counted(aep, progress), key=_by_name)


def read(
    aep: Aep, wanted: Callable[[Observed], bool], progress: Progress, *, at_once: int
) -> tuple[list[Observed], Inventory]:
    """Every dataset of the sandbox, and those that are wanted with their details, both by name.

    Schemas and last batches are asked for while the pages of the listing still come.
    """
    everything = []
    with side_by_side(at_once) as pool:
        details = _Details(aep, pool)
        for dataset in _counted(aep, progress):
            everything.append(dataset)
            if wanted(dataset):
                details.ask(dataset)
        everything.sort(key=_by_name)
        return everything, details.inventory(list(filter(wanted, everything)), progress)


def with_schemas(
    aep: Aep, datasets: Sequence[Observed], progress: Progress, *, at_once: int
) -> Sequence[Item]:
    """Add their schemas to some datasets; one that cannot be read is left out."""
    with side_by_side(at_once) as pool:
        details = _Details(aep, pool, batches=False)
        for dataset in datasets:
            details.ask(dataset)
        return details.inventory(datasets, progress).items


def _counted(aep: Aep, progress: Progress) -> Iterator[Observed]:
    for count, dataset in enumerate(aep.catalog.all(), 1):
        yield dataset
        if count % 100 == 0:
            progress.step(f"{count} so far")


def _by_name(dataset: Observed) -> tuple[str, str]:
    return dataset.name.casefold(), dataset.id


class _Details:
    """Schemas and last batches, asked for side by side. What cannot be read becomes a note.

    Args:
        aep: where to ask.
        pool: asks.
        batches: whether last batches are asked for as well.
    """

    def __init__(self, aep: Aep, pool: Executor, *, batches: bool = True) -> None:
        self._aep = aep
        self._pool = pool
        self._batches = batches
        self._schemas: dict[str, Future[XdmSchema | ApiError]] = {}
        self._last: list[Future[Mapping[str, LastBatch] | ApiError]] = []
        self._waiting: list[str] = []

    def ask(self, dataset: Observed) -> None:
        """Ask for what belongs to a dataset, as soon as there is a request's worth."""
        schema_id = dataset.schema_id
        if schema_id and schema_id not in self._schemas:
            self._schemas[schema_id] = self._pool.submit(_schema, self._aep, schema_id)
        if self._batches:
            self._waiting.append(dataset.id)
            if len(self._waiting) == self._aep.batches.MOST:
                self._send()

    def _send(self) -> None:
        self._last.append(self._pool.submit(_last, self._aep, self._waiting))
        self._waiting = []

    def inventory(self, datasets: Sequence[Observed], progress: Progress) -> Inventory:
        """Wait for all that was asked for, and put it beside the datasets."""
        if self._waiting:
            self._send()
        schemas: dict[str, XdmSchema | ApiError] = {}
        for schema_id, asked in self._schemas.items():
            schemas[schema_id] = asked.result()
            progress.step(f"{len(schemas)} of {len(self._schemas)} schemas")
        refused = [error for error in schemas.values() if isinstance(error, ApiError)]
        notes = [
            f"{len(refused)} of {len(schemas)} schemas could not be read. The first: {error}"
            for error in itertools.islice((one for one in refused if not isinstance(one, NotFound)), 1)
        ]
        last: dict[str, LastBatch] = {}
        progress.step("last batches")
        for found in [one.result() for one in self._last]:
            if isinstance(found, ApiError):
                notes.append(f"The last batches could not be read: {found}")
                last = {}
                break
            last |= found
        return Inventory(
            [_item(one, schemas.get(one.schema_id), last.get(one.id)) for one in datasets], notes
        )


def _item(dataset: Observed, schema: XdmSchema | ApiError | None, last: LastBatch | None) -> Item:
    return Item(
        dataset,
        schema=None if isinstance(schema, ApiError) else schema,
        schema_missing=isinstance(schema, NotFound),
        last_batch=last,
    )


def open_gaps(datasets: Iterable[Observed]) -> list[tuple[str, str]]:
    """What to say of each dataset that an interrupted change left without Profile, and the remedy."""
    return [
        (
            f"Profile is OFF for {dataset.name!r} ({dataset.id}) since {gap.start}: "
            f"{gap.owner or 'an unknown owner'} switched it off and not on again",
            way_out(dataset.id),
        )
        for dataset in datasets
        if (gap := dataset.open_note) is not None
    ]


def way_out(dataset_id: str) -> str:
    """What to do about a dataset that an interrupted change left without Profile."""
    return f"Run `pulumi up` in its stack, or `aep-provider enable {dataset_id} [--upsert]`."


def gap_lines(datasets: Iterable[Observed]) -> list[str]:
    """The same, one line for each."""
    return [f"{text}. {remedy}" for text, remedy in open_gaps(datasets)]


def _schema(aep: Aep, schema_id: str) -> XdmSchema | ApiError:
    try:
        return aep.schemas.get(schema_id)
    except ApiError as error:
        return error


def _last(aep: Aep, dataset_ids: Sequence[str]) -> Mapping[str, LastBatch] | ApiError:
    try:
        return aep.batches.last(dataset_ids)
    except ApiError as error:
        return error


def _spaced(dataset: Observed) -> list[str]:
    return [
        f"{key} {element!r}"
        for key in (UNIFIED_PROFILE, UNIFIED_IDENTITY)
        for element in dataset.tag(key)
        if split_element(element)[0] in ("enabled", "isUpsert")
        and element != ":".join(split_element(element))
    ]
