"""What an event log says of a run, and what is made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aep_provider.cli import events
from aep_provider.cli.engine import Lock, Ran
from aep_provider.cli.outcome import NETWORK, REFUSALS, Found, Off, Outcome, decide, may_repeat
from aep_provider.plugin import host

URN = "urn:pulumi:dev::aep::pulumi-python:dynamic/aep:UpsertDataset::"
ORDERS = f"{URN}orders"
OFF = Found(off=[Off("orders", "5b02", "", upsert=True)])
LOCKED = (
    "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the "
    "lock file with `pulumi cancel`.\n  s3://state/locks/1.json: created by ann@laptop (pid 4711) at "
    "2026-11-27T03:04:05Z\n"
)


def said(severity: str, message: str, urn: str = ORDERS, **more: Any) -> dict[str, Any]:
    return {"diagnosticEvent": {"severity": severity, "message": message, "urn": urn, **more}}


def kind(name: str, urn: str = ORDERS) -> dict[str, Any]:
    return said("debug", events.KIND + json.dumps({"kind": name}), urn)


def log(*parts: dict[str, Any]) -> events.Log:
    return events.read(json.dumps(one) for one in ({"preludeEvent": {}}, *parts))


def summary(**counts: int) -> dict[str, Any]:
    return {"summaryEvent": {"resourceChanges": counts}}


def done(step: str, old: dict[str, Any] | None, new: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    metadata = {"op": step, "urn": ORDERS, "type": "pulumi-python:dynamic/aep:UpsertDataset", **more}
    return {"resOutputsEvent": {"metadata": {**metadata, "old": old, "new": new}}}


def test_the_plugin_and_the_command_mean_the_same_line() -> None:
    assert host.KIND == events.KIND


def test_an_error_has_the_kind_that_the_plugin_told_first() -> None:
    found = log(kind("Refused"), kind("ServerFault"), said("error", "no\nbecause\n"))
    assert found.errors == [events.Message(ORDERS, "no\nbecause", "Refused")]
    assert found.errors[0].resource == "orders"


def test_what_only_follows_from_an_error_is_left_out() -> None:
    follow = said("error", "Resource monitor has terminated, shutting down\n", "")
    assert [one.text for one in log(said("error", "no"), follow).errors] == ["no"]
    assert len(log(follow).errors) == 1


def test_a_log_that_was_cut_off_says_what_it_has() -> None:
    lines = [json.dumps({"preludeEvent": {}}), json.dumps(said("error", "no")), '{"summaryEv']
    assert [one.text for one in events.read(lines).errors] == ["no"]
    assert not events.read([]).begun


def test_the_update_counts_and_not_the_preview_before_it() -> None:
    preview = [said("warning", "may be"), done("create", None, {"id": ""}), summary(create=1)]
    found = log(*preview, {"preludeEvent": {}}, done("create", None, {"id": "5b02"}), summary(create=1))
    assert [one.id for one in found.changes] == ["5b02"]
    assert found.warnings == []


def test_a_warning_counts_once_and_progress_not_at_all() -> None:
    found = log(said("warning", "a"), said("warning", "a"), said("warning", "b", ephemeral=True))
    assert [one.text for one in found.warnings] == ["a"]


def test_a_window_is_new_where_the_state_did_not_have_it() -> None:
    gap = {"from": "a", "to": "b", "replay": ["1"]}
    held, fresh = {"outputs": {"profile_gap": gap}}, {"id": "5b02", "outputs": {"profile_gap": gap}}
    assert log(done("refresh", held, fresh)).windows == []
    (window,) = log(done("refresh", {"outputs": {}}, fresh)).windows
    assert (window.id, window.report) == ("5b02", gap)


def test_each_window_that_a_run_records_counts() -> None:
    old, first, second = ({"from": at, "to": at, "replay": [at]} for at in "abc")
    held = {"outputs": {"profile_gap": old}}
    outputs = {"profile_gap": second, "earlier_gaps": [first, old]}
    found = log(done("update", held, {"id": "5b02", "outputs": outputs})).windows
    assert [one.report for one in found] == [first, second]


@pytest.mark.parametrize(
    ("counts", "changed"),
    [({"same": 2}, False), ({"same": 1, "refresh": 1}, False), ({"update": 1}, True), ({"delete": 0}, False)],
)
def test_a_run_has_changed_what_it_counts(counts: dict[str, int], changed: bool) -> None:
    assert log(summary(**counts)).changed is changed


@pytest.mark.parametrize(
    ("action", "ran", "found", "outcome"),
    [
        ("up", Ran(0, log(summary(same=1)), ""), Found(), Outcome.CLEAN),
        ("up", Ran(0, log(summary(update=1)), ""), Found(), Outcome.CHANGED),
        ("drift", Ran(7, log(summary(update=1)), ""), Found(), Outcome.CHANGED),
        ("preview", Ran(7, log(summary(update=1)), ""), Found(), Outcome.FAILED),
        ("drift", Ran(7, log(summary(update=1)), ""), OFF, Outcome.PROFILE_OFF),
        ("up", Ran(1, log(said("error", "EOF")), ""), OFF, Outcome.PROFILE_OFF),
        ("up", Ran(1, log(said("error", "EOF")), ""), Found(), Outcome.FAILED),
        ("up", Ran(1, log(kind("ProfileOff"), said("error", "off")), ""), Found(), Outcome.PROFILE_OFF),
        ("up", Ran(1, log(kind("Refused"), said("error", "no")), ""), Found(), Outcome.REFUSED),
        (
            "up",
            Ran(1, log(kind("Refused"), said("error", "no"), said("error", "x", f"{URN}b")), ""),
            Found(),
            Outcome.FAILED,
        ),
        ("up", Ran(1, events.Log(), LOCKED), Found(), Outcome.LOCKED),
        ("up", Ran(1, log(said("error", LOCKED)), LOCKED), Found(), Outcome.FAILED),
        ("up", Ran(6, events.Log(), "error: no stack named 'x' found"), Found(), Outcome.FAILED),
    ],
)
def test_what_came_of_a_run(action: str, ran: Ran, found: Found, outcome: Outcome) -> None:
    assert decide(action, ran, found) is outcome


def test_a_lock_says_whose_it_is_and_since_when() -> None:
    assert Ran(1, events.Log(), LOCKED).lock == Lock("ann@laptop (pid 4711)", "2026-11-27T03:04:05Z")
    cloud = "error: [409] Conflict: Another update is currently in progress."
    assert Ran(1, events.Log(), cloud).lock == Lock("", "")


@pytest.mark.parametrize("name", sorted(NETWORK | REFUSALS | {"ProfileOff", "RolledBack", "NotConverged"}))
def test_only_a_failed_network_is_tried_again(name: str) -> None:
    ran = Ran(1, log(kind(name), said("error", "x")), "")
    assert may_repeat(decide("up", ran, Found()), ran) is (name in NETWORK)
    assert not may_repeat(Outcome.FAILED, Ran(1, ran.log, "", stopped=True))


def test_a_lock_and_an_unreachable_backend_are_tried_again() -> None:
    locked = Ran(1, events.Log(), LOCKED)
    away = Ran(1, events.Log(), "error: read: dial tcp 10.0.0.1:443: i/o timeout")
    assert may_repeat(Outcome.LOCKED, locked)
    assert may_repeat(Outcome.FAILED, away)
    assert not may_repeat(Outcome.FAILED, Ran(1, log(), away.complaint))


def test_an_attempt_that_failed_is_told_with_the_one_that_followed() -> None:
    gap = {"from": "a", "to": "b", "replay": ["LOST"], "suspect": []}
    orders = done("update", {"outputs": {}}, {"outputs": {"profile_gap": gap}, "id": "5b02"})
    first = log(orders, kind("TimedOut"), said("error", "no reply"))
    whole = events.together([first, log(summary(same=2))])
    assert [one.report["replay"] for one in whole.windows] == [["LOST"]]
    assert [one.operation for one in whole.changes] == ["update"]
    assert whole.errors == []
    assert decide("up", Ran(0, whole, ""), Found()) is Outcome.CHANGED


def test_a_refusal_counts_only_where_profile_could_be_looked_at() -> None:
    refused = Ran(1, log(kind("Refused"), said("error", "no")), "")
    assert decide("up", refused, Found()) is Outcome.REFUSED
    assert decide("up", refused, Found(not_checked="401")) is Outcome.FAILED
