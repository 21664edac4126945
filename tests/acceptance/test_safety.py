"""Faults inside the window, owners that move, and places that are not what they seem."""

from __future__ import annotations

from typing import Any

import pytest

from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project

ID = "5b020a27e7040801dedbf46e"
ADOPT = f'UpsertDataset("orders", dataset_id="{ID}")'
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
FOREIGN = {"acp_validationContext": ["enabled"], "a/b~c": ["x: y", "ä"]}
CREATE = f'UpsertDataset("members", name="Members", schema_id="{PROFILE_SCHEMA}", deletion_protection=False)'


def switches(aep: Aep) -> tuple[list[str], list[str]]:
    tags = aep.datasets()[ID]["tags"]
    profile = [element for element in tags["unifiedProfile"] if not element.startswith("enabledAt")]
    return profile, tags["unifiedIdentity"]


PASSING: dict[str, dict[str, Any]] = {
    "500": {"status": 500, "body": {"title": "no"}},
    "503 after the effect": {"effect": True, "status": 503, "body": {"title": "no"}},
    "429": {"status": 429, "body": {"title": "no"}, "headers": {"Retry-After": "1"}},
    "429 for an hour": {"status": 429, "body": {"title": "no"}, "headers": {"Retry-After": "3600"}},
    "401": {"expire_tokens": True},
    "422": {"status": 422, "body": {"title": "union not propagated"}},
    "reset before the effect": {"reset": "before"},
    "reset after the effect": {"reset": "after"},
    "no reply in time": {"delay_ms": 6000, "when": "after"},
    "html": {"raw_body": "<html>proxy</html>", "content_type": "text/html", "status": 502},
}


@pytest.mark.parametrize("patch", [1, 2], ids=["disable", "enable"])
@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_inside_the_window_is_survived(
    project: Project, aep: Aep, fault: str, patch: int
) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON | FOREIGN)
    aep.fault(PASSING[fault], method="PATCH", nth=patch)
    project.program(ADOPT)
    result = project.up(expect=None)
    if result.code != 0:
        # A refused disable is the one fault that may end the run: nothing was switched off then.
        assert (fault, patch) == ("422", 1)
        assert switches(aep) == (["enabled:true"], ["enabled:true"])
        project.up()
    assert switches(aep) == (["enabled:true", "isUpsert:true"], ["enabled:true"])
    tags = aep.datasets()[ID]["tags"]
    assert {key: tags[key] for key in FOREIGN} == FOREIGN
    project.up("--refresh", "--expect-no-changes")


@pytest.mark.parametrize("status", [400, 403, 422])
def test_a_lasting_refusal_of_upsert_restores_what_was_there(project: Project, aep: Aep, status: int) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    # Four tries at a 422, one at the others; then the restore is let through.
    tries = 4 if status == 422 else 1
    aep.fault({"status": status, "body": {"title": "no upsert here"}}, method="PATCH", nth=2, times=tries)
    project.program(ADOPT)
    result = project.up(expect=1)
    assert "Profile is back ON as it was" in result.text
    assert "no upsert here" in result.text
    assert switches(aep) == (["enabled:true"], ["enabled:true"])


@pytest.mark.parametrize("status", [500, 503])
def test_a_service_that_stays_down_is_said_in_the_first_line(project: Project, aep: Aep, status: int) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    aep.fault({"status": status, "body": {"title": "down"}}, method="PATCH", nth=2, times=None)
    project.program(ADOPT)
    assert f"error: Profile may be OFF for dataset 'dataset 5b02' ({ID})" in project.up(expect=1).text
    aep.clear_faults()
    project.up()
    assert switches(aep) == (["enabled:true", "isUpsert:true"], ["enabled:true"])


