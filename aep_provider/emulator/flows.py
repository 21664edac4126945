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
        server |= {"sourceConnectionIds": [], "targetConnectionIds": [], "inheritedAttributes": {}}
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
        rows = filters.keep(call.world.store.all(kind, call.sandbox).items(), tests)
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
        return JSONResponse({"items": [body]}, headers={"ETag": str(body["etag"])})

    return look_up


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
