"""The workflow offered for copying is sound, and holds what the documentation promises of it."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
OFFERED = ROOT / "docs/examples/github"
OWN = ROOT / ".github/workflows/ci.yml"
FILES = [OFFERED / "workflows/aep.yml", OFFERED / "actions/aep/action.yml", OWN]
JOBS: dict[str, dict[str, Any]] = yaml.safe_load(FILES[0].read_text())["jobs"]
SECRETS = {
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_CONFIG_PASSPHRASE",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AEP_CLIENT_SECRET",
}


def lint(*folders: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools/lint_workflows.py"), *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode == 3:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    return done


def steps() -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in FILES:
        held = yaml.safe_load(path.read_text())
        jobs = held["jobs"].values() if "jobs" in held else [held["runs"]]
        yield from ((path, step) for job in jobs for step in job["steps"])


def test_actionlint_and_zizmor_find_nothing() -> None:
    done = lint()
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ("persist-credentials: false", "fetch-depth: 1"),
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1", "@v7"),
        ("runs-on: ubuntu-latest", "runs-on: ubuntu-lates"),
        ("permissions: {}", "permissions: write-all"),
    ],
)
def test_a_fault_in_a_workflow_is_found(tmp_path: Path, there: str, instead: str) -> None:
    (tmp_path / "workflows").mkdir()
    text = OWN.read_text()
    assert there in text
    (tmp_path / "workflows/ci.yml").write_text(text.replace(there, instead))
    assert lint(tmp_path).returncode == 1


def test_every_action_is_pinned_by_digest_and_says_its_version() -> None:
    for path in FILES:
        for line in re.findall(r"uses: (.*)", path.read_text()):
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) or line.startswith("./"), line


def test_the_same_action_has_the_same_digest_everywhere() -> None:
    used = {line for path in FILES for line in re.findall(r"uses: ([\w/-]+@.*)", path.read_text())}
    assert len(used) == len({line.partition("@")[0] for line in used}) == 3


def test_no_checkout_keeps_its_credentials() -> None:
    checkouts = [step for _, step in steps() if "actions/checkout" in step.get("uses", "")]
    assert len(checkouts) == 8
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("name", JOBS)
def test_a_job_has_the_secrets_of_its_environment_and_few_rights(name: str) -> None:
    job = JOBS[name]
    assert {key for key, value in job["env"].items() if value == f"${{{{ secrets.{key} }}}}"} == SECRETS
    assert "secrets" not in job
    extra = {"pull-requests": "write"} if name == "preview" else {}
    assert job["permissions"] == {"contents": "read"} | extra
    assert job["environment"] == (name if name in ("dev", "stage", "prod") else "${{ matrix.stack }}-preview")


@pytest.mark.parametrize("name", ["dev", "stage", "prod"])
def test_no_two_ups_run_on_a_stack_and_none_is_cancelled(name: str) -> None:
    assert JOBS[name]["concurrency"] == {"group": f"aep-up-{name}", "cancel-in-progress": False}


def test_production_comes_last() -> None:
    assert [JOBS[name].get("needs") for name in ("dev", "stage", "prod")] == [None, "dev", "stage"]


def test_up_runs_after_a_merge_and_again_by_hand_on_main_only() -> None:
    condition = JOBS["dev"]["if"]
    assert "github.ref == 'refs/heads/main' &&" in condition
    assert "'push'" in condition
    assert "'workflow_dispatch'" in condition


@pytest.mark.parametrize("name", ["preview", "drift"])
def test_one_red_stack_hides_no_other(name: str) -> None:
    assert JOBS[name]["strategy"] == {"fail-fast": False, "matrix": {"stack": ["dev", "stage", "prod"]}}


def test_the_commands_are_those_of_the_table_for_other_systems() -> None:
    ran = "\n".join(step.get("run", "") for job in JOBS.values() for step in job["steps"])
    table = (ROOT / "docs/ci.md").read_text().split("## Other CI systems")[1].split("\n| night, faster")[0]
    commands = re.findall(r"\| `(pulumi [^`]*)` \|", table)
    assert len(commands) == 3
    for command in commands:
        # In the workflow a preview prints JSON, from which the comment is made.
        there = command.replace("preview --diff", "preview --json")
        assert there in ran.replace('"$STACK"', "dev"), command


Comment = Callable[[str, dict[str, Any]], str]


@pytest.fixture
def comment() -> Comment:
    made: Comment = runpy.run_path(str(OFFERED / "preview_comment.py"))["comment"]
    return made


URN = "urn:pulumi:dev::aep::pulumi-python:dynamic/aep:UpsertDataset::"


def step(op: str, name: str, old: dict[str, object], new: dict[str, object]) -> dict[str, Any]:
    return {"op": op, "urn": URN + name, "oldState": {"inputs": old}, "newState": {"inputs": new}}


def said(severity: str, name: str, message: str) -> dict[str, Any]:
    return {"severity": severity, "urn": URN + name, "message": f"{severity}: {message}\n"}


def test_a_comment_says_what_changes_and_what_the_provider_warns_of(comment: Comment) -> None:
    preview = {
        "config": {"aep:clientSecret": "s3cr3t"},
        "steps": [
            step("same", "idle", {}, {}),
            step("update", "orders", {"is_upsert": True, "description": "a"}, {"description": "b"}),
            step("create", "members", {}, {"name": "Members"}),
        ],
        "diagnostics": [said("warning", "orders", "Profile is off <b>\nfor @all")] * 2,
        "changeSummary": {"same": 1, "update": 1, "create": 1},
    }
    assert comment("dev", preview).splitlines() == [
        "<!-- aep dev -->",
        "#### AEP stack `dev`: change 1, create 1",
        "",
        "**Changes**",
        "",
        "- change `orders` (is_upsert: True → None, description)",
        "- create `members`",
        "",
        "**Windows and warnings**",
        "",
        "- `orders`: Profile is off &lt;b> for &#64;all",
    ]


def test_a_comment_on_a_refused_preview_begins_with_the_reason(comment: Comment) -> None:
    told = comment("dev", {"diagnostics": [said("error", "orders", "not enabled for Profile")]})
    assert "#### AEP stack `dev`: `up` would be refused" in told
    assert "**Refused**\n\n- `orders`: not enabled for Profile\n" in told


def test_a_comment_stays_short_whatever_the_preview_holds(comment: Comment) -> None:
    steps = [step("create", f"d{number}", {}, {"name": "N"}) for number in range(1000)]
    told = comment("dev", {"steps": steps, "diagnostics": [said("warning", "d1", "x" * 9000)]})
    assert "- and 970 more" in told
    assert len(told) < 2500


def test_a_preview_without_changes_says_so(comment: Comment) -> None:
    assert json.dumps("no changes")[1:-1] in comment("dev", {"changeSummary": {"same": 3}})
