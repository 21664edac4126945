"""Exchanges that end although the other side never stops sending; measured on a clock that reads move on."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest
import requests

from aep_provider.aep.transport import READ_TIMEOUT, URGENT_TIMEOUT, Response, Transport
from aep_provider.errors import ConnectionFailed

COMPLETE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class RunningClock:
    """A clock that goes on by a step whenever it is looked at."""

    def __init__(self, step: float) -> None:
        self._step = step
        self.passed = 0.0

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        self.passed += self._step
        return self.passed

    def wait(self, seconds: float) -> bool:
        self.passed += seconds
        return False


class Endless:
    """A service whose answer begins as told and then never ends: it sends the same piece for ever."""

    def __init__(self, first: bytes, forever: bytes) -> None:
        self.connections = 0
        self._first, self._forever = first, forever
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/x"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                with connection, contextlib.suppress(OSError):
                    while b"\r\n\r\n" not in connection.recv(65536):
                        pass
                    connection.sendall(self._first)
                    while self._forever:
                        connection.sendall(self._forever)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(30)


@contextlib.contextmanager
def endless(first: bytes, forever: bytes) -> Iterator[Endless]:
    service = Endless(first, forever)
    try:
        yield service
    finally:
        service.close()


def sent(
    service: Endless, clock: RunningClock, method: str, *, urgent: bool, status: bool = False
) -> Response:
    transport = Transport(clock, at_once=1)
    request = transport.prepare(requests.Request(method, service.url))
    return transport.send(request, f"{method} x", urgent=urgent, status_suffices=status)


PARTS = {
    "status line": (b"HTTP/1.1 2", b"0" * 40),
    "a header": (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"-" * 40),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", b"." * 40),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n.\r\n" * 8),
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(("urgent", "seconds"), [(True, URGENT_TIMEOUT), (False, READ_TIMEOUT)])
def test_a_response_that_never_ends_is_given_up_in_time(part: str, urgent: bool, seconds: float) -> None:
    clock = RunningClock(seconds / 4)
    with endless(*PARTS[part]) as service:
        with pytest.raises(ConnectionFailed, match="no complete response within the time-out"):
            sent(service, clock, "PATCH", urgent=urgent)
        assert service.connections == 1
    assert clock.passed <= 2 * seconds


@pytest.mark.parametrize("part", ["a header", "body", "chunks"])
def test_the_status_line_of_a_disable_is_enough(part: str) -> None:
    clock = RunningClock(1.0)
    with endless(*PARTS[part]) as service:
        assert sent(service, clock, "PATCH", urgent=False, status=True).status == 200
    assert clock.passed < URGENT_TIMEOUT + READ_TIMEOUT / 4


def test_an_error_status_alone_is_not_enough() -> None:
    first = b"HTTP/1.1 500 Broken\r\nContent-Length: 999999999\r\n\r\n"
    with endless(first, b"." * 40) as service, pytest.raises(ConnectionFailed):
        sent(service, RunningClock(READ_TIMEOUT / 4), "PATCH", urgent=False, status=True)


def test_a_repeated_read_has_the_whole_time_for_each_attempt() -> None:
    with endless(b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", b"") as service:
        assert sent(service, RunningClock(READ_TIMEOUT / 4), "GET", urgent=False).status == 503
        assert service.connections == 5


def test_a_response_that_came_whole_leaves_the_connection_open() -> None:
    answers = itertools.count()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            for _ in range(2):
                while b"\r\n\r\n" not in connection.recv(65536):
                    pass
                next(answers)
                connection.sendall(COMPLETE)

    thread = threading.Thread(target=serve)
    thread.start()
    transport = Transport(RunningClock(0.0), at_once=1)
    for urgent in (False, True):
        request = transport.prepare(
            requests.Request("PATCH", f"http://127.0.0.1:{listener.getsockname()[1]}")
        )
        response = transport.send(request, "PATCH x", urgent=urgent, status_suffices=not urgent)
        assert (response.status, response.content) == (200, b"{}")
    thread.join(30)
    listener.close()
    assert next(answers) == 2
