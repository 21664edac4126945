"""No window goes unreported: which batches are named, when, how often, and what state keeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from aep_provider.dataset.tags import timestamp
from aep_provider.operations.gap_report import GapReport, merged
from support.aep import BareAep
from support.local import Local

Given = Callable[..., dict[str, Any]]

ID = "5b020a27e7040801dedbf46e"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
UPSERT = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
ADOPT = {"dataset_id": ID, "is_upsert": True}
STARTED = datetime.now(timezone.utc) - timedelta(hours=5)
ENDED = STARTED + timedelta(minutes=1)


def note(
    by: str = "aep/dev/orders", *, began: datetime = STARTED, ended: datetime | None = ENDED
) -> list[str]:
    to = [f"to:{timestamp(ended)}"] if ended else []
    return [f"from:{timestamp(began)}", f"by:{by}", "was:plain", *to]


def batch(
    ended: timedelta | None, status: str = "success", *, created: timedelta | None = None
) -> dict[str, Any]:
    """A batch that ended so long after the window began."""
    began = STARTED + (created if created is not None else (ended or timedelta(0)) - timedelta(seconds=1))
    body: dict[str, Any] = {
        "status": status,
        "created": int(began.timestamp() * 1000),
        "relatedObjects": [{"type": "dataSet", "id": ID}],
    }
    return body | ({"completed": int((STARTED + ended).timestamp() * 1000)} if ended is not None else {})


def gaps(local: Local) -> list[str]:
    return [said for said in local.said if said.startswith("Profile was off")]


def recorded(local: Local, aep: BareAep, given: Given) -> dict[str, Any]:
    """The outputs of a dataset that is on with upsert, without any window."""
    aep.dataset(ID, UPSERT)
    outputs = local.start(aep.url).create(given(**ADOPT)).outs
    assert outputs["profile_gap"] is None
    return outputs


def test_a_refresh_reports_and_records_the_window_of_a_killed_run(
    local: Local, aep: BareAep, given: Given
) -> None:
    outputs = recorded(local, aep, given)
    aep.dataset(ID, {**UPSERT, "pulumiProfileGap": note()})
    aep.seed(batches={"inside": batch(timedelta(seconds=30))})
    seen = local.start(aep.url).read(ID, outputs).outs
    assert seen["profile_gap"] == {
        "from": timestamp(STARTED),
        "to": timestamp(ENDED),
        "replay": ["inside"],
        "suspect": [],
    }
    assert len(gaps(local)) == 1
    assert "ingest again: inside" in gaps(local)[0]
    again = local.start(aep.url).read(ID, seen).outs
    assert again["profile_gap"] == seen["profile_gap"]
    assert gaps(local) == [], "it is reported once"


def test_a_refresh_says_that_profile_is_off_and_since_when(local: Local, aep: BareAep, given: Given) -> None:
    outputs = recorded(local, aep, given)
    off = {"unifiedProfile": ["enabled:false"], "unifiedIdentity": ["enabled:false"]}
    aep.dataset(ID, {**off, "pulumiProfileGap": note(ended=None)})
    local.start(aep.url).read(ID, outputs)
    (said,) = local.said
    assert said.startswith("Profile is OFF for dataset 'dataset 5b02'")
    assert f"since {timestamp(STARTED)}" in said


def test_a_second_window_right_after_a_recorded_one_is_reported(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, ON)
    outputs = local.start(aep.url).create(given(**ADOPT)).outs
    later = datetime.now(timezone.utc) + timedelta(seconds=2)
    aep.dataset(ID, {**UPSERT, "pulumiProfileGap": note(began=later, ended=later)})
    assert local.start(aep.url).read(ID, outputs).outs["profile_gap"]["from"] == timestamp(later)


def test_an_update_reports_the_window_of_a_killed_run(local: Local, aep: BareAep, given: Given) -> None:
    outputs = recorded(local, aep, given)
    aep.dataset(ID, {**UPSERT, "pulumiProfileGap": note()})
    seen = local.start(aep.url).update(ID, outputs, given(**ADOPT, name="Renamed")).outs
    assert seen["profile_gap"]["from"] == timestamp(STARTED)


def test_a_new_window_keeps_an_unreported_one_beside_it(local: Local, aep: BareAep, given: Given) -> None:
    outputs = recorded(local, aep, given)
    aep.dataset(ID, {**UPSERT, "pulumiProfileGap": note()})
    aep.seed(batches={"inside": batch(timedelta(seconds=30))})
    seen = local.start(aep.url).update(ID, outputs, given(dataset_id=ID, is_upsert=False)).outs
    assert len(gaps(local)) == 2
    assert seen["profile_gap"]["from"] > timestamp(STARTED)
    (earlier,) = seen["earlier_gaps"]
    assert (earlier["from"], earlier["replay"]) == (timestamp(STARTED), ["inside"])


def test_a_report_keeps_what_only_an_older_one_could_list() -> None:
    times: GapReport = {"from": timestamp(STARTED), "to": timestamp(ENDED)}
    newer, older = GapReport(**times, suspect=["b"]), GapReport(**times, replay=["a"], suspect=["c", "b"])
    assert merged(newer, older) == GapReport(**times, replay=["a"], suspect=["b", "c"])
    assert merged(times, times) == times


@pytest.mark.parametrize(("by", "reported"), [("aep/dev/orders", True), ("other/prod/orders", False)])
def test_an_adoption_reports_only_a_window_of_its_owner(
    local: Local, aep: BareAep, given: Given, by: str, reported: bool
) -> None:
    aep.dataset(ID, {**UPSERT, "pulumiProfileGap": note(by)})
    outputs = local.start(aep.url).create(given(**ADOPT)).outs
    assert bool(outputs["profile_gap"]) is reported
    assert bool(gaps(local)) is reported
    if not reported:
        local.start(aep.url).read(ID, outputs)
        assert gaps(local) == [], "nor does the next refresh"


def test_a_window_that_somebody_else_ended_is_reported(local: Local, aep: BareAep, given: Given) -> None:
    outputs = recorded(local, aep, given)
    enabled_at = (STARTED + timedelta(hours=1)).replace(microsecond=0)
    on = [*UPSERT["unifiedProfile"], f"enabledAt:{enabled_at:%Y-%m-%d %H:%M:%S}"]
    aep.dataset(ID, {**UPSERT, "unifiedProfile": on, "pulumiProfileGap": note(ended=None)})
    gap = local.start(aep.url).read(ID, outputs).outs["profile_gap"]
    assert gap["to"] == timestamp(enabled_at)


def test_replay_and_suspect_follow_the_service_s_times(local: Local, aep: BareAep, given: Given) -> None:
    outputs = recorded(local, aep, given)
    aep.dataset(ID, {**UPSERT, "pulumiProfileGap": note()})
    internal = f"b1-ORG-box-{ID}-INGEST"
    aep.seed(
        batches={
            "long-before": batch(timedelta(hours=-3, minutes=-5)),
            "before": batch(timedelta(hours=-2, minutes=-55)),
            "at-the-start": batch(timedelta(0)),
            "inside": batch(timedelta(seconds=59)),
            "just-after": batch(timedelta(seconds=90)),
            "long-after": batch(timedelta(minutes=10)),
            "failed": batch(timedelta(seconds=20), "failed"),
            internal: batch(timedelta(seconds=20)),
            "still-going": batch(None, "processing", created=timedelta(seconds=10)),
            "began-later": batch(None, "processing", created=timedelta(minutes=10)),
        }
    )
    gap = local.start(aep.url).read(ID, outputs).outs["profile_gap"]
    assert sorted(gap["replay"]) == ["at-the-start", "inside", "still-going"]
    assert sorted(gap["suspect"]) == ["before", "just-after"]


@pytest.mark.parametrize("hours", [1, -1])
def test_a_wrong_local_clock_does_not_empty_the_report(
    local: Local, aep: BareAep, given: Given, hours: int
) -> None:
    aep.dataset(ID, ON)
    local.ahead = timedelta(hours=hours)
    provider = local.start(aep.url)
    now = int((datetime.now(timezone.utc) - timedelta(seconds=30)).timestamp() * 1000)
    fresh = {"status": "success", "created": now, "completed": now}
    aep.seed(batches={"fresh": {**fresh, "relatedObjects": [{"type": "dataSet", "id": ID}]}})
    assert provider.create(given(**ADOPT)).outs["profile_gap"]["suspect"] == ["fresh"]


def test_what_is_the_same_for_all_is_said_once_and_the_last_line_sums_up(
    local: Local, aep: BareAep, given: Given
) -> None:
    ids = [f"{number:024x}" for number in range(1, 6)]
    for dataset_id in ids:
        aep.dataset(dataset_id, ON)
    provider = local.start(aep.url)
    for dataset_id in ids:
        provider.create(given(dataset_id=dataset_id, is_upsert=True, owner=f"aep/dev/{dataset_id}"))
    assert sum("the upsert tutorial prescribes it" in said for said in local.said) == 1
    assert sum("nothing backfills it" in said for said in local.said) == 1
    assert len(gaps(local)) == 5
    assert "this run so far: 5 windows, the longest" in gaps(local)[-1]
    assert gaps(local)[-1].endswith("0 batches to ingest again).")


def test_with_our_tags_off_the_note_of_an_earlier_window_dates_nothing(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, {**ON, "pulumiProfileGap": note()})
    outputs = local.start(aep.url, **{"aep:ownershipTag": "false"}).create(given(**ADOPT)).outs
    assert outputs["profile_gap"]["to"] >= outputs["profile_gap"]["from"] > timestamp(ENDED)


def toggled_while_batches_lag(local: Local, aep: BareAep, given: Given) -> dict[str, Any]:
    """The outputs of a toggle whose listings did not show the batch that was ingested right before it."""
    aep.dataset(ID, ON)
    aep.fault({"status": 200, "body": {}}, times=2, method="GET", path="/batches")
    now = int(datetime.now(timezone.utc).timestamp() * 1000)
    fresh = {"status": "success", "created": now, "completed": now}
    aep.seed(batches={"fresh": {**fresh, "relatedObjects": [{"type": "dataSet", "id": ID}]}})
    outputs = local.start(aep.url).create(given(**ADOPT)).outs
    assert outputs["profile_gap"]["suspect"] == []
    assert "no batch is listed that ended in that time" in gaps(local)[0]
    return outputs


def test_a_batch_that_was_listed_late_is_reported_once_by_a_refresh(
    local: Local, aep: BareAep, given: Given
) -> None:
    outputs = toggled_while_batches_lag(local, aep, given)
    seen = local.start(aep.url).read(ID, outputs).outs
    assert seen["profile_gap"] == {**outputs["profile_gap"], "suspect": ["fresh"]}
    assert "listed since it was reported: " in gaps(local)[0]
    assert local.start(aep.url).read(ID, seen).outs["profile_gap"] == seen["profile_gap"]
    assert gaps(local) == []


@pytest.mark.parametrize(("hours", "asked"), [(23, 1), (25, 0)])
def test_batches_are_listed_again_for_a_day(
    local: Local, aep: BareAep, given: Given, hours: int, asked: int
) -> None:
    outputs = recorded(local, aep, given)
    closed = datetime.now(timezone.utc) - timedelta(hours=hours)
    gap = {"from": timestamp(closed), "to": timestamp(closed), "replay": [], "suspect": []}
    aep.clear_requests()
    local.start(aep.url).read(ID, {**outputs, "profile_gap": gap})
    assert aep.calls().count("GET catalog/batches") == asked


def test_lists_that_could_not_be_had_are_completed_by_a_refresh(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, ON)
    aep.fault({"status": 403, "body": {}}, nth=2, method="GET", path="/batches")
    outputs = local.start(aep.url).create(given(**ADOPT)).outs
    assert "replay" not in outputs["profile_gap"]
    seen = local.start(aep.url).read(ID, outputs).outs["profile_gap"]
    assert seen == {**outputs["profile_gap"], "replay": [], "suspect": []}


def test_a_second_look_that_fails_does_not_fail_a_refresh(local: Local, aep: BareAep, given: Given) -> None:
    outputs = toggled_while_batches_lag(local, aep, given)
    aep.fault({"status": 403, "body": {}}, method="GET", path="/batches")
    assert local.start(aep.url).read(ID, outputs).outs["profile_gap"] == outputs["profile_gap"]
