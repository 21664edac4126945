"""A request as the services see it, and the adapter that puts a service's function on a route."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from aep_provider.emulator import errors
from aep_provider.emulator.request_log import parsed
from aep_provider.emulator.world import World

SCOPE_KEY = "aep_provider.emulator.call"
"""Where the ASGI scope carries the call."""


@dataclass
class Call:
    """One request.

    Args:
        path: the path as it came, still escaped.
        service: one of ``gateway.SERVICES``; "unknown" for none of them.
        unknown: what the request holds that AEP's documentation does not name; the log shows it.
    """

    world: World
    service: str
    method: str
    path: str
    query: QueryParams
    headers: Headers
    body: bytes
    client_id: str = ""
    org: str = ""
    sandbox: str = ""
    unknown: list[str] = field(default_factory=list)
    path_params: dict[str, str] = field(default_factory=dict)

    @property
    def content_type(self) -> str:
        """The media type of the body, without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def user(self) -> str:
        """The technical account that acts, in the form of ``createdUser``."""
        return f"{self.client_id}@techacct.adobe.com"

    def doubt(self, *what: str) -> None:
        """Note things that AEP's documentation does not name.

        Raises:
            Refused: the emulator is strict and there are some.
        """
        self.unknown.extend(what)
        if what and self.world.strict:
            raise errors.strictness(list(what))

    def expect_query(self, *known: str) -> None:
        """Doubt the query parameters that are not among ``known``."""
        self.doubt(*(f"query:{name}" for name in dict.fromkeys(self.query.keys()) if name not in known))

    def expect_fields(self, body: dict[str, Any], known: frozenset[str], prefix: str = "") -> None:
        """Doubt the fields of a JSON body that are not among ``known``."""
        self.doubt(*(f"body:{prefix}{name}" for name in body if name not in known))

    def json(self) -> Any:
        """Return the decoded body.

        Raises:
            Refused: it is not JSON.
        """
        try:
            return parsed(self.body)
        except ValueError:
            raise errors.refused(self.service, 400, "The request body is not valid JSON") from None


def route(method: str, path: str, handler: Callable[[Call], Response]) -> Route:
    """Put a service's function on a path; path parameters arrive unquoted once."""

    async def endpoint(request: Request) -> Response:
        call: Call = request.scope[SCOPE_KEY]
        call.path_params = {name: unquote(value) for name, value in request.path_params.items()}
        return handler(call)

    return Route(path, endpoint, methods=[method])
