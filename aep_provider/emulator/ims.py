"""The token service (IMS): OAuth server-to-server, client_credentials."""

from __future__ import annotations

import re
from email.message import Message
from email.parser import BytesParser
from urllib.parse import parse_qsl

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from aep_provider.emulator import errors
from aep_provider.emulator.call import Call, route
from aep_provider.emulator.gateway import issue_token

DEFAULT_LIFETIME = 86399
"""Seconds (doc: developer-console, ims page)."""

_FIELDS = ("grant_type", "client_id", "client_secret", "scope")
_VERSIONS = ("v2", "v3", "v4")
_SCOPE = re.compile(r"[A-Za-z0-9_.:/-]+")


def routes() -> list[BaseRoute]:
    """Return the routes of the service."""
    return [route("POST", f"/ims/token/{version}", token) for version in _VERSIONS]


def form(call: Call) -> dict[str, str]:
    """Return the fields of a token request: form body, multipart body (v4), query, or a mix (doc)."""
    fields = dict(call.query.multi_items())
    if call.content_type == "multipart/form-data":
        fields.update(_multipart(call))
    elif call.content_type == "application/x-www-form-urlencoded":
        fields.update(parse_qsl(call.body.decode("utf-8", errors="replace"), keep_blank_values=True))
    return fields


def masked(name: str, values: list[str]) -> list[str]:
    """Return a field's values as the request log may show them."""
    return ["***"] * len(values) if name in ("client_secret", "jwt_token") else values


def token(call: Call) -> Response:
    """``POST /ims/token/v3`` (doc: developer-console ServerToServerAuthentication/ims)."""
    fields = form(call)
    call.doubt(*(f"field:{name}" for name in fields if name not in _FIELDS))
    grant = fields.get("grant_type", "")
    if not grant:
        raise errors.ims("invalid_request", "grant_type parameter is required")
    if grant != "client_credentials":
        raise errors.ims("unsupported_grant_type", f"unsupported grant_type: {grant}")
    client = call.world.client(fields.get("client_id", ""))
    if client is None:
        raise errors.ims("invalid_client", "invalid client_id parameter")
    if fields.get("client_secret") != client["secret"]:
        raise errors.ims("invalid_client", "invalid client_secret parameter")
    scopes = [scope.strip() for scope in fields.get("scope", "").split(",")]
    if not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise errors.ims("invalid_scope", "invalid scope parameter")
    lifetime = int(client["expires_in"])
    body = {
        "access_token": issue_token(call.world, fields["client_id"], lifetime),
        "token_type": "bearer",
        "expires_in": lifetime,
    }
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


def _multipart(call: Call) -> dict[str, str]:
    head = f"Content-Type: {call.headers['content-type']}\r\n\r\n".encode("latin-1")
    message = BytesParser().parsebytes(head + call.body)
    fields: dict[str, str] = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str):
            fields[name] = _text(part)
    return fields


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", errors="replace") if isinstance(payload, bytes) else ""
