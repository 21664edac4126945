"""`AEP_LOG=json`: one event a line, through the real engine."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from aep_provider.emulator.seeds import PROFILE_SCHEMA
from aep_provider.plugin.event_log import ALWAYS, EVENTS, SCHEMA_VERSION
from support.aep import Aep
from support.project import Project

ID = "5b020a27e7040801dedbf46e"
ADOPT = f'UpsertDataset("orders", dataset_id="{ID}")'
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}


@pytest.fixture
def file(tmp_path: Path, project: Project) -> Path:
    path = tmp_path / "events.jsonl"
    project.environment |= {"AEP_LOG": "json", "AEP_LOG_FILE": str(path)}
    return path


def events(file: Path) -> list[dict[str, Any]]:
    """The events so far, each with exactly the fields that the documentation names."""
    found: list[dict[str, Any]] = [json.loads(line) for line in file.read_text().splitlines()]
    for event in found:
        assert set(event) == {*ALWAYS, *EVENTS[event["event"]][1]}
        assert event["schema_version"] == SCHEMA_VERSION
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"])
        assert (event["project"], event["stack"], event["sandbox"]) == ("aep", "dev", "dev")
    return found


def batch(aep: Aep, *script: str) -> None:
    body = {
        "status": script[0],
        "relatedObjects": [{"type": "dataSet", "id": ID}],
        "created": int((time.time() - 60) * 1000),
        "_script": list(script),
    }
    aep.seed(batches={"01HBATCH": body})


def test_a_wait_a_window_and_its_gap(project: Project, aep: Aep, file: Path) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    batch(aep, "processing", "processing", "success")
    project.program(ADOPT)
    project.up()
    begun, over, window, gap = events(file)
    assert [(one["event"], one["operation"], one["resource"]) for one in (begun, over, window, gap)] == [
        ("wait", "create", "orders"),
        ("wait", "create", "orders"),
        ("window", "create", "orders"),
        ("gap", "create", "orders"),
    ]
    assert {one["dataset"] for one in (begun, over, window, gap)} == {ID}
    assert (begun["state"], begun["batches"], begun["seconds"]) == ("begun", ["01HBATCH"], 0)
    assert (over["state"], over["batches"]) == ("over", [])
    assert over["seconds"] > 0
    recorded = project.outputs()["profile_gap"]
    assert (window["outcome"], window["upsert"]) == ("changed", True)
    assert 0 < window["seconds"] < 60
    assert (window["from"], window["to"]) == (recorded["from"], recorded["to"])
    assert {key: gap[key] for key in ("from", "to", "replay", "suspect")} == recorded
    assert gap["late"] is False


def test_a_window_that_was_rolled_back_and_one_that_stays_open(
    project: Project, aep: Aep, file: Path
) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    aep.fault({"status": 400, "body": {"title": "no upsert here"}}, method="PATCH", nth=2)
    project.program(ADOPT)
    project.up(expect=1)
    window, failure = events(file)
    assert (window["event"], window["outcome"]) == ("window", "RolledBack")
    assert window["to"]
    assert (failure["event"], failure["error"]) == ("failure", "RolledBack")
    assert "no upsert here" in failure["message"]
    assert "\n" not in failure["message"]

    aep.fault({"status": 503, "body": {"title": "down"}}, method="PATCH", nth=2, times=None)
    project.up(expect=1)
    window, failure = events(file)[2:]
    assert (window["outcome"], window["to"], window["seconds"]) == ("ProfileOff", "", None)
    assert failure["error"] == "ProfileOff"


def test_refusals_of_arguments_of_guards_and_of_a_wait(project: Project, aep: Aep, file: Path) -> None:
    # Known too late for the constructor.
    empty = "empty = pulumi.Output.from_input('x').apply(lambda _: '')"
    project.program(empty, f'UpsertDataset("orders", name=empty, schema_id="{PROFILE_SCHEMA}")')
    project.up(expect=1)
    refusals = events(file)
    assert {(one["event"], one["operation"], one["error"], one["dataset"]) for one in refusals} == {
        ("refusal", "check", "CheckFailure", "")
    }
    assert any(one["message"].startswith("name: ") for one in refusals)

    aep.dataset(ID, PROFILE_SCHEMA, ON)
    batch(aep, "loading")
    project.program(ADOPT.replace(")", ", wait_timeout=1)"))
    project.up(expect=1)
    begun, too_long, refused = events(file)[len(refusals) :]
    assert [begun["state"], too_long["state"]] == ["begun", "too_long"]
    assert (refused["event"], refused["operation"], refused["error"]) == ("refusal", "create", "Refused")
    assert refused["message"].startswith("Batches are still in flight")


def test_without_a_file_events_are_among_what_pulumi_prints(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project.program(ADOPT)
    printed = project.up(AEP_LOG="json").text
    found = [json.loads(line) for line in re.findall(r'\{"schema_version": .*\}', printed)]
    assert {one["event"] for one in found} == {"window", "gap"}


def test_a_pipe_whose_reader_is_gone_is_told_and_fails_nothing(
    project: Project, aep: Aep, file: Path
) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    batch(aep, "processing", "processing", "success")
    os.mkfifo(file)
    reader = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    hold = aep.fault({"hold": "before"}, method="GET", service="catalog")
    project.program(ADOPT)
    process = project.start("up", "--yes", "--skip-preview")
    aep.hit(hold)
    os.close(reader)
    aep.clear_faults()
    printed, _ = process.communicate()
    assert process.returncode == 0, printed
    assert "Some events are missing in the log that AEP_LOG asks for: Broken pipe" in printed
