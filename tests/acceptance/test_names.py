"""Names instead of ids, through the real `pulumi` command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from aep_provider.emulator.seeds import PROFILE_SCHEMA, PROFILE_SCHEMA_2
from support.aep import Aep, raw_dataset
from support.project import Project

ID, OTHER = "5b020a27e7040801dedbf46e", "5b020a27e7040801dedbf46f"
ON = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
PLAIN = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
BOTH = (
    'UpsertDataset("members", name="Members", schema="Customers", deletion_protection=False)',
    'UpsertDataset("orders", dataset="Orders")',
)


def rename_schema(aep: Aep, schema_id: str, title: str) -> None:
    aep.seed(schemas=[{"$id": schema_id, "title": title, "meta:immutableTags": ["union"]}])


def test_names_are_resolved_once_and_kept(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA_2, PLAIN, name="Orders")
    project.program(*BOTH)
    shown = project.preview().text
    assert f"schema 'Customers' is {PROFILE_SCHEMA}" in shown
    assert f"dataset 'Orders' is {ID}" in shown
    assert aep.writes() == []
    project.up()
    inputs = {one["urn"].rpartition("::")[2]: one["inputs"] for one in project.state()}
    assert (inputs["members"]["schema"], inputs["members"]["schema_id"]) == ("Customers", PROFILE_SCHEMA)
    assert (inputs["orders"]["dataset"], inputs["orders"]["dataset_id"]) == ("Orders", ID)
    aep.forget()
    project.refresh("--expect-no-changes")
    assert "3 unchanged" in project.up("--expect-no-changes").text
    assert [call for call in aep.calls() if "schemas" in call] == []


def test_a_renamed_dataset_stays_the_one_that_is_meant(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA_2, ON, name="Orders")
    project.program('UpsertDataset("orders", dataset="Orders")')
    project.up()
    aep.dataset(ID, PROFILE_SCHEMA_2, ON, name="Sales")
    aep.dataset(OTHER, PROFILE_SCHEMA_2, ON, name="Orders")
    assert "is declared as dataset='Orders' and was renamed" in project.refresh().text
    assert "2 unchanged" in project.up("--expect-no-changes").text
    assert project.outputs()["dataset_id"] == ID


def test_a_renamed_schema_is_for_doctor_to_say(project: Project, aep: Aep) -> None:
    project.program(BOTH[0])
    project.up()
    rename_schema(aep, PROFILE_SCHEMA, "People")
    assert "2 unchanged" in project.up("--expect-no-changes").text
    told = json.loads(project.command("doctor", "-C", str(project.folder), "--json", expect=1).out)[
        "findings"
    ]
    (finding,) = [one for one in told if one["check"] == "names"]
    assert f"members: schema 'Customers' ({PROFILE_SCHEMA}) has the title 'People' now" in finding["text"]


def test_names_that_nothing_or_too_much_has_are_refused(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON, name="Orders")
    aep.dataset(OTHER, PROFILE_SCHEMA, ON, name="Orders")
    project.program(BOTH[1])
    text = project.preview(expect=None).text
    assert "sandbox dev has 2 datasets of that name" in text
    assert ID in text
    assert OTHER in text
    project.program('UpsertDataset("members", name="Members", schema="Custommers")')
    assert "did you mean 'Customers'?" in project.preview(expect=None).text
    assert aep.writes() == []


def test_a_name_of_another_resource_is_known_later(project: Project, aep: Aep) -> None:
    project.program(
        'first = UpsertDataset("first", name="First", schema="Customers", deletion_protection=False)',
        'title = first.created.apply(lambda _: "Orders")',
        'UpsertDataset("second", name="Second", schema=title, deletion_protection=False)',
    )
    assert "+ 3 to create" in project.preview().text
    project.up()
    schemas = {one["outputs"]["name"]: one["outputs"]["schema_id"] for one in project.state()}
    assert schemas == {"First": PROFILE_SCHEMA, "Second": PROFILE_SCHEMA_2}


def test_a_replacement_looks_again_and_preview_names_the_id(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA_2, ON, name="Orders")
    project.program('UpsertDataset("orders", dataset="Orders")')
    project.up()
    aep.dataset(ID, PROFILE_SCHEMA_2, ON, name="Sales")
    aep.dataset(OTHER, PROFILE_SCHEMA_2, ON, name="Orders")
    urn = project.state()[0]["urn"]
    assert f"dataset 'Orders' is {OTHER}" in project.preview("--replace", urn).text
    project.up("--replace", urn)
    assert project.outputs()["dataset_id"] == OTHER


def test_a_plan_refuses_a_name_that_means_something_else_by_then(
    project: Project, aep: Aep, tmp_path: Path
) -> None:
    project.program(BOTH[0])
    plan = str(tmp_path / "plan.json")
    project.run("preview", "--save-plan", plan, PULUMI_EXPERIMENTAL="true")
    rename_schema(aep, PROFILE_SCHEMA, "Customers, old")
    rename_schema(aep, PROFILE_SCHEMA_2, "Customers")
    text = project.up("--plan", plan, expect=None, PULUMI_EXPERIMENTAL="true").text
    assert "violates plan" in text
    assert aep.writes() == []


def test_one_program_serves_two_sandboxes(new_project: Callable[..., Project], aep: Aep) -> None:
    aep.seed(sandboxes=[{"name": "stage", "type": "development"}])
    aep.seed(sandbox="stage", datasets={OTHER: raw_dataset("Orders", PROFILE_SCHEMA_2, PLAIN)})
    aep.dataset(ID, PROFILE_SCHEMA_2, PLAIN, name="Orders")
    found = {}
    for name in ("dev", "stage"):
        project = new_project(stack=name)
        project.environment["AEP_SANDBOX"] = name
        project.program('UpsertDataset("orders", dataset="Orders", schema="Orders")')
        project.up()
        found[name] = project.outputs()["dataset_id"]
    assert found == {"dev": ID, "stage": OTHER}
