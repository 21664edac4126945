"""The workflow offered for copying is sound, and holds what the documentation promises of it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
OFFERED = ROOT / "docs/examples/github"
OWN = ROOT / ".github/workflows/ci.yml"
PUBLISH = ROOT / ".github/workflows/publish.yml"
FILES = [
    OFFERED / "workflows/aep.yml",
    OFFERED / "workflows/fleet.yml",
    OFFERED / "actions/aep/action.yml",
    OWN,
    PUBLISH,
]
JOBS: dict[str, dict[str, Any]] = yaml.safe_load(FILES[0].read_text())["jobs"]
FLEET: dict[str, dict[str, Any]] = yaml.safe_load(FILES[1].read_text())["jobs"]
RUNS = {"preview": "touched", "dev": "dev", "stage": "stage", "prod": "prod", "drift": "all"}
"""The jobs of the fleet's workflow that run a stack, and which list they take."""
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
    assert len(used) == len({line.partition("@")[0] for line in used}) == 7


def test_no_checkout_keeps_its_credentials() -> None:
    checkouts = [step for _, step in steps() if "actions/checkout" in step.get("uses", "")]
    assert len(checkouts) == 21
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
    commands = re.findall(r"\| `((?:pulumi|aep-provider) [^`]*)` \|", table)
    assert len(commands) == 3
    for command in commands:
        assert command in ran.replace('"$STACK"', "dev"), command


def test_the_card_is_posted_and_found_again_by_its_first_line() -> None:
    ran = "\n".join(step.get("run", "") for step in JOBS["preview"]["steps"])
    assert "aep-provider card --markdown" in ran
    assert "body=@card.md" in ran
    assert 'startswith(\\"<!-- aep $STACK -->\\")' in ran


@pytest.mark.parametrize("name", FLEET)
def test_a_job_of_the_fleet_has_secrets_only_to_run_a_stack(name: str) -> None:
    job = FLEET[name]
    held = {key for key, value in job.get("env", {}).items() if value == f"${{{{ secrets.{key} }}}}"}
    assert held == (SECRETS if name in RUNS else set())
    assert "secrets" not in job
    extra = {"pull-requests": "write"} if name == "preview-digest" else {}
    assert job["permissions"] == {"contents": "read"} | extra
    reading = "${{ matrix.wave }}-preview"
    environments = {"preview": reading, "drift": reading, "dev": "dev", "stage": "stage", "prod": "prod"}
    assert job.get("environment") == environments.get(name)


@pytest.mark.parametrize(("name", "listed"), RUNS.items())
def test_a_wave_takes_its_stacks_from_the_list_and_one_red_hides_no_other(name: str, listed: str) -> None:
    strategy = FLEET[name]["strategy"]
    assert strategy["matrix"] == f"${{{{ fromJSON(needs.list.outputs.{listed}) }}}}"
    assert (strategy["fail-fast"], strategy["max-parallel"]) == (False, 8)
    action = name if name in ("preview", "drift") else "up"
    (step,) = (one for one in FLEET[name]["steps"] if "aep-provider run" in one.get("run", ""))
    assert f"--out result.json {action} || test $? = 10" in step["run"]
    assert FLEET[name]["concurrency"]["cancel-in-progress"] is (name == "preview")


def test_a_wave_begins_only_after_the_gate_of_the_one_before() -> None:
    for before, after in (("dev", "stage"), ("stage", "prod")):
        assert f"{before}-gate" in FLEET[after]["needs"]
        assert f"needs.{before}-gate.result == 'success'" in FLEET[after]["if"]
        (step,) = (one for one in FLEET[f"{before}-gate"]["steps"] if one.get("id") == "digest")
        assert '--budget "$BUDGET" --expect' in step["run"]


PUBLISHING: dict[str, dict[str, Any]] = yaml.safe_load(PUBLISH.read_text())["jobs"]


def test_nothing_is_published_before_its_owner_says_so() -> None:
    # YAML reads `on` as a truth value.
    assert yaml.safe_load(PUBLISH.read_text())[True] == {"push": {"tags": ["v*"]}}
    assert PUBLISHING["build"]["if"] == "vars.PUBLISH == 'true'"
    assert PUBLISHING["publish"]["needs"] == "build"
    assert "if" not in PUBLISHING["publish"]
    assert "gh variable set PUBLISH --body true" in (ROOT / "CONTRIBUTING.md").read_text()


def test_what_builds_cannot_publish_and_what_publishes_runs_no_code_of_ours() -> None:
    assert PUBLISHING["build"]["permissions"] == {"contents": "read"}
    assert PUBLISHING["publish"]["permissions"] == {
        "attestations": "write",
        "contents": "read",
        "id-token": "write",
    }
    assert PUBLISHING["publish"]["environment"] == "release"
    used = [step.get("uses", step.get("run", "")) for step in PUBLISHING["publish"]["steps"]]
    assert not any("checkout" in one or "make" in one or "python" in one for one in used)
    assert "secrets." not in PUBLISH.read_text()


def test_a_release_is_checked_built_listed_and_installed_before_it_is_published() -> None:
    ran = [step["run"] for step in PUBLISHING["build"]["steps"] if "run" in step]
    assert ran == [
        'git merge-base --is-ancestor "$GITHUB_SHA" origin/main',
        'python tools/changelog.py "$GITHUB_REF_NAME"',
        "make dist",
        "make sbom",
        "make test-install",
    ]
    attested = [
        step["with"] for step in PUBLISHING["publish"]["steps"] if "actions/attest@" in step.get("uses", "")
    ]
    assert [one["subject-path"] for one in attested] == ["dist/*"] * 2
    assert "sbom-path" in attested[1]