def test_an_enable_without_effect_is_never_a_success(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    aep.fault({"status": 200, "body": [f"@/dataSets/{ID}"]}, method="PATCH", nth=2, times=None)
    project.program(ADOPT)
    assert "error: Profile may be OFF for dataset" in project.up(expect=1).text


def test_tags_written_between_our_read_and_our_write_survive(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON | FOREIGN)
    project.program(ADOPT)
    hold = aep.fault({"hold": "before"}, method="PATCH", nth=1)
    process = project.start("up", "--yes", "--skip-preview")
    aep.hit(hold)
    aep.someone_else("PATCH", ID, [{"op": "add", "path": "/tags/late", "value": ["written meanwhile"]}])
    aep.release(hold)
    process.communicate(timeout=120)
    assert process.returncode == 0
    tags = aep.datasets()[ID]["tags"]
    assert tags["late"] == ["written meanwhile"]
    assert {key: tags[key] for key in FOREIGN} == FOREIGN


def test_name_description_and_tags_of_an_adopted_dataset_are_managed(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON | FOREIGN)
    project.program(
        ADOPT.replace(
            ")", f', name="Orders", description="d", tags={{"team": ["x"]}}, schema_id="{PROFILE_SCHEMA}")'
        )
    )
    project.up()
    edit, disable, _enable = aep.writes()
    assert [operation["path"] for operation in edit["body"]] == [
        "/name",
        "/description",
        "/tags/team",
        "/tags/pulumiManagedBy",
    ]
    assert disable["body"][0]["value"] == ["enabled:false"]
    assert aep.datasets()[ID]["name"] == "Orders"
    aep.forget()
    project.up("--refresh", "--expect-no-changes")
    assert aep.writes() == []


def test_a_renamed_stack_keeps_its_datasets(project: Project, aep: Aep) -> None:
    project.program(CREATE)
    project.up()
    (dataset_id,) = aep.datasets()
    project.run("stack", "rename", "qa")
    project.up("--stack", "qa")
    assert aep.datasets()[dataset_id]["tags"]["pulumiManagedBy"] == ["aep/qa/members"]
    project.up("--stack", "qa", "--refresh", "--expect-no-changes")


@pytest.mark.parametrize(
    ("path", "permission"),
    [("/dataSets/", "View Datasets"), ("/schemas/", "View Schemas"), ("/batches", "View Datasets")],
)
def test_a_missing_permission_is_named(project: Project, aep: Aep, path: str, permission: str) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    aep.fault({"status": 403, "body": {"title": "no"}}, times=None, path=path)
    project.program(ADOPT)
    assert f"lacks the permission {permission}" in project.up(expect=1).text
    assert aep.writes() == []


def test_a_sandbox_being_reset_drops_nothing_from_state(project: Project, aep: Aep) -> None:
    project.program(CREATE)
    project.up()
    (dataset_id,) = aep.datasets()
    aep.someone_else("DELETE", dataset_id)
    body = {"name": "dev", "type": "development", "state": "resetting", "title": "dev", "region": "VA7"}
    aep.seed(sandboxes=[body])
    project.refresh(expect=1)
    assert len(project.state()) == 1


def test_a_dataset_without_our_tag_is_not_deleted(project: Project, aep: Aep) -> None:
    project.program(CREATE)
    project.up()
    (dataset_id,) = aep.datasets()
    aep.someone_else("PATCH", dataset_id, [{"op": "remove", "path": "/tags/pulumiManagedBy"}])
    result = project.destroy(expect=1)
    assert "carries no tag pulumiManagedBy" in result.text
    assert "pulumi state delete" in result.text
    assert list(aep.datasets()) == [dataset_id]


def test_a_dataset_managed_by_adobe_is_not_deleted(project: Project, aep: Aep) -> None:
    project.program(CREATE)
    project.up()
    ((dataset_id, body),) = aep.datasets().items()
    aep.seed(datasets={dataset_id: body | {"classification": {"managedBy": "SYSTEM"}}})
    assert "managed by Adobe" in project.destroy(expect=1).text
    assert list(aep.datasets()) == [dataset_id]
