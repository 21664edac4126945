"""Everything that reaches into Pulumi's running plugin process.

The dynamic provider's host offers no way to log with severity, to shorten an error, or to learn of a
shutdown, ends slowly, and answers four calls at a time. Each reach here is guarded and has a plain fallback: without it
the provider works, with longer error texts, messages on standard output, waits that a second Ctrl-C cuts off
five seconds later, and four calls at a time.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any

from aep_provider.clock import SystemClock
from aep_provider.errors import AepProviderError

if TYPE_CHECKING:
    from aep_provider.plugin.event_log import EventLog

_HOST = "pulumi.dynamic.__main__"

KIND = "aep-provider error: "
"""How the line of the event log begins that `aep_provider.cli.events` looks for."""

_LOG = logging.getLogger(__name__)

STOP = threading.Event()
"""Set when the process shuts down."""

CLOCK = SystemClock(STOP)
"""The real time; its waits end when the process shuts down."""

_failed = threading.Event()
"""Set once a call has failed."""


def prepare() -> None:
    """Set up this process for the provider; harmless outside the plugin, and when done twice."""
    _wake_at_shutdown()
    _shorten_errors()
    _end_quickly()


def _end_quickly() -> None:
    atexit.register(_leave_garbage)


def _leave_garbage() -> None:
    # Python looks through everything for cycles of garbage when it ends, a twentieth of a second and more for what the
    # SDK has loaded, and the engine waits for it. Not after a failure: once the plugins have ended, the engine
    # interrupts the program, which would print a traceback of that where it has not ended yet.
    if not _failed.is_set():
        gc.freeze()


def _wake_at_shutdown() -> None:
    # `atexit` runs only after the worker threads have ended, so it cannot end their waits; this does.
    with contextlib.suppress(AttributeError, RuntimeError):
        threading._register_atexit(STOP.set)  # type: ignore[attr-defined]


def widen(threads: int) -> bool:
    """Let the plugin answer more calls at a time: its host has four threads, whatever ``--parallel`` says.

    Called from one of those threads, whose pool stands in a frame further up. Where the pool cannot be
    reached, or is not what CPython 3.10 to 3.13 have, the plugin stays at four.

    Args:
        threads: how many calls to answer at a time; fewer than there are changes nothing.

    Returns:
        Whether there are that many threads now.
    """
    try:
        pool = _pool_of_this_thread()
        if pool is None:
            return False
        with pool._shutdown_lock:
            pool._max_workers = max(pool._max_workers, threads)
            # A call that finds an idle thread makes none, so it takes more calls than there are threads.
            for _ in range(2 * threads):
                if len(pool._threads) >= threads:
                    break
                pool._adjust_thread_count()
            return len(pool._threads) >= threads
    except Exception as error:
        _LOG.debug("the plugin stays at four calls at a time: %r", error)
        return False


def _pool_of_this_thread() -> ThreadPoolExecutor | None:
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if (
            frame.f_code.co_name == "_worker"
            and frame.f_globals.get("__name__") == "concurrent.futures.thread"
        ):
            pool = frame.f_locals["executor_reference"]()
            return pool if isinstance(pool, ThreadPoolExecutor) else None
        frame = frame.f_back
    return None


class _ShortTraceback(ModuleType):
    """Stands in for `traceback` in the plugin's host, which sends ``format_exc()`` to the engine."""

    def __getattr__(self, name: str) -> Any:
        return getattr(traceback, name)

    @staticmethod
    def format_exc() -> str:
        _failed.set()
        error = sys.exc_info()[1]
        if isinstance(error, AepProviderError):
            tell_kind(type(error).__name__)
            if not os.environ.get("AEP_DEBUG"):
                return str(error)
        return traceback.format_exc()


def _shorten_errors() -> None:
    host = sys.modules.get("__main__")
    if getattr(getattr(host, "__spec__", None), "name", "") == _HOST:
        host.__dict__["traceback"] = _ShortTraceback("traceback")


def tell_kind(kind: str) -> None:
    """Say in the engine's event log what kind of error ends the current call; nothing of it is displayed.

    `aep-provider run` reads it there, so that it need not guess from texts.

    Args:
        kind: the name of a class in `aep_provider.errors`.
    """
    _failed.set()
    EngineReporter()._log("DEBUG", KIND + json.dumps({"kind": kind}))


