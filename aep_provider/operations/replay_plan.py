"""What has to be ingested again after windows, and in which order. Decides only: no request is made here.

A record dataset keeps the last write of each record. So a batch that Profile missed is not ingested again alone: it
would put old values over newer ones. It is followed by every batch that came after it, in their order. Batches that
were ingested again before count where they belong (`Origin`), so a replay that stopped half-way is planned for from
there, and so is a batch that arrived in the middle of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from aep_provider.dataset.tags import moment, timestamp
from aep_provider.errors import Refused
from aep_provider.operations.gap_report import GapReport, Window, as_before, replacements, sorted_out
from aep_provider.operations.in_flight import STUCK_AFTER, listed

if TYPE_CHECKING:
    from aep_provider.aep.batches import Batch

PER_DAY = 90
"""Profile and event batches that a sandbox should get in a day (Adobe's page on ingestion health checks)."""

DAY = timedelta(hours=24)

Why = Literal["lost", "suspect", "later"]

FIELDS_COME_BACK = (
    "Some of these batches ended before a window, while upsert was off. With upsert on they change only the fields "
    "that they bring: a field that a record had lost since then comes back."
)


@dataclass(frozen=True)
class Gap:
    """What Profile has missed of a dataset.

    Attributes:
        windows: the times in which it was off, the newest first.
        lost: ids of batches that it missed.
        suspect: ids of batches of which nobody can see whether it took them.
    """

    windows: Sequence[Window]
    lost: frozenset[str]
    suspect: frozenset[str]


@dataclass(frozen=True)
class Setting:
    """What a plan has to know of the dataset.

    Attributes:
        title: how messages name it.
        record: whether it holds records; False = events, which do not overwrite each other.
        upsert: whether upsert is on.
        before: the same before a window, by the time at which that began; not every window says so.
        now: the service's time.
    """

    title: str
    record: bool
    upsert: bool
    before: Mapping[datetime, bool]
    now: datetime


@dataclass(frozen=True)
class Step:
    """One batch to ingest again.

    Attributes:
        batch: as the lake has it now.
        why: Profile missed it, may have missed it, or it came after one that Profile missed.
        of: the id of the batch that was ingested first; differs from `batch` after an earlier replay.
        ended: when the lake had that one: its place in the order.
        day: 1 = today, 2 = tomorrow, …, so that no day has more than `PER_DAY`.
    """

    batch: Batch
    why: Why
    of: str
    ended: datetime
    day: int


@dataclass(frozen=True)
class Plan:
    """What has to be ingested again.

    Attributes:
        steps: in the order in which it has to be done.
        suspect: ids of doubtful batches that the plan leaves out.
        replaced: by id of a batch that Profile missed, the one that was ingested in its place.
        absent: by id of a batch that Profile missed, its status where the lake does not have it; ``""`` = AEP does not
            list it.
        today: how many batches of the dataset ended in the last 24 hours; they count against `PER_DAY`.
        notes: what to know before it is carried out.
    """

    steps: Sequence[Step] = ()
    suspect: Sequence[str] = ()
    replaced: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    today: int = 0
    notes: Sequence[str] = ()


def windows_of(noted: Iterable[Window], recorded: Iterable[GapReport]) -> list[Window]:
    """The windows that are known of a dataset, the newest first.

    Args:
        noted: from the dataset's note, those that are not on record.
        recorded: those on record.
    """
    found = list(noted)
    for one in recorded:
        closed = moment(one["to"])
        if closed is not None:
            # What was doubtful then is on record; when a read showed Profile on is not.
            found.append(Window(moment(one["from"]), closed, closed))
    return sorted(found, key=lambda one: one.closed, reverse=True)


def gap_of(windows: Sequence[Window], recorded: Iterable[GapReport], batches: Sequence[Batch]) -> Gap:
    """What Profile has missed: by the times of the windows, and by what state has on record.

    Args:
        windows: from `windows_of`.
        recorded: the windows on record.
        batches: of the dataset, from before the first window on.
    """
    lost: set[str] = set()
    suspect: set[str] = set()
    before = as_before(batches, replacements(batches))
    again = {batch.id for batch in batches if batch.origin is not None}
    for one in recorded:
        lost.update(one.get("replay", ()))
        suspect.update(one.get("suspect", ()))
    for window in windows:
        # Also of one on record: a listing may have been behind when it was reported.
        missed, doubtful = sorted_out(before, window)
        lost.update(missed)
        suspect.update(set(doubtful) - again)
    return Gap(windows, frozenset(lost), frozenset(suspect - lost))


def plan(batches: Sequence[Batch], gap: Gap, setting: Setting, *, with_suspect: bool = False) -> Plan:
    """Decide what has to be ingested again.

    Args:
        batches: of the dataset, from before the first window on; in any order.
        gap: what Profile missed.
        setting: of the dataset.
        with_suspect: whether doubtful batches count as missed.

    Raises:
        Refused: the order is not known, or following it would destroy data.
    """
    live = [batch for batch in batches if batch.succeeded]
    missed = gap.lost | gap.suspect if with_suspect else gap.lost
    chosen = _in_order(batches, setting, missed) if setting.record else _events(live, missed)
    today = sum(batch.completed is not None and batch.completed > setting.now - DAY for batch in live)
    steps = [
        Step(
            batch,
            _why(batch, gap, missed),
            _of(batch),
            _ended(batch, setting),
            _day(number, today),
        )
        for number, batch in enumerate(chosen)
    ]
    planned = {step.batch.id for step in steps}
    replaced = _replaced(live, gap.lost)
    return Plan(
        steps,
        sorted(gap.suspect - planned - set(_replaced(live, gap.suspect))),
        replaced,
        _absent(batches, gap.lost - set(replaced)),
        today,
        _notes(steps, gap, setting),
    )


def _day(number: int, today: int) -> int:
    """On which day a batch is due: today has room for what is left of its share."""
    room = max(PER_DAY - today, 0)
    return 1 if number < room else (number - room) // PER_DAY + 2


def _in_order(batches: Sequence[Batch], setting: Setting, missed: frozenset[str]) -> list[Batch]:
    """The batches of a record dataset from the first one on that Profile lacks or has in the wrong order."""
    live = [batch for batch in batches if batch.succeeded]
    _refuse_unplaced(live, setting, missed)
    # A batch that was ingested again may lie over newer ones: that replay, or another one, may have stopped half-way.
    concerned = [batch for batch in live if batch.id in missed or batch.origin is not None]
    if not concerned:
        return []
    begin = min(_ended(batch, setting) for batch in concerned)
    after = [batch for batch in live if _ended(batch, setting) >= begin]
    ordered = sorted(after, key=lambda batch: _ended(batch, setting))
    first = _first_wrong(ordered, missed)
    if first == len(ordered):
        return []
    _refuse_in_flight(batches, setting)
    _refuse_ties(ordered[max(first - 1, 0) :], setting)
    return ordered[first:]


def _first_wrong(ordered: Sequence[Batch], missed: frozenset[str]) -> int:
    """Where the first batch is that Profile has not taken, or took before one that belongs before it."""
    newest: datetime | None = None
    for number, batch in enumerate(ordered):
        taken = batch.completed
        if batch.id in missed or taken is None or (newest is not None and taken < newest):
            return number
        newest = taken
    return len(ordered)


def _events(live: Iterable[Batch], missed: frozenset[str]) -> list[Batch]:
    """The events that Profile lacks: none of them overwrites another, so nothing has to follow them."""
    found = [batch for batch in live if batch.id in missed]
    return sorted(found, key=lambda batch: (batch.completed or batch.created, batch.id))


def _refuse_unplaced(live: Iterable[Batch], setting: Setting, missed: frozenset[str]) -> None:
    for batch in live:
        if batch.origin is None and missed.intersection(batch.replaces):
            raise _unordered(
                setting,
                f"batch {batch.id} was ingested instead of {', '.join(batch.replaces)} and does not say "
                "when that one had ended",
            )


def _refuse_in_flight(batches: Iterable[Batch], setting: Setting) -> None:
    young = [batch for batch in batches if batch.in_flight and batch.created > setting.now - STUCK_AFTER]
    if young:
        raise Refused(
            f"{setting.title}: what to ingest again cannot be planned, since batches are on their way that would "
            f"land in the middle of it: {listed(young)}",
            "Stop what writes into the dataset, wait until they have ended, and plan again.",
        )


def _refuse_ties(ordered: Sequence[Batch], setting: Setting) -> None:
    for one, other in pairwise(ordered):
        if (ended := _ended(one, setting)) == _ended(other, setting):
            raise _unordered(setting, f"batches {one.id} and {other.id} both ended at {timestamp(ended)}")


def _unordered(setting: Setting, why: str) -> Refused:
    return Refused(
        f"{setting.title}: what to ingest again cannot be put in order: {why}",
        "Ingest it again from its source, in the order in which it was made: docs/replay.md.",
    )


def _notes(steps: Sequence[Step], gap: Gap, setting: Setting) -> list[str]:
    """What follows from a setting that was, or may have been, another one when a batch was ingested first."""
    opened = sorted(one.opened for one in gap.windows if one.opened is not None)
    other = [step.of for step in steps if _upsert_then(step, opened, setting) is not setting.upsert]
    if not other or not setting.record:
        return []
    if not setting.upsert:
        raise Refused(
            f"{setting.title}: these batches ended before a window, when upsert was or may have been on: "
            f"{', '.join(other)}. Now it is off: each of their rows would replace a whole record",
            "Leave --suspect out if it was given. Else ingest whole records from their source: docs/replay.md.",
        )
    return [FIELDS_COME_BACK]


def _upsert_then(step: Step, opened: Sequence[datetime], setting: Setting) -> bool | None:
    """The setting with which a batch was ingested first: that of before the next window; ``None`` = not known."""
    following = next((one for one in opened if step.ended < one), None)
    return setting.upsert if following is None else setting.before.get(following)


def _why(batch: Batch, gap: Gap, missed: frozenset[str]) -> Why:
    if batch.id not in missed:
        return "later"
    return "lost" if batch.id in gap.lost else "suspect"


def _of(batch: Batch) -> str:
    return batch.origin.of if batch.origin else batch.id


def _ended(batch: Batch, setting: Setting) -> datetime:
    """When the lake had a batch, or the one that it stands for.

    Raises:
        Refused: AEP does not say.
    """
    ended = batch.origin.ended if batch.origin else batch.completed
    if ended is None and setting.record:
        raise _unordered(setting, f"AEP does not say when batch {batch.id} ended")
    return ended or batch.created


def _replaced(live: Iterable[Batch], ids: frozenset[str]) -> dict[str, str]:
    return {
        old: batch.id
        for batch in live
        for old in ids.intersection((_of(batch), *batch.replaces))
        if old != batch.id
    }


def _absent(batches: Iterable[Batch], ids: frozenset[str]) -> dict[str, str]:
    known = {batch.id: batch for batch in batches}
    return {
        one: known[one].status if one in known else ""
        for one in sorted(ids)
        if one not in known or not known[one].succeeded
    }
