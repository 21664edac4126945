"""The HTTP library's sessions: as many as there are requests at once, each used by one thread at a time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy

import requests

from aep_provider.aep import exchange


class Sessions:
    """Lends sessions, of which each keeps its connection for whoever takes it next.

    The library does not promise that threads may share a session, and the two PATCHes of a window have to follow each
    other on one connection.

    Attributes:
        blank: like any other one, for what sends nothing.
    """

    def __init__(self) -> None:
        self.blank = _new()
        self._lock = threading.Lock()
        self._idle: list[requests.Session] = []
        self._threads = threading.local()

    @contextlib.contextmanager
    def lent(self) -> Iterator[requests.Session]:
        """A session for this thread; the same one for everything inside."""
        session: requests.Session | None = getattr(self._threads, "session", None)
        if session is not None:
            yield session
            return
        with self._lock:
            # The one that was used last: the service closes what was idle for long.
            session = self._idle.pop() if self._idle else _new()
        self._threads.session = session
        try:
            yield session
        finally:
            self._threads.session = None
            with self._lock:
                self._idle.append(session)


def _new() -> requests.Session:
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, exchange.TimedAdapter())
    # Without this the library would let an entry of ~/.netrc replace the Authorization header.
    session.auth = _unchanged
    # Adobe's own client sends no cookies back, and one of a load balancer would have every read made by one replica.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
