"""The change window: asked again right before each disable, by the service's clock; recovery is exempt."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from aep_provider.change_window import ChangeWindow
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from aep_provider.errors import Refused, RolledBack
from support.aep import BareAep
from support.local import Local, Provider, inputs, previewed
from support.times import CLOSED, OPEN, window
from support.window import ADOPT, BUSY, ID, ON, REFUSED, patches

LEFT_OPEN = {
    "unifiedProfile": ["enabled:false"],
    "pulumiProfileGap": ["from:2026-01-31T09:00:00.000Z", "by:aep/dev/orders", "was:upsert"],
}


def processing(aep: BareAep, status: str) -> None:
    now = int(datetime.now(timezone.utc).timestamp() * 1000)
    related = [{"type": "dataSet", "id": ID}]
    aep.seed(batches={"01H": {"status": status, "created": now, "updated": now, "relatedObjects": related}})


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What the change window says each time it is asked; asked once too often, the test fails."""
    coming: list[bool] = []
    monkeypatch.setattr(ChangeWindow, "allows", lambda *_: coming.pop(0))
    return coming


def opened(local: Local, aep: BareAep, text: str = OPEN) -> Provider:
    aep.dataset(ID, ON)
    aep.clear_requests()
    return local.start(aep.url, **{"aep:changeWindow": text})


def test_a_window_that_closes_before_the_disable_stops_it(
    local: Local, aep: BareAep, answers: list[bool]
) -> None:
    provider = opened(local, aep)
    answers += [True, False, False, True, True]  # the refusal asks when it comes and where
    with pytest.raises(Refused, match="the change window is closed"):
        provider.create(inputs(**ADOPT))
    assert aep.writes() == []


def test_a_refused_disable_is_not_sent_again_after_the_window(
    local: Local, aep: BareAep, answers: list[bool]
) -> None:
    provider = opened(local, aep)
    aep.fault(BUSY, method="PATCH", nth=1)
    answers += [True, True, False, False, True, True]
    with pytest.raises(Refused, match="the change window is closed"):
        provider.create(inputs(**ADOPT))
    assert patches(aep) == ["off!"]
    assert aep.datasets()[ID]["tags"]["unifiedProfile"] == ["enabled:true"]


def test_a_wait_for_batches_that_outlasts_the_window_ends_in_a_refusal(local: Local, aep: BareAep) -> None:
    short = window(begins=timedelta(hours=-1), lasts=timedelta(minutes=62))
    clock: list[float] = []

    def on_wait(seconds: float) -> None:
        aep.tick(seconds)
        clock.append(seconds)
        if sum(clock) > 180:
            processing(aep, "success")

    local.on_wait = on_wait
    provider = opened(local, aep, short)
    processing(aep, "processing")
    with pytest.raises(Refused, match="the change window is closed"):
        provider.create(inputs(**ADOPT))
    assert aep.writes() == []


def test_after_the_disable_nothing_asks_and_what_was_there_comes_back(
    local: Local, aep: BareAep, answers: list[bool]
) -> None:
    provider = opened(local, aep)
    aep.fault(REFUSED, method="PATCH", nth=2)
    answers += [True, True]
    with pytest.raises(RolledBack):
        provider.create(inputs(**ADOPT))
    assert patches(aep) == ["off!", "upsert", "plain"]
    assert answers == []


def test_a_gap_left_open_is_closed_outside_the_window(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, LEFT_OPEN)
    provider = local.start(aep.url, **{"aep:changeWindow": CLOSED})
    assert provider.check({}, inputs(**ADOPT) | previewed()).failures == []
    provider.create(inputs(**ADOPT))
    assert patches(aep) == ["upsert"]


@pytest.mark.parametrize("given", [{"name": "Members"}, {"dataset_id": ID, "is_upsert": False, "name": "N"}])
def test_what_leaves_profile_on_is_never_asked(local: Local, aep: BareAep, given: dict[str, object]) -> None:
    provider = opened(local, aep, CLOSED)
    new = {} if "dataset_id" in given else {"schema_id": PROFILE_SCHEMA}
    provider.create(inputs(**given, **new))
    assert len(aep.writes()) == 1


@pytest.mark.parametrize("ahead", [5, -5, 0])
def test_the_services_clock_decides(local: Local, aep: BareAep, ahead: int) -> None:
    local.ahead = timedelta(hours=ahead)
    opened(local, aep).create(inputs(**ADOPT))
    assert patches(aep) == ["off!", "upsert"]


def test_the_service_says_closed_where_this_machine_says_open(local: Local, aep: BareAep) -> None:
    local.ahead = timedelta(hours=5)
    provider = opened(local, aep, window(begins=timedelta(hours=4)))
    with pytest.raises(Refused, match="the change window is closed"):
        provider.create(inputs(**ADOPT))
    assert aep.writes() == []


def test_the_refusal_names_the_next_time_and_the_setting(local: Local, aep: BareAep) -> None:
    failures = opened(local, aep, CLOSED).check({}, inputs(**ADOPT) | previewed()).failures
    (reason,) = [failure.reason for failure in failures]
    day, _, _ = CLOSED.partition(" ")
    assert f"Run `pulumi up` at or after {day} " in reason
    assert f"aep:changeWindow is {CLOSED!r}." in reason
