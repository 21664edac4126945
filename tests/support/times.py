"""Change windows that are open or closed now, whenever the tests run."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone


def window(*, begins: timedelta, lasts: timedelta = timedelta(hours=2)) -> str:
    """A change window of one span a week, in UTC.

    Args:
        begins: from now on; negative = it has begun.
        lasts: at most a day.
    """
    start = datetime.now(timezone.utc) + begins
    return f"{start:%a %H:%M}-{start + lasts:%H:%M} UTC"


OPEN = window(begins=timedelta(hours=-1))
CLOSED = window(begins=timedelta(days=3))
