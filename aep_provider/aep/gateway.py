"""Calls to AEP: headers, token, typed errors. Every service goes through here."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import requests

from aep_provider.aep.auth import TokenSource
from aep_provider.aep.redact import shown
from aep_provider.aep.remedies import remedy
from aep_provider.aep.responses import error_from_response
from aep_provider.aep.server_clock import ServerClock
from aep_provider.aep.transport import Response, Transport
from aep_provider.clock import Clock
from aep_provider.errors import ForeignResponse, StatusError, TokenRejected
from aep_provider.settings import Settings

JSON = "application/json"


class ApiRequest(NamedTuple):
    """One request to AEP, not yet sent.

    Attributes:
        method, path: as documented; parts of the path are already escaped.
        what: how an error names it, without method and sandbox: ``dataset 5b02…``.
        query: query parameters.
        body: the JSON body, or ``None``.
        content_type, accept: media types; the documented ones differ between services.
        permission: what a 403 probably lacks, in the words of Adobe's permission screens.
        if_match: the version that a write is for, from `responses.etag`, or ``""`` for whatever is there.
        sandbox_header: whether it names the sandbox; one service does not take that header.
    """

    method: str
    path: str
    what: str
    query: Mapping[str, str | int] | None = None
    body: object = None
    content_type: str = JSON
    accept: str = JSON
    permission: str = ""
    if_match: str = ""
    sandbox_header: bool = True


class Prepared:
    """A request made ready with its token, so that sending it costs nothing but the sending."""

    def __init__(
        self, gateway: Gateway, request: ApiRequest, *, urgent: bool, status_suffices: bool = False
    ) -> None:
        self._gateway = gateway
        self._urgent = urgent
        self._status_suffices = status_suffices
        where = f" in sandbox {gateway.sandbox}" if request.sandbox_header else ""
        self.name = f"{request.method} {request.what}{where}"
        self._permission = request.permission
        self._token = gateway.tokens.get(urgent=urgent)
        self._request = gateway.transport.prepare(gateway.request(request, self._token))
        self._body = self._request.body

    def send(self, fill: Mapping[bytes, bytes] | None = None) -> Response:
        """Send it, and look only at the status.

        Args:
            fill: what to put instead of a part of the body, such as the time of sending; each value is
                as long as its key.

        Raises:
            ConnectionFailed: no response.
            StatusError: the response has an error status.
            ValueError: the body does not hold a key of `fill`, or the lengths differ. Nothing was sent.
        """
        self._request.body = _filled(self._body, fill or {})
        clock = self._gateway.server_clock
        sent = self._gateway.clock.now()
        response = self._gateway.transport.send(
            self._request, self.name, urgent=self._urgent, status_suffices=self._status_suffices
        )
        clock.note(response.headers, sent)
        if 200 <= response.status < 300:
            return response
        error = error_from_response(response)
        if isinstance(error, TokenRejected):
            self._gateway.tokens.drop(self._token)
        if isinstance(error, StatusError):
            error.remedy = remedy(error, self._permission)
        raise error


def _filled(body: bytes | str | None, fill: Mapping[bytes, bytes]) -> bytes | str | None:
    for key, value in fill.items():
        if not isinstance(body, bytes) or key not in body or len(key) != len(value):
            raise ValueError(f"{key!r} cannot be filled in with {value!r}")
        body = body.replace(key, value)
    return body


class Gateway:
    """Sends requests for one organisation and sandbox.

    Args:
        settings: where to, and as whom.
        transport: HTTP.
        tokens: the token for the Authorization header.
        clock: the local time.

    Attributes:
        sandbox_id: the id of the sandbox once a list of sandboxes has told it, or ``""``.
        server_clock: what the responses tell of the service's time.
    """

    def __init__(self, settings: Settings, transport: Transport, tokens: TokenSource, clock: Clock) -> None:
        self._settings = settings
        self.transport = transport
        self.tokens = tokens
        self.clock = clock
        self.server_clock = ServerClock(clock)
        self.sandbox_id = ""

    @property
    def sandbox(self) -> str:
        """The sandbox that requests go to."""
        return self._settings.sandbox

    def server_time(self) -> datetime:
        """The service's time, in UTC; the local one while the two agree within a few seconds."""
        return self.server_clock.now()

    def foreign(self, body: Mapping[str, object]) -> str:
        """What shows that an object belongs to another organisation or sandbox; ``""`` if nothing does.

        Args:
            body: of a dataset or a batch. Its ``sandboxId`` is compared once the sandbox list gave an id.
        """
        ours = {
            "imsOrg": self._settings.org_id,
            "sandboxName": self._settings.sandbox,
            "sandboxId": self.sandbox_id,
        }
        for key, own in ours.items():
            theirs = body.get(key)
            if own and isinstance(theirs, str) and theirs and theirs != own:
                return f"{key} is {theirs!r} and not {own!r}"
        return ""

    def check_ours(self, response: Response, body: Mapping[str, object]) -> None:
        """Refuse an object that says that it belongs elsewhere.

        Raises:
            ForeignResponse: it names another organisation or sandbox.
        """
        if sign := self.foreign(body):
            raise ForeignResponse(
                response.request,
                shown(f"the response is about another organisation or sandbox: {sign}", response.secrets),
                "Nothing was concluded from it. Check aep:orgId and aep:sandbox, and whether a proxy "
                "on the way to AEP answers for it.",
            )

    def slot(self) -> contextlib.AbstractContextManager[None]:
        """A slot among the requests at once, kept for several requests of this thread."""
        return self.transport.slot()

    def prepare(
        self, request: ApiRequest, *, urgent: bool = False, status_suffices: bool = False
    ) -> Prepared:
        """Make a request ready to be sent.

        Args:
            request: what to send.
            urgent: a short time-out and no repetition, for requests inside a window.
            status_suffices: whether a success counts once its status line has come.
        """
        return Prepared(self, request, urgent=urgent, status_suffices=status_suffices)

    def send(self, request: ApiRequest, *, urgent: bool = False) -> Response:
        """Send a request; after a refused token once more with a new one.

        Raises:
            ApiError: see `aep_provider.errors`; every error status raises.
        """
        try:
            return self.prepare(request, urgent=urgent).send()
        except TokenRejected:
            # The gateway refuses before the service acts, so even a write may be repeated.
            return self.prepare(request, urgent=urgent).send()

    def request(self, request: ApiRequest, token: str) -> requests.Request:
        """The request with the headers that AEP asks of every caller."""
        headers = {
            "Authorization": f"Bearer {token}",
            "x-api-key": self._settings.client_id,
            "x-gw-ims-org-id": self._settings.org_id,
            "Accept": request.accept,
        }
        if request.sandbox_header:
            headers["x-sandbox-name"] = self._settings.sandbox
        if request.if_match:
            headers["If-Match"] = request.if_match
        data = None
        if request.body is not None:
            headers["Content-Type"] = request.content_type
            data = json.dumps(request.body, separators=(",", ":")).encode()
        url = self._settings.endpoint + request.path
        return requests.Request(request.method, url, headers=headers, params=request.query, data=data)
