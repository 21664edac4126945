"""`make up` and `make down`: whether the emulator of the last run is still there."""

from __future__ import annotations

import contextlib
import importlib.util
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).resolve().parents[2] / "tools" / "stack.py"
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"status":"ok"}'


@pytest.fixture
def stack() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stack", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], int]]:
    """Starts what answers one connection with some bytes; its port."""
    running: list[tuple[socket.socket, threading.Thread]] = []

    def start(answer: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(10)

        def serve() -> None:
            with contextlib.suppress(TimeoutError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        running.append((listener, thread))
        return int(listener.getsockname()[1])

    yield start
    for listener, thread in running:
        thread.join(60)
        listener.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
    ],
    ids=["a page", "a list", "not found", "another protocol", "silence"],
)
def test_what_else_listens_on_the_port_of_the_last_run_is_not_taken_for_the_emulator(
    stack: ModuleType, answering: Callable[[bytes], int], answer: bytes
) -> None:
    assert stack._healthy(answering(answer)) is False


def test_the_emulator_is_found_past_a_proxy(
    stack: ModuleType, answering: Callable[[bytes], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert stack._healthy(answering(OK)) is True
