"""What has to be ingested again, in which order, and what is not planned for because nobody could order it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aep_provider.aep.batches import Batch, Origin
from aep_provider.dataset.tags import timestamp
from aep_provider.errors import Refused
from aep_provider.operations.gap_report import GapReport, Window
from aep_provider.operations.replay_plan import (
    FIELDS_COME_BACK,
    PER_DAY,
    Gap,
    Plan,
    Setting,
    Step,
    gap_of,
    plan,
    windows_of,
)

BEGIN = datetime(2026, 1, 31, 9, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
OPENED, CLOSED = BEGIN + 10 * MINUTE, BEGIN + 20 * MINUTE
WINDOW = Window(OPENED, CLOSED, CLOSED)
SETTING = Setting(
    "Dataset 'Orders'", record=True, upsert=True, before={OPENED: False}, now=BEGIN + 60 * MINUTE
)


def batch(name: str, minute: float, status: str = "success", **fields: Any) -> Batch:
    """A batch that ended so many minutes after the beginning, a minute after it was created."""
    ended = BEGIN + minute * MINUTE
    return Batch(name, status, ended - MINUTE, ended, **fields)


def again(name: str, minute: float, of: str, ended: float) -> Batch:
    return batch(name, minute, replaces=(of,), origin=Origin(of, BEGIN + ended * MINUTE))


def gap(*lost: str, suspect: Sequence[str] = ()) -> Gap:
    return Gap((WINDOW,), frozenset(lost), frozenset(suspect))


def planned(found: Plan) -> list[str]:
    return [step.batch.id for step in found.steps]


def test_a_lost_batch_is_followed_by_every_later_one_oldest_first() -> None:
    batches = [batch("z", 30), batch("a", 40), batch("lost", 15), batch("before", 5)]
    found = plan(batches, gap("lost"), SETTING)
    assert [(step.batch.id, step.why) for step in found.steps] == [
        ("lost", "lost"),
        ("z", "later"),
        ("a", "later"),
    ]


def test_of_events_only_the_lost_ones() -> None:
    batches = [batch("later", 30), batch("lost", 15), batch("running", 50, "loading")]
    assert planned(plan(batches, gap("lost"), replace(SETTING, record=False))) == ["lost"]


def test_nothing_lost_plans_nothing() -> None:
    assert plan([batch("later", 30), batch("running", 50, "loading")], gap(), SETTING).steps == []


def test_batches_without_data_and_of_profile_itself_are_not_planned() -> None:
    inner = f"a-b-c-{'0' * 24}-INGEST"
    batches = [batch("lost", 15), batch("failed", 30, "failed"), batch(inner, 31)]
    assert planned(plan(batches, gap("lost"), SETTING)) == ["lost"]


def test_a_replay_that_stopped_half_way_is_planned_from_there() -> None:
    batches = [batch("a", 30), batch("b", 31), again("new", 50, "lost", 15)]
    found = plan(batches, gap("lost"), SETTING)
    assert (planned(found), found.replaced) == (["a", "b"], {"lost": "new"})


def test_what_came_in_the_middle_of_a_replay_is_planned_alone() -> None:
    batches = [again("r1", 50, "lost", 15), batch("between", 51), again("r2", 52, "later", 30)]
    assert planned(plan(batches, gap("lost"), SETTING)) == ["between"]


def test_a_whole_replay_leaves_nothing_also_without_state() -> None:
    batches = [again("r1", 50, "lost", 15), again("r2", 52, "later", 30), batch("after", 53)]
    assert plan(batches, gap(), SETTING).steps == []


def test_a_replay_that_stopped_is_known_without_state() -> None:
    assert planned(plan([again("r", 50, "lost", 15), batch("a", 30)], gap(), SETTING)) == ["a"]


def test_a_second_replay_names_the_first_batch() -> None:
    found = plan([batch("x", 15), again("r", 40, "a", 16)], gap("x"), SETTING)
    assert [(step.batch.id, step.of, step.ended) for step in found.steps] == [
        ("x", "x", BEGIN + 15 * MINUTE),
        ("r", "a", BEGIN + 16 * MINUTE),
    ]


def test_doubtful_batches_are_named_and_planned_only_when_asked() -> None:
    batches, doubtful = [batch("doubt", 5), batch("later", 30)], gap(suspect=["doubt"])
    found = plan(batches, doubtful, SETTING)
    assert (planned(found), found.suspect, found.notes) == ([], ["doubt"], [])
    asked = plan(batches, doubtful, SETTING, with_suspect=True)
    assert [step.why for step in asked.steps] == ["suspect", "later"]
    assert (asked.suspect, asked.notes) == ([], [FIELDS_COME_BACK])


def test_the_same_setting_as_before_needs_no_note() -> None:
    setting = replace(SETTING, before={OPENED: True})
    found = plan([batch("doubt", 5)], gap(suspect=["doubt"]), setting, with_suspect=True)
    assert (planned(found), found.notes) == (["doubt"], [])


@pytest.mark.parametrize("before", [{OPENED: True}, {}])
def test_without_upsert_no_batch_from_before_the_window(before: Mapping[datetime, bool]) -> None:
    setting = replace(SETTING, upsert=False, before=before)
    with pytest.raises(Refused, match="replace a whole record"):
        plan([batch("doubt", 5)], gap(suspect=["doubt"]), setting, with_suspect=True)


def test_the_setting_of_a_batch_is_that_of_before_the_next_window_not_of_the_last_one() -> None:
    starts = [OPENED, OPENED + 30 * MINUTE, OPENED + 60 * MINUTE]
    windows = [Window(at, at + MINUTE, at + MINUTE) for at in reversed(starts)]
    before = dict(zip(starts, (False, True, False), strict=True))
    setting = replace(SETTING, upsert=False, before=before, now=BEGIN + 90 * MINUTE)
    between, last = batch("between", 15), batch("last", 45)
    with pytest.raises(Refused, match="each of their rows would replace a whole record"):
        plan([between, last], Gap(windows, frozenset(["between"]), frozenset()), setting)
    assert planned(plan([between, last], Gap(windows, frozenset(["last"]), frozenset()), setting)) == ["last"]


def test_lost_batches_that_the_lake_lacks_are_named() -> None:
    batches = [batch("failed", 15, "failed"), batch("running", 16, "loading")]
    found = plan(batches, gap("failed", "running", "gone"), SETTING)
    assert found.absent == {"failed": "failed", "gone": "", "running": "loading"}


def test_a_day_has_ninety_batches_with_those_that_already_ended() -> None:
    batches = [batch(f"{number:03}", 15 + number / 100) for number in range(100)]
    found = plan(batches, gap("000"), SETTING)
    days = [step.day for step in found.steps]
    assert (found.today, days.count(1), days.count(2), days.count(3)) == (100, 0, 90, 10)


def test_batches_of_other_days_do_not_count() -> None:
    found = plan([batch("lost", 15)], gap("lost"), replace(SETTING, now=BEGIN + timedelta(days=2)))
    assert (found.today, found.steps[0].day) == (0, 1)


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        (
            [batch("one", 30), batch("other", 30)],
            "batches one and other both ended at 2026-01-31T09:30:00.000Z",
        ),
        ([batch("other", 15)], "both ended"),
        ([batch("other", 30)._replace(completed=None)], "does not say when batch other ended"),
        ([batch("hand", 30, replaces=("lost",))], "batch hand was ingested instead of lost"),
        ([batch("running", 50, "loading")], r"on their way .*running \(loading\)"),
    ],
)
def test_what_cannot_be_ordered_is_refused(others: list[Batch], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        plan([batch("lost", 15), *others], gap("lost"), SETTING)


def test_a_batch_that_ended_with_the_first_lost_one_is_refused_too() -> None:
    with pytest.raises(Refused, match="both ended"):
        plan([batch("other", 15), batch("lost", 15)], gap("lost"), SETTING)


def test_a_batch_that_is_stuck_for_a_day_does_not_hold_a_plan_up() -> None:
    stuck = batch("stuck", -24 * 60, "stalled")
    assert planned(plan([batch("lost", 15), stuck], gap("lost"), SETTING)) == ["lost"]


def test_batches_before_the_gap_may_have_ended_together() -> None:
    batches = [batch("one", 5), batch("other", 5), batch("lost", 15)]
    assert planned(plan(batches, gap("lost"), SETTING)) == ["lost"]


RECORDED: GapReport = {"from": timestamp(OPENED), "to": timestamp(CLOSED), "replay": ["a"], "suspect": ["b"]}


def test_a_window_is_known_from_the_record_or_from_the_note() -> None:
    [window] = windows_of([], [RECORDED])
    assert (window.opened, window.closed) == (OPENED, CLOSED)
    assert windows_of([WINDOW], []) == [WINDOW]
    assert windows_of([], []) == []


def test_a_newer_window_than_the_recorded_one_comes_first() -> None:
    later = Window(OPENED + 30 * MINUTE, CLOSED + 30 * MINUTE, CLOSED + 30 * MINUTE)
    assert [one.opened for one in windows_of([later], [RECORDED])] == [later.opened, OPENED]


def test_what_is_on_record_and_what_the_times_tell_are_both_missed() -> None:
    found = gap_of(windows_of([], [RECORDED]), [RECORDED], [batch("inside", 15)])
    assert (sorted(found.lost), sorted(found.suspect)) == (["a", "inside"], ["b"])


def test_what_any_window_lost_is_missed() -> None:
    at = timestamp(BEGIN + 40 * MINUTE)
    second: GapReport = {"from": at, "to": at, "replay": ["c"], "suspect": ["a"]}
    windows = windows_of([], [second, RECORDED])
    found = gap_of(windows, [second, RECORDED], [batch("inside", 15), batch("later", 40)])
    assert sorted(found.lost) == ["a", "c", "inside", "later"]


def test_without_state_the_times_tell_what_is_lost() -> None:
    found = gap_of([WINDOW], [], [batch("inside", 15), batch("before", 5), again("r", 20.01, "x", 16)])
    assert (sorted(found.lost), sorted(found.suspect)) == (["inside"], ["before"])


def test_a_replay_that_landed_in_another_window_is_lost_again() -> None:
    assert gap_of([WINDOW], [], [again("r", 15, "x", 1)]).lost == {"r"}


Rows = Mapping[str, Mapping[str, int]]
ROWS = st.dictionaries(
    st.sampled_from("ab"), st.dictionaries(st.sampled_from("xyz"), st.integers(0, 9), min_size=1), min_size=1
)
SEVERAL = st.lists(ROWS, max_size=4)


@dataclass
class Lake:
    """A dataset with its Profile store: records merge with upsert, and are replaced without."""

    upsert: bool
    on: bool = True
    now: datetime = BEGIN
    batches: list[Batch] = field(default_factory=list)
    rows: dict[str, Rows] = field(default_factory=dict)
    store: dict[str, dict[str, int]] = field(default_factory=dict)

    def ingest(self, rows: Rows, origin: Origin | None = None) -> None:
        self.now += MINUTE
        name = f"b{len(self.rows)}"
        self.rows[name] = rows
        self.batches.append(Batch(name, "success", self.now, self.now, origin=origin))
        for identity, values in rows.items() if self.on else ():
            old = self.store.get(identity, {}) if self.upsert else {}
            self.store[identity] = {**old, **values}

    def again(self, step: Step) -> None:
        self.batches.remove(step.batch)
        self.ingest(self.rows[step.batch.id], Origin(step.of, step.ended))

    def plan(self, *windows: tuple[Window, bool]) -> Plan:
        """What to do about windows, the newest first, each with the setting before it."""
        before = {window.opened: upsert for window, upsert in windows if window.opened}
        setting = Setting("x", record=True, upsert=self.upsert, before=before, now=self.now)
        gap = gap_of([window for window, _ in windows], [], self.batches)
        return plan(self.batches, gap, setting)

    def window(self, upsert: bool, inside: Sequence[Rows], ideal: Lake) -> tuple[Window, bool]:
        """A time without Profile that changes the setting, or leaves it; and the setting before it."""
        before, opened, self.on = self.upsert, self.now + MINUTE / 2, False
        self.now += MINUTE
        ideal.upsert = self.upsert = upsert
        for rows in inside:
            ideal.ingest(rows)
            self.ingest(rows)
        closed, self.on = self.now + MINUTE / 2, True
        self.now += MINUTE
        return Window(opened, closed, closed), before


@given(
    upsert=st.booleans(),
    first=SEVERAL,
    inside=SEVERAL,
    after=SEVERAL,
    foreign=st.lists(st.tuples(st.integers(0, 8), ROWS), max_size=2),
    stop=st.integers(0, 8),
)
def test_the_store_after_a_replay_is_that_of_a_run_without_a_window(
    upsert: bool,
    first: list[Rows],
    inside: list[Rows],
    after: list[Rows],
    foreign: list[tuple[int, Rows]],
    stop: int,
) -> None:
    ideal, lake = Lake(not upsert), Lake(not upsert)
    for rows in first:
        ideal.ingest(rows)
        lake.ingest(rows)
    window = lake.window(upsert, inside, ideal)
    for rows in after:
        ideal.ingest(rows)
        lake.ingest(rows)
    # A replay that stops somewhere, while other batches come in; then another one, which ends.
    for number, step in enumerate(lake.plan(window).steps[:stop]):
        for rows in (rows for place, rows in foreign if place == number):
            ideal.ingest(rows)
            lake.ingest(rows)
        lake.again(step)
    for step in lake.plan(window).steps:
        lake.again(step)
    assert lake.store == ideal.store
    assert lake.plan(window).steps == []


WHOLE = st.dictionaries(
    st.sampled_from("ab"), st.fixed_dictionaries({"x": st.integers(0, 9), "y": st.integers(0, 9)}), min_size=1
)


@given(
    settings=st.lists(st.booleans(), min_size=3, max_size=5),
    data=st.data(),
    whole=st.booleans(),
)
def test_one_plan_after_several_windows_makes_up_for_all_of_them(
    settings: list[bool], data: st.DataObject, whole: bool
) -> None:
    """Or is refused, or says that fields come back: only where a batch came with another setting than that of now."""
    ideal, lake, windows = Lake(settings[0]), Lake(settings[0]), []
    rows_of = st.lists(WHOLE if whole else ROWS, max_size=3)
    for upsert in settings[1:]:
        windows.append(lake.window(upsert, data.draw(rows_of), ideal))
        for rows in data.draw(rows_of):
            ideal.ingest(rows)
            lake.ingest(rows)
    same = len(set(settings[1:])) == 1
    try:
        found = lake.plan(*reversed(windows))
    except Refused:
        assert not same
        assert not lake.upsert
        return
    assert not (found.notes and same)
    for step in found.steps:
        lake.again(step)
    if whole or not found.notes:
        assert lake.store == ideal.store
    assert lake.plan(*reversed(windows)).steps == []


@given(count=st.integers(1, 300), already=st.integers(0, 200))
def test_no_day_has_more_than_ninety(count: int, already: int) -> None:
    earlier = [batch(f"e{number}", number / 1000) for number in range(already)]
    later = [batch(f"l{number}", 15 + number / 1000) for number in range(count)]
    found = plan([*earlier, *later], gap("l0"), SETTING)
    days = [step.day for step in found.steps]
    assert days == sorted(days)
    assert found.today == already + count
    assert days.count(1) == min(max(PER_DAY - found.today, 0), count)
    assert all(days.count(day) <= PER_DAY for day in set(days))


def test_a_lost_batch_replaced_without_our_tag_is_refused_also_when_it_is_gone() -> None:
    gone, untagged = batch("L", 15, "deleted"), batch("R", 60, replaces=("L",))
    batches = [gone, batch("B", 25), untagged]
    with pytest.raises(Refused, match="does not say when that one had ended"):
        plan(batches, gap_of([WINDOW], [], batches), SETTING)


def test_what_a_replay_laid_over_newer_batches_is_planned_whatever_it_stands_for() -> None:
    batches = [batch("T", 25), again("R", 60, "S", 5)]
    assert planned(plan(batches, gap(), SETTING)) == ["T"]
