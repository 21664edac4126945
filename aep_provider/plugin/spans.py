"""Spans of the plugin's operations and of its requests, sent to where `pulumi --otel-traces` collects its own.

Imported only where it does. Nothing here raises into an operation: a span that cannot be made is not there. The spans
of an operation's requests are made when it is over, since a window may be open before: until then a request costs
little more than two looks at the clock.
"""

from __future__ import annotations

import importlib.metadata
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextvars import Token
from dataclasses import dataclass, field
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from aep_provider.aep.redact import shown
from aep_provider.aep.responses import REQUEST_IDS
from aep_provider.aep.routes import route

EVERY = 500
"""Milliseconds after which spans are sent on. A plugin that is killed takes no more than these with it."""

_LONGEST_ID = 100
_LOG = logging.getLogger(__name__)


def _harmless(told: Callable[..., None]) -> Callable[..., None]:
    """The same function, which raises nothing: what is told must never change what is done."""

    @wraps(told)
    def without_errors(*given: Any, **named: Any) -> None:
        try:
            told(*given, **named)
        except Exception as error:
            _LOG.debug("a span is missing: %r", error)

    return without_errors


@dataclass
class _Attempt:
    """A request that goes out once, and its outcome. Times are nanoseconds since 1970."""

    method: str
    url: str
    secrets: tuple[str, ...]
    repeats: int = 0
    began: int = field(default_factory=time.time_ns)
    ended: int = 0
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


class _Thread(threading.local):
    """The operation that this thread is at, the request that is under way, and those that are over."""

    def __init__(self) -> None:
        self.operation: Span | None = None
        self.token: Token[contexts.Context] | None = None
        self.attempt: _Attempt | None = None
        self.over: list[_Attempt] = []


class Spans:
    """Makes spans; one for all threads of a process. It is a `Watch`.

    Args:
        exporter: takes them.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        about = {SERVICE_NAME: "aep-provider", SERVICE_VERSION: importlib.metadata.version("aep-provider")}
        self._provider = TracerProvider(resource=Resource.create(about))
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=EVERY))
        self._tracer = self._provider.get_tracer("aep_provider")
        self._here = _Thread()

    @classmethod
    def sent_to(cls, endpoint: str) -> Spans:
        """Spans that go to a collector on this machine.

        Args:
            endpoint: host and port, as the engine names them.
        """
        return cls(OTLPSpanExporter(endpoint=endpoint, insecure=True))

    @_harmless
    def begin(self, operation: str, metadata: Iterable[tuple[str, str | bytes]]) -> None:
        """An operation begins in this thread.

        Args:
            operation: its name.
            metadata: of the engine's call, which says to which of the engine's spans it belongs.
        """
        carrier = {key: value for key, value in metadata if isinstance(value, str)}
        parent = TraceContextTextMapPropagator().extract(carrier, contexts.Context())
        span = self._tracer.start_span(f"aep {operation}", parent, SpanKind.SERVER)
        self._here.operation = span
        self._here.token = contexts.attach(trace.set_span_in_context(span, parent))

    @_harmless
    def end(self, facts: Mapping[str, str], outcome: str, *, failed: bool) -> None:
        """The operation of this thread is over.

        Args:
            facts: what it was about.
            outcome: of the request.
            failed: whether that is an error.
        """
        self._make()
        span, token = self._here.operation, self._here.token
        self._here.operation = self._here.token = None
        if token is not None:
            contexts.detach(token)
        if span is not None:
            named = {f"aep.{key}": value for key, value in facts.items() if value}
            span.set_attributes({**named, "aep.outcome": outcome})
            _end(span, failed=failed)

    @_harmless
    def sent(self, method: str, url: str, secrets: tuple[str, ...]) -> None:
        """A request goes out for the first time."""
        self._here.attempt = _Attempt(method, url, secrets)

    @_harmless
    def repeated(self) -> None:
        """The same request goes out once more."""
        if last := self._here.attempt:
            self._here.attempt = _Attempt(last.method, last.url, last.secrets, last.repeats + 1)

    @_harmless
    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """A response has come."""
        if attempt := self._here.attempt:
            attempt.status, attempt.headers = status, headers
            self._over(attempt)

    @_harmless
    def lost(self, kind: str) -> None:
        """No response has come."""
        if attempt := self._here.attempt:
            attempt.error = kind
            self._over(attempt)

    def _over(self, attempt: _Attempt) -> None:
        attempt.ended = time.time_ns()
        self._here.over.append(attempt)
        if self._here.operation is None:
            # What is asked ahead: it is over before the operation that needs it opens a window.
            self._make()

    @_harmless
    def _make(self) -> None:
        """Make spans of the requests that are over."""
        over, self._here.over = self._here.over, []
        for attempt in over:
            path = route(attempt.url)
            span = self._tracer.start_span(
                f"{attempt.method} {path}", kind=SpanKind.CLIENT, start_time=attempt.began
            )
            span.set_attributes({"url.template": path, **_known(attempt)})
            _end(span, failed=bool(attempt.error) or attempt.status >= 400, at=attempt.ended)


def _known(attempt: _Attempt) -> dict[str, str | int]:
    found = next((attempt.headers[name] for name in REQUEST_IDS if name in attempt.headers), "")
    host, request_id = urlsplit(attempt.url).hostname or "", shown(found, attempt.secrets, _LONGEST_ID)
    known = {"aep.request_id": request_id, "error.type": attempt.error}
    answer = {"http.response.status_code": attempt.status} if attempt.status else {}
    return {
        "http.request.method": attempt.method,
        "server.address": host,
        "http.request.resend_count": attempt.repeats,
        **answer,
        **{key: value for key, value in known.items() if value},
    }


def _end(span: Span, *, failed: bool, at: int | None = None) -> None:
    if failed:
        span.set_status(Status(StatusCode.ERROR))
    span.end(at)
