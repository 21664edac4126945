"""One request from its arrival to the last byte of the reply: the log, the latency and the faults.

The services know nothing of this: their whole reply is collected first, then sent, cut or thrown away.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import struct
import time
import uuid
import zlib
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aep_provider.emulator import errors, ims
from aep_provider.emulator.call import SCOPE_KEY, Call
from aep_provider.emulator.catalog import lag
from aep_provider.emulator.faults import Action, Fault
from aep_provider.emulator.gateway import expire_tokens, service_of
from aep_provider.emulator.request_log import LOGGED_HEADERS, Entry, readable
from aep_provider.emulator.world import World

TRANSPORT_KEY = "aep_provider.emulator.transport"
"""Where the ASGI scope carries the TCP transport."""

_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_log = logging.getLogger(__name__)


class Disconnected(Exception):
    """The connection ended before the reply."""


@dataclass
class Reply:
    """A reply that has not been sent yet."""

    status: int = 500
    headers: MutableHeaders = field(default_factory=lambda: MutableHeaders(raw=[]))
    body: bytes = b""

    async def collect(self, message: Message) -> None:
        """Act as the ``send`` of an ASGI application."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = MutableHeaders(raw=list(message["headers"]))
        else:
            self.body += message.get("body", b"")

    def replace_body(self, body: bytes, content_type: str) -> None:
        """Put another body in, with the headers that describe it."""
        self.body = body
        self.headers["content-type"] = content_type
        self.headers["content-length"] = str(len(body))


