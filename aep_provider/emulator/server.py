"""The emulator as a library: an HTTP server on the loopback interface, in a thread of its own."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from aep_provider.emulator.app import Application
from aep_provider.emulator.exchange import TRANSPORT_KEY
from aep_provider.emulator.like import read
from aep_provider.emulator.seeds import apply_seed
from aep_provider.emulator.store import Store
from aep_provider.emulator.world import World

LOOPBACK = "127.0.0.1"
_EVERYWHERE = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - only if somebody asks for it


class PortInUse(Exception):
    """Another process listens on the port."""


class _Protocol(H11Protocol):
    """Gives the application the TCP transport, so that a fault can drop the connection."""

    def handle_events(self) -> None:
        app = self.config.loaded_app
        transport = self.transport

        async def with_transport(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, TRANSPORT_KEY: transport}, receive, send)

        self.app = with_transport
        super().handle_events()


class _Server(uvicorn.Server):
    """A server that tells when it is ready, and that stops at once when told."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self.ready.set()
        await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End at once where nothing is being answered; uvicorn itself always sleeps before it looks.

        No connection is left open, neither one that was accepted a moment ago nor one that is still in use
        after two seconds.
        """
        for server in self.servers:
            # A socket that is accepted when the server is closed already would be left open by asyncio.
            for listening in server.sockets:
                self._loop.remove_reader(listening.fileno())
        await self._rounds()
        for server in self.servers:
            server.close()
        if self.server_state.tasks:
            await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await self._rounds()
        for server in self.servers:
            await server.wait_closed()

    @staticmethod
    async def _rounds() -> None:
        """Let the event loop make connections of accepted sockets, or close what was dropped."""
        for _ in range(4):
            await asyncio.sleep(0)

    def stop(self, world: World) -> None:
        """Ask the running server, from another thread, to free what faults hold and to end."""

        def end() -> None:
            world.faults.clear()
            self._stop.set()

        self._loop.call_soon_threadsafe(end)


class Emulator:
    """A local Adobe Experience Platform.

    ``with Emulator() as aep:`` serves on ``aep.url``, which stands for Adobe's API and token hosts.

    Args:
        port: the TCP port; 0 takes a free one.
        state: the SQLite file that holds everything between runs; None keeps it in memory.
        seed: what a fresh state begins with: "empty" or "demo".
        latency_ms: added to every request.
        strict: refuse what AEP's documentation does not name, instead of marking it in the request log.
        host: the address to listen on. Whoever reaches it can do everything: there is no authentication that
            counts, and the control routes have none at all.
        like: a report of ``aep-provider probe``; the emulator does what was measured there, and goes back to it with
            every reset. ``aep_provider.emulator.like.read`` says what it cannot imitate.
    """

    def __init__(
        self,
        port: int = 0,
        state: str | Path | None = None,
        seed: str = "empty",
        latency_ms: int = 0,
        strict: bool = False,
        host: str = LOOPBACK,
        like: str | Path | None = None,
    ) -> None:
        self._port = port
        self._host = host
        self._state = None if state is None else Path(state)
        self._seed = seed
        self._latency_ms = latency_ms
        self._strict = strict
        self._like = like
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._world: World | None = None

    @property
    def url(self) -> str:
        """The base URL, "http://127.0.0.1:PORT" unless there is another host."""
        host = _EVERYWHERE.get(self._host, self._host)
        return f"http://[{host}]:{self._port}" if ":" in host else f"http://{host}:{self._port}"

    def start(self) -> Emulator:
        """Open the state and serve; returns once requests are answered.

        Raises:
            PortInUse: the port is taken.
            StateInUse: another process holds the state file.
            ValueError: there is no such seed, or `like` is not a report.
        """
        measured = {} if self._like is None else read(self._like).switches
        listener = _listen(self._host, self._port)
        self._port = listener.getsockname()[1]
        try:
            world = World(Store(self._state), strict=self._strict, latency_ms=self._latency_ms)
            try:
                world.restore()
                world.measured = measured
                world.change_settings(measured)
                if world.seed is None:
                    apply_seed(world, self._seed)
            except BaseException:
                world.store.close()
                raise
        except BaseException:
            listener.close()
            raise
        config = uvicorn.Config(
            Application(world),
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="critical",
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=2,
        )
        server = _Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), name="aep-emulator", daemon=True)
        thread.start()
        server.ready.wait()
        self._server, self._thread, self._world = server, thread, world
        return self

    def stop(self) -> None:
        """Stop serving and close the state; a second call does nothing."""
        if self._server is None or self._thread is None or self._world is None:
            return
        self._server.stop(self._world)
        self._thread.join()
        self._world.store.close()
        self._server = self._thread = self._world = None

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"port {port} on {host} is in use") from error
        raise
    return listener
