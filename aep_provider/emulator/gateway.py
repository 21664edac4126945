"""What platform.adobe.io checks before a request reaches a service."""

from __future__ import annotations

import re
import secrets

from starlette.types import ASGIApp, Receive, Scope, Send

from aep_provider.emulator import errors
from aep_provider.emulator.call import SCOPE_KEY, Call
from aep_provider.emulator.errors import Refused
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

SERVICES = {
    "/ims": "ims",
    "/data/foundation/catalog": "catalog",
    "/data/foundation/schemaregistry": "schemaregistry",
    "/data/foundation/sandbox-management": "sandbox",
    "/data/foundation/flowservice": "flow",
    "/data/foundation/import": "import",
    "/data/foundation/export": "export",
    "/data/core/ups": "profile",
}
"""Service by the beginning of the path."""

_ORG = re.compile(r"[0-9A-F]{24}@AdobeOrg")
_KNOWN_X_HEADERS = frozenset(
    {"x-api-key", "x-gw-ims-org-id", "x-sandbox-name", "x-sandbox-id", "x-request-id", "x-user-token"}
)
_KNOWN_IF_HEADERS = frozenset({"if-match", "if-none-match"})


def service_of(path: str) -> str:
    """Return the name of the service that owns a path, or "unknown"."""
    for prefix, service in SERVICES.items():
        if path == prefix or path.startswith(prefix + "/"):
            return service
    return "unknown"


class Gateway:
    """ASGI middleware: refuses a request, or passes it on with its client and sandbox filled in."""

    def __init__(self, services: ASGIApp) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on."""
        call: Call = scope[SCOPE_KEY]
        try:
            if call.service == "unknown":
                raise errors.unknown_path()
            _check_header_names(call)
            if call.service != "ims":
                _authorise(call)
                _enter_sandbox(call)
        except Refused as refusal:
            await refusal.response(scope, receive, send)
            return
        await self._services(scope, receive, send)


def issue_token(world: World, client_id: str, lifetime: int) -> str:
    """Make a token that the gateway will accept for ``lifetime`` seconds; expired ones are forgotten."""
    now = world.clock.seconds()
    expired = [token for token, body in world.store.all("token").items() if body["expires"] <= now]
    for old in expired:
        world.store.delete("token", old)
    token = f"eyJ{secrets.token_urlsafe(96)}"
    world.store.put("token", token, {"client": client_id, "expires": now + lifetime})
    return token


def expire_tokens(world: World) -> None:
    """Make the gateway refuse every token that was issued so far."""
    for token in list(world.store.all("token")):
        world.store.delete("token", token)


def _check_header_names(call: Call) -> None:
    call.doubt(
        *(
            f"header:{name}"
            for name in dict.fromkeys(call.headers.keys())
            if (name.startswith("x-") and name not in _KNOWN_X_HEADERS)
            or (name.startswith("if-") and name not in _KNOWN_IF_HEADERS)
        )
    )


def _authorise(call: Call) -> None:
    """Check the three authentication headers; Adobe does not publish the order (inferred)."""
    headers = call.headers
    api_key = headers.get("x-api-key", "").strip()
    if not api_key:
        raise errors.gateway("403000")
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    if not scheme:
        raise errors.gateway("403010")
    org = headers.get("x-gw-ims-org-id", "").strip()
    if not org:
        raise errors.gateway("400003")
    known = call.world.store.get("token", token.strip())
    if scheme.lower() != "bearer" or known is None or known["expires"] <= call.world.clock.seconds():
        raise errors.gateway("401013")
    client = call.world.client(api_key)
    if client is None or known["client"] != api_key:
        raise errors.gateway("403003")
    if not _ORG.fullmatch(org) or org not in call.world.organisations():
        raise errors.gateway("403027")
    if org != client["org"]:
        raise errors.gateway("403025")
    call.client_id, call.org = api_key, org


def _enter_sandbox(call: Call) -> None:
    """Find the sandbox that the request is for.

    Flow Service falls back to the default sandbox (spec), Sandbox Management needs none (doc). What Catalog
    and the Schema Registry answer without the header is assumed, as is the answer of any service for a name
    that is unknown or not active.
    """
    if call.service == "sandbox":
        return
    name = call.headers.get("x-sandbox-name", "").strip()
    if not name and call.service == "flow":
        name = _default_sandbox(call.world)
    if not name:
        raise errors.refused(call.service, 400, "The x-sandbox-name header is required")
    sandbox = call.world.store.get("sandbox", name)
    if sandbox is None or sandbox["state"] != "active":
        raise errors.sandbox("SMS-2010-403", "User does not have READ permission to access the sandbox.")
    call.sandbox = name


def _default_sandbox(world: World) -> str:
    sandboxes: list[Json] = list(world.store.all("sandbox").values())
    return next((str(sandbox["name"]) for sandbox in sandboxes if sandbox.get("isDefault")), "")
