"""What a write does to the stored datasets, now or, by the switches, later."""

from __future__ import annotations

from copy import deepcopy

from aep_provider.emulator.catalog import dataset as model
from aep_provider.emulator.catalog import fragments, lag, windows
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

KIND = lag.DATASET
NOTES = "dataset_notes"
DELETING = "dataset_deleting"


def write(world: World, sandbox: str, dataset_id: str, after: Json | None) -> None:
    """Let a write that was accepted take effect, at once or later.

    Args:
        after: the dataset as it will be; None if it is deleted.
    """
    if not lag.postpone(world, sandbox, dataset_id, after):
        _commit(world, sandbox, dataset_id, after)


def settle(world: World) -> None:
    """Let the writes take effect whose time has come."""
    for sandbox, dataset_id, after in lag.take_due(world):
        with world.store.transaction():
            _commit(world, sandbox, dataset_id, after, world.clock.millis())


def note_doubtful(world: World, sandbox: str, dataset_id: str, found: list[str]) -> None:
    """Count doubtful writes to a dataset by their kind."""
    if found:
        notes = dict(world.store.get(NOTES, dataset_id, sandbox) or {})
        for name in found:
            notes[name] = notes.get(name, 0) + 1
        world.store.put(NOTES, dataset_id, notes, sandbox)


def count_write(world: World, sandbox: str, dataset_id: str) -> None:
    """Count a write; every so many are followed by one of Adobe's background services."""
    world.writes += 1
    every = world.settings.background_every
    if every and world.writes % every == 0:
        _write_behind(world, sandbox, dataset_id)


def background_write(world: World) -> int:
    """Do what Adobe's background services do to every dataset (live tutorial, 2024); return how many."""
    changed = 0
    with world.store.transaction():
        for sandbox in list(world.store.all("sandbox")):
            for dataset_id in list(world.store.all(KIND, sandbox)):
                _write_behind(world, sandbox, dataset_id)
                changed += 1
    return changed


def _write_behind(world: World, sandbox: str, dataset_id: str) -> None:
    def change(before: Json) -> Json:
        dataset = deepcopy(before)
        stamp = [str(world.clock.millis())]
        dataset.setdefault("tags", {})["aep/siphon/cleanup/trash/timestamp"] = stamp
        dataset["tags"]["aep/siphon/cleanup/meta/timestamp"] = stamp
        model.touch(world, dataset, "acp_foundation_dataTracker@AdobeID")
        return dataset

    current = world.store.get(KIND, dataset_id, sandbox)
    if current is not None:
        lag.remember(world, KIND, sandbox, dataset_id)
        world.store.put(KIND, dataset_id, change(current), sandbox)
    lag.change_queued(world, sandbox, dataset_id, change)


def _commit(world: World, sandbox: str, dataset_id: str, after: Json | None, at: int | None = None) -> None:
    """Change the store; the caller has a transaction open. ``at`` is the time of a late effect."""
    lag.remember(world, KIND, sandbox, dataset_id)
    before = world.store.get(KIND, dataset_id, sandbox)
    if after is None:
        for kind in (KIND, NOTES, DELETING, windows.KIND):
            world.store.delete(kind, dataset_id, sandbox)
        # Adobe's video on deleting datasets says that the profiles go with it.
        fragments.forget(world, sandbox, dataset_id)
        return
    world.store.put(KIND, dataset_id, after, sandbox)
    windows.note(world, sandbox, dataset_id, before, after, at)
