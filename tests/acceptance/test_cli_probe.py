"""`aep-provider probe`: the real command against the emulator."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aep_provider.emulator.seeds import (
    CLIENT_ID,
    CLIENT_SECRET,
    EVENTS_SCHEMA,
    ORG_ID,
    PLAIN_SCHEMA,
    PROFILE_SCHEMA,
)
from aep_provider.probe.beliefs import BELIEFS
from support.aep import Aep
from support.project import Project

ID = "5b020a27e7040801dedbf46e"
PROBE = ("probe", "--no-stack", "--schema", PROFILE_SCHEMA)
COMMAND = str(Path(sys.executable).parent / "aep-provider")


@pytest.fixture
def before(aep: Aep) -> dict[str, Any]:
    """What the sandbox holds: a dataset of somebody else's."""
    aep.dataset(ID, PROFILE_SCHEMA, {"pulumiManagedBy": ["aep/dev/orders"]}, name="Orders")
    return aep.datasets()


def test_it_asks_reports_and_leaves_the_sandbox_as_it_was(
    project: Project, aep: Aep, before: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "probe.json"
    told = project.command(*PROBE, "--yes", "--json", "--report", str(file))
    report = json.loads(told.out)
    assert report == json.loads(file.read_text())
    assert (report["kind"], report["sandbox_type"], report["leftovers"]) == (
        "aep-provider probe report",
        "development",
        0,
    )
    assert [one["belief"] for one in report["answers"]] == [one.id for one in BELIEFS]
    assert sum(one["verdict"] == "agrees" for one in report["answers"]) > 70
    assert report["figures"]["window_ms"] > 0
    assert aep.datasets() == before


def test_nothing_that_it_prints_or_writes_names_who_was_probed(
    project: Project, before: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "probe.json"
    told = project.command(*PROBE, "--yes", "--report", str(file))
    tenant, schema = PROFILE_SCHEMA.split("/")[3], PROFILE_SCHEMA.rpartition("/")[2]
    for text in (told.out, file.read_text()):
        for private in (
            CLIENT_ID,
            CLIENT_SECRET,
            ORG_ID,
            ORG_ID.partition("@")[0],
            tenant,
            schema,
            "eyJ",
            "Orders",
            *before,
        ):
            assert private not in text, private


def test_each_step_is_a_line_and_what_differs_comes_first(project: Project) -> None:
    told = project.command(*PROBE, "--yes")
    assert "[1/28] Token" in told.text
    assert told.text.count("/28] ") == 28
    lines = told.out.splitlines()
    assert "differs" in lines[3]
    assert "aep-provider probe --explain" in told.out


@pytest.mark.parametrize("kind", ["production", "", "staging"])
def test_a_sandbox_that_is_not_for_development_is_refused(project: Project, aep: Aep, kind: str) -> None:
    aep.seed("qa", sandboxes=[{"name": "qa", "type": kind}])
    told = project.command(*PROBE, "--sandbox", "qa", "--yes", expect=1)
    assert f"Sandbox qa is of type {kind or 'unknown'}" in told.text
    assert "type development only" in told.text
    assert aep.writes() == []


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (("--sandbox", "nowhere"), "Sandbox nowhere is not one that this credential sees"),
        (("--schema", PLAIN_SCHEMA), "is not enabled for Profile; nothing was done"),
        (("--schema", EVENTS_SCHEMA), "is for experience events; nothing was done"),
        (("--schema", f"{PROFILE_SCHEMA}0"), "does not exist in sandbox dev; nothing was done"),
        (("--report", "/nowhere/probe.json"), "its folder does not exist"),
    ],
)
def test_what_cannot_be_probed_is_said_before_anything_is_created(
    project: Project, aep: Aep, flags: tuple[str, ...], text: str
) -> None:
    assert text in project.command(*PROBE, "--yes", *flags, expect=1).text
    assert aep.writes() == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (PROBE, "Confirm with --yes."),
        (("probe", "--no-stack", "--clean"), "Confirm with --yes."),
        (("probe", "--no-stack"), "Name a schema with --schema"),
        ((*PROBE, "--wait", "soon"), "'soon' is not a time up to a day"),
        ((*PROBE, "--identity", "x"), "--namespace and --identity are for --batches"),
        (("probe", "--explain"), "Name a belief. The beliefs are:\n  token-reply"),
        (("probe", "--explain", "nothing"), "There is no belief 'nothing'. The beliefs are:\n  token-reply"),
    ],
)
def test_wrong_usage_is_told_and_changes_nothing(
    project: Project, aep: Aep, arguments: tuple[str, ...], text: str
) -> None:
    assert text in project.command(*arguments, expect=2).text
    assert aep.writes() == []


def test_it_shows_what_it_will_do_and_takes_no_for_an_answer(project: Project, aep: Aep) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, *PROBE],
        env=project.environment | {"COLUMNS": "200"},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    os.write(ours, b"n\n")
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 1
    assert "creates up to 11 datasets, whose names begin with 'aep-provider probe'" in out
    assert "deletes these datasets again, and writes to nothing else" in out
    assert "Nothing was changed." in out
    assert aep.writes() == []


