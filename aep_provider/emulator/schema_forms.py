"""The forms in which the Schema Registry shows a schema, as ``Accept`` asks for them (doc: xdm/api/schemas).

Only what a schema itself holds can be resolved, and the fields of the two classes of Profile; classes and
field groups are not kept here.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from aep_provider.emulator.store import Json

LOOK_UP = frozenset(
    {
        f"{full}{desc}{flat}{deprecated}"
        for full in ("", "-full")
        for desc in ("", "-desc")
        for flat in ("", "-flat")
        for deprecated in ("", "-deprecated")
    }
    | {"-notext", "-full-notext", "-deprecatefield"}
)
"""The forms of a look-up: those of the documentation, and what Adobe's own client puts together (code)."""

PROFILE_CLASS = "https://ns.adobe.com/xdm/context/profile"
EVENT_CLASS = "https://ns.adobe.com/xdm/context/experienceevent"

_ID: Json = {"title": "Identifier", "type": "string", "format": "uri-reference", "meta:xdmType": "string"}
_TIME: Json = {"title": "Timestamp", "type": "string", "format": "date-time", "meta:xdmType": "date-time"}
_KIND: Json = {"title": "Event Type", "type": "string", "meta:xdmType": "string"}
_FIELDS: dict[str, Json] = {
    PROFILE_CLASS: {"_id": _ID},
    EVENT_CLASS: {"_id": _ID, "timestamp": _TIME, "eventType": _KIND},
}
"""Some fields of the two classes (doc: xdm/classes)."""

_TEXTS = ("title", "description")
_MAPS = ("properties", "definitions")


def shown(schema: Json, form: str, descriptors: Iterable[Json]) -> Json:
    """Return a schema in a form.

    Args:
        form: one of ``LOOK_UP``.
        descriptors: those of the schema.
    """
    parts = form.split("-")
    body = deepcopy(schema)
    own = list(descriptors)
    if "full" in parts or "deprecatefield" in parts:
        body = _resolved(body, own)
    if "flat" in parts:
        body["properties"] = dict(_flat(body.get("properties", {}), ""))
    if "desc" in parts:
        body["meta:descriptors"] = own
    return _without_text(body) if "notext" in parts else body


def _resolved(body: Json, descriptors: list[Json]) -> Json:
    """Put instead of ``allOf`` and ``$ref`` what they refer to, as far as it is known."""
    definitions = body.pop("definitions", None)
    properties: Json = {}
    for part in (*_objects(body.pop("allOf", None)), body):
        ref = str(part.get("$ref", ""))
        local = _object(_object(definitions).get(ref.rpartition("/")[2])) if ref.startswith("#/") else {}
        for fields in (_FIELDS.get(ref), local.get("properties"), part.get("properties")):
            _merge(properties, _object(fields))
    for descriptor in descriptors:
        if descriptor.get("@type") == "xdm:descriptorIdentity":
            _add(properties, str(descriptor.get("xdm:sourceProperty", "")).strip("/").split("/"))
    return {**body, "properties": properties}


def _add(properties: Json, path: list[str]) -> None:
    """Add the field of an identity where the schema does not show it; its field group is not kept here."""
    *parents, last = path
    for parent in parents:
        field = properties.setdefault(parent, {"type": "object", "meta:xdmType": "object", "properties": {}})
        properties = field.setdefault("properties", {}) if isinstance(field, dict) else {}
    if last:
        properties.setdefault(last, {"type": "string", "meta:xdmType": "string"})


def _flat(properties: Any, above: str) -> Iterable[tuple[str, Any]]:
    """Yield the fields that hold no others, by their path with dots."""
    for name, field in _object(properties).items():
        inner = _object(_object(field).get("properties"))
        if inner:
            yield from _flat(inner, f"{above}{name}.")
        else:
            yield f"{above}{name}", field


def _without_text(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_text(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        name: {field: _without_text(inner) for field, inner in value.items()}
        if name in _MAPS and isinstance(value, dict)
        else _without_text(value)
        for name, value in node.items()
        if name not in _TEXTS
    }


def _merge(into: Json, fields: Json) -> None:
    for name, field in fields.items():
        inner, held = _object(field).get("properties"), _object(into.get(name)).get("properties")
        if isinstance(inner, dict) and isinstance(held, dict):
            _merge(held, inner)
        else:
            into[name] = deepcopy(field)


def _objects(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
