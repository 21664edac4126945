"""Requests as the probe sends them: any header missing or wrong, and the whole response, whatever its status."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from aep_provider.aep.gateway import ApiRequest, Gateway
from aep_provider.aep.transport import Response
from aep_provider.errors import ConnectionFailed
from aep_provider.settings import Settings

CATALOG = "/data/foundation/catalog"
DATASETS = f"{CATALOG}/dataSets"
JSON = "application/json"
JSON_PATCH = "application/json-patch+json"

THROTTLED = (2.0, 10.0, 30.0)
"""Seconds to wait after each time that there were too many requests."""


@dataclass(frozen=True)
class Reply:
    """What came back.

    Attributes:
        status: of HTTP; 0 if no response came.
        headers: by their names in any case.
        content: the body.
        seconds: from the sending of the request to the end of the body.
        problem: why no response came, else ``""``.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    seconds: float = 0.0
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return 200 <= self.status < 300

    @property
    def unknown(self) -> bool:
        """Whether a write may have taken effect although it was not answered with success.

        Anything but a JSON object may come from a proxy in between, and not from the service.
        """
        return not self.ok and (
            self.status in (0, 408) or self.status >= 500 or not isinstance(self.json(), dict)
        )

    def json(self) -> Any:
        """The body as JSON; ``None`` if it is none."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return None

    def object(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is none."""
        body = self.json()
        return body if isinstance(body, dict) else {}

    def describe(self) -> str:
        """What it is, without anything that names somebody: ``404 NotFoundError`` or ``403, HTML``."""
        if not self.status:
            return "no response"
        if self.ok and self.content.lstrip()[:1] != b"<":
            # The title of what was asked for is somebody's; that of an error is the service's.
            return str(self.status)
        kind = self.object().get("title") or self.object().get("error_code") or self.object().get("code")
        # One word is a kind of error; several may be a person's name.
        if isinstance(kind, str) and re.fullmatch(
            r"[A-Za-z]+Error|[A-Z0-9-]{3,20}|Forbidden|Unauthorized", kind
        ):
            return f"{self.status} {kind}"
        page = self.content.lstrip()[:1] == b"<"
        return f"{self.status}, HTML" if page else str(self.status)


class Raw:
    """Sends requests of any kind and raises for none of their statuses.

    Args:
        gateway: token, headers and connection.

    Attributes:
        sent: how many requests were sent so far.
        round_trips: the seconds of each request that was answered.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.sent = 0
        self.round_trips: list[float] = []

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: object = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Reply:
        """Send a request; again only where it was turned away: too many requests, or a token that has ended.

        Args:
            method: of HTTP.
            path: from ``/data`` on; parts of it are already escaped.
            query: query parameters.
            body: what is sent as JSON, or ``None``.
            headers: to send instead of the usual ones; ``None`` leaves one out.

        Raises:
            ApiError: there is no token to send it with.
        """
        gateway, given = self._gateway, headers or {}
        for pause in THROTTLED:
            token = gateway.tokens.get()
            request = gateway.request(ApiRequest(method, path, path, query=query, body=body), token)
            # The library leaves out what is None, its own default of that name included.
            request.headers.update(given)
            reply = self._exchanged(request, f"{method} {path}")
            if reply.status == 401 and "Authorization" not in given:
                gateway.tokens.drop(token)
            elif reply.status == 429:
                gateway.clock.wait(pause)
            else:
                break
        return reply

    def token(self, settings: Settings) -> Reply:
        """Ask for a token with the client secret. What comes back is a secret, hidden in errors from now on."""
        form = {
            "grant_type": "client_credentials",
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            "scope": settings.scopes,
        }
        url = f"{settings.ims_endpoint}/ims/token/v3"
        reply = self._exchanged(requests.Request("POST", url, data=form), "POST token")
        self._gateway.transport.hide(str(reply.object().get("access_token", "")))
        return reply

    def _exchanged(self, request: requests.Request, name: str) -> Reply:
        clock, transport = self._gateway.clock, self._gateway.transport
        started, sent = clock.monotonic(), clock.now()
        self.sent += 1
        try:
            response: Response = transport.send(transport.prepare(request), name, once=True)
        except ConnectionFailed as error:
            return Reply(0, problem=error.problem)
        self._gateway.server_clock.note(response.headers, sent)
        seconds = clock.monotonic() - started
        self.round_trips.append(seconds)
        return Reply(response.status, response.headers, response.content, seconds)
