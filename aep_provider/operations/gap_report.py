"""The report on a window: when Profile was off, and which batches have to be ingested again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from aep_provider.dataset.tags import timestamp
from aep_provider.errors import ApiError
from aep_provider.operations.context import Context

SUSPECT_BEFORE = timedelta(minutes=60)
"""A batch that reached the lake this long before the disable may not have reached Profile yet."""

LISTED = timedelta(days=7)
"""How far back batches are listed (`aep_provider.aep.batches.LOOK_BACK`)."""


def report(
    context: Context,
    dataset_id: str,
    opened: datetime | None,
    closed: datetime,
    ahead: Collection[str] = (),
) -> dict[str, Any]:
    """Say when Profile was off, and which batches have to be ingested again.

    Args:
        context: where, and to whom.
        dataset_id: the dataset.
        opened: when Profile went off at the earliest; ``None`` if nobody noted it.
        closed: when a read showed it on.
        ahead: ids of batches that were in flight before the disable: the service's clock and ours may
            differ, so these count whatever their times say.

    Returns:
        ``from`` (``""`` = unknown), ``to``, and, if the batches could be listed, ``replay`` and ``suspect``.
    """
    result: dict[str, Any] = {"from": timestamp(opened) if opened else "", "to": timestamp(closed)}
    since = f"from {result['from']}" if opened else "since an unknown time, not noted on the dataset,"
    span = f"Profile was off {since} to {result['to']} for dataset {dataset_id} in sandbox {context.sandbox}"
    try:
        batches = context.aep.batches.recent(dataset_id)
    except ApiError as error:
        context.report.warn(
            f"{span}. The batches of that time could not be listed: {error.message}. Look for batches that "
            "ended in it and ingest them again."
        )
        return result
    reached = [batch for batch in batches if batch.succeeded or batch.in_flight]
    replay = [
        batch.id
        for batch in reached
        if batch.id in ahead
        or (batch.in_flight and batch.created <= closed)
        or (batch.succeeded and opened and opened <= (batch.completed or batch.created) <= closed)
    ]
    earliest = opened - SUSPECT_BEFORE if opened else closed - LISTED
    suspect = [
        batch.id
        for batch in reached
        if batch.succeeded and batch.id not in replay and (batch.completed or batch.created) >= earliest
    ]
    result |= {"replay": replay, "suspect": suspect}
    advice = [f"ingest again: {', '.join(replay)}"] if replay else []
    if suspect:
        when = "within the hour before it or just after it" if opened else "in the last seven days"
        advice.append(f"ended {when}, we cannot see whether Profile took them: {', '.join(suspect)}")
    if opened and closed - opened > LISTED:
        advice.append("only the batches of the last seven days are listed; look for older ones in AEP")
    context.report.warn(f"{span}; {'; '.join(advice) or 'no batch ended in that time or near it'}.")
    return result
