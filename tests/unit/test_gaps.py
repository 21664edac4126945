"""The list of gaps: from state and from notes, open ones first, and what became of the lost batches."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aep_provider.aep.batches import Batch
from aep_provider.cli.gaps import told
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import timestamp
from aep_provider.errors import ConnectionFailed
from aep_provider.operations.context import Context
from aep_provider.operations.gap_report import GapReport
from aep_provider.operations.gaps import Gap, Known, Lost, in_order, of_dataset

ID = "5b020a27e7040801dedbf46e"
NOW = datetime(2026, 11, 27, 12, tzinfo=timezone.utc)
BEGAN, ENDED = NOW - timedelta(hours=5), NOW - timedelta(hours=4)
RECORDED: GapReport = {
    "from": timestamp(BEGAN),
    "to": timestamp(ENDED),
    "replay": ["a", "b"],
    "suspect": ["c"],
}


def batch(name: str, ended: datetime, status: str = "success", *, replaces: tuple[str, ...] = ()) -> Batch:
    return Batch(name, status, ended - timedelta(minutes=1), ended, replaces)


def dataset(*, on: bool = True, note: tuple[str, ...] = ()) -> Observed:
    body: dict[str, Any] = {
        "name": "Orders",
        "tags": {"unifiedProfile": [f"enabled:{'true' if on else 'false'}"]},
    }
    body["tags"] |= {"pulumiProfileGap": list(note)} if note else {}
    return Observed.read(ID, body)


def context(*batches: Batch, fails: bool = False, said: list[str] | None = None) -> Context:
    """What the list asks, without a service."""
    looked: list[timedelta] = []

    def of_last(_: str, look_back: timedelta) -> list[Batch]:
        looked.append(look_back)
        if fails:
            raise ConnectionFailed("GET batches", "no route")
        return list(batches)

    warn = (said if said is not None else []).append
    made = SimpleNamespace(
        aep=SimpleNamespace(batches=SimpleNamespace(of_last=of_last)),
        report=SimpleNamespace(warn=warn),
        now=lambda: NOW,
        looked=looked,
    )
    return cast(Context, made)


def known(observed: Observed | None, *recorded: GapReport, managed: bool = True) -> Known:
    return Known("orders", ID, observed, recorded, "aep/dev/orders", managed)


def note(*, ended: bool = True, began: datetime = BEGAN) -> tuple[str, ...]:
    to = (f"to:{timestamp(ENDED)}",) if ended else ()
    return (f"from:{timestamp(began)}", "by:aep/dev/orders", "was:plain", *to)


def test_a_dataset_without_a_gap_costs_no_request() -> None:
    asked = context()
    assert of_dataset(asked, known(dataset())) == []
    assert cast(Any, asked).looked == []


def test_a_recorded_gap_names_the_batches_that_replaced_the_lost_ones() -> None:
    later = batch("z", NOW, replaces=("a", "c"))
    failed = batch("y", NOW, "failed", replaces=("b",))
    (gap,) = of_dataset(context(later, failed), known(dataset(note=note()), RECORDED))
    assert gap.lost == [Lost("a", "z"), Lost("b", "")]
    assert gap.suspect == [Lost("c", "z")]
    assert (gap.recorded, gap.open, gap.length(NOW)) == (True, False, 3600.0)


def test_a_note_that_state_lacks_is_a_gap_of_its_own() -> None:
    inside = batch("a", BEGAN + timedelta(minutes=10))
    before = batch("b", BEGAN - timedelta(hours=1))
    (gap,) = of_dataset(context(inside, before), known(dataset(note=note())))
    assert (gap.recorded, gap.start, gap.end) == (False, timestamp(BEGAN), timestamp(ENDED))
    assert (gap.lost, gap.suspect) == ([Lost("a", "")], [Lost("b", "")])


def test_a_lost_batch_that_was_replaced_and_so_deleted_is_still_listed() -> None:
    gone = batch("a", BEGAN + timedelta(minutes=10), "deleted")
    (gap,) = of_dataset(context(gone, batch("z", NOW, replaces=("a",))), known(dataset(note=note())))
    assert gap.lost == [Lost("a", "z")]


def test_every_window_of_state_and_note_is_a_gap_and_none_is_one_twice() -> None:
    oldest = NOW - timedelta(days=3)
    first: GapReport = {**RECORDED, "from": timestamp(oldest), "to": timestamp(oldest), "replay": ["x"]}
    third = NOW - timedelta(hours=1)
    lines = [
        f"earlier:{timestamp(at)}/{timestamp(at)}/plain/aep/dev/orders"
        for at in (BEGAN, NOW - timedelta(days=2), oldest)
    ]
    noted = (f"from:{timestamp(third)}", "by:aep/dev/orders", f"to:{timestamp(NOW)}", *lines)
    gaps = of_dataset(context(), known(dataset(note=noted), RECORDED, first))
    assert [(gap.recorded, gap.start) for gap in in_order(gaps)] == [
        (True, timestamp(BEGAN)),
        (True, timestamp(oldest)),
        (False, timestamp(third)),
    ], "the one of two days ago was on record once"


def test_profile_off_after_a_window_that_ended_is_a_gap_beside_that_one() -> None:
    gaps = of_dataset(context(), known(dataset(on=False, note=note())))
    assert [(gap.open, gap.start) for gap in in_order(gaps)] == [(True, ""), (False, timestamp(BEGAN))]


def test_an_open_note_is_an_open_gap_beside_the_recorded_one() -> None:
    off = dataset(on=False, note=note(ended=False, began=NOW - timedelta(minutes=2)))
    gaps = of_dataset(context(), known(off, RECORDED))
    assert [(gap.open, gap.recorded) for gap in in_order(gaps)] == [(True, False), (False, True)]
    assert in_order(gaps)[0].length(NOW) == 120.0


def test_profile_off_without_a_note_is_open_since_an_unknown_time() -> None:
    (gap,) = of_dataset(context(), known(dataset(on=False)))
    assert (gap.open, gap.start, gap.length(NOW)) == (True, "", None)
    assert of_dataset(context(), known(dataset(on=False), managed=False)) == []


def test_what_cannot_be_listed_is_not_known_and_never_none_lost() -> None:
    said: list[str] = []
    off = dataset(on=False, note=note(ended=False))
    recorded, noted = of_dataset(context(fails=True, said=said), known(off, RECORDED))
    assert recorded.lost == [Lost("a", None), Lost("b", None)]
    assert (noted.lost, noted.suspect) == (None, None)
    assert len(said) == 1


@pytest.mark.parametrize(("age", "days"), [(1, 7.0), (10, 10.125), (300, 30.0)])
def test_batches_are_looked_for_from_before_the_gap_a_month_at_most(age: int, days: float) -> None:
    asked = context()
    began = NOW - timedelta(days=age)
    of_dataset(asked, known(None, {**RECORDED, "from": timestamp(began)}))
    assert cast(Any, asked).looked == [timedelta(days=days)]


def test_open_gaps_come_first_and_then_the_newest() -> None:
    closed = Gap("a", ID, "", timestamp(BEGAN), timestamp(ENDED), True, [], [])
    newer = replace(closed, start=timestamp(ENDED), end=timestamp(NOW))
    left = replace(closed, start="", end="")
    assert in_order([closed, left, newer]) == [left, newer, closed]
    lost = replace(closed, lost=[Lost("a", "")])
    assert in_order([newer, lost, left]) == [left, lost, newer], "then those with batches to ingest again"


def test_a_gap_touches_a_time_while_it_is_open_or_ends_after_it() -> None:
    closed = Gap("a", ID, "", timestamp(BEGAN), timestamp(ENDED), True, [], [])
    assert [closed.touches(at) for at in (BEGAN, ENDED, NOW)] == [True, True, False]
    assert replace(closed, end="").touches(NOW)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0123, "0.0 s"), (59.94, "59.9 s"), (60, "1 min"), (7260, "2 h 1 min"), (100_000, "1 d 3 h")],
)
def test_a_length_is_told_in_units_that_suit_it(seconds: float, text: str) -> None:
    assert told(seconds) == text
