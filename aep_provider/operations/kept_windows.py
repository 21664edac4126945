"""Which windows stay on record, in state and in the note on the dataset, so that no lost batch is forgotten.

State has the last window, and all from the oldest one on whose batches were not all ingested again: what lies between
tells which setting was in force when. The note has those that state has or has yet to learn of: of a run that was
killed nothing else tells. What is older than the newest window on record, and is not on record, was so once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import WINDOWS_KEPT, WindowNote, moment, timestamp
from aep_provider.errors import ApiError
from aep_provider.operations.context import Context
from aep_provider.operations.gap_report import (
    CLOCKS,
    LISTED_AGAIN,
    GapReport,
    Window,
    look_back,
    replacements,
    report,
    told_span,
)

SETTLED_WITHIN = timedelta(seconds=90)
"""How long an enable may take to settle: the longest exchange, and the looks after it."""


def not_on_record(
    note: WindowNote | None, recorded: Sequence[GapReport], owners: Collection[str]
) -> list[WindowNote]:
    """The windows of a note that state does not have, and has not had: the runs that made them were killed.

    Args:
        note: of the dataset.
        recorded: the windows on record, the newest first.
        owners: whose windows state would have had.
    """
    newest = _began(recorded[0]) if recorded else None

    def had(one: WindowNote) -> bool:
        before = newest is not None and one.started is not None and one.started <= newest
        return any(_known(one, kept) for kept in recorded) or (before and one.owner in owners)

    if note is None:
        return []
    last, *earlier = note.every
    # Two clocks may differ: the last one counts as had only if it is on record itself.
    found = [] if any(_known(last, kept) for kept in recorded) else [last]
    return found + [one for one in earlier if not had(one)]


def to_note(
    context: Context, observed: Observed, recorded: Sequence[GapReport], owners: Collection[str]
) -> tuple[WindowNote, ...]:
    """The windows that a new note has to keep beside its own, the newest first.

    Args:
        context: for the time.
        observed: the dataset, with Profile on.
        recorded: the windows on record.
        owners: whose windows state would have had.
    """
    if observed.note is None:
        return ()
    unknown = not_on_record(observed.note, recorded, owners)
    kept = [
        one if one.ended else one.closed(timestamp(noted_window(context, observed, one).closed))
        for one in observed.note.every
        if one.started is not None and (one in unknown or any(_known(one, report) for report in recorded))
    ]
    return tuple(kept[: WINDOWS_KEPT - 1])


def unreported(
    context: Context, observed: Observed, recorded: Sequence[GapReport], owners: Collection[str]
) -> list[GapReport]:
    """Report the windows that the dataset notes and state does not have; the newest first.

    Args:
        context: where, and to whom.
        observed: the dataset, just read.
        recorded: the windows on record.
        owners: whose windows count; one that another stack has made before it released the dataset does not.
    """
    found = [
        report(context, observed.id, noted_window(context, observed, one))
        for one in reversed(not_on_record(observed.note, recorded, owners))
        if one.owner in owners and one.started is not None and not (one.open and not observed.profile.enabled)
    ]
    return found[::-1]


def noted_window(context: Context, observed: Observed, note: WindowNote) -> Window:
    """A window that a dataset notes; one that is open ends now, or when somebody else switched Profile on.

    Args:
        context: for the time.
        observed: the dataset.
        note: one of its windows.
    """
    if note.open and not observed.profile.enabled:
        return Window(note.started, context.now(), context.now())
    settled = note.ended + SETTLED_WITHIN if note.ended else context.now()
    return Window(note.started, note.ended or _ended(context, observed, note), settled)


def kept(
    context: Context, dataset_id: str, new: Sequence[GapReport], recorded: Sequence[GapReport]
) -> Sequence[GapReport]:
    """What state has to keep: the last window, and all from the oldest on whose batches were not all ingested again.

    Args:
        context: where, and to whom it is said what there is no room for.
        dataset_id: the dataset.
        new: windows that this run has reported.
        recorded: the windows on record.

    Returns:
        At most `WINDOWS_KEPT`, the newest first.
    """
    if not new:
        return recorded
    last, *earlier = sorted([*new, *recorded], key=_sortable, reverse=True)
    if not earlier:
        return [last]
    again = _ingested_again(context, dataset_id, earlier)
    while earlier and _settled(context, earlier[-1], again):
        earlier.pop()
    for dropped in earlier[WINDOWS_KEPT - 1 :]:
        ids = (
            ", ".join(dropped["replay"])
            if dropped.get("replay")
            else "its batches, which could not be listed"
        )
        context.report.warn(
            f"{told_span(context, dataset_id, dropped)}. The state keeps the last {WINDOWS_KEPT} windows, and drops "
            f"this one. If you have not done so yet, ingest again: {ids}."
        )
    return [last, *earlier[: WINDOWS_KEPT - 1]]


def _ingested_again(context: Context, dataset_id: str, windows: Sequence[GapReport]) -> Collection[str]:
    """The batches in whose place others were ingested; none where that cannot be seen."""
    starts = [moment(one["from"]) for one in windows]
    try:
        return replacements(context.aep.batches.of_last(dataset_id, look_back(context.now(), starts))).keys()
    except ApiError:
        return ()


def _settled(context: Context, found: GapReport, again: Collection[str]) -> bool:
    """Whether every batch that a window lost was ingested again, and no listing of them can have been behind."""
    closed = moment(found["to"])
    if closed is None or context.now() - closed <= LISTED_AGAIN:
        return False
    return "replay" in found and all(one in again for one in found["replay"])


def _began(found: GapReport) -> datetime | None:
    return moment(found["from"]) or moment(found["to"])


def _sortable(found: GapReport) -> str:
    return found["from"] or found["to"]


def _ended(context: Context, observed: Observed, note: WindowNote) -> datetime:
    """When a window ended that is still open on the dataset, with Profile on: somebody else has ended it."""
    by_service = moment(observed.profile.enabled_at.replace(" ", "T") + "+00:00")
    later = by_service is not None and note.started is not None and by_service >= note.started - CLOCKS
    return by_service if by_service is not None and later else context.now()


def _known(note: WindowNote, recorded: GapReport) -> bool:
    """Whether a window of a note is one on record."""
    opened = note.started
    if opened is None:
        return False
    if note.upsert is not None:
        return recorded["from"] == note.start
    # Older versions, whose notes lack the setting, recorded a moment just beside the one that it noted.
    since, until = moment(recorded["from"]), moment(recorded["to"])
    return until is not None and opened <= until + CLOCKS and (since is None or opened >= since - CLOCKS)
