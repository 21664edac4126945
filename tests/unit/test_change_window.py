"""When Profile may be switched off: days, times and time zones, also where the clocks change."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aep_provider import change_window
from aep_provider.change_window import DAYS, ChangeWindow, parse

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")

TIME = st.builds(lambda hour, minute: (hour, minute), st.integers(0, 23), st.integers(0, 59))
SPAN = st.builds(
    lambda days, start, end, zone: (
        f"{','.join(sorted(days))} {start[0]:02}:{start[1]:02}-{end[0]:02}:{end[1]:02} {zone}"
        if start != end
        else f"{','.join(sorted(days))} 00:00-24:00 {zone}"
    ),
    st.sets(st.sampled_from(DAYS), min_size=1),
    TIME,
    TIME,
    st.sampled_from(ZONES),
)
WINDOW = st.lists(SPAN, min_size=1, max_size=3).map("; ".join)
MOMENT = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(timezone.utc))


def at(text: str, zone: ZoneInfo | timezone = timezone.utc, *, second: bool = False) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=second)


def by_wall(window: ChangeWindow, moment: datetime) -> bool:
    """The same question asked of the calendar: is there a day on which a span begins that holds the time."""
    for span in window.spans:
        wall = moment.astimezone(span.zone).replace(tzinfo=None)
        for days_ago in (0, 1):
            midnight = datetime(wall.year, wall.month, wall.day) - timedelta(days=days_ago)
            start = midnight + timedelta(minutes=span.start)
            if midnight.weekday() in span.days and start <= wall < start + timedelta(minutes=span.length):
                return True
    return False


@given(WINDOW, MOMENT)
def test_inside_is_what_the_clock_on_the_wall_says(text: str, moment: datetime) -> None:
    window = parse(text)
    assert window.allows(moment) is by_wall(window, moment)


@given(WINDOW, MOMENT, st.floats(0, 1))
def test_next_is_inside_and_nothing_before_it_is(text: str, moment: datetime, part: float) -> None:
    window = parse(text)
    found = window.next(moment)
    assert found is not None
    assert found >= moment
    assert window.allows(found)
    between = moment + (found - moment) * part
    assert between >= found or not window.allows(between)


@given(WINDOW)
def test_a_window_is_told_as_it_was_written(text: str) -> None:
    assert str(parse(text)) == text
    assert parse(str(parse(text))) == parse(text)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("Mon-Thu 20:00-23:00 UTC", "2026-11-24T20:00", "2026-11-24T23:00"),
        ("Mon-Thu 20:00-23:00 UTC", "2026-11-26T22:59", "2026-11-27T20:30"),
        ("Fri-Mon 00:00-24:00 UTC", "2026-11-23T12:00", "2026-11-24T00:00"),
        ("Mon,Wed 08:00-09:00 UTC", "2026-11-25T08:30", "2026-11-24T08:30"),
        ("Fri 22:00-02:00 UTC", "2026-11-28T01:59", "2026-11-27T01:59"),
        ("Sat 06:00-07:00 UTC; Sun 06:00-07:00 UTC", "2026-11-29T06:00", "2026-11-29T07:00"),
        ("Tue 20:00-21:00 Europe/Berlin", "2026-11-24T19:30", "2026-11-24T20:30"),
    ],
)
def test_days_and_times(text: str, inside: str, outside: str) -> None:
    window = parse(text)
    assert window.allows(at(inside))
    assert not window.allows(at(outside))


def test_an_hour_that_comes_twice_is_inside_twice() -> None:
    window = parse("Sun 02:00-03:00 Europe/Berlin")
    first, second = (at("2026-10-25T02:30", BERLIN, second=again) for again in (False, True))
    assert second.astimezone(timezone.utc) - first.astimezone(timezone.utc) == timedelta(hours=1)
    assert window.allows(first)
    assert window.allows(second)
    assert not window.allows(at("2026-10-25T03:00", BERLIN))


def test_an_hour_that_does_not_come_is_next_a_week_later() -> None:
    window = parse("Sun 02:00-03:00 Europe/Berlin")
    assert window.next(at("2026-03-28T12:00")) == at("2026-04-05T00:00")


def test_a_span_that_begins_in_the_hour_left_out_begins_after_it() -> None:
    window = parse("Sun 02:30-04:00 Europe/Berlin")
    assert window.next(at("2026-03-28T12:00")) == at("2026-03-29T01:00")


def test_the_time_of_day_stays_when_the_clocks_change() -> None:
    window = parse("Sat,Mon 20:00-21:00 Europe/Berlin")
    assert window.next(at("2026-10-24T12:00")) == at("2026-10-24T18:00")
    assert window.next(at("2026-10-25T12:00")) == at("2026-10-26T19:00")


def test_a_moment_is_told_in_the_zone_of_its_span() -> None:
    window = parse("Mon 20:00-21:00 Europe/Berlin; Sat 06:00-07:00 UTC")
    assert window.told(at("2026-11-23T19:00")) == "Mon 2026-11-23 20:00 Europe/Berlin (19:00 UTC)"
    assert window.told(at("2026-11-28T06:00")) == "Sat 2026-11-28 06:00 UTC"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" ; ", "names no time"),
        ("20:00-23:00", "not days, times and a time zone"),
        ("Mon 20:00-23:00", "not days, times and a time zone"),
        ("Mon 8-9 UTC", "not days, times and a time zone"),
        ("Monday 20:00-23:00 UTC", "'Monday' is not one of Mon, Tue"),
        ("Mon-Xyz 20:00-23:00 UTC", "'Xyz' is not one of"),
        ("Mon 24:00-23:00 UTC", "24:00 is not a time of a day"),
        ("Mon 20:60-23:00 UTC", "20:60 is not a time of a day"),
        ("Mon 20:00-24:01 UTC", "24:01 is not a time of a day"),
        ("Mon 20:00-20:00 UTC", "begins and ends at the same time"),
        ("Mon 20:00-23:00 Berlin", "'Berlin' is not a time zone"),
        ("Mon 20:00-23:00 ../etc", "'../etc' is not a time zone"),
        ("Mon 20:00-23:00 Europe", "'Europe' is not a time zone"),
    ],
)
def test_what_is_not_a_window_is_told_why(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text)


def test_without_a_database_of_time_zones_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_window, "available_timezones", set)
    with pytest.raises(ValueError, match="pip install tzdata"):
        parse("Mon 20:00-23:00 Nowhere/Land")
    assert parse("Mon 20:00-23:00 UTC").allows(at("2026-11-23T21:00"))
