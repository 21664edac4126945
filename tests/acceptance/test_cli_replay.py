"""`aep-provider replay`: the table, the JSON, what it refuses; with a real stack, and without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aep_provider.cli.console import CLOCK
from aep_provider.dataset.tags import timestamp
from aep_provider.emulator import Emulator
from aep_provider.emulator.seeds import EVENTS_SCHEMA, PROFILE_SCHEMA
from aep_provider.measured import REPLAY_REPLACES
from aep_provider.operations.replay import EVIDENCE
from support.aep import Aep
from support.project import Project
from support.replayed import ANN, ID, ON, UPSERT, Orders, person
from support.reports import written
from support.upload import Platform, upload


@pytest.fixture
def orders() -> Iterator[Orders]:
    """A dataset in Profile, in an emulator of its own."""
    with Emulator(strict=True) as emulator:
        yield Orders(emulator.url)


def test_the_table_has_the_lost_batches_and_the_later_ones(orders: Orders) -> None:
    made = orders.lost(after=[person(ANN, city="Paris")])
    orders.control.clear_requests()
    shown = orders.replay()
    rows = [line.split() for line in shown.stdout.splitlines() if line[:1].isdigit() and "json" in line]
    assert [(row[1], row[2]) for row in rows] == list(zip(made, ("lost", "lost", "later"), strict=True))
    assert "3 batches, 2 of them missed; 3 files, " in shown.stdout
    assert all(f"{level}: {text}" in shown.stdout for level, text in EVIDENCE)
    assert "Nothing was sent." in shown.stdout
    requests = orders.control.requests()
    assert [entry["path"] for entry in requests if entry["write"] and entry["service"] != "ims"] == []


def test_json_has_what_a_pipeline_needs(orders: Orders) -> None:
    old, _ = orders.lost()
    told = json.loads(orders.replay("--json").stdout)
    assert told["dataset"] == {
        "id": ID,
        "name": "Orders",
        "sandbox": "dev",
        "holds": "record",
        "upsert": True,
    }
    assert told["limit"] == {"batches_a_day": 90, "ended_in_24_hours": 2, "days": 1}
    first = told["batches"][0]
    assert (first["id"], first["stands_for"], first["why"], first["day"]) == (old, old, "lost", 1)
    assert first["files"] == [{"id": f"{old}-1", "name": "1.json", "size": 65}]
    assert first["create"] == {
        "datasetId": ID,
        "inputFormat": {"format": "json"},
        "replay": {"predecessors": [old], "reason": "replace"},
        "tags": {"pulumiReplay": [f"of:{old}", f"ended:{first['ended']}"]},
    }
    assert [one["level"] for one in told["evidence"]] == [level for level, _ in EVIDENCE]


def test_a_doubtful_batch_is_named_and_planned_only_when_asked(orders: Orders) -> None:
    doubt = orders.batch(person(ANN, city="Rome"))
    orders.change(upsert=True)
    shown = orders.replay()
    assert "Nothing has to be ingested again" in shown.stdout
    assert f"they are not in the plan: {doubt}. Look" in shown.stdout
    asked = orders.replay("--suspect").stdout
    assert f"{doubt}  suspect" in asked
    assert "a field that a record had lost since then comes back" in asked


def test_without_any_known_window_it_says_so(orders: Orders) -> None:
    done = orders.replay()
    assert done.exit_code == 1
    assert "no time without Profile is known" in done.stderr
    assert "--stack NAME" in done.stderr


def test_while_profile_is_off_nothing_is_planned(orders: Orders) -> None:
    note = [f"from:{timestamp(CLOCK.now())}", "by:aep/dev/orders", "was:plain"]
    off = {
        "unifiedProfile": ["enabled:false"],
        "unifiedIdentity": ["enabled:false"],
        "pulumiProfileGap": note,
    }
    killed = Orders(orders.url, off)
    missed = killed.batch(person(ANN, city="Rome"))
    done = killed.replay()
    assert (done.exit_code, "is not in Profile" in done.stderr) == (1, True)
    assert f"`aep-provider enable {ID}`, and plan again" in done.stderr
    killed.command("enable", "--no-stack", ID)
    assert f"{missed}  lost" in killed.replay().stdout


def test_a_batch_on_its_way_is_refused(orders: Orders) -> None:
    orders.lost()
    upload(orders.platform, ID, person(ANN))
    done = orders.replay()
    assert (done.exit_code, "on their way" in done.stderr) == (1, True)
    assert "wait until they have ended, and plan again" in done.stderr
    orders.control.tick(batches=True)
    assert "3 batches, 2 of them missed" in orders.replay().stdout


@pytest.mark.parametrize("names", [("a.csv",), ("a.json", "b.parquet"), ("parquet",)])
def test_a_format_that_the_script_cannot_order_is_refused(orders: Orders, names: tuple[str, ...]) -> None:
    orders.change(upsert=True, inside=lambda: orders.files(*names))
    done = orders.replay("--script")
    assert (done.exit_code, done.stdout) == (1, "")
    assert f"not all Parquet, nor all JSON, by their names: {names[0]}" in done.stderr
    assert "--json has the whole plan" in done.stderr
    [batch] = json.loads(orders.replay("--json").stdout)["batches"]
    assert ([file["name"] for file in batch["files"]], batch["create"]["inputFormat"]) == (
        list(names),
        {"format": ""},
    )


def test_a_batch_without_files_is_refused_by_the_script(orders: Orders) -> None:
    orders.lost()
    orders.control.fault({"status": 200, "body": {"data": []}}, path="/export/batches/", times=None)
    assert "Data Access lists no file of it" in orders.replay("--script").stderr


def test_a_file_too_large_for_one_piece_is_refused_by_the_script_alone(orders: Orders) -> None:
    orders.change(upsert=True, inside=lambda: orders.files("a.parquet"))
    size = {"status": 200, "body": {"data": [{"name": "a.parquet", "length": "300000000"}]}}
    orders.control.fault(size, path="/export/files/", times=None)
    assert "300.0 MB  parquet" in orders.replay().stdout
    assert "256 MB at most: a.parquet" in orders.replay("--script").stderr


def test_the_kind_of_data_is_asked_of_the_schema_where_the_dataset_does_not_say(orders: Orders) -> None:
    events = Orders(orders.url, UPSERT, schema=EVENTS_SCHEMA, classification={})
    events.change(
        upsert=False, inside=lambda: events.batch(person(ANN, _id="1", timestamp="2026-01-01T00:00:00Z"))
    )
    events.batch(person(ANN, _id="2", timestamp="2026-01-01T00:00:00Z"))
    told = json.loads(events.replay("--json").stdout)
    assert (told["dataset"]["holds"], [one["why"] for one in told["batches"]]) == ("time-series", ["lost"])


def test_doubtful_batches_from_before_upsert_went_off_are_refused_and_left_out(orders: Orders) -> None:
    off = Orders(orders.url, UPSERT)
    off.batch(person(ANN, city="Rome"))
    off.change(upsert=False, inside=lambda: off.batch(person(ANN, city="Paris")))
    refused = off.replay("--suspect")
    assert (refused.exit_code, "would replace a whole record" in refused.stderr) == (1, True)
    assert "Leave --suspect out" in refused.stderr
    assert "1 batch, 1 of them missed" in off.replay().stdout


def test_a_probe_that_saw_a_replay_is_cited(orders: Orders, tmp_path: Path) -> None:
    seen = {
        "belief": REPLAY_REPLACES,
        "verdict": "agrees",
        "seen": "accepted, and the predecessor has left",
        "switch": {},
    }
    orders.lost()
    assert "Measured" not in orders.replay().stdout
    orders.report = str(written(tmp_path / "probe.json", seen))
    cited = "Measured in this organisation on 2026-11-27: accepted, and the predecessor has left."
    assert cited in orders.replay().stdout
    assert f"#   {cited}" in orders.script()
    assert json.loads(orders.replay("--json").stdout)["measured"] == [cited]


def test_wrong_usage(orders: Orders) -> None:
    done = orders.replay("--json", "--script")
    assert (done.exit_code, "Use either --script or --json, not both." in done.stderr) == (2, True)
    assert orders.replay("--json").exit_code == 1


def test_state_knows_what_neither_tags_nor_times_tell(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON, name="Orders")
    running = upload(Platform(aep.url, aep.headers()), ID, person(ANN, city="Rome"))
    project.program(f"UpsertDataset('orders', dataset_id={ID!r}, is_upsert=True, in_flight_batches='ignore')")
    project.config("aep:ownershipTag", "false")
    project.up()
    aep.tick(batches=True)
    unknown = project.command("replay", "--no-stack", ID, expect=1).text
    assert "no time without Profile is known" in unknown
    assert "Name the stack that manages it: --stack NAME, --cwd DIR." in unknown
    known = project.command("replay", "-C", str(project.folder), "--stack", "dev", ID).out
    assert f"{running}  lost" in known, "it was in flight while Profile was off"
