"""`aep-provider status`: declared against live."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project

ID = "5b020a27e7040801dedbf46e"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
UPSERT = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
GAP = ["from:2026-01-31T09:00:00.000Z", "by:aep/dev/orders"]
ADOPT = f'UpsertDataset("orders", dataset_id="{ID}", name="Orders", tags={{"team": ["a"]}})'


def change(aep: Aep, key: str, value: object) -> None:
    aep.someone_else("PATCH", ID, [{"op": "add", "path": f"/{key}", "value": value}])


def status(project: Project, *flags: str, expect: int = 0) -> str:
    return project.command("status", "-C", str(project.folder), *flags, expect=expect).text


def rows(project: Project, expect: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        project.command("status", "-C", str(project.folder), "--json", expect=expect).out
    )["datasets"]
    return found


def entries(project: Project, *entries: dict[str, Any]) -> None:
    with (project.folder / "Pulumi.dev.yaml").open("a") as file:
        file.write(f"config:\n  aep:datasets: {json.dumps(entries)}\n")


def test_drift_after_up_is_seen_and_nothing_is_written(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {**UPSERT, "team": ["a"]}, name="Orders")
    project.program(ADOPT)
    project.up()
    aep.forget()
    assert "1 dataset, 0 not as declared" in status(project)
    assert aep.calls() == ["POST /ims/token/v3", "GET catalog/dataSets/{id}", "GET catalog/dataSets"]
    change(aep, "tags/unifiedProfile", ["enabled:true"])
    change(aep, "tags/team", ["b"])
    change(aep, "name", "Renamed")
    aep.forget()
    text = status(project, expect=1)
    assert "upsert is off; name is 'Renamed', not 'Orders'; tag team differs" in text
    assert "1 dataset, 1 not as declared" in text
    assert aep.writes() == []


def test_an_open_gap_is_shown_with_the_way_out(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {**UPSERT, "team": ["a"]}, name="Orders")
    project.program(ADOPT)
    project.up()
    change(aep, "tags/unifiedProfile", ["enabled:false"])
    change(aep, "tags/pulumiProfileGap", GAP)
    text = status(project, expect=1)
    assert "Profile is off" in text
    assert f"aep-provider enable {ID} [--upsert]" in text
    (row,) = rows(project, expect=1)
    assert row["off_since"] == "2026-01-31T09:00:00.000Z"


@pytest.mark.parametrize(
    ("entry", "tags", "differences"),
    [
        ({"dataset_id": ID}, UPSERT, ["not in the state yet: `pulumi up` adopts it"]),
        ({"dataset_id": ID}, ON, ["not in the state yet: `pulumi up` adopts it", "upsert is off"]),
        (
            {"dataset_id": ID, "schema_id": "https://ns.adobe.com/acmeinc/schemas/0"},
            UPSERT,
            ["not in the state yet: `pulumi up` adopts it", f"the schema is {PROFILE_SCHEMA}"],
        ),
        (
            {"dataset_id": ID},
            {**UPSERT, "pulumiManagedBy": ["aep/prod/theirs"]},
            ["not in the state yet: `pulumi up` adopts it", "the owner is aep/prod/theirs"],
        ),
        (
            {"name": "New", "schema_id": PROFILE_SCHEMA},
            UPSERT,
            ["not in the state yet: `pulumi up` creates it"],
        ),
        (
            {"dataset_id": f"0{ID[1:]}"},
            UPSERT,
            ["not in the state yet: `pulumi up` adopts it", "the dataset does not exist"],
        ),
        (
            {"dataset_id": ID, "upsert": True},
            UPSERT,
            ["upsert is not an argument of UpsertDataset (did you mean 'is_upsert'?)."],
        ),
    ],
)
def test_entries_of_the_stack_file_are_what_is_declared(
    project: Project, aep: Aep, entry: dict[str, Any], tags: dict[str, list[str]], differences: list[str]
) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, tags)
    entries(project, {"resource": "orders", **entry})
    (row,) = rows(project, expect=1)
    assert row["differences"] == differences


def test_two_entries_of_one_name_and_one_without_are_named(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT)
    entries(project, {"resource": "a", "dataset_id": ID}, {"resource": "a"}, {"dataset_id": ID})
    assert [row["differences"] for row in rows(project, expect=1)] == [
        ["it has no logical name: `resource`"],
        ["not in the state yet: `pulumi up` adopts it"],
        ["another entry has the same logical name"],
    ]


@pytest.mark.parametrize("value", ["nonsense", "[a, b]", "{a: b}", "5"])
def test_a_wrong_list_of_entries_is_an_error_not_drift(project: Project, aep: Aep, value: str) -> None:
    with (project.folder / "Pulumi.dev.yaml").open("a") as file:
        file.write(f"config:\n  aep:datasets: {value}\n")
    assert "aep:datasets is not a list of entries" in status(project, expect=3)
    imported = project.command("import", "-C", str(project.folder), "--all", expect=1)
    assert "aep:datasets is not a list of entries" in imported.text
    examined = project.command("doctor", "-C", str(project.folder), expect=1)
    assert "stack: aep:datasets is not a list of entries" in examined.text


def test_many_datasets_are_read_in_bulk(project: Project, aep: Aep) -> None:
    body = {"schemaRef": {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}}
    ids = [f"{n:024x}" for n in range(150)]
    aep.seed(datasets={one: {**body, "name": one, "tags": UPSERT} for one in ids[:-1]})
    entries(project, *({"resource": one, "dataset_id": one} for one in ids))
    aep.forget()
    assert "the dataset does not exist" in status(project, expect=1)
    assert aep.calls() == [
        "POST /ims/token/v3",
        "GET catalog/dataSets",
        "GET catalog/dataSets",
        "GET catalog/dataSets",  # a page is only the last one where nothing follows it
        "GET catalog/dataSets/{id}",
        "GET sandbox-management/",
    ]


def test_an_error_is_not_taken_for_drift(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT)
    entries(project, {"resource": "orders", "dataset_id": ID})
    aep.fault({"status": 403}, times=None, service="catalog")
    assert "View Datasets" in status(project, expect=3)


def test_the_nightly_preview_exits_with_7_on_drift(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {**UPSERT, "team": ["a"]}, name="Orders")
    project.program(ADOPT)
    project.up()
    nightly = ("--refresh", "--expect-no-changes")
    project.preview(*nightly)
    change(aep, "name", "Renamed")
    before = project.state()
    aep.forget()
    assert "Renamed" in project.preview(*nightly, expect=7).text
    assert project.state() == before
    assert aep.writes() == []


def test_a_failed_adoption_shows_although_no_state_holds_it(project: Project, aep: Aep) -> None:
    aep.dataset(
        ID, PROFILE_SCHEMA, {"pulumiManagedBy": ["aep/dev/orders"], "pulumiProfileGap": GAP}, name="Orders"
    )
    text = status(project, expect=1)
    assert "1 dataset, 1 not as declared" in text
    assert f"Profile is OFF for 'Orders' ({ID}) since 2026-01-31T09:00:00.000Z" in text
    (row,) = rows(project, expect=1)
    assert row["resource"] == "orders"
    assert row["in_state"] is False
    assert row["differences"] == [
        "it carries this stack's owner tag, but the state does not hold it",
        "Profile is off",
    ]


def test_another_stacks_datasets_are_not_counted(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {**UPSERT, "pulumiManagedBy": ["aep/development/orders"]})
    assert "0 datasets, 0 not as declared" in status(project)


@pytest.mark.parametrize("operation", ["creating", "updating", "deleting"])
def test_an_operation_that_a_killed_run_left_is_shown(project: Project, aep: Aep, operation: str) -> None:
    # `pulumi stack import` would drop them, so they are written where a killed run leaves them.
    backend = Path(project.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    file = backend / ".pulumi/stacks/aep/dev.json"
    held = json.loads(file.read_text())
    held["checkpoint"]["latest"]["pending_operations"] = [
        {
            "resource": {
                "urn": "urn:pulumi:dev::aep::pulumi-python:dynamic/aep:UpsertDataset::orders",
                "custom": True,
                "type": "pulumi-python:dynamic/aep:UpsertDataset",
            },
            "type": operation,
        }
    ]
    file.write_text(json.dumps(held))
    (row,) = rows(project, expect=1)
    assert row["resource"] == "orders"
    assert row["differences"] == [f"the last run was interrupted while {operation} it"]


def test_filters_choose_what_is_shown_and_what_the_exit_code_is_about(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT, name="Loyalty members")
    other = f"0{ID[1:]}"
    aep.dataset(other, PROFILE_SCHEMA, UPSERT, name="Orders")
    entries(
        project,
        {"resource": "a", "dataset_id": ID},
        {"resource": "b", "dataset_id": other, "name": "Bestellungen"},
    )
    assert "2 datasets, 2 not as declared" in status(project, expect=1)
    assert "1 dataset, 1 not as declared" in status(project, "--name", "BESTELL", expect=1)
    assert "0 datasets, 0 not as declared" in status(project, "--name", "zzz")
    assert "2 datasets" in status(project, "--schema", PROFILE_SCHEMA[-12:], expect=1)
    assert "0 datasets" in status(project, "--schema", "zzz")


def test_only_differences_leaves_out_what_is_as_declared(project: Project, aep: Aep) -> None:
    other = f"0{ID[1:]}"
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT, name="Orders")
    aep.dataset(other, PROFILE_SCHEMA, UPSERT, name="Loyalty")
    project.program(ADOPT, f'UpsertDataset("loyalty", dataset_id="{other}")')
    project.up()
    change(aep, "tags/unifiedProfile", ["enabled:true"])
    text = status(project, "--only-differences", expect=1)
    assert "upsert is off" in text
    assert "loyalty" not in text
    assert "2 datasets, 1 not as declared" in text


@pytest.mark.parametrize("key", ["renamed_from", "aliases"])
def test_an_entry_that_was_renamed_is_the_resource_in_state(project: Project, aep: Aep, key: str) -> None:
    aep.dataset(
        ID, PROFILE_SCHEMA, {**UPSERT, "team": ["a"], "pulumiManagedBy": ["aep/dev/orders"]}, name="Orders"
    )
    project.program(ADOPT)
    project.up()
    entries(
        project, {"resource": "sales", "dataset_id": ID, "name": "Orders", key: "orders", "protect": True}
    )
    assert "1 dataset, 0 not as declared" in status(project)
    examined = project.command("doctor", "-C", str(project.folder), expect=1).text
    assert "declaration" not in examined
