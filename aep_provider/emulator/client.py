"""A client for the control routes, for tests and tools that steer an emulator over HTTP.

It needs only the emulator's URL: the emulator may run in this process, in another one or on another machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, TypedDict, cast

import requests

Json = dict[str, Any]


class OrderRefused(Exception):
    """The emulator did not do what it was told; the message says what it was and why."""


class Health(TypedDict):
    """What ``GET /_emulator/health`` answers."""

    status: str
    version: str
    seed: str | None
    strict: bool
    latency_ms: int
    clock_offset: float


class LoggedRequest(TypedDict):
    """One entry of the request log; ``docs/emulator.md`` describes each field."""

    seq: int
    connection: str
    service: str
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    write: bool
    at: int
    received: float
    answered: float | None
    status: int | None
    fault: str | None
    unknown: list[str]
    created: str | None


class FaultState(TypedDict):
    """A fault and what became of it so far.

    ``seen`` counts the requests that matched, ``hits`` those it acted on, ``held`` those it holds now.
    """

    id: str
    match: dict[str, str]
    nth: int
    times: int | None
    action: Json
    seen: int
    hits: int
    held: int


class Control:
    """Steers an emulator by its control routes.

    Args:
        url: the emulator's base URL, as ``Emulator.url`` has it or ``aep-provider emulator`` prints it.
        timeout: seconds that one order may take.
    """

    def __init__(self, url: str, timeout: float = 90.0) -> None:
        self.url = url
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False

    def __enter__(self) -> Control:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Call a control route and return the JSON of its reply.

        Args:
            method: the HTTP method.
            path: what follows ``/_emulator/``, with the query.
            body: sent as JSON; None sends nothing.

        Raises:
            OrderRefused: the emulator answered with an error.
        """
        url = f"{self.url}/_emulator/{path}"
        reply = self._session.request(method, url, json=body, timeout=self._timeout)
        if not reply.ok:
            raise OrderRefused(f"{method} /_emulator/{path}: {reply.status_code} {reply.text}")
        return reply.json()

    def health(self) -> Health:
        """Return what the emulator says of itself."""
        return cast(Health, self.call("GET", "health"))

    def reset(self, seed: str = "empty") -> None:
        """Go back to a seed; log, faults, clients, clock and switches too."""
        self.call("POST", "reset", {"seed": seed})

    def seed(self, sandbox: str = "dev", **objects: Any) -> None:
        """Add raw objects: ``seed(datasets={id: {...}}, batches={id: {...}})``.

        Args:
            sandbox: the name of the sandbox that the objects belong to.
            objects: by the keys that ``POST /_emulator/seed`` takes.
        """
        self.call("POST", "seed", {"sandbox": sandbox, **objects})

    def datasets(self, sandbox: str = "dev") -> dict[str, Json]:
        """Return the stored datasets by id, as they truly are: no lag, no fault."""
        return cast("dict[str, Json]", self.call("GET", f"datasets?sandbox={sandbox}"))

    def warnings(self, sandbox: str = "dev") -> dict[str, dict[str, int]]:
        """Return the doubtful writes: by dataset id, how often each kind was counted."""
        return cast("dict[str, dict[str, int]]", self.call("GET", f"warnings?sandbox={sandbox}"))

    def requests(self, since: int = 0) -> list[LoggedRequest]:
        """Return the request log, oldest first: what came after the entry with this number."""
        return cast("list[LoggedRequest]", self.call("GET", f"requests?since={since}")["requests"])

    def clear_requests(self) -> None:
        """Empty the request log."""
        self.call("DELETE", "requests")

    def fault(
        self,
        action: Mapping[str, Any],
        nth: int = 1,
        times: int | None = 1,
        *,
        service: str | None = None,
        method: str | None = None,
        path: str | None = None,
    ) -> str:
        """Order a fault and return its id.

        Args:
            action: what happens to a request that it hits, for example ``{"status": 503}``.
            nth: the first matching request to hit, counted from now.
            times: how many to hit in a row; None = until it is cleared.
            service: hit only requests to this service.
            method: hit only requests with this method.
            path: hit only requests in whose escaped path this regular expression is found.
        """
        given = {"service": service, "method": method, "path": path}
        match = {name: value for name, value in given.items() if value is not None}
        order = {"match": match, "nth": nth, "times": times, "action": dict(action)}
        return str(self.call("POST", "faults", order)["id"])

    def faults(self) -> list[FaultState]:
        """Return the faults that are in force or spent."""
        return cast("list[FaultState]", self.call("GET", "faults")["faults"])

    def hits(self, fault: str) -> int:
        """Return how many requests a fault has hit."""
        return int(self.call("GET", f"faults/{fault}")["hits"])

    def wait_for_hit(self, fault: str, seconds: float = 60.0) -> bool:
        """Wait until a fault has hit a request; return whether one came.

        Args:
            fault: its id.
            seconds: the longest wait; keep it below the client's ``timeout``.
        """
        return bool(self.call("GET", f"faults/{fault}?wait={seconds}")["hits"])

    def release(self, fault: str) -> int:
        """Let the requests go on that a fault holds; return how many there were."""
        return int(self.call("POST", f"faults/{fault}/release")["released"])

    def clear_faults(self, fault: str | None = None) -> None:
        """Remove one fault, or all; the requests that they hold or delay go on."""
        self.call("DELETE", "faults" if fault is None else f"faults/{fault}")

    def settings(self) -> Json:
        """Return every switch by name."""
        return cast(Json, self.call("GET", "settings"))

    def switch(self, **values: Any) -> None:
        """Set switches: ``switch(if_match=False, union_propagation=2)``."""
        self.call("POST", "settings", values)

    def tick(self, seconds: float = 0, *, batches: bool = False, background: bool = False) -> None:
        """Let time pass without waiting.

        Args:
            seconds: moves the emulator's clock.
            batches: takes every completed batch to its end.
            background: does what Adobe's background services do to every dataset.
        """
        self.call("POST", "tick", {"seconds": seconds, "batches": batches, "background": background})

    def batch(self, batch_id: str, **fields: Any) -> None:
        """Set fields of a batch: ``batch("B1", status="success")``."""
        self.call("PATCH", f"batches/{batch_id}", fields)

    def token(
        self,
        client_id: str = "demo-client",
        client_secret: str = "demo-secret",  # noqa: S107 - the seeds publish it
    ) -> str:
        """Return a fresh access token.

        Raises:
            OrderRefused: the token service refused the client.
        """
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        form["scope"] = "openid"
        reply = self._session.post(f"{self.url}/ims/token/v3", data=form, timeout=self._timeout)
        if not reply.ok:
            raise OrderRefused(f"POST /ims/token/v3: {reply.status_code} {reply.text}")
        return str(reply.json()["access_token"])

    def headers(
        self,
        client_id: str = "demo-client",
        client_secret: str = "demo-secret",  # noqa: S107 - the seeds publish it
        org: str = "0123456789ABCDEF01234567@AdobeOrg",
        sandbox: str | None = "dev",
    ) -> dict[str, str]:
        """Return the headers that the API asks of every caller, with a fresh token.

        Args:
            client_id: one of the seed's clients, or one that was added.
            client_secret: its secret.
            org: the organisation that the client belongs to.
            sandbox: the name of the sandbox; None leaves that header out.
        """
        made = {
            "Authorization": f"Bearer {self.token(client_id, client_secret)}",
            "x-api-key": client_id,
            "x-gw-ims-org-id": org,
        }
        return made if sandbox is None else {**made, "x-sandbox-name": sandbox}
