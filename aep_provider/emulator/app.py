"""The ASGI application: control routes on one side, the emulated Platform on the other."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from aep_provider.emulator import (
    catalog,
    control,
    descriptors,
    errors,
    export,
    flows,
    ims,
    ingestion,
    registry,
    registry_changes,
    sandboxes,
    status,
    ups,
)
from aep_provider.emulator.call import SCOPE_KEY, Call
from aep_provider.emulator.catalog import batches, effects
from aep_provider.emulator.errors import Refused
from aep_provider.emulator.exchange import Exchange
from aep_provider.emulator.gateway import Gateway
from aep_provider.emulator.world import World


class Application:
    """Sends control requests to their routes and all others through log, faults and gateway."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._control = Starlette(routes=[*control.routes(world), *status.routes(world)])
        services = Starlette(
            routes=[
                *ims.routes(),
                *catalog.routes(),
                *registry.routes(),
                *registry_changes.routes(),
                *descriptors.routes(),
                *sandboxes.routes(),
                *flows.routes(),
                *ingestion.routes(),
                *export.routes(),
                *ups.routes(),
            ],
            exception_handlers={Refused: _refused, HTTPException: _no_route},
        )
        # A schema id in a path keeps its escaped slashes, so nothing may redirect or decode on the way.
        services.router.redirect_slashes = False
        self._gateway = Gateway(services)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]
        effects.settle(self._world)
        batches.settle(self._world)
        if path == "/_emulator" or path.startswith("/_emulator/"):
            await self._control({**scope, "path": path.rstrip("/")}, receive, send)
            return
        if path == "/" and status.is_visitor(scope):
            await status.to_the_page(scope, receive, send)
            return
        await Exchange(self._world, self._gateway, scope, receive, send).run()


async def _refused(_: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, Refused):
        raise refusal
    return refusal.response


async def _no_route(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    call: Call = request.scope[SCOPE_KEY]
    if error.status_code != 405:
        if call.world.settings.unknown_path == "html":
            return errors.unknown_path().response
        return errors.refused(call.service, 404, "The requested resource does not exist").response
    allow = ", ".join(_methods(request))
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": allow})
    # 405 is live for GET on /import/batches; the text is assumed.
    return errors.refused(
        call.service, 405, "The method is not allowed for this resource", {"Allow": allow}
    ).response


def _methods(request: Request) -> list[str]:
    """Return the methods that the request's path has."""
    methods = {"OPTIONS"}
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return sorted(methods)
