"""No lost batch is forgotten: state and the note keep every window from the oldest one with batches left on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from aep_provider.dataset.tags import WINDOWS_KEPT, WindowNote, timestamp
from support.aep import BareAep
from support.local import Local

Given = Callable[..., dict[str, Any]]

ID = "5b020a27e7040801dedbf46e"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
UPSERT = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
OFF = {"unifiedProfile": ["enabled:false"], "unifiedIdentity": ["enabled:false"]}
ADOPT = {"dataset_id": ID, "is_upsert": True}
NOW = datetime.now(timezone.utc).replace(microsecond=0)
OWNER = "aep/dev/orders"


def began(days: int) -> datetime:
    return NOW - timedelta(days=days)


def window(days: int, *lost: str) -> dict[str, Any]:
    """A window on record that began so many days ago and took a minute."""
    at = began(days)
    return {
        "from": timestamp(at),
        "to": timestamp(at + timedelta(minutes=1)),
        "replay": list(lost),
        "suspect": [],
    }


def noted(days: int, *earlier: WindowNote, by: str = OWNER, ended: bool = True) -> WindowNote:
    end = timestamp(began(days) + timedelta(minutes=1)) if ended else ""
    return WindowNote(timestamp(began(days)), by, False, end, earlier)


def note(aep: BareAep) -> WindowNote:
    found = WindowNote.read(aep.datasets()[ID]["tags"]["pulumiProfileGap"])
    assert found is not None
    return found


def ended(days: int, *, minutes: float = 0.5, **fields: Any) -> dict[str, Any]:
    """A batch that ended so long after a window began."""
    at = int((began(days) + timedelta(minutes=minutes)).timestamp() * 1000)
    related = [{"type": "dataSet", "id": ID}]
    return {"status": "success", "created": at - 1000, "completed": at, "relatedObjects": related, **fields}


def recorded(local: Local, aep: BareAep, given: Given, *windows: dict[str, Any]) -> dict[str, Any]:
    """The outputs of a dataset that is on with upsert, with these windows on record, the newest first."""
    aep.dataset(ID, UPSERT)
    outputs = local.start(aep.url).create(given(**ADOPT)).outs
    assert (outputs["profile_gap"], outputs["earlier_gaps"]) == (None, [])
    return outputs | {"profile_gap": windows[0] if windows else None, "earlier_gaps": list(windows[1:])}


def toggled(local: Local, aep: BareAep, given: Given, outputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs after a run that changes upsert."""
    wanted = given(dataset_id=ID, is_upsert=not outputs["is_upsert"])
    return local.start(aep.url).update(ID, outputs, wanted).outs


def test_a_second_window_keeps_the_first_one_with_its_batches(
    local: Local, aep: BareAep, given: Given
) -> None:
    seen = toggled(local, aep, given, recorded(local, aep, given, window(2, "lost")))
    assert seen["earlier_gaps"] == [window(2, "lost")]
    assert seen["profile_gap"]["from"] > timestamp(NOW)
    third = toggled(local, aep, given, seen)
    assert third["earlier_gaps"] == [seen["profile_gap"], window(2, "lost")]


def test_the_note_keeps_the_windows_that_state_keeps(local: Local, aep: BareAep, given: Given) -> None:
    outputs = recorded(local, aep, given, window(2, "lost"))
    aep.dataset(ID, {**UPSERT, "pulumiProfileGap": noted(2, noted(5)).elements()})
    seen = toggled(local, aep, given, outputs)
    last, earlier = note(aep).every
    assert (last.start, last.end) == (seen["profile_gap"]["from"], seen["profile_gap"]["to"])
    assert earlier == noted(2), "the one of five days ago was on record once, and is settled"


def test_a_window_whose_batches_were_ingested_again_leaves_the_record(
    local: Local, aep: BareAep, given: Given
) -> None:
    outputs = recorded(local, aep, given, window(3, "b"), window(9, "a"))
    aep.seed(batches={"z": ended(1, replay={"predecessors": ["a"], "reason": "replace"})})
    seen = toggled(local, aep, given, outputs)
    assert seen["earlier_gaps"] == [window(3, "b")]


def test_a_settled_window_after_an_open_one_stays_since_it_tells_the_setting(
    local: Local, aep: BareAep, given: Given
) -> None:
    outputs = recorded(local, aep, given, window(3), window(9, "a"))
    assert toggled(local, aep, given, outputs)["earlier_gaps"] == [window(3), window(9, "a")]
    outputs = recorded(local, aep, given, window(3), window(9))
    assert toggled(local, aep, given, outputs)["earlier_gaps"] == []


def test_a_window_of_today_stays_since_a_listing_may_have_been_behind(
    local: Local, aep: BareAep, given: Given
) -> None:
    outputs = recorded(local, aep, given, window(0))
    assert toggled(local, aep, given, outputs)["earlier_gaps"] == [window(0)]


@pytest.mark.parametrize("lists", ["unknown", "not to be had"])
def test_what_cannot_be_seen_to_be_settled_stays(
    local: Local, aep: BareAep, given: Given, lists: str
) -> None:
    first = window(3, "a")
    if lists == "unknown":
        del first["replay"], first["suspect"]
    outputs = recorded(local, aep, given, first)
    provider = local.start(aep.url)
    if lists == "not to be had":
        aep.seed(batches={"z": ended(1, replay={"predecessors": ["a"], "reason": "replace"})})
        aep.fault({"status": 403, "body": {}}, nth=3, method="GET", path="/batches")
    seen = provider.update(ID, outputs, given(dataset_id=ID, is_upsert=False)).outs
    assert seen["earlier_gaps"] == [first]


