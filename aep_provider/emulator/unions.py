"""The unions: what Profile makes of all schemas of a class that joined (doc: xdm/api/unions)."""

from __future__ import annotations

from typing import Any

from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

SUFFIX = "__union"
TAG = "union"
IMMUTABLE = "meta:immutableTags"


def made(world: World) -> dict[str, Json]:
    """Return the unions by their ``$id``: one for each class of which a schema joined."""
    members: dict[str, list[Json]] = {}
    for schema in world.store.all("schema").values():
        if TAG in schema.get(IMMUTABLE, []) and isinstance(schema.get("meta:class"), str):
            members.setdefault(schema["meta:class"], []).append(schema)
    return {f"{name}{SUFFIX}": _union(name, schemas) for name, schemas in members.items()}


def _union(name: str, schemas: list[Json]) -> Json:
    return {
        "$id": f"{name}{SUFFIX}",
        "meta:altId": f"_{name.removeprefix('https://ns.adobe.com/').replace('/', '.')}{SUFFIX}",
        "meta:resourceType": "unions",
        "version": "1.0",
        "title": f"Union object for {name}",
        "type": "object",
        "description": f"Union view of all schemas that extend {name}",
        "allOf": [{"$ref": ref} for ref in dict.fromkeys(_refs(schemas))],
        "imsOrg": schemas[0]["imsOrg"],
        "meta:class": name,
        "meta:containerId": "tenant",
        "meta:extends": list(dict.fromkeys(one for schema in schemas for one in schema["meta:extends"])),
        "meta:registryMetadata": {},
        "meta:xdmType": "object",
    }


def _refs(schemas: list[Json]) -> list[str]:
    lists = [schema.get("allOf") for schema in schemas]
    parts: list[Any] = [part for one in lists if isinstance(one, list) for part in one]
    refs = [part["$ref"] for part in parts if isinstance(part, dict) and isinstance(part.get("$ref"), str)]
    # What a schema defines itself cannot be referred to from outside it.
    return [ref for ref in refs if not ref.startswith("#")]
