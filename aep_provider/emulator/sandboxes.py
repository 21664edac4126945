"""Sandbox Management (``/data/foundation/sandbox-management/``): the sandboxes available to the caller."""

from __future__ import annotations

import re

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from aep_provider.emulator import errors
from aep_provider.emulator.call import Call, route
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

_BASE = "/data/foundation/sandbox-management"
_DEFAULT_LIMIT = 50
_HIDDEN = ("id",)
"""Only visible to services (doc: sandboxes/api); a look-up by name shows it (code)."""


def routes() -> list[BaseRoute]:
    """Return the routes of the service. The path is written with a trailing slash; none matters here."""
    return [
        route("GET", _BASE, available),
        route("GET", f"{_BASE}/sandboxes", available),
        route("GET", f"{_BASE}/sandboxes/{{name}}", look_up),
    ]


def available(call: Call) -> Response:
    """``GET /`` (doc: sandboxes/api/available) and the administrators' ``GET /sandboxes`` (spec), which
    differ in who may call them: here everyone may do everything.
    """
    call.expect_query("limit", "offset", "property", "orderBy")
    limit, offset = _page(call)
    rows = [body for body in call.world.store.all("sandbox").values() if body["state"] != "deleted"]
    page = [_shown(body) for body in rows][offset : offset + limit]
    return JSONResponse(
        {
            "sandboxes": page,
            "_page": {"limit": limit, "count": len(page)},
            "_links": {"page": {"href": f"{_BASE}/?limit={{limit}}&offset={{offset}}", "templated": True}},
        }
    )


def look_up(call: Call) -> Response:
    """``GET /sandboxes/{name}`` (spec); the reply to an unknown name is not published: 404 is assumed."""
    call.expect_query()
    body = call.world.store.get("sandbox", call.path_params["name"])
    if body is None or body["state"] == "deleted":
        raise errors.sandbox("SMS-2004-404", f"Sandbox {call.path_params['name']} is not found.")
    return JSONResponse(body)


def defaults(world: World) -> Json:
    """Return the fields of a sandbox that a seed leaves out."""
    now = world.clock.text()
    return {
        "state": "active",
        "type": "development",
        "region": "VA7",
        "isDefault": False,
        "eTag": 1,
        "createdDate": now,
        "lastModifiedDate": now,
        "createdBy": "admin@example.com",
        "modifiedBy": "admin@example.com",
    }


def _shown(body: Json) -> Json:
    return {name: value for name, value in body.items() if name not in _HIDDEN}


def _page(call: Call) -> tuple[int, int]:
    """Return limit and offset: both or neither (doc: sandboxes/api/appendix); the error's code is assumed."""
    limit, offset = call.query.get("limit"), call.query.get("offset")
    if limit is None and offset is None:
        return _DEFAULT_LIMIT, 0
    if (
        limit is None
        or offset is None
        or not all(re.fullmatch(r"[0-9]{1,6}", text) for text in (limit, offset))
    ):
        raise errors.sandbox("SMS-2000-400", "limit and offset must be given together, as whole numbers.")
    return int(limit), int(offset)
