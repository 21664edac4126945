"""Schema Registry: descriptors, of which those of identities tell Profile where a row's identity is."""

from __future__ import annotations

import re
import secrets

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from aep_provider.emulator import errors, filters, registry
from aep_provider.emulator.call import Call, route
from aep_provider.emulator.catalog.fragments import DESCRIPTOR as KIND
from aep_provider.emulator.store import Json

_ACCEPT = re.compile(r"application/vnd\.adobe\.xdm(?P<paged>-v2)?(?P<form>-id|-link)?\+json")
_FIELDS = frozenset(
    {
        "@type", "xdm:sourceSchema", "xdm:sourceVersion", "xdm:sourceProperty", "xdm:namespace",
        "xdm:property", "xdm:isPrimary", "xdm:identityNamespace", "xdm:destinationSchema",
        "xdm:destinationVersion", "xdm:title", "xdm:description",
    }
)  # fmt: skip
"""What descriptors of the types that Adobe describes may have (spec)."""
_MAX_LIMIT = 500


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
    accept = _ACCEPT.fullmatch(call.headers.get("accept", "").strip())
    if accept is None:
        raise _bad_accept(call, "XDM-1008-400")
    rows = [] if registry.container(call) == "global" else list(call.world.store.all(KIND).items())
    rows = filters.keep(rows, [registry.test(text) for text in call.query.getlist("property")])
    if accept["paged"]:
        return JSONResponse(_page(call, rows, accept["form"]))
    reply: Json = {}
    for _, body in rows:
        reply.setdefault(body["@type"], []).append(_shown(body, accept["form"]))
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
    body = {**fields, "@id": secrets.token_hex(24), "version": "1", "imsOrg": call.org}
    call.world.store.put(KIND, body["@id"], body)
    return JSONResponse(body, status_code=201)


def look_up(call: Call) -> Response:
    """``GET /tenant/descriptors/{id}`` (spec)."""
    call.expect_query()
    accept = _ACCEPT.fullmatch(call.headers.get("accept", "").strip())
    if accept is None:
        raise _bad_accept(call, "XDM-1009-400")
    body = call.world.store.get(KIND, call.path_params["id"])
    if body is None:
        raise registry.not_found(call.path_params["id"], "1")
    return JSONResponse(body)


def _page(call: Call, rows: list[filters.Row], form: str | None) -> Json:
    limit_text = call.query.get("limit", str(_MAX_LIMIT))
    limit = int(limit_text) if re.fullmatch(r"[0-9]{1,6}", limit_text) else 0
    if not 1 <= limit <= _MAX_LIMIT:
        raise errors.registry("XDM-1000-400", "Invalid request", f"limit must be 1 to {_MAX_LIMIT}")
    rows = sorted(rows)
    ids = [key for key, _ in rows]
    start = call.query.get("start")
    first = 0 if start is None else ids.index(start) + 1 if start in ids else len(rows)
    page = rows[first : first + limit]
    following = page[-1][0] if first + limit < len(rows) else None
    return {
        "results": [_shown(body, form) for _, body in page],
        "_page": {"orderby": "@id", "next": following, "count": len(page)},
    }


def _shown(body: Json, form: str | None) -> Json | str:
    if form == "-id":
        return str(body["@id"])
    if form == "-link":
        return f"{registry.BASE}/tenant/descriptors/{body['@id']}"
    return body


def _bad_accept(call: Call, code: str) -> errors.Refused:
    return errors.registry(
        code,
        "Accept header invalid",
        f"The supplied Accept header is not valid: {call.headers.get('accept', '')} - A valid Accept value "
        "should look like application/vnd.adobe.xdm-id+json",
    )
