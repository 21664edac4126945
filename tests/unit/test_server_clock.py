"""The service's time, from the `Date` of its responses."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aep_provider.aep.server_clock import TOLERANCE, ServerClock, difference

NOW = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


class Standing:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    def wait(self, seconds: float) -> bool:
        return False


def date(moment: datetime) -> dict[str, str]:
    return {"Date": format_datetime(moment, usegmt=True)}


@pytest.mark.parametrize("seconds", [-3600, -6, 6, 3600])
def test_a_clock_that_is_off_is_corrected(seconds: int) -> None:
    clock = ServerClock(Standing())
    clock.note(date(NOW + timedelta(seconds=seconds)), NOW)
    assert clock.now() == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("seconds", [-5, -1, 0, 5])
def test_clocks_that_agree_within_seconds_are_left_alone(seconds: int) -> None:
    clock = ServerClock(Standing())
    clock.note(date(NOW + timedelta(seconds=seconds)), NOW)
    assert clock.now() == NOW


def test_a_clock_that_was_set_right_is_believed_again() -> None:
    clock = ServerClock(Standing())
    clock.note(date(NOW + timedelta(hours=1)), NOW)
    clock.note(date(NOW), NOW)
    assert clock.offset == timedelta(0)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Date": "soon"},
        {"Date": "Fri, 31 Dec 99999 23:59:59 GMT"},
        {**date(NOW - timedelta(days=1)), "Age": "86400"},
    ],
)
def test_a_date_that_tells_nothing_is_passed_over(headers: dict[str, str]) -> None:
    clock = ServerClock(Standing())
    clock.note(headers, NOW)
    assert clock.now() == NOW


@given(sent=st.integers(0, 10**6), took=st.integers(0, 100), theirs=st.integers(0, 10**6))
def test_the_time_of_the_exchange_itself_is_not_taken_for_a_difference(
    sent: int, took: int, theirs: int
) -> None:
    start, end, moment = (NOW + timedelta(seconds=number) for number in (sent, sent + took, theirs))
    found = difference(moment, start, end)
    if start <= moment <= end:
        assert not found
    assert not found or abs(found) > TOLERANCE
    assert start - TOLERANCE <= moment - found <= end + TOLERANCE
