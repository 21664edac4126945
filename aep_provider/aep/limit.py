"""How many requests may be under way together."""

from __future__ import annotations

import threading

from aep_provider.clock import Clock

LONGEST_RETRY_AFTER = 60
"""Seconds; a longer Retry-After is waited for no longer than this."""


class Limit:
    """How many requests may be under way together, adapted to what the service bears.

    A 429 halves it and holds new requests back for as long as the service asked; each time as many requests
    as are allowed have gone well, one more is allowed again.

    Args:
        clock: for the wait that a 429 asks for.
        most: the upper limit.
    """

    def __init__(self, clock: Clock, most: int) -> None:
        self._clock = clock
        self._most = self.allowed = most
        self._under_way = 0
        self._good = 0
        self._held_until = 0.0
        self._changed = threading.Condition()

    def acquire(self) -> None:
        """Wait for a slot, and for the end of a pause that the service asked for."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way < self.allowed)
            self._under_way += 1
            pause = self._held_until - self._clock.monotonic()
        if pause > 0:
            self._clock.wait(pause)

    def release(self) -> None:
        """End a request."""
        with self._changed:
            self._under_way -= 1
            self._changed.notify()

    def on_success(self) -> None:
        """Count a request that was not turned away."""
        with self._changed:
            self._good += 1
            if self._good >= self.allowed < self._most:
                self.allowed += 1
                self._good = 0
                self._changed.notify()

    def on_throttled(self, pause: float | None) -> None:
        """Take note of a 429 and of the seconds that it asks to wait."""
        with self._changed:
            self.allowed = max(self.allowed // 2, 1)
            self._good = 0
            if pause:
                until = self._clock.monotonic() + min(pause, LONGEST_RETRY_AFTER)
                self._held_until = max(self._held_until, until)
