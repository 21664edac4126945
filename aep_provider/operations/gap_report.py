"""The report on a window: when Profile was off, and which batches have to be ingested again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TypedDict

from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import moment, timestamp
from aep_provider.errors import ApiError
from aep_provider.operations.context import Context

SUSPECT_BEFORE = timedelta(minutes=60)
"""A batch that reached the lake this long before the disable may not have reached Profile yet."""

_Times = TypedDict("_Times", {"from": str, "to": str})


class GapReport(_Times, total=False):
    """What the output `profile_gap` holds. The batches are missing where they could not be listed.

    Attributes:
        replay: ids of batches to ingest again.
        suspect: ids of batches of which nobody can see whether Profile took them.
    """

    replay: list[str]
    suspect: list[str]


LISTED = timedelta(days=7)
"""How far back batches are listed (`aep_provider.aep.batches.LOOK_BACK`)."""


def report(
    context: Context,
    dataset_id: str,
    opened: datetime | None,
    closed: datetime,
    ahead: Collection[str] = (),
) -> GapReport:
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
    result: GapReport = {"from": timestamp(opened) if opened else "", "to": timestamp(closed)}
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
    result["replay"], result["suspect"] = replay, suspect
    advice = [f"ingest again: {', '.join(replay)}"] if replay else []
    if suspect:
        when = "within the hour before it or just after it" if opened else "in the last seven days"
        advice.append(f"ended {when}, we cannot see whether Profile took them: {', '.join(suspect)}")
    if opened and closed - opened > LISTED:
        advice.append("only the batches of the last seven days are listed; look for older ones in AEP")
    context.report.warn(f"{span}; {'; '.join(advice) or 'no batch ended in that time or near it'}.")
    return result


def unreported(context: Context, observed: Observed, recorded: GapReport | None) -> GapReport | None:
    """Report a window that the dataset notes and state does not have: the run that made it was killed.

    Args:
        context: where, and to whom.
        observed: the dataset, just read.
        recorded: the last window on record.
    """
    note = observed.note
    if note is None or note.open or not observed.profile.enabled:
        return None
    began, ended = note.started, note.ended
    if began is None or ended is None or _known(began, recorded):
        return None
    return report(context, observed.id, began, ended)


def _known(began: datetime, recorded: GapReport | None) -> bool:
    if not recorded:
        return False
    # Version 0.1.0 recorded a moment just beside the one that it noted.
    since, until = moment(recorded["from"]), moment(recorded["to"])
    beside = timedelta(seconds=5)
    return until is not None and began <= until + beside and (since is None or began >= since - beside)
