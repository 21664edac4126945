"""The times at which Profile may be switched off: the setting ``aep:changeWindow``. Pure.

A span is days, times and a time zone, ``Mon-Thu 20:00-23:00 Europe/Berlin``; several are joined by semicolons. Times
are what a clock on the wall of that zone shows: an hour that a change of daylight-saving time repeats counts twice,
one that it leaves out does not come.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, available_timezones

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EXAMPLE = "Mon-Thu 20:00-23:00 Europe/Berlin; Sat 06:00-12:00 UTC"

DAY = 24 * 60
"""Minutes."""

MINUTE = timedelta(minutes=1)
FARTHEST = timedelta(days=15)
"""How far ahead is looked: a span of one day a week that a change of the clocks leaves out comes a week later."""

_SPAN = re.compile(r"(\S+)\s+(\d\d):(\d\d)-(\d\d):(\d\d)\s+(\S+)")


@dataclass(frozen=True)
class Span:
    """Days, times and a zone.

    Attributes:
        days: numbers of the days on which it begins, Monday is 0.
        start: minutes after midnight.
        length: minutes; it may go on into the next day.
        zone: the time zone.
        text: as it was written.
    """

    days: frozenset[int]
    start: int
    length: int
    zone: tzinfo
    text: str

    def allows(self, moment: datetime) -> bool:
        """Whether a moment lies in it; its end does not."""
        wall = moment.astimezone(self.zone)
        minute = wall.hour * 60 + wall.minute
        for days_ago in (0, 1):
            began = (wall.weekday() - days_ago) % 7 in self.days
            if began and self.start <= minute + days_ago * DAY < self.start + self.length:
                return True
        return False


@dataclass(frozen=True)
class ChangeWindow:
    """When Profile may be switched off.

    Attributes:
        spans: at least one; inside any of them is inside.
    """

    spans: tuple[Span, ...]

    def __str__(self) -> str:
        return "; ".join(span.text for span in self.spans)

    def allows(self, moment: datetime) -> bool:
        """Whether Profile may be switched off at a moment.

        Args:
            moment: with a time zone.
        """
        return any(span.allows(moment) for span in self.spans)

    def next(self, moment: datetime) -> datetime | None:
        """The first moment from this one on at which Profile may be switched off.

        Args:
            moment: with a time zone.

        Returns:
            The moment itself if it is inside, else a whole minute, in UTC; ``None`` where none comes within two weeks,
            as where a change of the clocks leaves out the only span twice.
        """
        now = moment.astimezone(timezone.utc)
        if self.allows(now):
            return now
        # Spans begin at whole minutes, and so do changes of the clocks: looking at each minute misses nothing.
        candidate = now.replace(second=0, microsecond=0) + MINUTE
        while candidate - now <= FARTHEST:
            if self.allows(candidate):
                return candidate
            candidate += MINUTE
        return None

    def told(self, moment: datetime) -> str:
        """A moment in the zone of the span that it lies in, and in UTC where that is another.

        Args:
            moment: one at which Profile may be switched off.
        """
        span = next((one for one in self.spans if one.allows(moment)), self.spans[0])
        utc = moment.astimezone(timezone.utc)
        zone = span.text.rpartition(" ")[2]
        wall = f"{moment.astimezone(span.zone):%a %Y-%m-%d %H:%M} {zone}"
        return wall if span.zone is timezone.utc else f"{wall} ({utc:%H:%M} UTC)"


def window_told(window: ChangeWindow | None, moment: datetime) -> str:
    """Whether a change window is open, and when it is next, in words; ``""`` for none.

    Args:
        window: the setting.
        moment: the time.
    """
    if window is None:
        return ""
    coming = window.next(moment)
    closed = f"closed until {window.told(coming)}" if coming else "closed for two weeks at least"
    return f"{'open now' if window.allows(moment) else closed}: {window}"


def parse(text: str) -> ChangeWindow:
    """Read a change window.

    Args:
        text: spans such as ``Mon-Thu 20:00-23:00 Europe/Berlin``, with semicolons between them.

    Raises:
        ValueError: it is not one; the message says which part and why.
    """
    parts = [part.strip() for part in text.split(";") if part.strip()]
    if not parts:
        raise ValueError(f"names no time. An example: {EXAMPLE!r}")
    return ChangeWindow(tuple(map(_span, parts)))


def _span(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"has {text!r}, which is not days, times and a time zone, as in {EXAMPLE!r}")
    days, from_hour, from_minute, to_hour, to_minute, zone = found.groups()
    start = _minutes(text, from_hour, from_minute, last=DAY - 1)
    end = _minutes(text, to_hour, to_minute, last=DAY)
    if start == end:
        raise ValueError(f"has {text!r}, which begins and ends at the same time. A whole day is 00:00-24:00")
    length = end - start if end > start else end + DAY - start
    return Span(frozenset(_days(text, days)), start, length, _zone(text, zone), text)


def _minutes(text: str, hour: str, minute: str, *, last: int) -> int:
    found = int(hour) * 60 + int(minute)
    if int(minute) > 59 or found > last:
        raise ValueError(f"has {text!r}: {hour}:{minute} is not a time of a day")
    return found


def _days(text: str, days: str) -> Iterator[int]:
    for part in days.split(","):
        first, _, last = part.partition("-")
        for name in (first, last or first):
            if name not in DAYS:
                raise ValueError(f"has {text!r}: {name!r} is not one of {', '.join(DAYS)}")
        start = DAYS.index(first)
        for ahead in range((DAYS.index(last or first) - start) % 7 + 1):
            yield (start + ahead) % 7


def _zone(text: str, name: str) -> tzinfo:
    if name == "UTC":
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"has {text!r}: {name!r} is not a time zone, such as Europe/Berlin or UTC"
        ) from error
    except KeyError as error:
        why = "is not a time zone, such as Europe/Berlin or UTC"
        if not available_timezones():
            why = "cannot be looked up: this machine has no time zone database. Use UTC, or `pip install tzdata`"
        raise ValueError(f"has {text!r}: {name!r} {why}") from error
