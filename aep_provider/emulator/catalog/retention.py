"""How long the lake keeps the events of a dataset: ``extensions.adobe_lakeHouse.rowExpiration``.

Source: doc catalog/datasets/experience-event-dataset-retention-ttl-guide. No row ever expires here.
"""

from __future__ import annotations

import re
from typing import Any

from aep_provider.emulator import errors
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

_LEAST = 30
"""Days that the lake keeps at least (doc)."""
_PERIOD = re.compile(r"P(?=\d)(?:(\d{1,4})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?")
_DAYS = (365, 30, 7, 1)
"""Of a year, a month, a week and a day: enough to tell what is less than 30 days."""


def of(dataset: Json) -> Any:
    """Return a dataset's retention, or None."""
    extensions = dataset.get("extensions")
    lake = extensions.get("adobe_lakeHouse") if isinstance(extensions, dict) else None
    return lake.get("rowExpiration") if isinstance(lake, dict) else None


def stamp(world: World, before: Json, after: Json) -> None:
    """Check a retention that a write changes, and add who set it and when.

    Args:
        before: the dataset as it was.
        after: the dataset as it will be; its retention is changed in place.

    Raises:
        Refused: the dataset does not hold events, or the period is none or less than 30 days.
    """
    retention = of(after)
    if retention is None or retention == of(before):
        return
    if after.get("classification", {}).get("dataBehavior") != "time-series":
        raise errors.bad_request("rowExpiration can only be set for datasets with a time-series schema")
    if not isinstance(retention, dict) or "ttlValue" not in retention:
        raise errors.bad_request("rowExpiration.ttlValue is required")
    period = retention["ttlValue"]
    if period is not None and (_days(period) or 0) < _LEAST:
        raise errors.bad_request(f"rowExpiration.ttlValue must be a period of at least P{_LEAST}D")
    retention.update(valueStatus="custom", setBy="user", updated=world.clock.millis())


def _days(period: Any) -> int | None:
    """Return how many days an ISO 8601 period has, or None if it is none."""
    match = _PERIOD.fullmatch(period) if isinstance(period, str) else None
    return (
        sum(int(count or 0) * days for count, days in zip(match.groups(), _DAYS, strict=True))
        if match
        else None
    )
