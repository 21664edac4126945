"""Schema Registry (``/data/foundation/schemaregistry``): reading schemas.

A schema's ``$id`` stands in the path with its slashes escaped; unescaped it is not a path of the service.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from aep_provider.emulator import errors, filters
from aep_provider.emulator.call import Call, route
from aep_provider.emulator.filters import Test
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

KIND = "schema"
CONTAINERS = ("tenant", "global")
MAX_LIMIT = 300
TENANT = "acmeinc"
BASE = "/data/foundation/schemaregistry"

_ACCEPT = re.compile(
    r"application/vnd\.adobe\.(?:xed|xdm)(?P<form>(?:-[a-z]+)*)\+json(?:\s*;\s*version=(?P<version>[0-9.]+))?"
)
_LOOK_UP_FORMS = ("", "-full", "-notext", "-full-notext", "-full-desc", "-deprecatefield")
_LIST_FORMS = ("", "-id")
_SUMMARY = ("$id", "meta:altId", "version", "title")


def routes() -> list[BaseRoute]:
    """Return the routes of the service."""
    return [
        made
        for container in CONTAINERS
        for made in (
            route("GET", f"{BASE}/{container}/schemas", list_all),
            route("GET", f"{BASE}/{container}/schemas/{{id}}", look_up),
        )
    ]


def look_up(call: Call) -> Response:
    """``GET /{container}/schemas/{id}`` (spec): by escaped ``$id`` or by ``meta:altId``."""
    call.expect_query()
    form, version = _accepted(call)
    if form not in _LOOK_UP_FORMS or version is None:
        accept = call.headers.get("accept", "")
        raise errors.registry(
            "XDM-1007-400",
            "Accept header invalid",
            f"The supplied Accept header is not valid: {accept} - A valid Accept value should look like "
            "application/vnd.adobe.'{xed|xdm'}+json; version=1 (Version should be specified)",
        )
    body = found(call, call.path_params["id"])
    if body is None or version.partition(".")[0] != "1":
        raise not_found(call.path_params["id"], version)
    return JSONResponse(body)


def list_all(call: Call) -> Response:
    """``GET /{container}/schemas`` (spec): pages by an opaque cursor, ``_page.next``."""
    call.expect_query("property", "orderby", "limit", "start")
    form, version = _accepted(call)
    if form not in _LIST_FORMS or version is not None:
        raise errors.registry(
            "XDM-1006-400",
            "Accept header invalid",
            f"The supplied Accept header is not valid: {call.headers.get('accept', '')}",
        )
    limit_text = call.query.get("limit", str(MAX_LIMIT))
    limit = int(limit_text) if re.fullmatch(r"[0-9]{1,6}", limit_text) else 0
    if not 1 <= limit <= MAX_LIMIT:
        # A code of this family for a bad limit is not published.
        raise errors.registry("XDM-1000-400", "Invalid request", f"limit must be 1 to {MAX_LIMIT}")
    tests = [test(text) for text in call.query.getlist("property")]
    rows = [
        row for row in call.world.store.all(KIND).items() if row[1]["meta:containerId"] == container(call)
    ]
    rows = filters.order(filters.keep(rows, tests), call.query.get("orderby", "title"))
    first = _after_cursor(rows, call.query.get("start"))
    page = rows[first : first + limit]
    following = page[-1][1]["meta:altId"] if first + limit < len(rows) else None
    summary = form == "-id"
    results = [{name: body[name] for name in _SUMMARY} if summary else body for _, body in page]
    reply: Json = {
        "results": results,
        "_page": {"orderby": call.query.get("orderby", "title"), "next": following, "count": len(page)},
        "_links": {"global_schemas": {"href": f"{BASE}/global/schemas"}},
    }
    if following is not None:
        query = [item for item in call.query.multi_items() if item[0] != "start"]
        query.append(("start", following))
        reply["_links"]["next"] = {"href": f"{call.path}?{urlencode(query)}"}
    return JSONResponse(reply)


def found(call: Call, wanted: str) -> Json | None:
    """Return the schema of the call's container with an ``$id`` or ``meta:altId``, or None."""
    for schema_id, body in call.world.store.all(KIND).items():
        if wanted in (schema_id, body["meta:altId"]) and body["meta:containerId"] == container(call):
            return body
    return None


def not_found(wanted: str, version: str) -> errors.Refused:
    """Return the registry's 404 (spec)."""
    return errors.registry(
        "XDM-1012-404",
        "Resource Not Found",
        f"Requested resource {wanted} with version {version} is not found",
    )


def complete(world: World, fields: Json) -> Json:
    """Return a schema with everything that the registry adds; ``fields`` win."""
    schema_id = str(fields["$id"])
    local = schema_id.removeprefix("https://ns.adobe.com/")
    shared = local.startswith("xdm/")
    now = world.clock.millis()
    server: Json = {
        "meta:altId": "_" + local.replace("/", "."),
        "meta:resourceType": "schemas",
        "version": "1.0",
        "title": local.rpartition("/")[2],
        "type": "object",
        "imsOrg": min(world.organisations(), default=""),
        "meta:extensible": False,
        "meta:abstract": False,
        "meta:extends": [],
        "meta:registryMetadata": {"repo:createdDate": now, "repo:lastModifiedDate": now},
        "meta:containerId": "global" if shared else "tenant",
    }
    if not shared:
        server["meta:tenantNamespace"] = "_" + local.partition("/")[0]
    return {**server, **fields}


def _accepted(call: Call) -> tuple[str | None, str | None]:
    """Return the form and the version that Accept asks for; a missing or foreign Accept asks for no form."""
    match = _ACCEPT.fullmatch(call.headers.get("accept", "").strip())
    return (match["form"], match["version"]) if match else (None, None)


def container(call: Call) -> str:
    """Return the container that the path names: "tenant" or "global"."""
    return call.path.removeprefix(f"{BASE}/").partition("/")[0]


def _after_cursor(rows: list[filters.Row], cursor: str | None) -> int:
    """Return where a page begins; a cursor that the registry never gave shows nothing (live 2026-08)."""
    if cursor is None:
        return 0
    ids = [body["meta:altId"] for _, body in rows]
    return ids.index(cursor) + 1 if cursor in ids else len(rows)


def test(text: str) -> Test:
    """Return the filter of ``property=``: as Catalog's, but ``==`` also finds a value in a list."""
    name, operator, wanted = text.partition("==")
    if not operator:
        return filters.expression(text, service="schemaregistry")

    def holds(body: Json) -> bool:
        actual: Any = body.get(name)
        return wanted in actual if isinstance(actual, list) else actual is not None and str(actual) == wanted

    return holds
