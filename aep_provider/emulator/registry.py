"""Schema Registry (``/data/foundation/schemaregistry``): reading schemas.

A schema's ``$id`` stands in the path with its slashes escaped; unescaped it is not a path of the service.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from aep_provider.emulator import errors, filters, registry_pages, schema_forms, unions
from aep_provider.emulator.call import Call, route
from aep_provider.emulator.catalog import lag
from aep_provider.emulator.catalog.fragments import DESCRIPTOR
from aep_provider.emulator.filters import Test
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

KIND = lag.SCHEMA
CONTAINERS = ("tenant", "global")
MAX_LIMIT = 300
TENANT = "acmeinc"
BASE = "/data/foundation/schemaregistry"

_ACCEPT = re.compile(
    r"application/vnd\.adobe\.(?:xed|xdm)(?P<form>(?:-[a-z]+)*)\+json(?:\s*;\s*version=(?P<version>[0-9.]+))?"
)
_LIST_FORMS = ("", "-id")
_SUMMARY = ("$id", "meta:altId", "version", "title")


def routes() -> list[BaseRoute]:
    """Return the routes of the service."""
    made = [
        route("GET", f"{BASE}/tenant/unions", list_unions),
        route("GET", f"{BASE}/tenant/unions/{{id}}", look_up_union),
    ]
    for one in CONTAINERS:
        made.append(route("GET", f"{BASE}/{one}/schemas", list_all))
        made.append(route("GET", f"{BASE}/{one}/schemas/{{id}}", look_up))
    return [*made]


def look_up(call: Call) -> Response:
    """``GET /{container}/schemas/{id}`` (spec): by escaped ``$id`` or by ``meta:altId``."""
    call.expect_query()
    form, version = _look_up_form(call)
    body = found(call, call.path_params["id"])
    if body is not None:
        body = lag.read(call.world, KIND, "", body["$id"])
    elif container(call) == "tenant":
        body = _found_union(call)
    if body is None or version.partition(".")[0] != "1":
        raise not_found(call.path_params["id"], version)
    return JSONResponse(shown(call, body, form))


def look_up_union(call: Call) -> Response:
    """``GET /tenant/unions/{id}`` (spec); ``/tenant/schemas/{id}`` shows the same (doc: xdm/api/unions)."""
    call.expect_query()
    form, version = _look_up_form(call)
    body = _found_union(call)
    if body is None or version.partition(".")[0] != "1":
        raise not_found(call.path_params["id"], version)
    return JSONResponse(shown(call, body, form))


def list_all(call: Call) -> Response:
    """``GET /{container}/schemas`` (spec): pages from a value on, ``_page.next``."""
    return _listing(call, _schemas, {"global_schemas": {"href": f"{BASE}/global/schemas"}})


def list_unions(call: Call) -> Response:
    """``GET /tenant/unions`` (spec)."""
    return _listing(call, _unions, {})


def _unions(call: Call) -> list[filters.Row]:
    return list(unions.made(call.world).items())


def _schemas(call: Call) -> list[filters.Row]:
    """Return the schemas of the call's container, as a listing shows them now."""
    listed = lag.listed(call.world, KIND, "")
    return [row for row in listed if row[1]["meta:containerId"] == container(call)]


def _listing(call: Call, rows: Callable[[Call], list[filters.Row]], links: Json) -> Response:
    call.expect_query("property", "orderby", "limit", "start")
    form, version = _accepted(call)
    if form not in _LIST_FORMS or version is not None:
        raise errors.registry(
            "XDM-1006-400",
            "Accept header invalid",
            f"The supplied Accept header is not valid: {call.headers.get('accept', '')}",
        )
    tests = [test(text) for text in call.query.getlist("property")]
    page, told = registry_pages.page(call, filters.keep(rows(call), tests), "updated", MAX_LIMIT)
    results = [
        {name: body[name] for name in _SUMMARY} if form == "-id" else shown(call, body, "")
        for _, body in page
    ]
    reply: Json = {"results": results, "_page": told, "_links": {"next": None, **links}}
    if told["next"] is not None:
        query = [item for item in call.query.multi_items() if item[0] not in ("start", "orderby")]
        query += [("orderby", told["orderby"]), ("start", told["next"])]
        reply["_links"]["next"] = {"href": f"{call.path}?{urlencode(query)}"}
    return JSONResponse(reply)


def shown(call: Call, body: Json, form: str) -> Json:
    """Return a schema in a form of ``Accept``, with the sandbox that the tenant's are in."""
    of_schema = [
        one for one in call.world.store.all(DESCRIPTOR).values() if one.get("xdm:sourceSchema") == body["$id"]
    ]
    place = sandbox_of(call) if body["meta:containerId"] == "tenant" else {}
    return schema_forms.shown({**place, **body}, form, of_schema)


def sandbox_of(call: Call) -> Json:
    """Return what a resource of the tenant says of the sandbox that it is in (spec)."""
    sandbox = call.world.store.get("sandbox", call.sandbox) or {}
    return {"meta:sandboxId": sandbox.get("id", ""), "meta:sandboxType": sandbox.get("type", "")}


def _found_union(call: Call) -> Json | None:
    wanted = call.path_params["id"]
    known = unions.made(call.world).values()
    return next((body for body in known if wanted in (body["$id"], body["meta:altId"])), None)


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
        "meta:xdmType": "object",
        "meta:registryMetadata": {"repo:createdDate": now, "repo:lastModifiedDate": now},
        "meta:containerId": "global" if shared else "tenant",
    }
    if not shared:
        server["meta:tenantNamespace"] = "_" + local.partition("/")[0]
    return {**server, **fields}


def accept(call: Call) -> str:
    """Return the Accept header.

    Raises:
        Refused: there is none.
    """
    if "accept" not in call.headers:
        # The shape is that of the page, xdm/troubleshooting-guide; the OpenAPI has 400 for it.
        raise errors.catalog(406, "NotAcceptableError", "Accept header parameter is required")
    return call.headers["accept"].strip()


def _look_up_form(call: Call) -> tuple[str, str]:
    form, version = _accepted(call)
    if form is None or form not in schema_forms.LOOK_UP or version is None:
        raise errors.registry(
            "XDM-1007-400",
            "Accept header invalid",
            f"The supplied Accept header is not valid: {call.headers.get('accept', '')} - A valid Accept value "
            "should look like application/vnd.adobe.'{xed|xdm'}+json; version=1 (Version should be specified)",
        )
    return form, version


def _accepted(call: Call) -> tuple[str | None, str | None]:
    """Return the form and the version that Accept asks for; a foreign Accept asks for no form."""
    match = _ACCEPT.fullmatch(accept(call))
    return (match["form"], match["version"]) if match else (None, None)


def container(call: Call) -> str:
    """Return the container that the path names: "tenant" or "global"."""
    return call.path.removeprefix(f"{BASE}/").partition("/")[0]


def test(text: str) -> Test:
    """Return the filter of ``property=``: as Catalog's, but ``==`` also finds a value in a list."""
    name, operator, wanted = text.partition("==")
    if not operator:
        return filters.expression(text, service="schemaregistry")

    def holds(body: Json) -> bool:
        actual: Any = body.get(name)
        return wanted in actual if isinstance(actual, list) else actual is not None and str(actual) == wanted

    return holds