class EngineReporter:
    """Messages to the engine, under the resource that the current call is about.

    Args:
        log: takes events, where `AEP_LOG` asks for them.
    """

    _said: set[tuple[str, str]] = set()  # noqa: RUF012 - shared on purpose: once per process
    _lock = threading.Lock()

    def __init__(self, log: EventLog | None = None) -> None:
        self._urn, self._call = _current_call()
        self._events = log

    def event(self, name: str, dataset_id: str, fields: Mapping[str, Any]) -> None:
        """Write an event to the log, where there is one; what cannot be written fails nothing."""
        if self._events is None:
            return
        try:
            self._events.event(name, dataset_id, fields)
        except Exception as error:
            reason = error.strerror if isinstance(error, OSError) else repr(error)
            self.once(f"Some events are missing in the log that AEP_LOG asks for: {reason}")

    def warn(self, message: str) -> None:
        """Show a warning; the same one is shown once per resource and process."""
        if self._first(self._urn, message):
            self._log("WARNING", message)

    def once(self, message: str) -> None:
        """Show a warning once per process, under the resource that it comes up with first."""
        if self._first("", message):
            self._log("WARNING", message)

    def _first(self, urn: str, message: str) -> bool:
        with self._lock:
            new = (urn, message) not in self._said
            self._said.add((urn, message))
            return new

    def info(self, message: str) -> None:
        """Show a line of information."""
        self._log("INFO", message)

    def progress(self, message: str) -> None:
        """Show what is waited for in the live column; in a log it is one line."""
        self._log("INFO", message, ephemeral=True)

    def listening(self) -> bool:
        """Whether the engine still waits for the current call: not after it was killed, or its terminal closed.

        The call's own context tells (seen: within a tenth of a second); where it cannot be reached, the engine is
        asked. What cannot be told counts as yes.
        """
        try:
            if self._call is not None:
                return bool(self._call.is_active())
            return _engine().answers()
        except Exception:
            return True

    def _log(self, severity: str, message: str, *, ephemeral: bool = False) -> None:
        try:
            engine = _engine()
            # `streamId` stays 0: messages of one stream are glued together without a newline.
            request = engine.LogRequest(
                severity=engine.severities[severity],
                message=message,
                urn=self._urn,
                ephemeral=ephemeral,
            )
            engine.stub.Log(request, timeout=5)
        except Exception:
            # Telling the user must never fail the operation; the engine shows standard output as well, and
            # when it was killed, that is a broken pipe while the operation is still to be ended.
            if severity == "DEBUG":
                return
            with contextlib.suppress(OSError, ValueError):
                print(f"{severity.lower()}: {message}", flush=True)  # noqa: T201


class _Engine:
    """The engine's log service, whose address is the plugin's last argument."""

    def __init__(self) -> None:
        import grpc
        from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

        self.LogRequest = engine_pb2.LogRequest
        self.severities = {
            "DEBUG": engine_pb2.DEBUG,
            "INFO": engine_pb2.INFO,
            "WARNING": engine_pb2.WARNING,
        }
        self.stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(sys.argv[-1]))
        self._gone = grpc.StatusCode.UNAVAILABLE
        self._ask = engine_pb2.GetRootResourceRequest
        self._error = grpc.RpcError

    def answers(self) -> bool:
        """Whether the engine's process is there."""
        try:
            self.stub.GetRootResource(self._ask(), timeout=2)
        except self._error as error:
            return getattr(error, "code", lambda: None)() is not self._gone
        return True


_engine_lock = threading.Lock()
_engine_known: list[_Engine] = []


def _engine() -> _Engine:
    with _engine_lock:
        if not _engine_known:
            _engine_known.append(_Engine())
        return _engine_known[0]


def urn_of_current_call() -> str:
    """The URN in the request that the host is answering in this thread, or ``""``."""
    return _current_call()[0]


def inputs_of_current_call() -> frozenset[str]:
    """The names of the inputs in state of the read or delete that the host answers; empty where they cannot be seen."""
    request = _current_request()[0]
    try:
        fields = (request.inputs if hasattr(request, "inputs") else request.old_inputs).fields
        return frozenset(name for name, value in fields.items() if value.WhichOneof("kind") != "null_value")
    except AttributeError:
        return frozenset()


def metadata_of_current_call() -> tuple[tuple[str, str | bytes], ...]:
    """What the engine sends along with the call that this thread answers; empty where it cannot be seen."""
    try:
        return tuple(_current_call()[1].invocation_metadata())
    except (AttributeError, TypeError):
        return ()


def _current_call() -> tuple[str, Any]:
    """The URN and the gRPC context of the call that the host is answering in this thread, where they can be seen."""
    request, context = _current_request()
    return str(getattr(request, "urn", "")), context


def _current_request() -> tuple[Any, Any]:
    """The request that the host is answering in this thread, and its gRPC context; None where they cannot be seen."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__spec__") is not None and frame.f_globals["__spec__"].name == _HOST:
            request = frame.f_locals.get("request")
            urn = getattr(request, "urn", "")
            if isinstance(urn, str) and urn:
                return request, frame.f_locals.get("context")
        frame = frame.f_back
    return None, None
