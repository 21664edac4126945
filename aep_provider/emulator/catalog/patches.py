"""The dialects of PATCH: JSON Patch, field merge, and the deep merge of v2."""

from __future__ import annotations

from copy import deepcopy

import jsonpatch

from aep_provider.emulator import errors
from aep_provider.emulator.call import Call
from aep_provider.emulator.catalog import dataset as model
from aep_provider.emulator.store import Json

JSON_PATCH = "application/json-patch+json"
JSON = "application/json"

_UNDOCUMENTED_OPERATIONS = ("move", "copy", "test")
"""Those of RFC 6902 that Adobe's pages do not show."""


def json_patch(call: Call, dataset: Json) -> Json:
    """Return a dataset with a JSON Patch (RFC 6902) applied; all of it or nothing.

    Raises:
        Refused: the patch is malformed, does not fit the dataset, or touches what clients may not write.
    """
    operations = call.json()
    if not isinstance(operations, list) or not all(isinstance(item, dict) for item in operations):
        raise errors.bad_request("The JSON Patch must be an array of operations")
    for operation in operations:
        _check_operation(call, operation)
    try:
        patched = jsonpatch.JsonPatch(operations).apply(dataset)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise errors.bad_request(f"The JSON Patch could not be applied: {error}") from None
    return dict(patched)


def field_merge(call: Call, dataset: Json) -> Json:
    """Return a dataset whose named top-level fields are replaced (doc: update-object).

    What this does inside ``tags`` is not documented; replacing the whole map is assumed.
    """
    return {**dataset, **_fields(call)}


def deep_merge(call: Call, dataset: Json) -> Json:
    """Return a dataset merged with the body at every depth (doc: update-object, v2)."""
    merged = deepcopy(dataset)
    _merge(merged, _fields(call))
    return merged


def _fields(call: Call) -> Json:
    body = call.json()
    if not isinstance(body, dict):
        raise errors.bad_request("The request body must be a JSON object")
    model.check(call, body)
    if "schemaRef" in body:
        call.doubt("body:schemaRef (change)")
    return body


def _merge(into: Json, values: Json) -> None:
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def _check_operation(call: Call, operation: Json) -> None:
    """Check what an operation changes. One that is malformed is left to the library, which refuses it."""
    op = operation.get("op")
    changed = [operation.get("path")] if op != "test" else []
    if op == "move":
        changed.append(operation.get("from"))
    if "" in changed:
        raise errors.bad_request("The JSON Patch replaces the whole object")
    for name in (_top(pointer) for pointer in changed if isinstance(pointer, str)):
        if name in model.READ_ONLY:
            raise errors.bad_request(f"Read-only properties cannot be set: {name}")
        if name not in model.WRITABLE:
            call.doubt(f"body:{name}")
        if name == "schemaRef":
            call.doubt("body:schemaRef (change)")
    if op in _UNDOCUMENTED_OPERATIONS:
        call.doubt(f"operation:{op}")


def _top(pointer: str) -> str:
    """Return the first reference token of a JSON Pointer, unescaped."""
    token = pointer.removeprefix("/").partition("/")[0]
    return token.replace("~1", "/").replace("~0", "~")
