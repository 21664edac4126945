"""The datasets of a sandbox with what their schema and batches say, and what is wrong with them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aep_provider.cli.console import Progress
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import UNIFIED_IDENTITY, UNIFIED_PROFILE, split_element, timestamp
from aep_provider.errors import AepProviderError, ApiError, NotFound

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
    found: list[Observed] = []
    for dataset in aep.catalog.all():
        found.append(dataset)
        if len(found) % 100 == 0:
            progress.step(f"{len(found)} so far")
    return sorted(found, key=lambda dataset: (dataset.name.casefold(), dataset.id))


def with_details(
    aep: Aep, datasets: Sequence[Observed], progress: Progress, *, at_once: int, batches: bool = True
) -> Inventory:
    """Add schemas and last batches. What cannot be read becomes a note: the list is useful without it."""
    ids = sorted({dataset.schema_id for dataset in datasets if dataset.schema_id})
    schemas: dict[str, XdmSchema | ApiError] = {}
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        for schema_id, found in zip(ids, pool.map(lambda one: _schema(aep, one), ids), strict=True):
            schemas[schema_id] = found
            progress.step(f"{len(schemas)} of {len(ids)} schemas")
    refused = [error for error in schemas.values() if isinstance(error, ApiError)]
    notes = [
        f"{len(refused)} of {len(ids)} schemas could not be read. The first: {error}"
        for error in itertools.islice((error for error in refused if not isinstance(error, NotFound)), 1)
    ]
    last: dict[str, LastBatch] = {}
    if batches:
        progress.step("last batches")
        try:
            last = aep.batches.last([dataset.id for dataset in datasets])
        except ApiError as error:
            notes.append(f"The last batches could not be read: {error}")
    items = []
    for dataset in datasets:
        schema = schemas.get(dataset.schema_id)
        items.append(
            Item(
                dataset,
                schema=None if isinstance(schema, AepProviderError) else schema,
                schema_missing=isinstance(schema, NotFound),
                last_batch=last.get(dataset.id),
            )
        )
    return Inventory(items, notes)


def open_gaps(datasets: Iterable[Observed]) -> list[tuple[str, str]]:
    """What to say of each dataset that an interrupted change left without Profile, and the remedy."""
    return [
        (
            f"Profile is OFF for {dataset.name!r} ({dataset.id}) since {gap.start}: "
            f"{gap.owner or 'an unknown owner'} switched it off and not on again",
            f"Run `pulumi up` in its stack, or `aep-provider enable {dataset.id} [--upsert]`.",
        )
        for dataset in datasets
        if (gap := dataset.open_note) is not None
    ]


def gap_lines(datasets: Iterable[Observed]) -> list[str]:
    """The same, one line for each."""
    return [f"{text}. {remedy}" for text, remedy in open_gaps(datasets)]


def _schema(aep: Aep, schema_id: str) -> XdmSchema | ApiError:
    try:
        return aep.schemas.get(schema_id)
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