def test_a_belief_is_explained(project: Project) -> None:
    told = project.command("probe", "--explain", "read-after-write").out
    assert "A read by id shows a write at once." in told
    assert "operations/outcome.py" in told
    assert "switch read_lag" in told


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500},
        {"status": 403, "body": {"error_code": "403003", "message": "Api Key is invalid"}},
        {"status": 404, "body": "<html>", "headers": {"Content-Type": "text/html"}},
        {"status": 200, "body": "<html>", "headers": {"Content-Type": "text/html"}},
    ],
    ids=["500", "403", "404 in HTML", "200 in HTML"],
)
def test_a_service_that_answers_nonsense_gets_a_report_and_no_traceback(
    project: Project, aep: Aep, before: dict[str, Any], answer: dict[str, Any], tmp_path: Path
) -> None:
    aep.fault(answer, times=None, path="/data/")
    file = tmp_path / "probe.json"
    told = project.command(*PROBE, "--yes", "--report", str(file), expect=1)
    assert "Nothing could be asked, and nothing was created." in told.text
    assert "Traceback" not in told.text
    assert {one["verdict"] for one in json.loads(file.read_text())["answers"]} == {"not asked"}
    assert aep.datasets() == before


def started(project: Project) -> subprocess.Popen[str]:
    """A probe that runs."""
    process = subprocess.Popen(
        [COMMAND, *PROBE, "--yes"],
        env=project.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    project.children.append(process)
    return process


@pytest.mark.parametrize(
    ("method", "nth", "moment"),
    [("POST", 1, "after"), ("POST", 5, "before"), ("PATCH", 9, "after"), ("DELETE", 3, "after")],
)
def test_killed_anywhere_clean_finds_what_is_left_and_nothing_else(
    project: Project, aep: Aep, before: dict[str, Any], method: str, nth: int, moment: str
) -> None:
    held = aep.fault({"hold": moment}, nth=nth, method=method, path="dataSets")
    process = started(project)
    aep.hit(held)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    aep.clear_faults(held)
    left = len(aep.datasets()) - len(before)
    assert f"{left} scratch dataset" in project.command("probe", "--no-stack", "--clean", "--yes").out
    assert aep.datasets() == before


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_told_to_end_it_deletes_what_it_has_created(
    project: Project, aep: Aep, before: dict[str, Any], kind: signal.Signals
) -> None:
    held = aep.fault({"hold": "after"}, nth=5, method="PATCH", path="dataSets")
    process = started(project)
    aep.hit(held)
    process.send_signal(kind)
    aep.clear_faults(held)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out
    assert "the run was interrupted; everything that it had created is deleted" in out
    assert "Traceback" not in out
    assert aep.datasets() == before


def test_clean_does_not_work_in_production(project: Project, aep: Aep) -> None:
    told = project.command("probe", "--no-stack", "--sandbox", "prod", "--clean", "--yes", expect=1)
    assert "type development only" in told.text
    assert aep.writes() == []


def test_clean_names_what_it_leaves(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {}, name="aep-provider probe of somebody")
    told = project.command("probe", "--no-stack", "--clean", "--yes", "--json", expect=1)
    assert json.loads(told.out) == {
        "schema_version": 1,
        "deleted": 0,
        "left": [{"id": ID, "why": "it does not carry the probe's mark in the tag pulumiManagedBy"}],
    }
    assert ID in aep.datasets()


def test_a_stack_does_not_adopt_a_scratch_dataset(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {"pulumiManagedBy": ["aep-provider-probe:0123abcd"]})
    project.program(f'UpsertDataset("orders", dataset_id="{ID}")')
    assert "is managed by 'aep-provider-probe:0123abcd'" in project.up(expect=None).text
    assert aep.writes() == []


def test_a_terminal_that_is_gone_does_not_keep_it_from_cleaning_up(
    project: Project, aep: Aep, before: dict[str, Any]
) -> None:
    process = subprocess.Popen(
        [COMMAND, *PROBE, "--yes"],
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    while not process.stderr.readline().startswith("[12/"):
        pass
    process.stdout.close()
    process.stderr.close()
    process.wait(timeout=120)
    assert aep.datasets() == before


def test_a_run_that_could_ask_nothing_leaves_an_earlier_report_alone(
    project: Project, before: dict[str, Any], tmp_path: Path
) -> None:
    earlier, new = tmp_path / "earlier.json", tmp_path / "new.json"
    earlier.write_text("kept")
    project.environment["AEP_CLIENT_SECRET"] = "wrong"
    for file in (earlier, new):
        project.command(*PROBE, "--yes", "--report", str(file), expect=1)
    assert earlier.read_text() == "kept"
    assert {one["verdict"] for one in json.loads(new.read_text())["answers"]} == {"not asked"}
