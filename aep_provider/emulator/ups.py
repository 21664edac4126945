"""Profile access (``/data/core/ups/access/entities``): what became of the rows that reached Profile."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from aep_provider.emulator import errors
from aep_provider.emulator.call import Call, route
from aep_provider.emulator.catalog import fragments
from aep_provider.emulator.store import Json

_PATH = "/data/core/ups/access/entities"
_PROFILE = "_xdm.context.profile"
_EVENT = "_xdm.context.experienceevent"
_MERGE_POLICY = "5aa6885f-cf70-4a30-8dab-df1e00000001"
_QUERY = (
    "schema.name", "relatedSchema.name", "entityId", "entityIdNS", "relatedEntityId", "relatedEntityIdNS",
    "fields", "mergePolicyId", "startTime", "endTime", "limit", "start", "orderby", "property", "withCA",
)  # fmt: skip
_MOST = 1000


def routes() -> list[BaseRoute]:
    """Return the routes of the service."""
    return [route("GET", _PATH, look_up)]


def look_up(call: Call) -> Response:
    """``GET /access/entities`` (doc: profile/api/entities): a profile, or the events of one."""
    call.expect_query(*_QUERY)
    schema = call.query.get("schema.name")
    if schema == _PROFILE:
        return _profile(call)
    if schema == _EVENT:
        return _events(call)
    raise errors.profile(400, f"schema.name must be {_PROFILE} or {_EVENT}")


def _profile(call: Call) -> Response:
    wanted = _identity(call, "entityId")
    found = _of(call, fragments.FRAGMENT, wanted)
    if not found:
        raise errors.profile(404, "The entity is not found")
    entity: Json = {}
    for fragment in found:
        # The default merge policy orders by time: what came last counts (doc: merge policies).
        entity = fragments.merged(entity, fragment["entity"])
    xid = _xid(found[-1]["identities"][0])
    fields = call.query.get("fields")
    body = {
        "entityId": xid,
        "mergePolicy": {"id": call.query.get("mergePolicyId", _MERGE_POLICY)},
        "sources": list(dict.fromkeys(fragment["dataset"] for fragment in found)),
        "identityGraph": list(dict.fromkeys(_xid(item) for body in found for item in body["identities"])),
        "entity": entity if fields is None else _projected(entity, fields.split(",")),
        "lastModifiedAt": _iso(found[-1]["modified"]),
    }
    return JSONResponse({xid: body})


def _events(call: Call) -> Response:
    """Return events as they came, oldest first; ``start`` is the ``_page.next`` of the page before."""
    if "entityId" in call.query and "relatedEntityId" not in call.query:
        # The page's text and its table name entityId for events too, its sample does not.
        wanted = _identity(call, "entityId")
    elif call.query.get("relatedSchema.name") != _PROFILE:
        raise errors.profile(400, f"relatedSchema.name must be {_PROFILE}")
    else:
        wanted = _identity(call, "relatedEntityId")
    limit = _whole(call, "limit", _MOST)
    if not 1 <= limit <= _MOST:
        raise errors.profile(400, f"limit must be 1 to {_MOST}")
    first, last = _whole(call, "startTime", 0), _whole(call, "endTime", 10**14)
    orderby = call.query.get("orderby", "timestamp")
    rows = [row for row in _of(call, fragments.EVENT, wanted) if first <= row["timestamp"] <= last]
    rows.sort(key=lambda row: row["timestamp"], reverse=orderby.startswith("-"))
    start = _whole(call, "start", 0)
    page = rows[start : start + limit]
    following = str(start + limit) if start + limit < len(rows) else ""
    children = [
        {
            "relatedEntityId": _xid(row["identities"][0]),
            "entityId": str(row["entity"].get("_id", "")),
            "timestamp": row["timestamp"],
            "entity": row["entity"],
            "lastModifiedAt": _iso(row["modified"]),
        }
        for row in page
    ]
    link = re.sub(r"(^|&)start=[^&]*", "", str(call.query)) + f"&start={following}" if following else ""
    return JSONResponse(
        {
            "_page": {"orderby": orderby, "start": str(start), "count": len(page), "next": following},
            "children": children,
            "_links": {"next": {"href": f"/entities?{link}" if link else ""}},
        }
    )


def _of(call: Call, kind: str, wanted: tuple[str, str | None]) -> list[Json]:
    """Return what belongs to an identity; without a namespace the value is an XID."""
    value, namespace = wanted
    rows: Iterable[Json] = call.world.store.all(kind, call.sandbox).values()
    if namespace is None:
        return [row for row in rows if any(_xid(item) == value for item in row["identities"])]
    return [row for row in rows if [namespace.lower(), value] in row["identities"]]


def _identity(call: Call, name: str) -> tuple[str, str | None]:
    value = call.query.get(name)
    if not value:
        raise errors.profile(400, f"{name} is required")
    return value, call.query.get(f"{name}NS")


def _whole(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise errors.profile(400, f"{name} must be a whole number")
    return int(text)


def _xid(identity: list[str]) -> str:
    """Return the short id that Profile gives an identity; how Adobe computes it is not published."""
    digest = hashlib.sha256("|".join(identity).encode()).digest()[:20]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _iso(millis: int) -> str:
    return datetime.fromtimestamp(millis // 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _projected(entity: Json, paths: list[str]) -> Json:
    result: Json = {}
    for path in paths:
        names = path.strip().split(".")
        value: Any = entity
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        if value is None:
            continue
        for name in reversed(names):
            value = {name: value}
        result = fragments.merged(result, value)
    return result
