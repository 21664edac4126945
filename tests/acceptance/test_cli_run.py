"""`aep-provider run`: each exit code, brought about for real, and what the result says."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.kills import ID
from support.project import Project, Result

ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
ORDERS = f'UpsertDataset("orders", dataset_id="{ID}")'


def run(
    project: Project, action: str, *flags: str, expect: int, retry_for: int = 0
) -> tuple[Result, dict[str, Any]]:
    """`aep-provider run`, and what it wrote to the file."""
    out = project.folder / "result.json"
    out.unlink(missing_ok=True)
    options = ("--retry-for", str(retry_for), "--out", str(out), "-C", str(project.folder))
    done = project.command("run", "--stack", project.stack, *options, action, *flags, expect=expect)
    result: dict[str, Any] = json.loads(out.read_text())
    assert result["exit_code"] == expect
    assert (result["schema_version"], result["stack"], result["action"]) == (1, project.stack, action)
    return done, result


def lock(project: Project) -> Path:
    """A lock of somebody else's, as the file backend writes one; its text from a real one."""
    folder = Path(project.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    file = folder / ".pulumi/locks/organization/aep/dev/0f0e8c32-2fbf-4d5c-9a7c-1f2f3b4d5e6f.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    held = {"pid": 4711, "username": "ann", "hostname": "laptop", "timestamp": "2026-11-27T03:04:05Z"}
    file.write_text(json.dumps(held))
    return file


def test_a_change_then_nothing_then_drift(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project.program(ORDERS)
    _, previewed = run(project, "preview", expect=10)
    assert aep.writes() == []
    done, changed = run(project, "up", expect=10)
    assert "dev: changed, 1 change" in done.text
    assert [one["changes"] for one in (previewed, changed)] == [
        [{"resource": "orders", "id": "", "operation": "create"}],
        [{"resource": "orders", "id": ID, "operation": "create"}],
    ]
    _, clean = run(project, "up", expect=0)
    _, still = run(project, "drift", expect=0)
    assert (clean["outcome"], clean["changes"], still["outcome"]) == ("clean", [], "clean")
    aep.someone_else("PATCH", ID, [{"op": "add", "path": "/tags/unifiedProfile", "value": ["enabled:true"]}])
    aep.forget()
    before = project.state()
    _, drifted = run(project, "drift", expect=10)
    assert drifted["changes"] == [{"resource": "orders", "id": ID, "operation": "update"}]
    assert drifted["errors"] == []
    assert aep.writes() == []
    assert project.state() == before


def test_windows_and_the_batches_to_ingest_again_are_told(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    loading = {"status": "loading", "relatedObjects": [{"type": "dataSet", "id": ID}]}
    aep.seed(batches={"01BATCH": loading})
    project.program(f'UpsertDataset("orders", dataset_id="{ID}", in_flight_batches="ignore")')
    _, previewed = run(project, "preview", expect=10)
    assert previewed["in_flight"] == [
        {"resource": "orders", "id": ID, "batch": "01BATCH", "status": "loading"}
    ]
    done, result = run(project, "up", expect=10)
    (window,) = result["windows"]
    assert (window["resource"], window["id"], window["replay"]) == ("orders", ID, ["01BATCH"])
    assert window["from"] < window["to"]
    assert result["ingest_again"] == [{"id": ID, "batch": "01BATCH"}]
    assert f"Ingest again: batch 01BATCH of dataset {ID}" in done.text


@pytest.mark.parametrize("action", ["preview", "up"])
def test_what_a_guard_refuses_is_refused_and_says_why(project: Project, aep: Aep, action: str) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {**ON, "pulumiManagedBy": ["other/dev/orders"]})
    project.program(ORDERS)
    _, result = run(project, action, expect=11)
    (error,) = result["errors"]
    assert (error["resource"], error["kind"]) == ("orders", "Refused")
    assert "is managed by 'other/dev/orders'" in error["message"]
    assert aep.writes() == []


def test_a_refusal_for_batches_names_them(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    aep.seed(batches={"01B": {"status": "loading", "relatedObjects": [{"type": "dataSet", "id": ID}]}})
    project.program(f'UpsertDataset("orders", dataset_id="{ID}", in_flight_batches="fail")')
    _, result = run(project, "up", expect=11)
    assert [one["batch"] for one in result["in_flight"]] == ["01B"]
    assert [one["kind"] for one in result["errors"]] == ["BatchesInFlight"]
    assert aep.writes() == []


def test_a_plugin_killed_in_the_window_is_profile_off_until_the_next_up(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project.program(ORDERS)
    fault = aep.fault({"hold": "before"}, method="PATCH", nth=2, path="catalog/dataSets")
    out = project.folder / "killed.json"
    process = started(project, "up", "--out", str(out))
    aep.hit(fault)
    kill_plugins(project)
    # Only now, for what is let go while its sender lives takes effect.
    aep.clear_faults()
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 12, text
    result = json.loads(out.read_text())
    (off,) = result["profile_off"]
    note = aep.datasets()[ID]["tags"]["pulumiProfileGap"][0]
    assert (off["id"], off["since"]) == (ID, note.removeprefix("from:"))
    assert off["command"] == f"aep-provider enable {ID} --upsert"
    assert f"Profile is OFF for orders ({ID}) since {off['since']}: run `pulumi up`" in text
    run(project, "drift", expect=12)
    aep.forget()
    _, repaired = run(project, "up", expect=10)
    assert repaired["profile_off"] == []
    assert len(aep.writes()) == 1


def test_an_enable_that_fails_for_good_is_profile_off(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project.program(ORDERS)
    aep.fault({"status": 400}, method="PATCH", nth=2, times=None, path="catalog/dataSets")
    _, result = run(project, "up", expect=12)
    assert [one["kind"] for one in result["errors"]] == ["ProfileOff"]
    assert [one["id"] for one in result["profile_off"]] == [ID]


def test_a_lock_is_named_and_left_where_it_is(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project.program(ORDERS)
    file = lock(project)
    done, result = run(project, "up", expect=13)
    assert result["lock"] == {
        "by": "ann@laptop (pid 4711)",
        "since": "2026-11-27T03:04:05Z",
        "command": "pulumi cancel",
    }
    assert "Locked by ann@laptop (pid 4711) since 2026-11-27T03:04:05Z" in done.text
    assert "`pulumi cancel --stack dev`" in done.text
    assert file.exists()
    assert aep.calls() == []


def test_a_locked_stack_is_tried_again_until_the_lock_is_gone(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project.program(ORDERS)
    file = lock(project)
    process = started(project, "up", "--retry-for", "100")
    said = wait_for(process, "trying again in 5 s")
    assert "The stack is locked by ann@laptop (pid 4711) since 2026-11-27T03:04:05Z" in said
    file.unlink()
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 10, text


def test_a_network_that_fails_is_tried_again_then_failed(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project.program(ORDERS)
    project.environment |= {"AEP_ENDPOINT": "http://127.0.0.1:9", "AEP_IMS_ENDPOINT": "http://127.0.0.1:9"}
    _, result = run(project, "up", "--", "--skip-preview", expect=1, retry_for=1)
    assert result["attempts"] == 2
    assert [one["kind"] for one in result["errors"]] == ["ConnectionFailed"]
    assert result["not_checked"]


@pytest.mark.parametrize(
    ("program", "says"), [('raise ValueError("no")', "ValueError: no"), ("1 +", "SyntaxError")]
)
def test_a_program_that_fails_is_failed_at_once(project: Project, program: str, says: str) -> None:
    project.program(program)
    _, result = run(project, "preview", expect=1, retry_for=100)
    assert result["attempts"] == 1
    assert says in result["errors"][0]["message"]


def test_a_stack_that_is_not_there_is_failed(project: Project) -> None:
    project.stack = "nowhere"
    _, result = run(project, "preview", expect=1)
    assert "no stack named 'nowhere' found" in result["errors"][0]["message"]


def test_without_a_project_it_says_what_to_do(project: Project) -> None:
    empty = project.folder.parent / "empty"
    empty.mkdir()
    told = project.command("run", "-C", str(empty), "preview", expect=1).text
    assert "Use --cwd DIR." in told
    assert "no stack: failed" in told


def test_a_signal_reaches_pulumi_once_and_the_window_is_closed(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project.program(ORDERS)
    fault = aep.fault({"hold": "before"}, method="PATCH", nth=2, path="catalog/dataSets")
    process = started(project, "up")
    aep.hit(fault)
    process.terminate()
    wait_for(process, "terminating")
    aep.clear_faults()
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 1, text
    assert len(aep.writes()) == 2
    assert aep.datasets()[ID]["tags"]["unifiedIdentity"] == ["enabled:true"]


def test_the_events_and_their_secrets_are_not_kept(
    new_project: Callable[..., Project], aep: Aep, tmp_path: Path
) -> None:
    project = new_project()
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project.program(ORDERS)
    folder = tmp_path / "temporary"
    folder.mkdir()
    project.environment["TMPDIR"] = str(folder)
    _, result = run(project, "up", expect=10)
    assert [path.name for path in folder.iterdir() if path.name.startswith("aep-run")] == []
    assert project.environment["AEP_CLIENT_SECRET"] not in json.dumps(result)


def kill_plugins(project: Project) -> None:
    """SIGKILL the plugins; returns when they are dead."""
    for pid in project.plugins():
        handle = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        assert select.select([handle], [], [], 60)[0]
        os.close(handle)


def started(project: Project, action: str, *flags: str) -> subprocess.Popen[str]:
    """`aep-provider run` without waiting; both outputs in one."""
    command = [str(Path(sys.executable).parent / "aep-provider"), "run", "--stack", project.stack]
    process = subprocess.Popen(
        [*command, "-C", str(project.folder), *flags, action],
        env=project.environment | {"COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    project.children.append(process)
    return process


def wait_for(process: subprocess.Popen[str], text: str) -> str:
    """Read what a process prints until a line has the text."""
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(said)
