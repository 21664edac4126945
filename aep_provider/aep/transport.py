"""HTTP: connections, time-outs and repeated reads. Knows nothing of Adobe.

Only reads are repeated here: what may be repeated after an unknown outcome of a write is decided by who knows what the
write was for.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from aep_provider.aep import exchange
from aep_provider.aep.certificates import check_certificates
from aep_provider.aep.limit import LONGEST_RETRY_AFTER, Limit
from aep_provider.aep.redact import redact, shown
from aep_provider.aep.sessions import Sessions
from aep_provider.aep.watch import Unwatched, Watch
from aep_provider.clock import Clock
from aep_provider.errors import ConnectionFailed

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 65.0
"""Seconds for an exchange, from the sending of the request to the end of the response. The gateway gives up
after 60 (Adobe Analytics' page on the same gateway)."""

URGENT_TIMEOUT = 4.0
"""Seconds for an exchange inside a window, where waiting costs profiles."""

_REPEATED = frozenset({408, 409, 423, 425, 429, 500, 502, 503, 504})
"""Statuses after which a read is sent again: what they say passes by itself."""

NOT_A_TIME = (urllib3.exceptions.InvalidHeader, OverflowError, ValueError)
"""What urllib3 raises of a Retry-After that it cannot read; of a date out of range more than its own error."""


class Response(NamedTuple):
    """What came back.

    Attributes:
        request: the name of the request, for errors: ``GET dataset 5b02… in sandbox dev``.
        status, headers: headers by their names in any case.
        content: the body.
        sensitive: whether the body may hold a secret, so that no message quotes it.
        secrets: what no message may show, whatever part of the response echoes it.
    """

    request: str
    status: int
    headers: Mapping[str, str]
    content: bytes
    sensitive: bool = False
    secrets: tuple[str, ...] = ()


class Retries(urllib3.Retry):
    """The library's policy, with waits that a shutdown ends."""

    clock: Clock
    limit: Limit
    watch: Watch

    @classmethod
    def using(cls, clock: Clock, limit: Limit, watch: Watch, **policy: Any) -> Retries:
        """Make a policy that waits on `clock`, and tells `limit` and `watch` of what was turned away."""
        retries = cls(**policy)
        retries.clock, retries.limit, retries.watch = clock, limit, watch
        return retries

    def new(self, **kw: Any) -> Retries:
        """The policy for the next attempt."""
        retries = super().new(**kw)
        retries.clock, retries.limit, retries.watch = self.clock, self.limit, self.watch
        return retries

    def sleep(self, response: urllib3.BaseHTTPResponse | None = None) -> None:
        """Wait for what the service asks, else for a growing time with some chance in it."""
        asked = None
        if response is None:
            self.watch.lost(type(self.history[-1].error).__name__ if self.history else "")
        else:
            self.watch.answered(response.status, response.headers)
            with contextlib.suppress(*NOT_A_TIME):
                asked = self.get_retry_after(response)
            if response.status == 429:
                self.limit.on_throttled(asked)
        self.clock.wait(asked if asked is not None else self.get_backoff_time())
        exchange.restart()
        self.watch.repeated()


class _BodyBrokeOff(requests.exceptions.ChunkedEncodingError):
    """A body that did not come to its end, and what the library has left of its attempts."""

    def __init__(self, *args: Any, left: urllib3.Retry) -> None:
        super().__init__(*args)
        self.left = left


def _allow(session: requests.Session, request: requests.PreparedRequest, retries: urllib3.Retry) -> None:
    """How often the library may repeat the next request of a session."""
    adapter = session.get_adapter(str(request.url))
    if isinstance(adapter, HTTPAdapter):
        adapter.max_retries = retries


class Transport:
    """Sends requests.

    Args:
        clock: for the waits between repeated reads.
        at_once: how many requests may be under way together at most; a thread that holds a `slot` counts
            once.
        watch: told of each request.
    """

    def __init__(self, clock: Clock, *, at_once: int, watch: Watch | None = None) -> None:
        self._clock = clock
        self._watch = watch or Unwatched()
        self._threads = threading.local()
        self._sessions = Sessions()
        self._secrets: tuple[str, ...] = ()
        self.limit = Limit(clock, at_once)
        policy: dict[str, Any] = {
            "total": 4,
            "redirect": 0,
            "status_forcelist": _REPEATED,
            "raise_on_status": False,
            "raise_on_redirect": False,
            "backoff_factor": 0.25,
            "backoff_jitter": 0.25,
            "backoff_max": 8,
            "retry_after_max": LONGEST_RETRY_AFTER,
        }
        self._patient = Retries.using(clock, self.limit, self._watch, **policy)
        self._once = Retries.using(clock, self.limit, self._watch, **(policy | {"total": 0}))
        self._environment: dict[tuple[str, ...], Mapping[str, Any]] = {}

    @contextlib.contextmanager
    def slot(self) -> Iterator[None]:
        """Take a slot among the requests at once and keep it for everything this thread sends inside."""
        if self.holds_slot:
            yield
            return
        self.limit.acquire()
        self._threads.held = True
        try:
            with self._sessions.lent():
                yield
        finally:
            self._threads.held = False
            self.limit.release()

    @property
    def holds_slot(self) -> bool:
        """Whether this thread keeps a slot."""
        return getattr(self._threads, "held", False)

    def hide(self, secret: str) -> None:
        """Never show this in an error, in whatever form a response or the library quotes it."""
        if secret and secret not in self._secrets:
            # The newest ones are those that may still be echoed; tokens are renewed about once a day.
            self._secrets = (secret, *self._secrets)[:8]

    def prepare(self, request: requests.Request) -> requests.PreparedRequest:
        """Make everything of a request that can be made before it is due."""
        return self._sessions.blank.prepare_request(request)

    def send(
        self,
        request: requests.PreparedRequest,
        name: str,
        *,
        urgent: bool = False,
        once: bool = False,
        limited: bool = True,
        status_suffices: bool = False,
    ) -> Response:
        """Send a request and read the response, whatever its status.

        Args:
            request: from `prepare`.
            name: how an error names what was asked.
            urgent: once, and for `URGENT_TIMEOUT`; otherwise reads are repeated after a status that passes by itself
                and after lost connections, and each attempt has `READ_TIMEOUT`.
            once: a read is not repeated either, for who wants to see each response.
            limited: whether it counts among the requests at once.
            status_suffices: whether a success is complete with its status line; headers and body are then
                read as far as they come with it.

        Raises:
            ConnectionFailed: no complete response came in time.
            SettingsError: the environment names certificates that cannot be used.
        """
        patient = request.method == "GET" and not urgent and not once
        whole = URGENT_TIMEOUT if urgent else READ_TIMEOUT
        # A new connection may take half of the time: what is left afterwards is for the request.
        timeouts = (min(CONNECT_TIMEOUT, whole / 2), whole)
        environment = self._environment_for(str(request.url))
        with self.slot() if limited else contextlib.nullcontext(), self._sessions.lent() as session:
            # By method here and not by the policy's own list: the library repeats any method, also a POST,
            # after what it counts as "other" errors, such as a TLS failure in the middle of a response.
            _allow(session, request, self._patient if patient else self._once)
            self._watch.sent(str(request.method), str(request.url), self._secrets)
            try:
                with exchange.within(self._clock, whole, status_suffices=status_suffices):
                    exchanged = self._whole if patient else self._exchanged
                    response = exchanged(session, request, name, timeouts, environment)
            except (
                requests.RequestException,
                urllib3.exceptions.HTTPError,
                # What the two let through, at a proxy's mercy: a malformed header, a decoder, a socket.
                ValueError,
                OverflowError,
                OSError,
            ) as error:
                self._watch.lost(type(error).__name__)
                raise self._failed(name, error) from self._cause_to_show(error)
            self._watch.answered(response.status, response.headers)
            if response.status == 429:
                # How long it asks to wait is for who sent it: this slot may be one inside a window.
                self.limit.on_throttled(None)
            else:
                self.limit.on_success()
            return response

    def _whole(self, session: requests.Session, request: requests.PreparedRequest, *rest: Any) -> Response:
        """A read is repeated where its body breaks off as well; the library repeats it up to the headers only."""
        while True:
            try:
                return self._exchanged(session, request, *rest)
            except _BodyBrokeOff as error:
                try:
                    # What the library has left of its attempts is all there is for both.
                    retries = error.left.increment(request.method, error=error.args[0])
                except urllib3.exceptions.MaxRetryError:
                    raise error from None
                retries.sleep()
                _allow(session, request, retries)

    def _exchanged(
        self,
        session: requests.Session,
        request: requests.PreparedRequest,
        name: str,
        timeouts: tuple[float, float],
        environment: Mapping[str, Any],
    ) -> Response:
        status, headers, content = 0, CaseInsensitiveDict[str](), b""
        try:
            # As a stream, so that a status is not lost with a body that does not come.
            options = {**environment, "stream": True, "timeout": timeouts, "allow_redirects": False}
            with contextlib.closing(session.send(request, **options)) as came:
                status, headers = came.status_code, came.headers
                try:
                    content = came.content
                except requests.exceptions.ChunkedEncodingError as error:
                    raise _BodyBrokeOff(*error.args, left=came.raw.retries or self._once) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
            suffices = exchange.status_that_suffices()
            if suffices is None:
                raise
            status = suffices
        return Response(name, status, headers, content, secrets=self._secrets)

    def _failed(self, name: str, error: Exception) -> ConnectionFailed:
        return ConnectionFailed(name, shown(_reason(error), self._secrets), _remedy(error))

    def _cause_to_show(self, error: Exception) -> Exception | None:
        """The library's error for a traceback, unless it quotes a secret."""
        text = f"{error} {error.__cause__} {error.__context__}"
        return error if redact(text, self._secrets) == text else None

    def _environment_for(self, url: str) -> Mapping[str, Any]:
        """The proxies and certificates that the environment has for the host of a URL.

        Asked once: the library goes through the whole environment for each request, a quarter of our own part
        of its time, and in the middle of a window too.
        """
        host = urlsplit(url)[:2]
        found = self._environment.get(host)
        if found is None:
            found = self._sessions.blank.merge_environment_settings(url, {}, None, None, None)
            if host[0] == "https":
                check_certificates(found.get("verify"), os.environ)
            self._environment[host] = found
        return found


def _reason(error: Exception) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return f"the server's certificate is not trusted ({_cause(error)})"
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy does not answer ({_cause(error)})"
    if isinstance(error, requests.exceptions.InvalidURL):
        # The library quotes it, and the URL of a proxy may hold a password.
        return "the address of the service or of the proxy is not a URL"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no connection within the time-out"
    # Within a body the library calls a time-out a failed connection.
    late = error.args and isinstance(error.args[0], urllib3.exceptions.ReadTimeoutError)
    if late or isinstance(error, requests.exceptions.Timeout):
        return "no complete response within the time-out"
    return f"the connection failed ({_cause(error)})"


def _cause(error: Exception) -> object:
    """What went wrong underneath, without the library's account of its pool and its attempts."""
    return getattr(error.args[0], "reason", None) or error if error.args else error


def _remedy(error: Exception) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "Behind a proxy that inspects traffic, set REQUESTS_CA_BUNDLE to its certificate."
    return "Check the network, HTTPS_PROXY and the endpoint, then run again."