class Exchange:
    """Carries one request through log, faults and services.

    Args:
        services: the gateway and what is behind it.
    """

    def __init__(self, world: World, services: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._world = world
        self._services = services
        self._scope = scope
        self._receive = receive
        self._send = send
        self._transport: asyncio.Transport = scope[TRANSPORT_KEY]

    async def run(self) -> None:
        """Answer the request, or end its connection."""
        request = Request(self._scope, self._receive)
        try:
            raw = await request.body()
        except ClientDisconnect:
            return
        body, damaged = _decoded(raw, request.headers)
        call = _call(self._world, self._scope, request, body)
        entry = _log_entry(call, self._scope)
        fault = self._world.faults.pick(call.service, call.method, call.path)
        entry.fault = fault.id if fault else None
        entry.unknown = call.unknown
        await asyncio.sleep(self._world.latency_ms / 1000)
        try:
            reply = await self._answer(call, fault, damaged)
        except Disconnected:
            return
        entry.created = reply.headers.get("location")
        entry.status = reply.status
        # A fault may have ordered another id or date.
        reply.headers.setdefault("x-request-id", call.headers.get("x-request-id") or str(uuid.uuid4()))
        reply.headers.setdefault("date", formatdate(self._world.clock.seconds(), usegmt=True))
        try:
            await self._transmit(reply, fault)
        except Disconnected:
            return
        entry.answered = time.perf_counter()

    async def _answer(self, call: Call, fault: Fault | None, damaged: bool) -> Reply:
        if fault is None:
            return await self._perform(call, damaged)
        action = fault.action
        if not action.acts_after:
            fault.record_hit()
        if action.expire_tokens:
            expire_tokens(self._world)
        await self._pause(fault, "before")
        reply = await self._perform(call, damaged) if action.performs else Reply()
        if action.acts_after:
            fault.record_hit()
        await self._pause(fault, "after")
        _overwrite(reply, action, self._world.clock.seconds())
        return reply

    async def _pause(self, fault: Fault, moment: str) -> None:
        """Delay, hold or reset, as far as the fault wants it at this moment."""
        action = fault.action
        if action.delay_ms and action.when == moment:
            await self._wait(fault.cleared, action.delay_ms / 1000)
        if action.hold == moment and not fault.cleared.is_set():
            go_on = asyncio.Event()
            fault.held.append(go_on)
            try:
                await self._wait(go_on, None)
            finally:
                if go_on in fault.held:
                    fault.held.remove(go_on)
        if action.reset == moment:
            self._reset()
            await self._until_disconnected()
            raise Disconnected

    async def _wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Wait for an event, but no longer than given, and not for a client that has gone."""
        awaited = asyncio.ensure_future(event.wait())
        gone = asyncio.ensure_future(self._until_disconnected())
        try:
            done, _ = await asyncio.wait(
                {awaited, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if gone in done:
                raise Disconnected
        finally:
            awaited.cancel()
            gone.cancel()

    async def _until_disconnected(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _reset(self) -> None:
        """Drop the connection with a TCP reset, so that the client sees an error and not a clean end."""
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    async def _perform(self, call: Call, damaged: bool) -> Reply:
        reply = Reply()
        if call.service == "catalog":
            lag.count_request(self._world)
        scope = {**self._scope, SCOPE_KEY: call, "path": call.path.rstrip("/") or "/", "root_path": ""}
        try:
            if damaged:
                refusal = errors.refused(
                    call.service, 400, "The request body does not match its content-encoding"
                )
                await refusal.response(scope, self._receive, reply.collect)
            else:
                await self._services(scope, self._receive, reply.collect)
        except Exception:
            _log.exception("%s %s failed in the emulator", call.method, call.path)
        return reply

    async def _transmit(self, reply: Reply, fault: Fault | None) -> None:
        truncate = fault.action.truncate if fault else None
        await self._send(
            {"type": "http.response.start", "status": reply.status, "headers": reply.headers.raw}
        )
        if fault and fault.action.drip is not None:
            await self._drip(reply.body[:truncate], fault, fault.action.drip)
            sent = len(reply.body[:truncate])
        else:
            sent = 0
        if truncate is None or truncate >= len(reply.body):
            await self._send({"type": "http.response.body", "body": reply.body[sent:]})
            return
        await self._send({"type": "http.response.body", "body": reply.body[sent:truncate], "more_body": True})
        self._transport.close()
        await self._until_disconnected()

    async def _drip(self, body: bytes, fault: Fault, seconds: float) -> None:
        """Send a body byte by byte; what is left comes at once when the fault is cleared."""
        for place in range(len(body)):
            if fault.cleared.is_set():
                await self._send({"type": "http.response.body", "body": body[place:], "more_body": True})
                return
            await self._send(
                {"type": "http.response.body", "body": body[place : place + 1], "more_body": True}
            )
            await self._wait(fault.cleared, seconds)


def _overwrite(reply: Reply, action: Action, now: float) -> None:
    if action.status is not None:
        reply.status = action.status
        is_text = isinstance(action.body, str)
        text = action.body if is_text else json.dumps({} if action.body is None else action.body)
        reply.replace_body(text.encode(), "text/plain" if is_text else "application/json")
    if action.throttle is not None:
        reply.status = 429
        body = {"error_code": "429050", "message": errors.GATEWAY_MESSAGES["429050"]}
        reply.replace_body(json.dumps(body).encode(), "application/json")
        if action.throttle == "seconds":
            reply.headers["Retry-After"] = str(action.retry_after)
        elif action.throttle == "date":
            reply.headers["Retry-After"] = formatdate(now + action.retry_after, usegmt=True)
    if action.raw_body is not None:
        reply.replace_body(action.raw_body.encode(), "text/html")
    if action.content_type is not None:
        reply.headers["content-type"] = action.content_type
    for name, value in action.headers.items():
        reply.headers[name] = str(value)


def _decoded(raw: bytes, headers: Headers) -> tuple[bytes, bool]:
    """Undo the content encoding; the second value says that the body could not be decoded."""
    if headers.get("content-encoding", "").lower() not in ("gzip", "x-gzip"):
        return raw, False
    try:
        return gzip.decompress(raw), False
    except (OSError, EOFError, zlib.error):
        return b"", True


def _call(world: World, scope: Scope, request: Request, body: bytes) -> Call:
    path = scope["raw_path"].decode("ascii", errors="replace")
    return Call(
        world=world,
        service=service_of(path),
        method=request.method,
        path=path,
        query=QueryParams(scope["query_string"]),
        headers=request.headers,
        body=body,
    )


def _log_entry(call: Call, scope: Scope) -> Entry:
    client = scope.get("client") or ("", 0)
    query: dict[str, list[str]] = {}
    for name, value in call.query.multi_items():
        query.setdefault(name, []).append(value)
    body: Any = readable(call.body)
    if call.service == "ims":
        body = {name: value for name, value in ims.form(call).items() if name not in query}
        query = {name: ims.masked(name, values) for name, values in query.items()}
        body = {name: ims.masked(name, [value])[0] for name, value in body.items()}
    return call.world.log.open(
        connection=f"{client[0]}:{client[1]}",
        service=call.service,
        method=call.method,
        path=call.path,
        query=query,
        headers={name: call.headers[name] for name in LOGGED_HEADERS if name in call.headers},
        body=body,
        write=call.method in _WRITES and call.service != "ims",
        at=call.world.clock.millis(),
    )
