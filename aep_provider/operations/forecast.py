"""What can be said of a window before it: how long it may take, and when the fewest batches come. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from statistics import median
from typing import TYPE_CHECKING

from aep_provider.dataset.tags import moment
from aep_provider.operations.gap_report import GapReport
from aep_provider.words import plural

if TYPE_CHECKING:
    from aep_provider.aep.batches import Batch

HOURS = 24
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Quiet:
    """The hour of the day in which the fewest batches were under way.

    Attributes:
        hour: 0 to 23, UTC.
        batches: how many were under way in it.
        all: how many there were.
    """

    hour: int
    batches: int
    all: int

    def __str__(self) -> str:
        if not self.all:
            return "no batch in the last seven days"
        of_all = f"{self.batches} of {plural(self.all, 'batch', 'batches')}"
        return f"{self.hour:02}:00-{(self.hour + 1) % HOURS:02}:00 UTC ({of_all} of the last seven days)"


@dataclass(frozen=True)
class Expected:
    """How long Profile may be off.

    Attributes:
        seconds: the estimate; ``None`` = there is nothing to estimate from.
        windows: the lengths of the last windows of the stack, in seconds.
        round_trip: how long one request takes now, in seconds; ``None`` = not measured.
    """

    seconds: float | None
    windows: Sequence[float]
    round_trip: float | None

    def __str__(self) -> str:
        if self.seconds is None:
            return "not known"
        now = f"a request takes {self.round_trip:.2f} s now" if self.round_trip is not None else ""
        last = "no window of this stack is on record"
        if len(self.windows) == 1:
            last = f"the last window of this stack took {self.windows[0]:.2f} s"
        elif self.windows:
            low, high = min(self.windows), max(self.windows)
            last = f"the last {len(self.windows)} windows of this stack took {low:.2f} to {high:.2f} s"
        return f"about {self.seconds:.2f} s ({'; '.join(filter(None, (last, now)))})"


def quietest(batches: Iterable[Batch], now: datetime) -> Quiet:
    """The hour of the day, UTC, in which the fewest batches of the last days were under way.

    Of several equal ones it is the one in the middle of their longest run, so the one that is farthest from busy hours.

    Args:
        batches: with the time of their creation and of their end; one without an end is under way.
        now: the time.
    """
    busy, count = [0] * HOURS, 0
    for batch in batches:
        count += 1
        for hour in _hours(batch.created, batch.completed or now):
            busy[hour] += 1
    least = min(busy)
    best, length = 0, 0
    for start in range(HOURS):
        run = 0
        while run < HOURS and busy[(start + run) % HOURS] == least:
            run += 1
        if run > length:
            best, length = start, run
    return Quiet((best + (length - 1) // 2) % HOURS, least, count)


def expected(reports: Iterable[GapReport | None], round_trip: float | None) -> Expected:
    """How long Profile may be off: as long as the last windows took, else as one request takes.

    Args:
        reports: the last window of each resource of the stack.
        round_trip: seconds that one request takes now.
    """
    windows = [
        (end - start).total_seconds()
        for report in reports
        if report and (start := moment(report["from"])) and (end := moment(report["to"])) and end >= start
    ]
    return Expected(median(windows) if windows else round_trip, windows, round_trip)


def _hours(start: datetime, end: datetime) -> set[int]:
    """The hours of the day that a time touches."""
    at, last = start.astimezone(timezone.utc), max(start, end).astimezone(timezone.utc)
    at = at.replace(minute=0, second=0, microsecond=0)
    found: set[int] = set()
    while at <= last and len(found) < HOURS:
        found.add(at.hour)
        at += HOUR
    return found
