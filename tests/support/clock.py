"""A clock for the code under test: time passes at once, and only when it waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone


@dataclass
class FakeClock:
    """A clock that only its waits move.

    Args:
        start: the time of day at which it starts; None = the machine's, which goes on beside the waits.
        on_wait: called with the seconds of each wait; with ``aep.tick`` the emulator's time goes along.

    Attributes:
        waits: every wait, in seconds.
        passed: seconds waited so far.
    """

    start: datetime | None = None
    on_wait: Callable[[float], None] | None = None
    waits: list[float] = field(default_factory=list)
    passed: float = 0.0

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return (self.start or datetime.now(timezone.utc)) + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        """Seconds waited so far."""
        return self.passed

    def wait(self, seconds: float) -> bool:
        """Let the time pass at once."""
        self.waits.append(seconds)
        self.passed += seconds
        if self.on_wait is not None:
            self.on_wait(seconds)
        return False
