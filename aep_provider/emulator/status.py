"""The status page at ``/_emulator/`` and the route that it gets its figures from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from aep_provider.emulator.catalog import batches, datasets, profile, promotion, windows
from aep_provider.emulator.request_log import Entry
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

_FOLDER = Path(__file__).parent / "page"
_FILES = {"/_emulator": "index.html", "/_emulator/page.css": "page.css", "/_emulator/page.js": "page.js"}
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
_MOST_REQUESTS = 50


def routes(world: World) -> list[BaseRoute]:
    """Return the routes of the page."""

    async def overview(request: Request) -> Response:
        query = request.query_params
        sandbox = query.get("sandbox") or _first_sandbox(world)
        if world.store.get("sandbox", sandbox) is None:
            return JSONResponse({"error": f"no sandbox {sandbox}"}, status_code=404)
        return JSONResponse(_overview(world, sandbox, query.get("name", "")))

    return [
        *(Route(path, _file(name), methods=["GET"]) for path, name in _FILES.items()),
        Route("/_emulator/status", overview, methods=["GET"]),
    ]


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_: Request) -> Response:
        return FileResponse(_FOLDER / name, headers=_HEADERS)

    return endpoint


def _first_sandbox(world: World) -> str:
    """Return the sandbox where something is going on: the one whose dataset changed last."""
    names = list(world.store.all("sandbox"))
    return max(names, key=lambda name: _latest(world, name), default="")


def _latest(world: World, sandbox: str) -> int:
    return max((_updated(body) for body in world.store.all(datasets.KIND, sandbox).values()), default=0)


def _overview(world: World, sandbox: str, name: str) -> Json:
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
    return {
        "sandbox": sandbox,
        "sandboxes": list(world.store.all("sandbox")),
        "seed": world.seed,
        "strict": world.strict,
        "total": len(rows),
        "datasets": [_dataset(world, sandbox, key, body, by_dataset[key]) for key, body in shown],
        "requests": [_request(entry) for entry in world.log.last(_MOST_REQUESTS)],
    }


def _updated(dataset: Json) -> int:
    value = dataset.get("updated")
    return value if isinstance(value, int) else 0


def _dataset(world: World, sandbox: str, key: str, body: Json, found: list[Json]) -> Json:
    changes = windows.changes(world, sandbox, key, body)
    spans: list[Json] = [{**change, "until": None, "batches": []} for change in changes]
    for span, following in pairwise(spans):
        span["until"] = following["at"]
    for batch in found[-_MOST_BATCHES:]:
        reached = batch.get(promotion.REACHED, {}).get(key)
        span = spans[_window(changes, batch, reached)]
        span["batches"].append({"id": batch["id"], "status": batch.get("status"), "reached": reached})
    tags = body.get("tags", {})
    return {
        "id": key,
        "name": body.get("name"),
        "version": body.get("version"),
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


def _request(entry: Entry) -> Json:
    return {
        "seq": entry.seq,
        "method": entry.method,
        "path": entry.path,
        "service": entry.service,
        "status": entry.status,
        "fault": entry.fault,
        "unknown": entry.unknown,
    }
