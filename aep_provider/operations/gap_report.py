"""The report on a window: when Profile was off, and which batches have to be ingested again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypedDict

from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import WindowNote, moment, timestamp
from aep_provider.errors import ApiError
from aep_provider.operations.context import Context
from aep_provider.words import plural

if TYPE_CHECKING:
    from aep_provider.aep.batches import Batch

SUSPECT_BEFORE = timedelta(hours=3)
"""Profile takes a batch up to about three hours after the lake has it (live notes of a third party)."""

CLOCKS = timedelta(seconds=5)
"""By how much two clocks may differ that count as agreeing (`aep_provider.aep.server_clock`)."""

LISTED = timedelta(days=7)
"""How far back batches are listed (`aep_provider.aep.batches.LOOK_BACK`)."""

ADVICE = (
    "What is ingested while Profile is off never reaches Profile, and nothing backfills it: ingest those batches "
    "again. Of batches that ended shortly before, or just after, nobody can see whether Profile took them; ingesting "
    "them again does no harm to record data. The output profile_gap keeps both lists."
)

_Times = TypedDict("_Times", {"from": str, "to": str})


class GapReport(_Times, total=False):
    """What the output `profile_gap` holds. The batches are missing where they could not be listed.

    Attributes:
        replay: ids of batches to ingest again.
        suspect: ids of batches of which nobody can see whether Profile took them.
    """

    replay: list[str]
    suspect: list[str]


@dataclass(frozen=True)
class Window:
    """A time in which Profile was off, by the service's clock.

    Attributes:
        opened: when the first disable was sent; ``None`` if nobody noted it.
        closed: when the enable was sent that took effect.
        settled: when a read showed Profile on.
    """

    opened: datetime | None
    closed: datetime
    settled: datetime

    @classmethod
    def noted(cls, observed: Observed, opened: datetime | None, settled: datetime) -> Window:
        """A window that ended as the dataset notes it; where it does not, when a read showed Profile on.

        Args:
            observed: the dataset, with Profile on.
            opened: when it began, or ``None``.
            settled: when the dataset was read.
        """
        ended = observed.note.ended if observed.note else None
        known = ended is not None and (opened is None or ended >= opened)
        return cls(opened, ended if ended is not None and known else settled, settled)


def report(context: Context, dataset_id: str, window: Window, ahead: Collection[str] = ()) -> GapReport:
    """Say when Profile was off, and which batches have to be ingested again.

    Args:
        context: where, and to whom.
        dataset_id: the dataset.
        window: the time.
        ahead: ids of batches that were in flight before the disable: they count whatever their times say.

    Returns:
        ``from`` (``""`` = unknown), ``to``, and, if the batches could be listed, ``replay`` and ``suspect``.
    """
    opened = timestamp(window.opened) if window.opened else ""
    result: GapReport = {"from": opened, "to": timestamp(window.closed)}
    since = f"from {opened}" if opened else "since an unknown time, not noted on the dataset,"
    span = f"Profile was off {since} to {result['to']} for dataset {dataset_id} in sandbox {context.sandbox}"
    try:
        batches = context.aep.batches.recent(dataset_id)
    except ApiError as error:
        context.report.warn(
            f"{span}. The batches of that time could not be listed: {error.message}. Look for batches that "
            "ended in it and ingest them again."
        )
        return result
    result["replay"], result["suspect"] = _sorted_out(batches, window, ahead)
    context.report.warn(f"{span}; {_advised(result, window)}{_so_far(context, result, window)}.")
    context.report.once(ADVICE)
    return result


def _sorted_out(
    batches: Sequence[Batch], window: Window, ahead: Collection[str]
) -> tuple[list[str], list[str]]:
    """The batches that Profile has missed, and those of which nobody can tell."""
    opened, closed, settled = window.opened, window.closed, window.settled + CLOCKS
    replay, suspect = [], []
    for batch in batches:
        if not (batch.succeeded or batch.in_flight):
            continue
        ended = batch.completed or batch.created
        missed = batch.succeeded and opened is not None and opened <= ended <= closed
        if batch.id in ahead or missed or (batch.in_flight and batch.created <= settled):
            replay.append(batch.id)
        elif batch.succeeded and (opened or closed - LISTED) - SUSPECT_BEFORE <= ended <= settled:
            suspect.append(batch.id)
    return replay, suspect


def _advised(found: GapReport, window: Window) -> str:
    advice = [f"ingest again: {', '.join(found['replay'])}"] if found["replay"] else []
    if found["suspect"]:
        when = "within three hours before it or just after it" if window.opened else "in the last seven days"
        advice.append(f"ended {when}, we cannot see whether Profile took them: {', '.join(found['suspect'])}")
    if window.opened and window.closed - window.opened > LISTED:
        advice.append("only the batches of the last seven days are listed; look for older ones in AEP")
    return "; ".join(advice) or "no batch ended in that time or near it"


def _so_far(context: Context, found: GapReport, window: Window) -> str:
    """The sum of this run from its second window on; so the last message of a run has the sum of all."""
    length = (window.closed - window.opened).total_seconds() if window.opened else 0.0
    with context.run.lock:
        context.run.windows.append((length, len(found["replay"])))
        windows = list(context.run.windows)
    if len(windows) == 1:
        return ""
    longest, replay = max(one for one, _ in windows), sum(count for _, count in windows)
    return (
        f" (this run so far: {len(windows)} windows, the longest {longest:.1f} s, "
        f"{plural(replay, 'batch', 'batches')} to ingest again)"
    )


def unreported(
    context: Context, observed: Observed, recorded: GapReport | None, owners: Collection[str]
) -> GapReport | None:
    """Report a window that the dataset notes and state does not have: the run that made it was killed.

    Args:
        context: where, and to whom.
        observed: the dataset, just read.
        recorded: the last window on record.
        owners: whose windows count; one that another stack has made before it released the dataset does not.
    """
    note = observed.note
    if note is None or not observed.profile.enabled or note.owner not in owners:
        return None
    opened = note.started
    if opened is None or _known(note, opened, recorded):
        return None
    return report(
        context, observed.id, Window(opened, _ended(context, observed, note), _settled(context, note))
    )


def warn_while_open(context: Context, observed: Observed) -> None:
    """Say that Profile is off, and since when: nobody else would, until the next run switches it on.

    Args:
        context: to whom.
        observed: the dataset, just read.
    """
    note = observed.open_note
    if note is not None and not observed.profile.enabled:
        context.report.warn(
            f"Profile is OFF for dataset {observed.name!r} ({observed.id}) in sandbox {context.sandbox} since "
            f"{note.start}: a run switched it off and was interrupted. Run `pulumi up`: it switches Profile on."
        )


def _ended(context: Context, observed: Observed, note: WindowNote) -> datetime:
    """When a window ended; one that is still open on the dataset was ended by somebody else."""
    by_service = moment(observed.profile.enabled_at.replace(" ", "T") + "+00:00")
    later = by_service is not None and note.started is not None and by_service >= note.started - CLOCKS
    return note.ended or (by_service if by_service is not None and later else context.now())


def _settled(context: Context, note: WindowNote) -> datetime:
    """When Profile was on for certain: the run that would have read it was killed."""
    return note.ended + SETTLED_WITHIN if note.ended else context.now()


SETTLED_WITHIN = timedelta(seconds=90)
"""How long an enable may take to settle: the longest exchange, and the looks after it."""


def merged(newer: GapReport, older: GapReport | None) -> GapReport:
    """A report with the batches of an older one that was never recorded."""
    if not older:
        return newer
    both: GapReport = {**newer}
    for key in ("replay", "suspect"):
        if key in newer or key in older:
            both[key] = list(dict.fromkeys([*newer.get(key, ()), *older.get(key, ())]))
    return both


def _known(note: WindowNote, opened: datetime, recorded: GapReport | None) -> bool:
    if not recorded:
        return False
    if note.upsert is not None:
        return recorded["from"] == note.start
    # Version 0.1.0, whose notes lack the setting, recorded a moment just beside the one that it noted.
    since, until = moment(recorded["from"]), moment(recorded["to"])
    return until is not None and opened <= until + CLOCKS and (since is None or opened >= since - CLOCKS)
