"""The emulator's own time: real time plus what only commands add."""

from __future__ import annotations

import time
from datetime import datetime, timezone

MAX_OFFSET = 100 * 365 * 86400
"""The farthest that commands may move time: a century, well within what a date can hold."""


class Clock:
    """Answers "what time is it" for every service.

    Args:
        offset: seconds that the emulator's time has been moved forward by ticks.

    Attributes:
        skew: seconds that it is ahead besides, as clocks disagree; negative = behind.
    """

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset
        self.skew = 0.0

    def advance(self, seconds: float) -> None:
        """Move time forward by ``seconds``; nothing ever sleeps."""
        self.offset += seconds

    def seconds(self) -> float:
        """Return the time as seconds since the epoch."""
        return time.time() + self.offset + self.skew

    def millis(self) -> int:
        """Return the time as Catalog writes it: milliseconds since the epoch."""
        return int(self.seconds() * 1000)

    def text(self) -> str:
        """Return the time as ``YYYY-MM-DD HH:MM:SS`` in UTC, the form of ``enabledAt`` (live)."""
        return self.now().strftime("%Y-%m-%d %H:%M:%S")

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.fromtimestamp(self.seconds(), timezone.utc)
