"""The status page at ``/_emulator/`` and the route that it gets its figures from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from aep_provider.emulator.catalog import batches, datasets, profile, promotion, windows
from aep_provider.emulator.gateway import SERVICES
from aep_provider.emulator.seeds import SEEDS
from aep_provider.emulator.status_requests import Requests
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

_FOLDER = Path(__file__).parent / "page"
_FILES = (
    "page.css",
    "page.js",
    "dom.js",
    "axis.js",
    "chart.js",
    "windows.js",
    "datasets.js",
    "requests.js",
    "orders.js",
)
_OWNER = "pulumiManagedBy"
"""The tag by which tools of this project say whose a dataset is; the page shows it, nothing else knows it."""
_HEADERS = {
    # Names of datasets come from anyone: were one ever taken for markup, the browser would still run nothing.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_MOST_DATASETS = 100
_MOST_BATCHES = 50


def routes(world: World) -> list[BaseRoute]:
    """Return the routes of the page."""
    log = Requests(world)

    async def overview(request: Request) -> Response:
        query = request.query_params
        sandbox = query.get("sandbox") or _first_sandbox(world)
        if world.store.get("sandbox", sandbox) is None:
            return JSONResponse({"error": f"no sandbox {sandbox}"}, status_code=404)
        body = _overview(world, log, sandbox, query.get("name", ""), query.get("service", ""))
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    return [
        Route("/_emulator", _file("index.html"), methods=["GET"]),
        *(Route(f"/_emulator/{name}", _file(name), methods=["GET"]) for name in _FILES),
        Route("/_emulator/status", overview, methods=["GET"]),
    ]


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_: Request) -> Response:
        return FileResponse(_FOLDER / name, headers=_HEADERS)

    return endpoint


def is_visitor(scope: Scope) -> bool:
    """Say whether a request for ``/`` is a person's: clients of the Platform bear a token or an API key."""
    headers = Headers(scope=scope)
    return scope["method"] in ("GET", "HEAD") and not {"authorization", "x-api-key"} & set(headers.keys())


async def to_the_page(scope: Scope, receive: Receive, send: Send) -> None:
    """Lead a person to the page; an ASGI application."""
    await RedirectResponse("/_emulator/", headers=_HEADERS)(scope, receive, send)


def _first_sandbox(world: World) -> str:
    """Return the sandbox where something is going on: the one whose dataset changed last."""
    names = list(world.store.all("sandbox"))
    return max(names, key=lambda name: _latest(world, name), default="")


def _latest(world: World, sandbox: str) -> int:
    return max((_updated(body) for body in world.store.all(datasets.KIND, sandbox).values()), default=0)


def _overview(world: World, log: Requests, sandbox: str, name: str, service: str) -> Json:
    """Return what the page shows: the datasets that changed last, and the last requests."""
    wanted = name.casefold()
    rows = [
        (key, body)
        for key, body in world.store.all(datasets.KIND, sandbox).items()
        if wanted in str(body.get("name", "")).casefold() or wanted == key
    ]
    rows.sort(key=lambda row: _updated(row[1]), reverse=True)
    shown = rows[:_MOST_DATASETS]
    by_dataset: dict[str, list[Json]] = {key: [] for key, _ in shown}
    for batch_id, batch in world.store.all(batches.KIND, sandbox).items():
        for key in batches.datasets_of(batch):
            if key in by_dataset:
                by_dataset[key].append({"id": batch_id, **batch})
    last, beside = log.overview(sandbox, list(by_dataset), service)
    return {
        "now": world.clock.millis(),
        "sandbox": sandbox,
        "sandboxes": list(world.store.all("sandbox")),
        "services": [*SERVICES.values(), "unknown"],
        "seed": world.seed,
        "seeds": list(SEEDS),
        "strict": world.strict,
        "faults": [fault.as_json() for fault in world.faults.all()],
        "total": len(rows),
        "datasets": [
            {**_dataset(world, sandbox, key, body, by_dataset[key]), "requests": beside[key]}
            for key, body in shown
        ],
        "requests": last,
    }


def _updated(dataset: Json) -> int:
    value = dataset.get("updated")
    return value if isinstance(value, int) else 0


def _dataset(world: World, sandbox: str, key: str, body: Json, found: list[Json]) -> Json:
    changes = windows.changes(world, sandbox, key, body)
    spans: list[Json] = [{**change, "until": None, "batches": []} for change in changes]
    for span, following in pairwise(spans):
        span["until"] = following["at"]
    was_on = False
    for span in spans:
        # Only what had Profile on can miss something while it is off.
        span["gap"] = was_on and not span["enabled"]
        was_on = was_on or span["enabled"]
    for batch in found[-_MOST_BATCHES:]:
        reached = batch.get(promotion.REACHED, {}).get(key)
        span = spans[_window(changes, batch, reached)]
        span["batches"].append(_batch(batch, reached))
    tags = body.get("tags", {})
    return {
        "id": key,
        "name": body.get("name"),
        "version": body.get("version"),
        "created": body.get("created"),
        "owner": _owner(tags.get(_OWNER)),
        "client": body.get("createdClient"),
        "schema": _schema_title(world, body),
        "behaviour": body.get("classification", {}).get("dataBehavior"),
        "tags": {name: tags.get(name) for name in (profile.PROFILE, profile.IDENTITY)},
        "on": {name: profile.has(tags.get(name), "enabled") for name in (profile.PROFILE, profile.IDENTITY)},
        "upsert": profile.has(tags.get(profile.PROFILE), "isUpsert"),
        "windows": spans,
        "batches_left_out": max(0, len(found) - _MOST_BATCHES),
    }


def _window(changes: list[Json], batch: Json, reached: Json | None) -> int:
    """Return the number of the window that a batch belongs to.

    A promoted batch belongs where it was judged. One that ended otherwise, or came with a seed, belongs where
    its end falls; one on its way belongs to the window that is open now.
    """
    if reached is not None:
        return int(reached["window"])
    if batch.get("status") not in batches.ENDED:
        return len(changes) - 1
    end = batch.get("completed", batch.get("updated"))
    before = [number for number, change in enumerate(changes) if change["at"] <= end]
    return before[-1] if before else 0


def _batch(batch: Json, reached: Json | None) -> Json:
    """Return a batch with the moment of its end, or None while it is on its way."""
    status = batch.get("status")
    ended = batch.get("completed", batch.get("updated")) if status in batches.ENDED else None
    return {
        "id": batch["id"],
        "status": status,
        "reached": reached,
        "created": batch.get("created"),
        "ended": ended,
    }


def _owner(values: object) -> str | None:
    """Return who says that a dataset is theirs; the other values of the tag have names before a colon."""
    given = [str(value) for value in values] if isinstance(values, list) else []
    return next((value for value in given if not value.startswith("claim:")), None)


def _schema_title(world: World, dataset: Json) -> str | None:
    """Return the title of a dataset's schema, its id if there is no such schema, or None without one."""
    reference = dataset.get("schemaRef")
    schema_id = reference.get("id") if isinstance(reference, dict) else None
    if not isinstance(schema_id, str):
        return None
    schema = world.store.get("schema", schema_id) or {}
    return str(schema.get("title", schema_id))
