"""docs/examples/policy: the engine refuses what the pack says, in production only."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

EXAMPLE = Path(__file__).resolve().parents[2] / "docs/examples/policy"
ID = "5b020a27e7040801dedbf46e"
TAGS = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
PROTECTION, BATCHES = "Say deletion_protection=True", "Leave in_flight_batches out"
New = Callable[..., Project]


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with the environment that its PulumiPolicy.yaml names."""
    folder = tmp_path_factory.mktemp("pack") / "policy"
    shutil.copytree(EXAMPLE, folder)
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    pip = [str(folder / "venv/bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "-r", str(folder / "requirements.txt")],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"pulumi-policy cannot be had: {done.stderr.strip().splitlines()[-1]}")
    return folder


def preview(project: Project, pack: Path, *flags: str, expect: int = 0) -> str:
    return project.preview("--policy-pack", str(pack), *flags, expect=expect).text


def adopts(project: Project, aep: Aep, **arguments: object) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, TAGS, name="Orders")
    given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    project.program(f'UpsertDataset("orders", dataset_id="{ID}", is_upsert=False, {given})')


def test_production_needs_deletion_protection_and_waits_for_batches(
    new_project: New, aep: Aep, pack: Path
) -> None:
    project = new_project(stack="prod")
    adopts(project, aep, in_flight_batches="ignore")
    shown = preview(project, pack, expect=1)
    assert PROTECTION in shown
    assert BATCHES in shown
    assert "mandatory" in shown
    assert aep.writes() == []


def test_what_is_protected_and_waits_passes(new_project: New, aep: Aep, pack: Path) -> None:
    project = new_project(stack="prod")
    adopts(project, aep, deletion_protection=True, in_flight_batches="fail")
    shown = preview(project, pack)
    assert "aep-production" in shown
    assert PROTECTION not in shown
    # What is created is protected unless the program says otherwise.
    project.program(f'UpsertDataset("new", name="New", schema_id="{PROFILE_SCHEMA}")')
    preview(project, pack)


def test_other_stacks_may_do_what_they_like_until_the_configuration_names_them(
    new_project: New, aep: Aep, pack: Path, tmp_path: Path
) -> None:
    project = new_project(stack="dev")
    adopts(project, aep, in_flight_batches="ignore")
    preview(project, pack)
    config = tmp_path / "policy.json"
    whole = {"production": ["dev", "prod"]}
    config.write_text(json.dumps({"deletion-protection": whole, "batches-in-flight": whole}))
    shown = preview(project, pack, "--policy-pack-config", str(config), expect=1)
    assert PROTECTION in shown
    assert BATCHES in shown


def test_up_is_refused_before_anything_is_written(new_project: New, aep: Aep, pack: Path) -> None:
    project = new_project(stack="prod")
    adopts(project, aep)
    shown = project.run("up", "--yes", "--policy-pack", str(pack), expect=None)
    assert shown.code != 0
    assert PROTECTION in shown.text
    assert aep.writes() == []
