"""One exchange of request and response within a time, however slowly the other side sends.

The time-out of a socket is for one read of it, so a service, or a proxy, that sends a byte a second would
never meet it. Here each read gets only what is left of the whole exchange.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import threading
from collections.abc import Iterator
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from aep_provider.clock import Clock

GRACE = 0.25
"""Seconds for the rest of a response whose status was all that mattered: it keeps the connection usable."""


class _Exchange(threading.local):
    """The exchange of this thread: when it has to end, and the status that has come."""

    clock: Clock | None = None
    seconds: float = 0.0
    ends: float = 0.0
    status_suffices: bool = False
    status: int = 0

    def left(self) -> float | None:
        return None if self.clock is None else self.ends - self.clock.monotonic()

    def restart(self) -> None:
        if self.clock is not None:
            self.ends, self.status = self.clock.monotonic() + self.seconds, 0

    def on_status(self, status: int) -> None:
        self.status = status
        if self.clock is not None and self.status_suffices and 200 <= status < 300:
            self.ends = min(self.ends, self.clock.monotonic() + GRACE)


_current = _Exchange()


@contextlib.contextmanager
def within(clock: Clock, seconds: float, *, status_suffices: bool = False) -> Iterator[None]:
    """End what this thread sends and reads inside once the time is over.

    Args:
        clock: measures the time.
        seconds: for one attempt, from the sending of the request to the end of the body.
        status_suffices: whether a success is complete with its status line; the rest gets `GRACE`.
    """
    _current.clock, _current.seconds, _current.status_suffices = clock, seconds, status_suffices
    _current.restart()
    try:
        yield
    finally:
        _current.clock = None


def restart() -> None:
    """Give the next attempt the whole time again."""
    _current.restart()


def status_that_suffices() -> int | None:
    """The status of a success that has come, if the status was all that mattered, else ``None``."""
    done = _current.status_suffices and 200 <= _current.status < 300
    return _current.status if done else None


class _Timed(io.RawIOBase):
    """What a socket brings, read within the time of the exchange."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = _current.left()
        if left is not None:
            if left <= 0:
                raise TimeoutError("the response was not complete in time")
            self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def fileno(self) -> int:
        return self._raw.fileno()

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Timed(self.fp.detach(), sock))

    def _read_status(self) -> tuple[str, int, str]:
        read: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
        _current.on_status(read[1])
        return read


class _Connection(HTTPConnection):
    response_class = _Response

    # The library's own text begins with the name of the class.
    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class _SecureConnection(HTTPSConnection):
    response_class = _Response
    __str__ = _Connection.__str__


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}


class TimedAdapter(HTTPAdapter):
    """The library's adapter, with connections that keep to the time of `within`."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pool of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """The pool of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager
