"""What is said of a window before it: the quietest hour, and how long it may take."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aep_provider.aep.batches import Batch
from aep_provider.operations.forecast import expected, quietest
from aep_provider.operations.gap_report import GapReport

NOW = datetime(2026, 11, 27, 12, tzinfo=timezone.utc)


def batch(hour: float, lasts: float = 0.5) -> Batch:
    began = NOW - timedelta(days=2) + timedelta(hours=hour - NOW.hour)
    return Batch("b", "success", began, began + timedelta(hours=lasts))


def window(seconds: float) -> GapReport:
    start = "2026-11-27T10:00:00.000Z"
    return {"from": start, "to": f"2026-11-27T10:00:{seconds:06.3f}Z"}


@given(st.lists(st.tuples(st.floats(0, 23.9), st.floats(0, 30)), max_size=30))
def test_no_hour_is_quieter_than_the_quietest(times: list[tuple[float, float]]) -> None:
    batches = [batch(*one) for one in times]
    found = quietest(batches, NOW)
    assert found.all == len(times)
    for hour in range(24):
        begins = [NOW.replace(hour=hour) + timedelta(days=days) for days in range(-4, 2)]
        touching = sum(
            any(
                one.created < start + timedelta(hours=1) and (one.completed or NOW) >= start
                for start in begins
            )
            for one in batches
        )
        assert touching >= found.batches
        assert hour != found.hour or touching == found.batches


def test_of_equal_hours_the_one_farthest_from_busy_ones_is_chosen() -> None:
    assert quietest([batch(hour) for hour in (*range(6), *range(17, 24))], NOW).hour == 11
    assert quietest([batch(hour) for hour in range(3, 21)], NOW).hour == 23


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        ([], "no batch in the last seven days"),
        (range(1, 24), "00:00-01:00 UTC (0 of 23 batches of the last seven days)"),
        ([*range(23), 0.2], "23:00-00:00 UTC (0 of 24 batches of the last seven days)"),
    ],
)
def test_the_quietest_hour_is_told_with_what_it_rests_on(hours: list[float], text: str) -> None:
    assert str(quietest([batch(hour) for hour in hours], NOW)) == text


@pytest.mark.parametrize(
    ("reports", "round_trip", "text"),
    [
        ([], None, "not known"),
        ([None], 0.21, "about 0.21 s (no window of this stack is on record; a request takes 0.21 s now)"),
        ([window(0.4)], None, "about 0.40 s (the last window of this stack took 0.40 s)"),
        (
            [window(0.1), None, window(0.4), window(3)],
            0.2,
            "about 0.40 s (the last 3 windows of this stack took 0.10 to 3.00 s; a request takes 0.20 s now)",
        ),
        ([{"from": "", "to": "2026-11-27T10:00:00.000Z"}], None, "not known"),
    ],
)
def test_a_window_is_expected_to_take_what_the_last_ones_took(
    reports: list[GapReport | None], round_trip: float | None, text: str
) -> None:
    assert str(expected(reports, round_trip)) == text
