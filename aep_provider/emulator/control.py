"""The routes under ``/_emulator/``, by which a test or a person steers the emulator. They are not logged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from aep_provider.emulator import shapes
from aep_provider.emulator.catalog import batches, effects
from aep_provider.emulator.clock import MAX_OFFSET, Clock
from aep_provider.emulator.faults import Fault
from aep_provider.emulator.merging import check, merge
from aep_provider.emulator.origin import may_order
from aep_provider.emulator.seeds import apply_seed
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

_Handler = Callable[[Request], Awaitable[Any]]


def routes(world: World) -> list[BaseRoute]:
    """Return the control routes for one emulator."""
    control = _Control(world)
    table: list[tuple[str, str, _Handler]] = [
        ("GET", "/health", control.health),
        ("POST", "/reset", control.reset),
        ("POST", "/seed", control.seed),
        ("GET", "/requests", control.requests),
        ("DELETE", "/requests", control.clear_requests),
        ("GET", "/faults", control.list_faults),
        ("POST", "/faults", control.add_fault),
        ("DELETE", "/faults", control.clear_faults),
        ("GET", "/faults/{id}", control.get_fault),
        ("DELETE", "/faults/{id}", control.clear_fault),
        ("POST", "/faults/{id}/release", control.release_fault),
        ("PATCH", "/batches/{id}", control.change_batch),
        ("POST", "/tick", control.tick),
        ("GET", "/settings", control.settings),
        ("POST", "/settings", control.change_settings),
        ("GET", "/datasets", control.datasets),
        ("GET", "/warnings", control.warnings),
    ]
    return [Route(f"/_emulator{path}", _answer(handler), methods=[method]) for method, path, handler in table]


def _answer(handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        # Any page in a browser can send orders to this machine, and the browser then adds its origin.
        if not may_order(request.headers):
            return JSONResponse(
                {"error": "no web page but the emulator's own gives orders here"}, status_code=403
            )
        try:
            return JSONResponse(await handler(request))
        except LookupError as error:
            return JSONResponse({"error": str(error.args[0])}, status_code=404)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return endpoint


async def _order(request: Request) -> Json:
    """Return the body, an object; no body is an empty one.

    Raises:
        ValueError: it is not an object.
    """
    raw = await request.body()
    try:
        order = json.loads(raw) if raw else {}
    except ValueError:
        raise ValueError("the body must be JSON") from None
    if not isinstance(order, dict):
        raise ValueError("the body must be a JSON object")
    return order


def _only(order: Json, *known: str) -> None:
    unknown = sorted(set(order) - set(known))
    if unknown:
        raise ValueError(f"unknown keys: {', '.join(unknown)}; known: {', '.join(known)}")


class _Control:
    """What the control routes do. A ``LookupError`` becomes a 404, a ``ValueError`` a 400."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def health(self, _: Request) -> Any:
        world = self._world
        return {
            "status": "ok",
            "version": version("aep-provider"),
            "seed": world.seed,
            "strict": world.strict,
            "latency_ms": world.latency_ms,
            "clock_offset": world.clock.offset,
        }

    async def reset(self, request: Request) -> Any:
        order = await _order(request)
        _only(order, "seed")
        name = str(order.get("seed", "empty"))
        offset, self._world.clock = self._world.clock, Clock()
        try:
            apply_seed(self._world, name)
        except ValueError:
            self._world.clock = offset
            raise
        self._world.reset_settings()
        self._world.faults.clear()
        self._world.log.clear()
        return {"seed": name}

    async def seed(self, request: Request) -> Any:
        order = await _order(request)
        check(self._world, order)
        with self._world.store.transaction():
            merge(self._world, order)
        return {"merged": {name: len(given) for name, given in order.items() if name != "sandbox"}}

    async def requests(self, request: Request) -> Any:
        since = request.query_params.get("since", "0")
        if not since.isdecimal():
            raise ValueError("since must be a whole number")
        return {"requests": self._world.log.since(int(since))}

    async def clear_requests(self, _: Request) -> Any:
        self._world.log.clear()
        return {"requests": []}

    async def add_fault(self, request: Request) -> Any:
        return self._world.faults.add(await _order(request)).as_json()

    async def list_faults(self, _: Request) -> Any:
        return {"faults": [fault.as_json() for fault in self._world.faults.all()]}

    async def get_fault(self, request: Request) -> Any:
        fault = self._fault(request)
        seconds = float(request.query_params.get("wait", "0"))
        if not 0 <= seconds <= 3600:
            raise ValueError("wait must be 0 to 3600 seconds")
        if seconds and not fault.was_hit.is_set():
            hit = asyncio.ensure_future(fault.was_hit.wait())
            cleared = asyncio.ensure_future(fault.cleared.wait())
            await asyncio.wait({hit, cleared}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            hit.cancel()
            cleared.cancel()
        return fault.as_json()

    async def clear_fault(self, request: Request) -> Any:
        fault = self._fault(request)
        self._world.faults.clear(fault.id)
        return fault.as_json()

    async def clear_faults(self, _: Request) -> Any:
        self._world.faults.clear()
        return {"faults": []}

    async def release_fault(self, request: Request) -> Any:
        return {"released": self._fault(request).release()}

    async def change_batch(self, request: Request) -> Any:
        order = await _order(request)
        batch_id = request.path_params["id"]
        shapes.check("batches", batch_id, order)
        for sandbox in list(self._world.store.all("sandbox")):
            if self._world.store.get(batches.KIND, batch_id, sandbox) is not None:
                return {batch_id: batches.change(self._world, sandbox, batch_id, order)}
        raise LookupError(f"no batch {batch_id}")

    async def tick(self, request: Request) -> Any:
        order = await _order(request)
        _only(order, "background", "batches", "seconds")
        seconds = order.get("seconds", 0)
        # The clock must stay within what a date can hold, whatever is added in whichever steps.
        most = MAX_OFFSET - self._world.clock.offset
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= most:
            raise ValueError(f"seconds must be a number from 0 to {most:.0f}")
        for name in ("background", "batches"):
            if not isinstance(order.get(name, False), bool):
                raise ValueError(f"{name} must be true or false")
        self._world.clock.advance(seconds)
        changed = effects.background_write(self._world) if order.get("background") else 0
        finished = 0
        if order.get("batches"):
            sandboxes = list(self._world.store.all("sandbox"))
            finished = sum(batches.finish(self._world, sandbox) for sandbox in sandboxes)
        self._world.save()
        return {"clock_offset": self._world.clock.offset, "datasets": changed, "batches": finished}

    async def settings(self, _: Request) -> Any:
        return self._world.settings.as_json()

    async def change_settings(self, request: Request) -> Any:
        self._world.change_settings(await _order(request))
        return self._world.settings.as_json()

    async def datasets(self, request: Request) -> Any:
        return dict(self._world.store.all(effects.KIND, self._sandbox(request)))

    async def warnings(self, request: Request) -> Any:
        return dict(self._world.store.all(effects.NOTES, self._sandbox(request)))

    def _sandbox(self, request: Request) -> str:
        sandbox = request.query_params.get("sandbox", "dev")
        if self._world.store.get("sandbox", sandbox) is None:
            raise LookupError(f"no sandbox {sandbox}")
        return sandbox

    def _fault(self, request: Request) -> Fault:
        fault = self._world.faults.get(request.path_params["id"])
        if fault is None:
            raise LookupError(f"no fault {request.path_params['id']}")
        return fault
