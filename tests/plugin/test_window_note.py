"""What ends a window early and what does not, and the note that it leaves on the dataset."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from aep_provider.dataset.tags import moment
from aep_provider.errors import Interrupted, ProfileOff
from aep_provider.plugin import host
from support.aep import BareAep
from support.local import Local
from support.window import (
    ADOPT,
    ID,
    LOST,
    ON,
    profile,
)

Given = Callable[..., dict[str, Any]]

# Nobody listens


def test_nothing_is_switched_off_for_an_engine_that_is_gone(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    monkeypatch.setattr(host.EngineReporter, "listening", lambda _: False)
    with pytest.raises(Interrupted, match="not done, because the `pulumi` that started this run is gone"):
        provider.create(given(**ADOPT))
    assert aep.writes() == []


def test_an_engine_that_leaves_inside_the_window_stops_nothing(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    monkeypatch.setattr(host.EngineReporter, "listening", lambda _: aep.writes() == [])
    aep.fault(LOST, 1, method="PATCH")
    aep.fault(LOST, 3, method="PATCH")
    provider.create(given(**ADOPT))
    assert profile(aep) == ["enabled:true", "isUpsert:true"]


def test_a_shutdown_inside_the_window_does_not_stop_the_enable(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    aep.fault(LOST, 2, 2, method="PATCH")
    monkeypatch.setattr(host.CLOCK, "wait", lambda seconds: seconds > 0)
    provider.create(given(**ADOPT))
    assert profile(aep) == ["enabled:true", "isUpsert:true"]


def test_a_shutdown_ends_the_looks_at_what_came_of_it(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    aep.switch(read_lag=9)
    provider = local.start(aep.url)
    monkeypatch.setattr(host.CLOCK, "wait", lambda seconds: seconds > 0)
    with pytest.raises(ProfileOff, match=r"^Profile may be OFF"):
        provider.create(given(**ADOPT))
    calls = [call.split()[0] for call in aep.calls() if "{id}" in call]
    assert calls == ["GET", "GET", "PATCH", "PATCH", "GET"]


# The note


def test_the_note_says_when_the_enable_was_sent(local: Local, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, ON)
    aep.fault({"status": 429, "body": {}, "headers": {"Retry-After": "2"}}, 2, method="PATCH")
    outputs = local.start(aep.url).create(given(**ADOPT)).outs
    began, by, was, ended = aep.datasets()[ID]["tags"]["pulumiProfileGap"]
    assert (by, was) == ("by:aep/dev/orders", "was:plain")
    times = [moment(text.partition(":")[2]) for text in (began, ended)]
    assert times[0] is not None
    assert times[1] is not None
    assert timedelta(seconds=2) <= times[1] - times[0] < timedelta(seconds=30), (
        "it was sent two seconds later"
    )
    assert began == f"from:{outputs['profile_gap']['from']}"
    assert ended == f"to:{outputs['profile_gap']['to']}"


@pytest.mark.parametrize("hours", [1, -1])
def test_the_note_has_the_service_s_time(local: Local, aep: BareAep, given: Given, hours: int) -> None:
    aep.dataset(ID, ON)
    local.ahead = timedelta(hours=hours)
    gap = local.start(aep.url).create(given(**ADOPT)).outs["profile_gap"]
    began = moment(gap["from"])
    assert began is not None
    assert abs(began - datetime.now(timezone.utc)) < timedelta(minutes=1)
    assert re.fullmatch(r"[-0-9T:.]+Z", gap["to"])
