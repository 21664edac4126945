"""Every time without Profile that is known of a dataset, and what became of the batches that it lost.

State and the note on the dataset have the windows that are not settled, and the last one: of a run that was killed only
the note is there. Nothing is written, and nothing is concluded from what cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import moment, timestamp
from aep_provider.errors import ApiError
from aep_provider.operations import gap_report
from aep_provider.operations.context import Context
from aep_provider.operations.gap_report import GapReport, Window
from aep_provider.operations.kept_windows import not_on_record, noted_window


@dataclass(frozen=True)
class Lost:
    """A batch that Profile has missed, or may have.

    Attributes:
        id: of the batch.
        replaced_by: the batch that was ingested in its place; ``""`` = none, ``None`` = that cannot be seen.
    """

    id: str
    replaced_by: str | None


@dataclass(frozen=True)
class Gap:
    """A time in which Profile was, or is, off for one dataset.

    Attributes:
        resource: the logical name, or whoever noted it.
        dataset_id, name: the dataset.
        start: when it began, UTC; ``""`` = not known.
        end: when it ended, UTC; ``""`` = it is open.
        recorded: whether the state has it.
        lost: the batches to ingest again; ``None`` = they could not be listed.
        suspect: the batches of which nobody can see whether Profile took them; ``None`` as above.
    """

    resource: str
    dataset_id: str
    name: str
    start: str
    end: str
    recorded: bool
    lost: Sequence[Lost] | None
    suspect: Sequence[Lost] | None

    @property
    def open(self) -> bool:
        """Whether Profile is still off."""
        return not self.end

    @property
    def to_ingest(self) -> Sequence[str]:
        """The batches that it lost and that nobody is seen to have ingested again."""
        return [one.id for one in self.lost or () if not one.replaced_by]

    def length(self, now: datetime) -> float | None:
        """Its seconds, until now where it is open; ``None`` where the start is not known."""
        start, end = moment(self.start), moment(self.end) or now
        return max((end - start).total_seconds(), 0.0) if start else None

    def touches(self, since: datetime) -> bool:
        """Whether it is open, or ended after a moment."""
        ended = moment(self.end)
        return ended is None or ended >= since

    def row(self, now: datetime) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "resource": self.resource,
            "id": self.dataset_id,
            "name": self.name,
            "open": self.open,
            "from": self.start,
            "to": self.end,
            "seconds": self.length(now),
            "recorded": self.recorded,
            "lost": _rows(self.lost),
            "suspect": _rows(self.suspect),
        }


@dataclass(frozen=True)
class Known:
    """What is known of one dataset before its batches are looked at.

    Attributes:
        resource: the logical name.
        dataset_id: the dataset.
        observed: the dataset as read; ``None`` = it does not exist any more.
        recorded: the windows on record, the newest first.
        owner: whose they are; ``""`` where there is no record.
        managed: whether the stack's state has it, and Profile is to be on.
    """

    resource: str
    dataset_id: str
    observed: Observed | None
    recorded: Sequence[GapReport]
    owner: str
    managed: bool


@dataclass(frozen=True)
class _Noted:
    """A window that the dataset shows and state does not have.

    Attributes:
        window: the time.
        open: whether Profile is still off.
    """

    window: Window
    open: bool


def of_dataset(context: Context, one: Known) -> list[Gap]:
    """The gaps of one dataset; one request where there is any.

    Args:
        context: where, and to whom it is said that batches could not be listed.
        one: what is known of it.
    """
    noted = _noted_gaps(context, one)
    if not noted and not one.recorded:
        return []
    starts = [found.window.opened for found in noted]
    starts += [moment(found["from"]) for found in one.recorded]
    try:
        batches = context.aep.batches.of_last(one.dataset_id, gap_report.look_back(context.now(), starts))
    except ApiError as error:
        context.report.warn(f"The batches of dataset {one.dataset_id} could not be listed: {error.message}")
        return [_recorded(one, found, None) for found in one.recorded] + [
            _gap(one, found, None, None, None) for found in noted
        ]
    replaced = gap_report.replacements(batches)
    before = gap_report.as_before(batches, replaced)
    return [_recorded(one, found, replaced) for found in one.recorded] + [
        _gap(one, found, *gap_report.sorted_out(before, found.window), replaced) for found in noted
    ]


def in_order(gaps: Iterable[Gap]) -> list[Gap]:
    """Open ones first, then those with batches to ingest again; of each kind the newest first."""
    by_start = sorted(gaps, key=lambda gap: (gap.start or gap.end, gap.resource), reverse=True)
    return sorted(by_start, key=lambda gap: (not gap.open, not gap.to_ingest))


def _noted_gaps(context: Context, one: Known) -> list[_Noted]:
    """The windows that the dataset shows and state does not have."""
    observed = one.observed
    if observed is None:
        return []
    off, unknown = (
        not observed.profile.enabled,
        not_on_record(observed.note, one.recorded, {one.owner} - {""}),
    )
    noted = [
        _Noted(noted_window(context, observed, each), open=off and each.open)
        for each in (observed.note.every if observed.note else ())
        if each in unknown or (off and each.open)
    ]
    if off and one.managed and not any(each.open for each in noted):
        # With our tags off, or switched off by hand, nothing says since when.
        noted.append(_Noted(Window(None, context.now(), context.now()), open=True))
    return noted


def _recorded(one: Known, found: GapReport, replaced: Mapping[str, str] | None) -> Gap:
    return Gap(
        one.resource,
        one.dataset_id,
        _name(one),
        found["from"],
        found["to"],
        True,
        _with_replacements(found.get("replay"), replaced),
        _with_replacements(found.get("suspect"), replaced),
    )


def _gap(
    one: Known,
    noted: _Noted,
    lost: Sequence[str] | None,
    suspect: Sequence[str] | None,
    replaced: Mapping[str, str] | None,
) -> Gap:
    window = noted.window
    return Gap(
        one.resource,
        one.dataset_id,
        _name(one),
        timestamp(window.opened) if window.opened else "",
        "" if noted.open else timestamp(window.closed),
        False,
        _with_replacements(lost, replaced),
        _with_replacements(suspect, replaced),
    )


def _name(one: Known) -> str:
    return one.observed.name if one.observed is not None else ""


def _with_replacements(ids: Sequence[str] | None, replaced: Mapping[str, str] | None) -> list[Lost] | None:
    if ids is None:
        return None
    return [Lost(one, replaced.get(one, "") if replaced is not None else None) for one in ids]


def _rows(batches: Sequence[Lost] | None) -> list[dict[str, Any]] | None:
    return [vars(one) for one in batches] if batches is not None else None
