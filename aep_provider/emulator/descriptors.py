"""Schema Registry: descriptors, of which those of identities tell Profile where a row's identity is."""

from __future__ import annotations

import re
import secrets

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from aep_provider.emulator import errors, filters, registry, registry_pages
from aep_provider.emulator.call import Call, route
from aep_provider.emulator.catalog.fragments import DESCRIPTOR as KIND
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

_ACCEPT = re.compile(r"application/vnd\.adobe\.xdm(?P<paged>-v2)?(?P<form>-id|-link)?\+json")
_FIELDS = frozenset(
    {
        "@type", "xdm:sourceSchema", "xdm:sourceVersion", "xdm:sourceProperty", "xdm:namespace",
        "xdm:property", "xdm:isPrimary", "xdm:identityNamespace", "xdm:destinationSchema",
        "xdm:destinationVersion", "xdm:title", "xdm:description",
    }
)  # fmt: skip
"""What descriptors of the types that Adobe describes may have (spec)."""
IDENTITY = "xdm:descriptorIdentity"


def routes() -> list[BaseRoute]:
    """Return the routes. Descriptors belong to the tenant; the list is shown in both containers (spec)."""
    return [
        *(route("GET", f"{registry.BASE}/{name}/descriptors", list_all) for name in registry.CONTAINERS),
        route("POST", f"{registry.BASE}/tenant/descriptors", create),
        route("GET", f"{registry.BASE}/tenant/descriptors/{{id}}", look_up),
    ]


def list_all(call: Call) -> Response:
    """``GET /tenant/descriptors`` (spec): grouped by ``@type``; ``-v2`` in ``Accept`` makes it pages."""
    call.expect_query("property", "orderby", "limit", "start")
    accept = _ACCEPT.fullmatch(registry.accept(call))
    if accept is None:
        raise _bad_accept(call, "XDM-1008-400")
    rows = [] if registry.container(call) == "global" else list(call.world.store.all(KIND).items())
    rows = filters.keep(rows, [registry.test(text) for text in call.query.getlist("property")])
    if accept["paged"]:
        page, told = registry_pages.page(call, rows, "@id", registry_pages.MAX_LIMIT)
        return JSONResponse({"results": [_shown(body, accept["form"]) for _, body in page], "_page": told})
    reply: Json = {}
    for _, body in rows:
        reply.setdefault(str(body.get("@type")), []).append(_shown(body, accept["form"]))
    return JSONResponse(reply)


def create(call: Call) -> Response:
    """``POST /tenant/descriptors`` (spec): 201 and the descriptor."""
    call.expect_query()
    fields = call.json()
    if not isinstance(fields, dict) or not all(
        isinstance(fields.get(name), str) for name in ("@type", "xdm:sourceSchema")
    ):
        raise errors.registry("XDM-1000-400", "Invalid request", "@type and xdm:sourceSchema are required")
    if call.world.store.get(registry.KIND, fields["xdm:sourceSchema"]) is None:
        raise registry.not_found(fields["xdm:sourceSchema"], "1")
    call.expect_fields(fields, _FIELDS)
    if fields["@type"] == IDENTITY:
        _check_identity(call.world, fields)
    body = {
        **fields,
        "@id": secrets.token_hex(24),
        "version": "1",
        "imsOrg": call.org,
        "meta:containerId": "tenant",
        **registry.sandbox_of(call),
    }
    call.world.store.put(KIND, body["@id"], body)
    return JSONResponse(body, status_code=201)


def look_up(call: Call) -> Response:
    """``GET /tenant/descriptors/{id}`` (spec): needs no Accept, since descriptors have no versions."""
    call.expect_query()
    wanted = call.headers.get("accept", "*/*").strip()
    if wanted != "*/*" and not _ACCEPT.fullmatch(wanted):
        raise _bad_accept(call, "XDM-1009-400")
    body = call.world.store.get(KIND, call.path_params["id"])
    if body is None:
        raise registry.not_found(call.path_params["id"], "1")
    return JSONResponse(body)


def primary_identity(world: World, schema_id: str | None) -> Json | None:
    """Return the descriptor of a schema's primary identity, or None."""
    return next((one for one in _identities(world, schema_id) if one.get("xdm:isPrimary") is True), None)


def _check_identity(world: World, fields: Json) -> None:
    """Check a new identity against those that the schema has.

    Raises:
        Refused: the field is one already (code: third party), or there is a primary one (rule: doc).
    """
    schema_id = fields["xdm:sourceSchema"]
    for other in _identities(world, schema_id):
        if other.get("xdm:sourceProperty") == fields.get("xdm:sourceProperty"):
            raise errors.registry("XDM-1811-400", "Invalid request", "An existing descriptor already exists")
    if fields.get("xdm:isPrimary") is True and primary_identity(world, schema_id) is not None:
        raise errors.registry("XDM-1000-400", "Invalid request", "The schema has a primary identity already")


def _identities(world: World, schema_id: str | None) -> list[Json]:
    return [
        one
        for one in world.store.all(KIND).values()
        if one.get("@type") == IDENTITY and one.get("xdm:sourceSchema") == schema_id
    ]


def _shown(body: Json, form: str | None) -> Json | str:
    if form == "-id":
        return str(body["@id"])
    if form == "-link":
        return f"/tenant/descriptors/{body['@id']}"
    return body


def _bad_accept(call: Call, code: str) -> errors.Refused:
    return errors.registry(
        code,
        "Accept header invalid",
        f"The supplied Accept header is not valid: {call.headers.get('accept', '')} - A valid Accept value "
        "should look like application/vnd.adobe.xdm-id+json",
    )
