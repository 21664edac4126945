"""The Profile store: what the rows of promoted batches became, by dataset and identity."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from typing import Any

from aep_provider.emulator.catalog import profile
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

FRAGMENT = "fragment"
EVENT = "event"
DESCRIPTOR = "descriptor"

Identity = tuple[str, str]


def ingest(world: World, sandbox: str, dataset_id: str, dataset: Json, key: str, row: Json) -> bool:
    """Take one row in; say whether it had an identity."""
    schema_id = str((dataset.get("schemaRef") or {}).get("id"))
    identities = _identities(world, schema_id, row)
    if not identities:
        return False
    body: Json = {
        "dataset": dataset_id,
        "identities": [list(identity) for identity in identities],
        "modified": world.clock.millis(),
        "entity": row,
    }
    if dataset.get("classification", {}).get("dataBehavior") == "time-series":
        body["timestamp"] = _timestamp(row.get("timestamp"), body["modified"])
        world.store.put(EVENT, key, body, sandbox)
        return True
    fragment = "|".join((dataset_id, *identities[0]))
    old = world.store.get(FRAGMENT, fragment, sandbox)
    if old is not None and profile.has(dataset["tags"].get(profile.PROFILE), "isUpsert"):
        body["entity"] = merged(old["entity"], row)
        known = old["identities"]
        body["identities"] += [item for item in known if item not in body["identities"]]
    # Deleted first, so that the order of the fragments is the order of their last change.
    world.store.delete(FRAGMENT, fragment, sandbox)
    world.store.put(FRAGMENT, fragment, body, sandbox)
    return True


def forget(world: World, sandbox: str, dataset_id: str) -> None:
    """Remove what a dataset brought into Profile."""
    for kind in (FRAGMENT, EVENT):
        for key, body in list(world.store.all(kind, sandbox).items()):
            if body["dataset"] == dataset_id:
                world.store.delete(kind, key, sandbox)


def forget_events(world: World, sandbox: str, batch_id: str) -> None:
    """Remove the experience events that a batch brought into Profile; its records cannot leave (doc)."""
    for key in list(world.store.all(EVENT, sandbox)):
        if key.startswith(f"{batch_id}|"):
            world.store.delete(EVENT, key, sandbox)


def merged(into: Json, values: Json) -> Json:
    """Return an object with another's fields set, at every depth; lists are replaced (assumed)."""
    result = dict(into)
    for name, value in values.items():
        old = result.get(name)
        both = isinstance(old, dict) and isinstance(value, dict)
        result[name] = merged(old, value) if both and isinstance(old, dict) else deepcopy(value)
    return result


def _identities(world: World, schema_id: str, row: Json) -> list[Identity]:
    """Return namespace (lower case) and value of a row's identities, the primary one first.

    They come from the schema's identity descriptors and from ``identityMap`` (spec: descriptors).
    """
    found: list[tuple[bool, Identity]] = []
    for descriptor in world.store.all(DESCRIPTOR).values():
        if (
            descriptor.get("@type") == "xdm:descriptorIdentity"
            and descriptor.get("xdm:sourceSchema") == schema_id
        ):
            value: Any = row
            for name in str(descriptor.get("xdm:sourceProperty", "")).strip("/").split("/"):
                value = value.get(name) if isinstance(value, dict) else None
            if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
                primary = descriptor.get("xdm:isPrimary") is True
                found.append((primary, (str(descriptor.get("xdm:namespace")).lower(), str(value))))
    given = row.get("identityMap")
    for namespace, items in given.items() if isinstance(given, dict) else ():
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict) and item.get("id"):
                found.append((item.get("primary") is True, (str(namespace).lower(), str(item["id"]))))
    found.sort(key=lambda pair: not pair[0])
    return list(dict.fromkeys(identity for _, identity in found))


def _timestamp(text: Any, default: int) -> int:
    """Return an event's time in milliseconds; one that cannot be read is the time of its arrival."""
    try:
        return int(datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp() * 1000)
    except ValueError:
        return default
