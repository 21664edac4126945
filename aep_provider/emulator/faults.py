"""Faults that a test orders for a request to come: errors, delays, lost connections, held requests."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from itertools import count
from typing import Any

Json = dict[str, Any]

_ACTION_KEYS = {
    "status", "body", "headers", "effect", "reset", "delay_ms", "when", "truncate", "raw_body",
    "content_type", "hold", "expire_tokens", "throttle", "retry_after", "drip",
}  # fmt: skip
_MOMENTS = ("before", "after")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""What HTTP allows in a header (RFC 9110): anything else would break the connection, not the reply."""
_MOST_DRIP = 3600
_THROTTLES = ("bare", "seconds", "date")


@dataclass
class Action:
    """What happens to a request that a fault hits; ``docs/emulator.md`` describes each field."""

    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    effect: bool = False
    reset: str | None = None
    delay_ms: int = 0
    when: str = "before"
    truncate: int | None = None
    raw_body: str | None = None
    content_type: str | None = None
    hold: str | None = None
    expire_tokens: bool = False
    throttle: str | None = None
    retry_after: int = 1
    drip: float | None = None

    @property
    def performs(self) -> bool:
        """Whether the request takes effect in spite of the fault."""
        return self.reset != "before" and (
            self.effect or (self.status is None and self.throttle is None) or self.raw_body is not None
        )

    @property
    def acts_after(self) -> bool:
        """Whether the fault shows only when the request has taken effect."""
        late = self.reset == "after" or self.hold == "after" or (self.delay_ms > 0 and self.when == "after")
        cut = self.truncate is not None or self.drip is not None
        return late or cut or self.raw_body is not None or self.effect


@dataclass
class Fault:
    """A rule that waits for its request.

    Args:
        nth: the first matching request that it hits, counted from the registration.
        times: how many it hits in a row; None = all until it is cleared.
    """

    id: str
    match: Json
    nth: int
    times: int | None
    action: Action
    raw_action: Json
    seen: int = 0
    hits: int = 0
    was_hit: asyncio.Event = field(default_factory=asyncio.Event)
    cleared: asyncio.Event = field(default_factory=asyncio.Event)
    held: list[asyncio.Event] = field(default_factory=list)

    def matches(self, service: str, method: str, path: str) -> bool:
        """Say whether the rule speaks of this request."""
        return (
            self.match.get("service") in (None, service)
            and str(self.match.get("method", method)).upper() == method
            and re.search(str(self.match.get("path", "")), path) is not None
        )

    def due(self) -> bool:
        """Count one matching request and say whether it is one to hit."""
        self.seen += 1
        return self.seen >= self.nth and (self.times is None or self.seen < self.nth + self.times)

    def record_hit(self) -> None:
        """Count a hit and wake whoever waits for it."""
        self.hits += 1
        self.was_hit.set()

    def release(self) -> int:
        """Let the held requests go on; return how many there were."""
        held, self.held = self.held, []
        for event in held:
            event.set()
        return len(held)

    def as_json(self) -> Json:
        """Return the rule and its counts."""
        return {
            "id": self.id,
            "match": self.match,
            "nth": self.nth,
            "times": self.times,
            "action": self.raw_action,
            "seen": self.seen,
            "hits": self.hits,
            "held": len(self.held),
        }


class Faults:
    """The rules in force, in the order of their registration."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._ids = count(1)

    def add(self, order: Json) -> Fault:
        """Register a rule from the body of ``POST /_emulator/faults``.

        Raises:
            ValueError: the body is not a rule.
        """
        fault = parse(f"fault-{next(self._ids)}", order)
        self._faults[fault.id] = fault
        return fault

    def get(self, fault_id: str) -> Fault | None:
        """Return a rule, or None."""
        return self._faults.get(fault_id)

    def all(self) -> list[Fault]:
        """Return the rules."""
        return list(self._faults.values())

    def clear(self, fault_id: str | None = None) -> None:
        """Remove one rule, or all; the requests they hold or delay go on."""
        for key in [fault_id] if fault_id else list(self._faults):
            fault = self._faults.pop(key, None)
            if fault is not None:
                fault.cleared.set()
                fault.release()

    def pick(self, service: str, method: str, path: str) -> Fault | None:
        """Count a request with every rule that matches it and return the first that is due."""
        due = [fault for fault in self.all() if fault.matches(service, method, path) and fault.due()]
        return due[0] if due else None


def parse(fault_id: str, order: Json) -> Fault:
    """Check the body of ``POST /_emulator/faults`` and make a rule of it.

    Raises:
        ValueError: a key is unknown or a value is of the wrong kind.
    """
    _only("fault", order, {"match", "nth", "times", "action"})
    match, raw = order.get("match", {}), order.get("action")
    if not isinstance(match, dict) or not isinstance(raw, dict) or not raw:
        raise ValueError("a fault needs an action object, and match must be an object")
    _only("match", match, {"method", "path", "service"})
    _only("action", raw, _ACTION_KEYS)
    try:
        re.compile(str(match.get("path", "")))
    except re.error as error:
        raise ValueError(f"match.path is not a regular expression: {error}") from error
    nth, times = order.get("nth", 1), order.get("times", 1)
    if not _whole(nth, 1) or not (times is None or _whole(times, 1)):
        raise ValueError("nth and times are whole numbers from 1 (times may be null)")
    for key in ("reset", "hold", "when"):
        if raw.get(key) not in (None, *_MOMENTS):
            raise ValueError(f"action.{key} must be 'before' or 'after'")
    if raw.get("throttle") not in (None, *_THROTTLES):
        raise ValueError(f"action.throttle must be one of {', '.join(_THROTTLES)}")
    for key, least in (("delay_ms", 0), ("retry_after", 0), ("truncate", 0), ("status", 200)):
        if key in raw and not _whole(raw[key], least):
            raise ValueError(f"action.{key} must be a whole number from {least}")
    drip = raw.get("drip", 0)
    if isinstance(drip, bool) or not isinstance(drip, int | float) or not 0 <= drip <= _MOST_DRIP:
        raise ValueError(f"action.drip must be a number of seconds from 0 to {_MOST_DRIP}")
    if raw.get("status", 0) > 599 or not isinstance(raw.get("headers", {}), dict):
        raise ValueError("action.status must be at most 599 and action.headers an object")
    if not all(isinstance(value, str) for value in match.values()):
        raise ValueError("match.service, match.method and match.path must be strings")
    if not isinstance(raw.get("raw_body", ""), str):
        raise ValueError("action.raw_body must be a string")
    for name, value in {"content-type": raw.get("content_type", ""), **raw.get("headers", {})}.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(str(value)):
            raise ValueError(f"{name}: {value} is not a header")
    return Fault(fault_id, match, nth, times, Action(**raw), raw)


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _only(what: str, given: Json, known: set[str]) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise ValueError(f"unknown {what} keys: {', '.join(unknown)}")