def test_what_there_is_no_room_for_is_named_once_more(local: Local, aep: BareAep, given: Given) -> None:
    windows = [window(days, f"lost-{days}") for days in range(1, WINDOWS_KEPT + 1)]
    seen = toggled(local, aep, given, recorded(local, aep, given, *windows))
    assert seen["earlier_gaps"] == windows[:-1]
    (said,) = [one for one in local.said if "drops this one" in one]
    assert windows[-1]["from"] in said
    assert said.endswith(f"ingest again: lost-{WINDOWS_KEPT}.")


def test_two_runs_that_were_killed_are_both_reported_and_recorded(
    local: Local, aep: BareAep, given: Given
) -> None:
    outputs = recorded(local, aep, given, window(5, "z"))
    aep.dataset(ID, {**UPSERT, "pulumiProfileGap": noted(1, noted(3), noted(5)).elements()})
    aep.seed(batches={"b": ended(1), "a": ended(3)})
    seen = local.start(aep.url).read(ID, outputs).outs
    kept = [seen["profile_gap"], *seen["earlier_gaps"]]
    assert [(one["from"], one["replay"]) for one in kept] == [
        (timestamp(began(1)), ["b"]),
        (timestamp(began(3)), ["a"]),
        (timestamp(began(5)), ["z"]),
    ]
    told = [one for one in local.said if one.startswith("Profile was off")]
    assert [timestamp(began(days)) in one for days, one in zip((3, 1), told, strict=True)] == [True, True]
    again = local.start(aep.url).read(ID, seen).outs
    assert (again["profile_gap"], again["earlier_gaps"]) == (seen["profile_gap"], seen["earlier_gaps"])
    assert not any(one.startswith("Profile was off") for one in local.said), "each is reported once"


def test_a_run_that_is_never_recorded_leaves_its_window_in_the_next_note(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, ON)
    killed = local.start(aep.url).create(given(**ADOPT)).outs["profile_gap"]
    seen = local.start(aep.url).create(given(dataset_id=ID, is_upsert=False)).outs
    assert [one.start for one in note(aep).every] == [seen["profile_gap"]["from"], killed["from"]]
    assert [one["from"] for one in seen["earlier_gaps"]] == [killed["from"]]


def test_a_recovery_keeps_the_earlier_windows_of_the_note(local: Local, aep: BareAep, given: Given) -> None:
    outputs = recorded(local, aep, given)
    aep.dataset(ID, {**OFF, "pulumiProfileGap": noted(1, noted(3), ended=False).elements()})
    aep.seed(batches={"a": ended(3)})
    refreshed = local.start(aep.url).read(ID, outputs).outs
    assert refreshed["profile_gap"]["from"] == timestamp(began(3)), "the open one is not over yet"
    found = local.start(aep.url).update(ID, refreshed, given(**ADOPT, name="Renamed")).outs
    assert found["profile_gap"]["from"] == timestamp(began(1))
    assert [one["replay"] for one in found["earlier_gaps"]] == [["a"]]
    assert [one.start for one in note(aep).every] == [timestamp(began(1)), timestamp(began(3))]
    assert not note(aep).open


def test_a_window_of_another_owner_is_kept_in_the_note_and_never_reported(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, {**ON, "pulumiProfileGap": noted(2, by="other/prod/orders").elements()})
    seen = local.start(aep.url).create(given(**ADOPT)).outs
    assert seen["earlier_gaps"] == []
    assert [one.owner for one in note(aep).every] == [OWNER, "other/prod/orders"]


def test_a_window_that_began_longer_ago_than_batches_are_listed_has_no_lists(
    local: Local, aep: BareAep, given: Given
) -> None:
    outputs = recorded(local, aep, given)
    aep.dataset(ID, {**UPSERT, "pulumiProfileGap": noted(40).elements()})
    seen = local.start(aep.url).read(ID, outputs).outs
    assert set(seen["profile_gap"]) == {"from", "to"}
    (said,) = [one for one in local.said if one.startswith("Profile was off")]
    assert f"`aep-provider replay {ID}` lists them all" in said


def test_earlier_windows_are_looked_up_once_profile_is_on_again(
    local: Local, aep: BareAep, given: Given
) -> None:
    outputs = recorded(local, aep, given)
    open_one = noted(1, *[noted(days) for days in range(2, 11)], ended=False)
    aep.dataset(ID, {**OFF, "pulumiProfileGap": open_one.elements()})
    aep.forget()
    aep.fault({"status": 503}, times=None, method="GET", path="/batches")
    local.start(aep.url).update(ID, outputs, given(**ADOPT, name="Renamed"))
    calls = aep.calls()
    assert calls.index("PATCH catalog/dataSets/{id}") < calls.index("GET catalog/batches")


@pytest.mark.parametrize("tags", [OFF, UPSERT])
def test_a_time_at_the_end_of_the_calendar_in_a_note_stops_nothing(
    local: Local, aep: BareAep, given: Given, tags: dict[str, list[str]]
) -> None:
    outputs = recorded(local, aep, given)
    endless = WindowNote(timestamp(began(3)), OWNER, False, "9999-12-31T23:59:59.999Z")
    tag = noted(1, endless, ended=tags is UPSERT).elements()
    aep.dataset(ID, {**tags, "pulumiProfileGap": tag})
    seen = local.start(aep.url).update(ID, outputs, given(dataset_id=ID, is_upsert=tags is OFF)).outs
    assert (seen["profile_enabled"], seen["is_upsert"]) == (True, tags is OFF)
