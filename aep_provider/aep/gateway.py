"""Calls to AEP: headers, token, typed errors. Every service goes through here."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import requests

from aep_provider.aep.auth import TokenSource
from aep_provider.aep.responses import error_from_response
from aep_provider.aep.transport import Response, Transport
from aep_provider.errors import PermissionDenied, TokenRejected
from aep_provider.settings import Settings

JSON = "application/json"


@dataclass(frozen=True)
class ApiRequest:
    """One request to AEP, not yet sent.

    Attributes:
        method, path: as documented; parts of the path are already escaped.
        what: how an error names it, without method and sandbox: ``dataset 5b02…``.
        query: query parameters.
        body: the JSON body, or ``None``.
        content_type, accept: media types; the documented ones differ between services.
        permission: what a 403 probably lacks, in the words of Adobe's permission screens.
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
    sandbox_header: bool = True


class Prepared:
    """A request made ready with its token, so that sending it costs nothing but the sending."""

    def __init__(self, gateway: Gateway, request: ApiRequest, *, urgent: bool) -> None:
        self._gateway = gateway
        self._urgent = urgent
        where = f" in sandbox {gateway.sandbox}" if request.sandbox_header else ""
        self.name = f"{request.method} {request.what}{where}"
        self._permission = request.permission
        self._token = gateway.tokens.get(urgent=urgent)
        self._request = gateway.transport.prepare(gateway.request(request, self._token))

    def send(self) -> Response:
        """Send it, and look only at the status.

        Raises:
            ConnectionFailed: no response.
            StatusError: the response has an error status.
        """
        response = self._gateway.transport.send(self._request, self.name, urgent=self._urgent)
        if 200 <= response.status < 300:
            return response
        error = error_from_response(response)
        if isinstance(error, TokenRejected):
            self._gateway.tokens.drop(self._token)
            error.remedy = "If AEP_ACCESS_TOKEN is set, it has ended: export a fresh one."
        if isinstance(error, PermissionDenied):
            error.remedy = _remedy(error, self._permission)
        raise error


_PLACE = "Check aep:orgId, then whether the credential has a product profile of Adobe Experience Platform."
_NOT_ABOUT_PERMISSIONS = {
    "403003": "Check aep:clientId, and that its Developer Console project has the Experience Platform API.",
    "403025": _PLACE,
    "403027": _PLACE,
}
_SANDBOX_SERVICE = "SMS-"


def _remedy(error: PermissionDenied, permission: str) -> str:
    """What to do about a 403: the gateway's own reasons have codes, the others are about permissions."""
    if known := _NOT_ABOUT_PERMISSIONS.get(error.code):
        return known
    if error.code.startswith(_SANDBOX_SERVICE):
        return "Check aep:sandbox, and that a role of the credential includes that sandbox."
    if not permission:
        return ""
    return (
        f"The credential probably lacks the permission {permission}: have it added to one of its roles "
        "(Adobe Experience Platform > Permissions)."
    )


class Gateway:
    """Sends requests for one organisation and sandbox.

    Args:
        settings: where to, and as whom.
        transport: HTTP.
        tokens: the token for the Authorization header.
    """

    def __init__(self, settings: Settings, transport: Transport, tokens: TokenSource) -> None:
        self._settings = settings
        self.transport = transport
        self.tokens = tokens

    @property
    def sandbox(self) -> str:
        """The sandbox that requests go to."""
        return self._settings.sandbox

    def slot(self) -> contextlib.AbstractContextManager[None]:
        """A slot among the requests at once, kept for several requests of this thread."""
        return self.transport.slot()

    def prepare(self, request: ApiRequest, *, urgent: bool = False) -> Prepared:
        """Make a request ready to be sent by this thread.

        Args:
            request: what to send.
            urgent: short time-outs and no repetition, for requests inside a window.
        """
        return Prepared(self, request, urgent=urgent)

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
        data = None
        if request.body is not None:
            headers["Content-Type"] = request.content_type
            data = json.dumps(request.body, separators=(",", ":")).encode()
        url = self._settings.endpoint + request.path
        return requests.Request(request.method, url, headers=headers, params=request.query, data=data)
