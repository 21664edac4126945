"""Profile that is off in the middle of an operation: an error says so first, and that time is reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aep_provider.aep import connect
from aep_provider.aep.gateway import Prepared
from aep_provider.aep.limit import Limit
from aep_provider.aep.reads import PLAIN
from aep_provider.dataset.desired import Desired
from aep_provider.errors import AepProviderError, Interrupted, ProfileOff
from aep_provider.operations import reconcile
from aep_provider.operations.change import Policy
from aep_provider.operations.context import Context
from aep_provider.operations.planner import Planner
from aep_provider.plugin import host
from aep_provider.settings import Settings
from support.aep import BareAep
from support.local import Local
from support.window import ADOPT, ID, LOST, ON, REFUSED, UPSERT, profile

Given = Callable[..., dict[str, Any]]

SINCE = "2026-11-25T09:00:00.000Z"
DOWN = {"status": 503, "body": {}}


def left_off(by: str) -> dict[str, list[str]]:
    """The tags that a killed run of an owner leaves."""
    off = {key: ["enabled:false"] for key in ON}
    return {**off, "pulumiProfileGap": [f"from:{SINCE}", f"by:{by}"]}


def in_slot(monkeypatch: pytest.MonkeyPatch, nth: int, happen: Callable[[], object]) -> None:
    """Let something happen while the `nth` slot is waited for, and a minute pass."""
    acquire, waited = Limit.acquire, iter(range(nth))

    def acquired(limit: Limit) -> None:
        acquire(limit)
        if next(waited, None) == nth - 1:
            happen()
            host.CLOCK.wait(60)

    # Every request is one of this thread then.
    monkeypatch.setenv(PLAIN, "1")
    monkeypatch.setattr(Limit, "acquire", acquired)


def after_request(monkeypatch: pytest.MonkeyPatch, name: str, nth: int, happen: Callable[[], object]) -> None:
    """Let something happen when the `nth` request of a name has been answered."""
    sending, answered = Prepared.send, iter(range(nth))

    def send(self: Prepared, fill: Any = None) -> Any:
        reply = sending(self, fill)
        if self.name.startswith(name) and next(answered, None) == nth - 1:
            happen()
        return reply

    monkeypatch.setattr(Prepared, "send", send)


@pytest.mark.parametrize("reads", [DOWN, REFUSED, LOST], ids=["down", "refused", "lost"])
@pytest.mark.parametrize("status", [401, 409, 412, 423, 429])
def test_a_disable_that_may_have_landed_is_said_where_no_read_shows_it(
    local: Local, aep: BareAep, given: Given, status: int, reads: dict[str, Any]
) -> None:
    # After the others the disable is sent once more, and answered with 412: the version has moved.
    aep.dataset(ID, ON)
    aep.fault({"status": status, "effect": True, "body": {}}, method="PATCH")
    aep.fault(reads, 3, None, method="GET", path=ID)
    with pytest.raises(ProfileOff, match=rf"^Profile (is|may be) OFF for dataset .*{ID}"):
        local.start(aep.url).create(given(**ADOPT))
    assert profile(aep) == ["enabled:false"]


def test_a_run_that_stops_after_a_disable_that_may_have_landed_looks_and_restores(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    aep.switch(read_lag=1)
    aep.fault({"status": 412, "effect": True, "body": {}}, method="PATCH")
    monkeypatch.setattr(host.EngineReporter, "listening", lambda _: not aep.writes())
    with pytest.raises(AepProviderError) as raised:
        provider.create(given(**ADOPT))
    assert profile(aep)[0] == "enabled:true"
    assert not isinstance(raised.value, Interrupted), "which says that Profile was not touched"


@pytest.mark.parametrize("lost", [False, True], ids=["answered", "not answered"])
@pytest.mark.parametrize("by", ["aep/dev/orders", "other/dev/orders"], ids=["ours", "another's"])
def test_a_time_that_an_enable_of_ours_has_ended_is_reported_where_the_run_fails_then(
    local: Local, aep: BareAep, given: Given, by: str, lost: bool
) -> None:
    aep.dataset(ID, left_off(by))
    if lost:
        aep.fault({"reset": "after"}, method="PATCH")
    aep.fault({"status": 409, "body": {}} if not lost else REFUSED, 2, None, method="PATCH")
    with pytest.raises(AepProviderError):
        local.start(aep.url).create(given(**ADOPT, description="new"))
    assert profile(aep)[0] == "enabled:true"
    assert any(f"Profile was off from {SINCE}" in said for said in local.said)


@pytest.mark.parametrize("by", ["aep/dev/orders", "other/dev/orders"], ids=["ours", "another's"])
@pytest.mark.parametrize("nth", [2, 3, 4, 5])
def test_a_time_that_began_while_a_slot_was_waited_for_is_reported(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch, by: str, nth: int
) -> None:
    aep.dataset(ID, UPSERT)
    provider = local.start(aep.url)
    gone = [{"op": "add", "path": f"/tags/{key}", "value": value} for key, value in left_off(by).items()]
    begun: list[bool] = []

    def begin() -> None:
        begun.append(True)
        aep.someone_else("PATCH", ID, gone)

    in_slot(monkeypatch, nth, begin)
    made = provider.create(given(**ADOPT, description="new"))
    assert begun
    assert profile(aep)[0] == "enabled:true"
    assert made.outs["profile_gap"]["from"] == SINCE
    assert any(f"Profile was off from {SINCE}" in said for said in local.said)


def test_profile_that_is_off_after_an_edit_is_said_first(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, UPSERT)
    provider = local.start(aep.url)
    off = [{"op": "add", "path": f"/tags/{key}", "value": ["enabled:false"]} for key in ON]
    after_request(monkeypatch, "PATCH", 1, lambda: aep.someone_else("PATCH", ID, off))
    with pytest.raises(ProfileOff, match=r"^Profile is OFF for dataset"):
        provider.create(given(**ADOPT, description="new"))


def test_a_time_that_the_note_of_a_killed_run_tells_as_well_is_reported_once(
    local: Local, aep: BareAep, given: Given, configured: Callable[[str], dict[str, Any]]
) -> None:
    local.start(aep.url)
    settings = Settings.load(configured(aep.url), {})
    context = Context(connect(settings, host.CLOCK), settings, host.EngineReporter(), host.CLOCK)
    planner = Planner(context, Desired(is_upsert=True, owner="aep/dev/orders"), Policy())
    # It waits, and reads it off; then somebody switches Profile on and leaves the note as it is.
    aep.dataset(ID, left_off("aep/dev/orders"))
    planner.again(ID)
    aep.dataset(ID, left_off("aep/dev/orders") | UPSERT)
    now = planner.again(ID)
    earlier = planner.unreported(now)
    assert [one["from"] for one in earlier] == [SINCE]
    assert reconcile._recovered(context, now, now, planner, earlier) == []
