"""Flow Service (``/data/foundation/flowservice``): reading flows and their connections."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from aep_provider.emulator import errors, filters
from aep_provider.emulator.call import Call, route
from aep_provider.emulator.catalog import dataset as model
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

KINDS = ("flows", "targetConnections", "sourceConnections", "connections")

_BASE = "/data/foundation/flowservice"
_DEFAULT_LIMIT = 20
_MAX_LIMIT = 100


def routes() -> list[BaseRoute]:
    """Return the routes of the service."""
    return [
        made
        for kind in KINDS
        for made in (
            route("GET", f"{_BASE}/{kind}", _listing(kind)),
            route("GET", f"{_BASE}/{kind}/{{id}}", _single(kind)),
        )
    ]


def complete(world: World, sandbox: str, kind: str, fields: Json) -> Json:
    """Return a flow or connection with everything that Flow Service adds; ``fields`` win."""
    now = world.clock.millis()
    client = str(fields.get("createdClient") or next(iter(world.store.all("client")), ""))
    server: Json = {
        "name": str(fields["id"]),
        "state": "enabled",
        "createdAt": now,
        "updatedAt": now,
        "createdClient": client,
        "createdBy": f"{client}@techacct.adobe.com",
        "updatedBy": f"{client}@techacct.adobe.com",
        "sandboxId": (world.store.get("sandbox", sandbox) or {}).get("id", ""),
        "sandboxName": sandbox,
        "imsOrgId": model.org_of(world, client),
        "version": f'"{secrets.token_hex(8)}"',
    }
    server["etag"] = fields.get("version", server["version"])
    if kind == "flows":
        server |= {"sourceConnectionIds": [], "targetConnectionIds": []}
    elif kind == "connections":
        server |= {"auth": {"specName": "Basic Authentication", "params": {}}}
    else:
        server |= {"params": {}, "data": {"format": "parquet_xdm"}}
    return {**server, **fields}


def _listing(kind: str) -> Callable[[Call], Response]:
    def list_all(call: Call) -> Response:
        """``GET /{kind}`` (spec): pages by a token in a relative link, in the order of ``orderby``."""
        call.expect_query("limit", "continuationToken", "property", "orderby", "start", "count")
        limit_text = call.query.get("limit", str(_DEFAULT_LIMIT))
        limit = int(limit_text) if re.fullmatch(r"[0-9]{1,6}", limit_text) else 0
        if not 1 <= limit <= _MAX_LIMIT:
            raise errors.flow(400, f"limit must be 1 to {_MAX_LIMIT}")
        tests = [filters.expression(text, True, "flow") for text in call.query.getlist("property")]
        stored = call.world.store.all(kind, call.sandbox).items()
        rows = filters.keep(((key, _shown(call, kind, body)) for key, body in stored), tests)
        if "orderby" in call.query:
            rows = filters.order(rows, _catalog_order(call.query["orderby"]))
        first = _offset(call.query.get("continuationToken"))
        reply: Json = {"items": [body for _, body in rows[first : first + limit]], "_links": {}}
        if first + limit < len(rows):
            query = [item for item in call.query.multi_items() if item[0] != "continuationToken"]
            query.append(("continuationToken", _token(first + limit)))
            reply["_links"]["next"] = {"href": f"{_BASE}/{kind}?{urlencode(query)}"}
        return JSONResponse(reply)

    return list_all


def _single(kind: str) -> Callable[[Call], Response]:
    def look_up(call: Call) -> Response:
        """``GET /{kind}/{id}`` (spec): a list of one."""
        call.expect_query()
        body = call.world.store.get(kind, call.path_params["id"], call.sandbox)
        if body is None:
            raise errors.flow(404, f"{call.path_params['id']} is not found")
        return JSONResponse({"items": [_shown(call, kind, body)]}, headers={"ETag": str(body["etag"])})

    return look_up


def _shown(call: Call, kind: str, body: Json) -> Json:
    """Return a flow or connection with what it inherits (spec); what was seeded of that wins.

    A flow inherits its connections with their specifications, a connection the base that it is built on.
    """
    made: Json
    if kind == "flows":
        made = {
            name: [_summary(call, name, wanted) for wanted in _texts(body.get(ids))]
            for name, ids in (
                ("sourceConnections", "sourceConnectionIds"),
                ("targetConnections", "targetConnectionIds"),
            )
        }
    elif isinstance(body.get("baseConnectionId"), str):
        made = {"baseConnection": _summary(call, "connections", body["baseConnectionId"])}
    else:
        return body
    given = body.get("inheritedAttributes")
    return {**body, "inheritedAttributes": {**made, **given} if isinstance(given, dict) else made}


def _summary(call: Call, kind: str, wanted: str) -> Json:
    """Return the id of a connection, its specification, and the same of its base; a missing one: the id."""
    found = call.world.store.get(kind, wanted, call.sandbox) or {}
    summary: Json = {"id": wanted}
    if "connectionSpec" in found:
        summary["connectionSpec"] = found["connectionSpec"]
    if isinstance(found.get("baseConnectionId"), str):
        summary["baseConnection"] = _summary(call, "connections", found["baseConnectionId"])
    return summary


def _texts(values: object) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _catalog_order(text: str) -> str:
    """Rewrite ``name,-createdAt`` as Catalog writes it, ``name,desc:createdAt``."""
    return ",".join(f"desc:{name[1:]}" if name.startswith("-") else name for name in text.split(","))


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"offset:{offset}".encode()).decode()


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(token).decode()
    except ValueError:
        text = ""
    match = re.fullmatch(r"offset:([0-9]{1,9})", text)
    if match is None:
        raise errors.flow(400, "Invalid continuationToken")
    return int(match[1])
