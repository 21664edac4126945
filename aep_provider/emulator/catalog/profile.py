"""What Catalog does with the two tags that feed a dataset to Profile and to Identity Service."""

from __future__ import annotations

from typing import Any

from aep_provider.emulator import errors
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

PROFILE = "unifiedProfile"
IDENTITY = "unifiedIdentity"
UNION = "union"
_FLAGS = "acp_granular_plugin_validation_flags"


def has(values: Any, flag: str) -> bool:
    """Say whether a tag's values hold a flag, "enabled" or "isUpsert", set to true.

    Blanks around the colon do not count: Adobe's samples write it both ways.
    """
    for value in values if isinstance(values, list) else []:
        name, _, setting = str(value).partition(":")
        if name.strip() == flag and setting.strip().lower() == "true":
            return True
    return False


def state(dataset: Json | None) -> dict[str, bool]:
    """Say whether a dataset feeds Profile, and whether by upsert; None is a dataset that is not there."""
    tag = (dataset or {}).get("tags", {}).get(PROFILE)
    enabled = has(tag, "enabled")
    return {"enabled": enabled, "upsert": enabled and has(tag, "isUpsert")}


def is_flagged_off(dataset: Json) -> bool:
    """Say whether a dataset has the flag that is said to keep Profile away from it (three files of others)."""
    values = dataset.get("tags", {}).get(_FLAGS)
    flags = [str(value).replace(" ", "") for value in values] if isinstance(values, list) else []
    return "profile:disabled" in flags


def stamp(world: World, before: Json | None, after: Json) -> None:
    """Apply what Catalog does when the Profile tag is written: check the schema, add ``enabledAt``.

    The spelling of what the client wrote stays as it is. A dataset that was on keeps its ``enabledAt``.

    Args:
        before: the dataset as it was; None if it is being created.
        after: the dataset as it will be; its tags are changed in place.

    Raises:
        Refused: the schema does not allow Profile (400), or its union is not known yet (422).
    """
    values = after.get("tags", {}).get(PROFILE)
    if not has(values, "enabled"):
        return
    old = (before or {}).get("tags", {}).get(PROFILE)
    if has(old, "enabled"):
        stamps = [value for value in old if _is_stamp(value)]
    else:
        _check_schema(world, after)
        stamps = [f"enabledAt:{world.clock.text()}"]
    if not any(_is_stamp(value) for value in values):
        after["tags"][PROFILE] = [*values, *stamps]


def warnings(world: World, before: Json | None, after: Json) -> list[str]:
    """Return the doubtful things that a write does, though Catalog accepts it.

    Raises:
        Refused: the emulator is set to refuse upsert without a disable.
    """
    found = []
    old, new = ((body or {}).get("tags", {}).get(PROFILE) for body in (before, after))
    upsert = has(new, "enabled") and has(new, "isUpsert")
    if upsert and has(old, "enabled") and not has(old, "isUpsert"):
        if world.settings.patch_without_disable == "refuse":
            raise errors.bad_request("Profile must be disabled before upsert can be enabled")
        found.append("upsert_without_disable")
    if upsert and not has(old, "isUpsert") and _behaviour(after) == "time-series":
        found.append("upsert_on_time_series")
    return found


def _is_stamp(value: Any) -> bool:
    return str(value).partition(":")[0].strip() == "enabledAt"


def _behaviour(dataset: Json) -> str:
    return str(dataset.get("classification", {}).get("dataBehavior", ""))


def _check_schema(world: World, dataset: Json) -> None:
    settings = world.settings
    if settings.union_propagation > 0:
        settings.union_propagation -= 1
        world.save()
        raise errors.catalog(
            422, "UnprocessableEntityError", "The union of the schema is not available yet; try again later"
        )
    schema = world.store.get("schema", str((dataset.get("schemaRef") or {}).get("id")))
    if settings.union_check == "refuse" and (
        schema is None or UNION not in schema.get("meta:immutableTags", [])
    ):
        raise errors.bad_request("To enable profile datasets the schema should be valid")
