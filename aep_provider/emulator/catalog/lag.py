"""How far reads, listings and effects stay behind writes that were answered; all of it off by default.

The store holds the truth. Before a write changes it, what was there is kept here, with how often and for how
long it may still be shown: of datasets, of batches and of schemas. A write to a dataset that takes effect later
waits here in a queue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

DATASET, BATCH, SCHEMA = "dataset", "batch", "schema"
_SWITCH = {DATASET: "datasets", BATCH: "batches", SCHEMA: "schemas"}
"""By kind: what the switch ``lagging`` calls it."""
_QUEUE = "dataset_queue"
"""By dataset id: the writes that wait for their effect, oldest first; the body None is a delete."""
_COUNTS = "lag_counts"


def remember(world: World, kind: str, sandbox: str, key: str) -> None:
    """Keep what a write is about to change, if somebody may still be shown it.

    Args:
        kind: of the object: ``DATASET``, ``BATCH`` or ``SCHEMA``.
        sandbox: "" for a schema, which belongs to none.
        key: the object's id.
    """
    settings = world.settings
    before = world.store.get(kind, key, sandbox)
    past = (world.store.get(_past(kind), key, sandbox) or {"writes": []})["writes"]
    on = settings.read_lag or settings.read_lag_seconds or settings.list_lag or settings.list_lag_seconds
    on = (on or (before is None and settings.create_lag)) and _lags(world, kind)
    if not past and not on:
        return
    entry: Json = {
        "body": before,
        "at": world.clock.seconds(),
        "reads": 0,
        "listings": _count(world, _listings(kind), sandbox),
        "position": None if before is None else list(world.store.all(kind, sandbox)).index(key),
    }
    world.store.put(_past(kind), key, {"writes": [*past, entry]}, sandbox)


def read(world: World, kind: str, sandbox: str, key: str) -> Json | None:
    """Return an object as a read by id shows it, and count the read; None is one that is not shown."""
    current = world.store.get(kind, key, sandbox)
    past = world.store.get(_past(kind), key, sandbox)
    if past is None:
        return current
    shown = _oldest(past, lambda entry: _hides_from_reads(world, kind, entry), current)
    counted = [{**entry, "reads": entry["reads"] + 1} for entry in past["writes"]]
    _keep(world, kind, sandbox, key, counted)
    return shown


def listed(world: World, kind: str, sandbox: str) -> list[tuple[str, Json]]:
    """Return the objects of a kind as a listing shows them, oldest first, and count the listing."""
    store = world.store
    pasts = store.all(_past(kind), sandbox)
    if not pasts:
        return list(store.all(kind, sandbox).items())
    seen = _count(world, _listings(kind), sandbox)

    def hides(entry: Json) -> bool:
        return _hides_from_listings(world, kind, entry, seen)

    rows = [
        (key, _oldest(pasts[key], hides, body) if key in pasts else body)
        for key, body in store.all(kind, sandbox).items()
    ]
    deleted = [
        (past["writes"][-1], key, past) for key, past in pasts.items() if not store.get(kind, key, sandbox)
    ]
    # Each place was counted before that delete, so the last delete is undone first.
    for last, key, past in sorted(deleted, key=lambda item: item[0]["at"], reverse=True):
        rows.insert(last["position"], (key, _oldest(past, hides, None)))
    store.put(_COUNTS, _listings(kind), {"count": seen + 1}, sandbox)
    for key in list(pasts):
        _keep(world, kind, sandbox, key, pasts[key]["writes"])
    return [(key, body) for key, body in rows if body is not None]


def postpone(world: World, sandbox: str, dataset_id: str, after: Json | None) -> bool:
    """Queue a write whose effect comes later; return False if it has to take effect now.

    Args:
        after: the dataset as it will be; None if it is deleted.
    """
    if not world.settings.write_lag and not world.settings.write_lag_seconds:
        return False
    entry: Json = {"body": after, "at": world.clock.seconds(), "request": _count(world, "requests")}
    world.store.put(_QUEUE, dataset_id, {"writes": [*_queued(world, sandbox, dataset_id), entry]}, sandbox)
    return True


def newest(world: World, sandbox: str, dataset_id: str) -> Json | None:
    """Return a dataset as the next write meets it: with the writes that still wait for their effect."""
    queue = _queued(world, sandbox, dataset_id)
    body: Json | None = queue[-1]["body"] if queue else world.store.get(DATASET, dataset_id, sandbox)
    return body


def everything(world: World, sandbox: str) -> Iterator[Json]:
    """Yield the datasets of a sandbox as they are, and as writes that wait will make them."""
    yield from world.store.all(DATASET, sandbox).values()
    for queue in world.store.all(_QUEUE, sandbox).values():
        yield from (entry["body"] for entry in queue["writes"] if entry["body"] is not None)


def change_queued(world: World, sandbox: str, dataset_id: str, change: Callable[[Json], Json]) -> None:
    """Do to every write that waits what a background service does to the dataset itself."""
    queue = _queued(world, sandbox, dataset_id)
    if queue:
        changed = [{**entry, "body": entry["body"] and change(entry["body"])} for entry in queue]
        world.store.put(_QUEUE, dataset_id, {"writes": changed}, sandbox)


def take_due(world: World) -> Iterator[tuple[str, str, Json | None]]:
    """Take the writes whose time has come from the queue: sandbox, id and body of each, oldest first."""
    for sandbox in list(world.store.all("sandbox")):
        for dataset_id in list(world.store.all(_QUEUE, sandbox)):
            while (queue := _queued(world, sandbox, dataset_id)) and _due(world, queue[0]):
                if queue[1:]:
                    world.store.put(_QUEUE, dataset_id, {"writes": queue[1:]}, sandbox)
                else:
                    world.store.delete(_QUEUE, dataset_id, sandbox)
                yield sandbox, dataset_id, queue[0]["body"]


def count_request(world: World) -> None:
    """Count a request to Catalog, for ``write_lag``."""
    if world.settings.write_lag:
        world.store.put(_COUNTS, "requests", {"count": _count(world, "requests") + 1})


def _past(kind: str) -> str:
    """Where the store has, by id, what was there before each of the last writes, oldest first."""
    return f"{kind}_past"


def _listings(kind: str) -> str:
    """The name of the count of listings of a kind."""
    return f"{kind}_listings"


def _lags(world: World, kind: str) -> bool:
    return world.settings.lagging in ("all", _SWITCH[kind])


def _hides_from_reads(world: World, kind: str, entry: Json) -> bool:
    settings = world.settings
    least = max(settings.read_lag, settings.create_lag if entry["body"] is None else 0)
    behind = entry["reads"] < least or _is_young(world, entry, settings.read_lag_seconds)
    return bool(behind) and _lags(world, kind)


def _hides_from_listings(world: World, kind: str, entry: Json, seen: int) -> bool:
    settings = world.settings
    by_count = seen - entry["listings"] < settings.list_lag
    return bool(by_count or _is_young(world, entry, settings.list_lag_seconds)) and _lags(world, kind)


def _due(world: World, entry: Json) -> bool:
    settings = world.settings
    since = _count(world, "requests") - entry["request"]
    return since >= settings.write_lag and not _is_young(world, entry, settings.write_lag_seconds)


def _is_young(world: World, entry: Json, seconds: float) -> bool:
    return bool(world.clock.seconds() - entry["at"] < seconds)


def _oldest(past: Json, hides: Callable[[Json], bool], current: Json | None) -> Json | None:
    """Return the state before the first write that is still hidden, or the current one."""
    entries: list[Json] = past["writes"]
    return next((entry["body"] for entry in entries if hides(entry)), current)


def _keep(world: World, kind: str, sandbox: str, key: str, entries: list[Json]) -> None:
    """Store what may still be shown to somebody."""
    seen = _count(world, _listings(kind), sandbox)
    kept = [
        entry
        for entry in entries
        if _hides_from_reads(world, kind, entry) or _hides_from_listings(world, kind, entry, seen)
    ]
    if kept:
        world.store.put(_past(kind), key, {"writes": kept}, sandbox)
    else:
        world.store.delete(_past(kind), key, sandbox)


def _queued(world: World, sandbox: str, dataset_id: str) -> list[Json]:
    queue: Any = world.store.get(_QUEUE, dataset_id, sandbox) or {"writes": []}
    return list(queue["writes"])


def _count(world: World, what: str, sandbox: str = "") -> int:
    return int((world.store.get(_COUNTS, what, sandbox) or {"count": 0})["count"])
