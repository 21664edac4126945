"""The types of the fields that the emulator itself reads, for raw objects that a control route takes.

Everything else in such an object is stored as it is: it may be there to see what a client makes of nonsense.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from aep_provider.emulator.store import Json

_Shape = tuple[str, Callable[[Any], bool]]


def _list_of(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(isinstance(item, kind) for item in value)


_TEXT: _Shape = ("a string", lambda value: isinstance(value, str))
_TEXTS: _Shape = ("a list of strings", _list_of(str))
_OBJECT: _Shape = ("an object", lambda value: isinstance(value, dict))
_OBJECTS: _Shape = ("a list of objects", _list_of(dict))
_WHOLE: _Shape = ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool))
_SWITCH: _Shape = ("true or false", lambda value: isinstance(value, bool))
_VERSION: _Shape = (
    "numbers with dots between them",
    lambda value: isinstance(value, str) and re.fullmatch(r"\d{1,9}(\.\d{1,9})*", value) is not None,
)
_SECONDS: _Shape = (
    "a whole number of seconds, at least 1",
    lambda value: _WHOLE[1](value) and 1 <= value <= 10**9,
)

_FLOW: dict[str, _Shape] = {"name": _TEXT, "version": _TEXT, "createdClient": _TEXT}
_SHAPES: dict[str, dict[str, _Shape]] = {
    "clients": {"secret": _TEXT, "org": _TEXT, "expires_in": _SECONDS},
    "sandboxes": {"id": _TEXT, "state": _TEXT, "type": _TEXT, "isDefault": _SWITCH},
    "schemas": {
        "title": _TEXT,
        "version": _VERSION,
        "meta:altId": _TEXT,
        "meta:containerId": _TEXT,
        "meta:extends": _TEXTS,
        "meta:immutableTags": _TEXTS,
        "meta:registryMetadata": _OBJECT,
    },
    "descriptors": {"@type": _TEXT, "xdm:sourceSchema": _TEXT, "xdm:sourceProperty": _TEXT},
    "datasets": {"version": _VERSION, "created": _WHOLE, "updated": _WHOLE, "createdClient": _TEXT},
    "batches": {
        "status": _TEXT,
        "version": _VERSION,
        "created": _WHOLE,
        "updated": _WHOLE,
        "completed": _WHOLE,
        "createdClient": _TEXT,
        "relatedObjects": _OBJECTS,
        "inputFormat": _OBJECT,
        "replay": _OBJECT,
        "tags": _OBJECT,
        "_script": _TEXTS,
    },
    "flows": _FLOW,
    "targetConnections": _FLOW,
    "sourceConnections": _FLOW,
    "connections": _FLOW,
}


def check(kind: str, key: str, body: Json) -> None:
    """Check what the emulator reads of an object of a kind.

    Raises:
        ValueError: a field has another type.
    """
    for name, (what, holds) in _SHAPES[kind].items():
        if name in body and not holds(body[name]):
            raise ValueError(f"{kind}.{key}: {name} must be {what}")
