"""Time as an argument: what needs the time, or waits, receives a `Clock`, so that tests need not wait."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timezone
from typing import Protocol


class Clock(Protocol):
    """The time, and waits that a shutdown cuts short."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait, at most `seconds`; True if the process is shutting down."""
        ...


class SystemClock:
    """The real time.

    Args:
        stop: set when the process is to shut down; it ends every wait.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        """Seconds from an arbitrary start."""
        return time.monotonic()

    def wait(self, seconds: float) -> bool:
        """Wait until `seconds` have passed or the process is to shut down; True in the second case."""
        return self._stop.wait(max(seconds, 0))
