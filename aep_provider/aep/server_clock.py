"""The service's time: times that are compared with its own must not rest on a local clock that is wrong."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from aep_provider.clock import Clock

TOLERANCE = timedelta(seconds=5)
"""A difference up to this is the way of the request and the header's whole seconds, not a wrong clock."""


class ServerClock:
    """The local time, corrected where the ``Date`` of responses shows it to be wrong. For any thread.

    Args:
        clock: the local time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._offset = timedelta(0)

    @property
    def offset(self) -> timedelta:
        """What to add to the local time; zero while the two agree within `TOLERANCE`."""
        with self._lock:
            return self._offset

    def now(self) -> datetime:
        """The service's time, in UTC."""
        return self._clock.now() + self.offset

    def note(self, headers: Mapping[str, str], sent: datetime) -> None:
        """Take note of a response that has just come.

        Args:
            headers: of the response; without a usable ``Date``, or out of a cache, they are passed over.
            sent: the local time at which its request was sent.
        """
        try:
            theirs = parsedate_to_datetime(headers["Date"])
            theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=timezone.utc)
            found = difference(theirs.astimezone(timezone.utc), sent, self._clock.now())
        except (KeyError, TypeError, ValueError, OverflowError):
            return
        if "Age" not in headers:
            with self._lock:
                self._offset = found


def difference(theirs: datetime, sent: datetime, received: datetime) -> timedelta:
    """How far the service's clock is ahead of the local one at least; zero within `TOLERANCE`.

    Args:
        theirs: the service's time at some moment of the exchange.
        sent, received: the local time at its start and at its end.
    """
    found = theirs - min(max(theirs, sent), max(sent, received))
    return found if abs(found) > TOLERANCE else timedelta(0)
