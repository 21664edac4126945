"""What was asked of the emulator, in the order of arrival: for assertions about a client's requests."""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

LOGGED_HEADERS = (
    "content-type",
    "accept",
    "x-sandbox-name",
    "x-gw-ims-org-id",
    "if-match",
    "x-request-id",
    "user-agent",
)
"""The request headers that are kept. The token and the API key never are."""

CAPACITY = 100_000
"""The oldest entries make room beyond this many."""


@dataclass
class Entry:
    """One request. ``status`` and ``answered`` stay None if the connection ended before a reply.

    ``at`` is the emulator's time of arrival in milliseconds. ``received`` and ``answered`` are seconds on a
    clock of the process: only their differences mean anything. ``created`` is the path of what the request
    created, from the reply.
    """

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
    received: float = field(default_factory=time.perf_counter)
    answered: float | None = None
    status: int | None = None
    fault: str | None = None
    unknown: list[str] = field(default_factory=list)
    created: str | None = None


class RequestLog:
    """A bounded list of entries, numbered from 1 for as long as the process lives."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=CAPACITY)
        self._seq = 0

    def open(self, **fields: Any) -> Entry:
        """Append an entry for a request that has just arrived, and return it to be completed."""
        self._seq += 1
        entry = Entry(seq=self._seq, **fields)
        self._entries.append(entry)
        return entry

    def since(self, seq: int) -> list[dict[str, Any]]:
        """Return the entries after number ``seq``, oldest first."""
        first = self._entries[0].seq if self._entries else 0
        return [asdict(entry) for entry in islice(self._entries, max(0, seq - first + 1), None)]

    def last(self, count: int) -> list[Entry]:
        """Return the last entries, newest first."""
        return list(islice(reversed(self._entries), count))

    def clear(self) -> None:
        """Forget the entries; the numbering goes on."""
        self._entries.clear()


def readable(body: bytes) -> Any:
    """Return a request body as JSON where it is JSON, else as text, and None where there is none."""
    if not body:
        return None
    try:
        return parsed(body)
    except ValueError:
        return body.decode("utf-8", errors="replace")


def parsed(body: bytes) -> Any:
    """Return the JSON value of a body.

    Raises:
        ValueError: it is not JSON, is nested too deeply, or holds half a surrogate pair, which UTF-8 lacks.
    """
    try:
        value = json.loads(body)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error
    return value
