"""The workflows offered for copying are valid, and hold what the documentation promises of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs/examples/github"


def workflow(name: str) -> dict[str, Any]:
    held: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return held


def test_actionlint_has_nothing_to_say() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools/lint_workflows.py"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode == 3:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout


def test_a_run_uses_the_configured_credential_and_is_never_cancelled() -> None:
    job = workflow("stack.yml")["jobs"]["run"]
    assert job["env"]["PULUMI_RUN_PROGRAM"] == "true"
    assert job["concurrency"]["cancel-in-progress"] is False
    assert "inputs.stack" in job["concurrency"]["group"]
    assert job["environment"] == "${{ inputs.environment }}"
    steps = job["steps"]
    assert not any("refresh" in step.get("with", {}) for step in steps)
    assert "preview --refresh --diff --expect-no-changes" in steps[-1]["run"]


def test_production_comes_last_and_behind_its_environment() -> None:
    jobs = workflow("up.yml")["jobs"]
    assert [(name, job.get("needs"), job["with"]["environment"]) for name, job in jobs.items()] == [
        ("dev", None, "dev"),
        ("stage", "dev", "stage"),
        ("prod", "stage", "prod"),
    ]


@pytest.mark.parametrize("name", ["preview.yml", "drift.yml"])
def test_one_red_stack_hides_no_other(name: str) -> None:
    (job,) = workflow(name)["jobs"].values()
    assert job["strategy"]["fail-fast"] is False


@pytest.mark.parametrize("name", ["preview.yml", "drift.yml"])
def test_jobs_that_only_read_need_no_approval(name: str) -> None:
    (job,) = workflow(name)["jobs"].values()
    assert job["strategy"]["matrix"]["stack"] == ["dev", "stage", "prod"]
    assert job["with"]["environment"].endswith("-preview")
