"""Schema Registry: making schemas and changing them, above all putting one into the union."""

from __future__ import annotations

import secrets
from typing import Any

import jsonpatch
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from aep_provider.emulator import descriptors, errors, registry, schema_forms, unions
from aep_provider.emulator.call import Call, route
from aep_provider.emulator.catalog import lag
from aep_provider.emulator.store import Json

_BEHAVIOURS = {
    schema_forms.PROFILE_CLASS: "https://ns.adobe.com/xdm/data/record",
    schema_forms.EVENT_CLASS: "https://ns.adobe.com/xdm/data/time-series",
}
"""What the two classes of Profile extend."""

_WRITABLE = frozenset(
    {
        "title", "description", "type", "allOf", "definitions", "properties", "required", "meta:extensible",
        "meta:immutableTags", "meta:abstract", "meta:xdmType", "meta:class",
    }
)  # fmt: skip
_TAGS = unions.IMMUTABLE
_IDENTITY_MAP = "https://ns.adobe.com/xdm/context/identitymap"
"""The field group that lets each row say which of its identities is the primary one."""


def routes() -> list[BaseRoute]:
    """Return the routes; only the tenant's own container can be written (spec)."""
    return [
        route("POST", f"{registry.BASE}/tenant/schemas", create),
        route("PATCH", f"{registry.BASE}/tenant/schemas/{{id}}", patch),
    ]


def create(call: Call) -> Response:
    """``POST /tenant/schemas`` (spec): 201 and the schema; its class is what ``allOf`` refers to."""
    call.expect_query()
    _require_json(call)
    fields = call.json()
    if not isinstance(fields, dict):
        raise _bad("The request body must be a JSON object")
    call.expect_fields(fields, _WRITABLE)
    _check(call, fields, None)
    # The spec wants these two as well; that the registry insists on them is not known.
    call.doubt(*(f"body:{name} (missing)" for name in ("type", "description") if name not in fields))
    refs = [item["$ref"] for item in fields["allOf"]]
    meta_class = next((ref for ref in refs if ref in _BEHAVIOURS), refs[0])
    extends = [*refs, *(_BEHAVIOURS[ref] for ref in refs if ref in _BEHAVIOURS)]
    schema_id = f"https://ns.adobe.com/{registry.TENANT}/schemas/{secrets.token_hex(24)}"
    schema = registry.complete(
        call.world,
        {
            **fields,
            "$id": schema_id,
            "imsOrg": call.org,
            "meta:class": fields.get("meta:class", meta_class),
            "meta:extends": extends,
            "meta:registryMetadata": {
                **_stamp(call),
                "repo:createdDate": call.world.clock.millis(),
                "xdm:createdClientId": call.client_id,
                "xdm:createdUserId": call.user,
            },
            **registry.sandbox_of(call),
        },
    )
    lag.remember(call.world, registry.KIND, "", schema_id)
    call.world.store.put(registry.KIND, schema_id, schema)
    return JSONResponse(registry.shown(call, schema, ""), status_code=201)


def patch(call: Call) -> Response:
    """``PATCH /tenant/schemas/{id}``: a JSON Patch, sent as ``application/json`` (doc: xdm/api/schemas)."""
    call.expect_query()
    _require_json(call)
    operations = call.json()
    before = registry.found(call, call.path_params["id"])
    if before is None:
        raise registry.not_found(call.path_params["id"], "1")
    if not isinstance(operations, list) or not all(isinstance(item, dict) for item in operations):
        raise _bad("The JSON Patch must be an array of operations")
    for item in operations:
        top = str(item.get("path", "")).removeprefix("/").partition("/")[0]
        if top not in _WRITABLE:
            call.doubt(f"body:{top}")
    try:
        after: Any = jsonpatch.JsonPatch(operations).apply(before)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise _bad(f"The JSON Patch could not be applied: {error}") from None
    if not isinstance(after, dict) or after.get("$id") != before["$id"]:
        raise _bad("The $id of a schema cannot be changed")
    _check(call, after, before)
    major, _, minor = str(before["version"]).partition(".")
    after["version"] = f"{major}.{int(minor or 0) + 1}"
    after["meta:registryMetadata"] = {**before.get("meta:registryMetadata", {}), **_stamp(call)}
    lag.remember(call.world, registry.KIND, "", before["$id"])
    call.world.store.put(registry.KIND, before["$id"], after)
    return JSONResponse(registry.shown(call, after, ""))


def _check(call: Call, schema: Json, before: Json | None) -> None:
    """Check a schema that a client wants to have.

    Raises:
        Refused: it has no title or class, its title is taken, it would leave the union, or it would join
            without a primary identity.
    """
    if not isinstance(schema.get("title"), str) or not schema["title"]:
        raise _bad("title is required")
    refs = schema.get("allOf")
    if not isinstance(refs, list) or not refs or not all(_is_ref(item) for item in refs):
        raise _bad("allOf must refer to a class")
    own = before["$id"] if before else None
    for schema_id, other in call.world.store.all(registry.KIND).items():
        # Titles are unique (doc: xdm/troubleshooting); the error's code is assumed.
        if schema_id != own and other.get("title") == schema["title"]:
            raise _bad(f"The title {schema['title']} is in use")
    tags = schema.get(_TAGS, [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise _bad(f"{_TAGS} must be an array of strings")
    if before and not set(before.get(_TAGS, [])) <= set(tags):
        # Never removable (doc: xdm/api/schemas).
        raise _bad(f"{_TAGS} cannot be removed")
    joins = unions.TAG in tags and unions.TAG not in (before or {}).get(_TAGS, [])
    if joins and not _has_primary_identity(call, own, refs):
        # A schema must have one to be enabled for Profile (doc: xdm/troubleshooting-guide).
        raise _bad("A schema needs a primary identity to participate in union")


def _has_primary_identity(call: Call, schema_id: str | None, refs: list[Json]) -> bool:
    """Say whether a descriptor names a primary identity, or rows may bring one in ``identityMap``."""
    brought = any(item["$ref"] == _IDENTITY_MAP for item in refs)
    return brought or descriptors.primary_identity(call.world, schema_id) is not None


def _is_ref(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("$ref"), str)


def _stamp(call: Call) -> Json:
    return {
        "repo:lastModifiedDate": call.world.clock.millis(),
        "xdm:lastModifiedClientId": call.client_id,
        "xdm:lastModifiedUserId": call.user,
        "eTag": secrets.token_hex(32),
    }


def _require_json(call: Call) -> None:
    if call.content_type != "application/json":
        raise _bad("The content type must be application/json")


def _bad(detail: str) -> errors.Refused:
    """Return the registry's 400; its code for each case is not published."""
    return errors.registry("XDM-1000-400", "Invalid request", detail)
