"""The report on a window: when Profile was off, and which batches have to be ingested again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import moment, timestamp
from aep_provider.errors import ApiError
from aep_provider.operations.context import Context
from aep_provider.words import plural

if TYPE_CHECKING:
    from aep_provider.aep.batches import Batch

SUSPECT_BEFORE = timedelta(hours=3)
"""Profile takes a batch up to about three hours after the lake has it (live notes of a third party)."""

CLOCKS = timedelta(seconds=5)
"""By how much two clocks may differ that count as agreeing (`aep_provider.aep.server_clock`)."""

SUCCESS = "success"
"""The status of a batch that the lake has taken."""

LISTED_AGAIN = timedelta(hours=24)
"""For how long after a window a refresh lists its batches again: the first listing may have been behind."""

LISTED = timedelta(days=7)
"""How far back batches are listed at least (`aep_provider.aep.batches.LOOK_BACK`)."""

LONGEST_LOOK = timedelta(days=30)
"""How far back they are listed at most for a report: a dataset may have some thousand a week."""

ADVICE = (
    "What is ingested while Profile is off never reaches Profile, and nothing backfills it: those batches have to be "
    "ingested again. An old batch after a newer one puts old values back: `aep-provider replay DATASET` plans the "
    "order. Of batches that ended shortly before or after, AEP does not show whether Profile took them. The output "
    "profile_gap keeps both lists, and `aep-provider gaps` lists every gap of the stack."
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


class Window(NamedTuple):
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
    span = told_span(context, dataset_id, result)
    if not _listed_whole(context, window):
        _tell_event(context, dataset_id, result)
        context.report.warn(
            f"{span}. It began too long ago for this report to list its batches; `aep-provider replay {dataset_id}` "
            "lists them all, and plans what has to be ingested again."
        )
        return result
    try:
        batches = context.aep.batches.of_last(dataset_id, look_back(context.now(), [window.opened]))
    except ApiError as error:
        _tell_event(context, dataset_id, result)
        context.report.warn(
            f"{span}. The batches of that time could not be listed: {error.message}. Look for batches that "
            "ended in it and ingest them again; `aep-provider gaps` lists every gap of the stack."
        )
        return result
    result["replay"], result["suspect"] = sorted_out(batches, window, ahead)
    _tell_event(context, dataset_id, result)
    context.report.warn(
        f"{span}; {_advised(result, since_known=window.opened is not None)}{_so_far(context, result, window)}."
    )
    context.report.once(ADVICE)
    return result


def _tell_event(context: Context, dataset_id: str, found: GapReport, *, late: bool = False) -> None:
    batches = {"replay": found.get("replay"), "suspect": found.get("suspect")}
    said = {"from": found["from"], "to": found["to"], **batches, "late": late}
    context.report.event("gap", dataset_id, said)


def _listed_whole(context: Context, window: Window) -> bool:
    """Whether the batches of a window can all be listed; lists of a part would look whole later."""
    return window.opened is None or context.now() - window.opened + SUSPECT_BEFORE <= LONGEST_LOOK


def look_back(now: datetime, starts: Iterable[datetime | None]) -> timedelta:
    """How far back batches have to be listed to see what became of windows, a month at most.

    Args:
        now: the time.
        starts: when they began; ``None`` = not known.
    """
    known = [now - start + SUSPECT_BEFORE for start in starts if start is not None]
    return min(max([LISTED, *known]), LONGEST_LOOK)


def replacements(batches: Iterable[Batch]) -> dict[str, str]:
    """By id of a batch, the one that was ingested in its place and that the lake has."""
    live = [batch for batch in batches if batch.succeeded]
    replaced = {old: batch.id for batch in live for old in batch.replaces}
    # One that was replaced several times: the last one says which it stands for.
    return replaced | {batch.origin.of: batch.id for batch in live if batch.origin is not None}


def as_before(batches: Iterable[Batch], replaced: Collection[str]) -> list[Batch]:
    """The batches as they were before some were replaced: that deletes a batch, which was a success before."""
    return [batch._replace(status=SUCCESS) if batch.id in replaced else batch for batch in batches]


def told_span(context: Context, dataset_id: str, found: GapReport) -> str:
    """When Profile was off, as the beginning of a message."""
    since = f"from {found['from']}" if found["from"] else "from an unknown time (the dataset notes none)"
    return f"Profile was off {since} to {found['to']} for dataset {dataset_id} in sandbox {context.sandbox}"


def sorted_out(
    batches: Sequence[Batch], window: Window, ahead: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """The batches that Profile has missed, and those of which nobody can tell.

    Args:
        batches: of the dataset.
        window: when Profile was off.
        ahead: ids of batches that were in flight before the disable: they count whatever their times say.
    """
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


def _advised(found: GapReport, *, since_known: bool) -> str:
    advice = [f"ingest again: {', '.join(found['replay'])}"] if found["replay"] else []
    if found["suspect"]:
        when = "within three hours before it or just after it" if since_known else "in the last seven days"
        advice.append(
            f"may be missing in Profile too, since they ended {when}: {', '.join(found['suspect'])}"
        )
    return "; ".join(advice) or "no batch is listed that ended in that time or near it"


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


def listed_since(context: Context, dataset_id: str, recorded: Sequence[GapReport]) -> Sequence[GapReport]:
    """Report the batches of recorded windows that were not listed when those were reported.

    Args:
        context: where, and to whom.
        dataset_id: the dataset.
        recorded: the windows on record.

    Returns:
        The windows on record, with those batches.
    """
    fresh = [_may_lack_some(context, one) for one in recorded]
    starts = [window.opened for window in fresh if window is not None]
    if not starts:
        return recorded
    try:
        batches = context.aep.batches.of_last(dataset_id, look_back(context.now(), starts))
    except ApiError:
        return recorded  # It is a second look: the next refresh takes another one.
    return [
        _completed(context, dataset_id, one, sorted_out(batches, window)) if window is not None else one
        for one, window in zip(recorded, fresh, strict=True)
    ]


def _may_lack_some(context: Context, recorded: GapReport) -> Window | None:
    """The window of a report, if a listing of its batches may have been behind."""
    closed = moment(recorded["to"])
    if closed is None or context.now() - closed > LISTED_AGAIN:
        return None
    window = Window(moment(recorded["from"]), closed, closed)
    return window if _listed_whole(context, window) else None


def _completed(
    context: Context, dataset_id: str, recorded: GapReport, found: tuple[list[str], list[str]]
) -> GapReport:
    replay, suspect = found
    told = {*recorded.get("replay", ()), *recorded.get("suspect", ())}
    news: GapReport = {
        "from": recorded["from"],
        "to": recorded["to"],
        "replay": [one for one in replay if one not in told],
        "suspect": [one for one in suspect if one not in told],
    }
    if news["replay"] or news["suspect"]:
        _tell_event(context, dataset_id, news, late=True)
        context.report.warn(
            f"{told_span(context, dataset_id, news)}; listed since it was reported: "
            f"{_advised(news, since_known=bool(news['from']))}."
        )
        context.report.once(ADVICE)
    return merged(news, recorded)


def warn_while_open(context: Context, observed: Observed) -> None:
    """Say that Profile is off, and since when: nobody else would, until the next run switches it on.

    Args:
        context: to whom.
        observed: the dataset, just read.
    """
    note = observed.open_note
    if note is not None and not observed.profile.enabled:
        _tell_event(context, observed.id, {"from": note.start, "to": ""})
        context.report.warn(
            f"Profile is OFF for dataset {observed.name!r} ({observed.id}) in sandbox {context.sandbox} since "
            f"{note.start}: a run switched it off and was interrupted. Run `pulumi up`: it switches Profile on."
        )


def merged(newer: GapReport, older: GapReport) -> GapReport:
    """A report of a window with the batches of an older report of the same one."""
    both: GapReport = {**newer}
    for key in ("replay", "suspect"):
        if key in newer or key in older:
            both[key] = list(dict.fromkeys([*newer.get(key, ()), *older.get(key, ())]))
    return both
