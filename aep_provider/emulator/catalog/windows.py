"""When each dataset fed Profile and when it did not; for the status page."""

from __future__ import annotations

from aep_provider.emulator.catalog import fragments, profile
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

KIND = "dataset_windows"


def note(
    world: World, sandbox: str, dataset_id: str, before: Json | None, after: Json, at: int | None = None
) -> None:
    """Note that Profile goes on or off, and take the profiles away if the settings say so.

    Args:
        before: the dataset as it was; None if it is being created.
        at: when, in milliseconds since the epoch; None = when the dataset was updated.
    """
    was, now = profile.state(before), profile.state(after)
    if was == now:
        return
    if was["enabled"] and not now["enabled"] and world.settings.profile_on_disable == "remove":
        fragments.forget(world, sandbox, dataset_id)
    earlier = [] if before is None else changes(world, sandbox, dataset_id, before)
    body: Json = {"changes": [*earlier, {"at": after["updated"] if at is None else at, **now}]}
    world.store.put(KIND, dataset_id, body, sandbox)


def changes(world: World, sandbox: str, dataset_id: str, dataset: Json) -> list[Json]:
    """Return the changes, oldest first; a dataset of a seed has been as it is since its creation."""
    noted = world.store.get(KIND, dataset_id, sandbox)
    return list(noted["changes"]) if noted else [{"at": dataset["created"], **profile.state(dataset)}]
