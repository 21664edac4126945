"""Plan files and --ignore-protect, as docs/ci.md tells of them."""

from __future__ import annotations

from pathlib import Path

from aep_provider.emulator.seeds import CLIENT_SECRET, PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project


def created(name: str) -> str:
    return f"UpsertDataset('a', name={name!r}, schema_id={PROFILE_SCHEMA!r})"


def test_up_does_what_a_saved_plan_says(project: Project, aep: Aep, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    project.program(created("A"))
    project.preview(f"--save-plan={plan}")
    assert CLIENT_SECRET not in plan.read_text()
    project.up(f"--plan={plan}")
    (dataset,) = aep.datasets().values()
    assert dataset["name"] == "A"


def test_a_program_changed_after_its_plan_is_refused(project: Project, aep: Aep, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    project.program(created("A"))
    project.preview(f"--save-plan={plan}")
    project.program(created("B"))
    refused = project.up(f"--plan={plan}", expect=None)
    assert refused.code != 0
    assert "violates plan" in refused.text
    assert aep.writes() == []


def test_ignore_protect_does_not_get_past_deletion_protection(project: Project, aep: Aep) -> None:
    project.program(created("A"))
    project.up()
    aep.forget()
    refused = project.destroy("--ignore-protect", expect=None)
    assert refused.code != 0
    assert "is protected and would be deleted" in refused.text
    assert aep.writes() == []
    assert len(aep.datasets()) == 1
