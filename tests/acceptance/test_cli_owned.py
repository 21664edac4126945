"""What a stack forgot: `aep-provider import --owned` takes it back, `aep-provider release` lets it go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aep_provider.emulator.seeds import PROFILE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.aep import Aep
    from support.project import Project

ID = "5b020a27e7040801dedbf46e"
UPSERT = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
MEMBERS = f'UpsertDataset("members", name="Members", schema_id="{PROFILE_SCHEMA}")'
CHILD = f"""
class Loyalty(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("acme:aep:Loyalty", name)
        UpsertDataset("orders", name="Orders", schema_id="{PROFILE_SCHEMA}",
            opts=pulumi.ResourceOptions(parent=self))

Loyalty("eu")
"""


def forget(project: Project, name: str) -> None:
    """Lose a resource as `pulumi state delete` does."""
    (urn,) = (one["urn"] for one in project.state() if one["urn"].endswith(f"::{name}"))
    project.run("state", "delete", urn, "--yes", "--force")


def take_back(project: Project, *flags: str, expect: int = 0) -> str:
    return project.command("import", "-C", str(project.folder), "--owned", *flags, expect=expect).text


def test_a_created_dataset_comes_back_as_it_was_recorded(project: Project, aep: Aep) -> None:
    project.program(MEMBERS)
    project.up()
    (before,) = project.state()
    forget(project, "members")
    aep.forget()
    assert "members" in take_back(project, "--run")
    (after,) = project.state()
    assert after["outputs"] == before["outputs"]
    assert after["inputs"] == before["inputs"]
    assert after["protect"] is True
    project.preview("--expect-no-changes")
    project.up("--expect-no-changes")
    assert aep.writes() == []


def test_a_child_of_a_component_comes_back_under_its_own_urn(project: Project, aep: Aep) -> None:
    project.program(CHILD)
    project.up()
    (before,) = project.state()
    exported = json.loads(project.run("stack", "export").text)
    exported["deployment"]["resources"] = []
    (project.folder / "empty.json").write_text(json.dumps(exported))
    project.run("stack", "import", "--file", "empty.json")
    aep.forget()
    take_back(project, "--run")
    (after,) = project.state()
    assert after["urn"] == before["urn"]
    project.up()
    project.up("--expect-no-changes")
    (settled,) = project.state()
    assert settled["urn"] == before["urn"]
    assert settled["outputs"] == before["outputs"]
    assert "aep-import-placeholder" not in project.run("stack", "export").text
    assert aep.writes() == []


def test_an_adopted_dataset_comes_back_as_adopted(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {**UPSERT, "pulumiManagedBy": ["aep/dev/orders"]}, name="Orders")
    assert "adopted" in take_back(project, "--run")
    assert project.outputs()["adopted"] is True
    project.program(f'UpsertDataset("orders", dataset_id="{ID}")')
    project.up()
    project.program()
    project.up()
    assert list(aep.datasets()) == [ID]


def test_nothing_of_another_stack_is_taken_in(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {**UPSERT, "pulumiManagedBy": ["aep/prod/orders"]}, name="Orders")
    assert "No dataset carries an owner aep/dev/…" in take_back(project, expect=1)
    assert f"Not taken in: {ID}" in take_back(project, ID, expect=1)


def test_a_dry_run_writes_no_file(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {**UPSERT, "pulumiManagedBy": ["aep/dev/orders"]}, name="Orders")
    assert "1 dataset would be taken in" in take_back(project, "--dry-run")
    assert not (project.folder / "aep-import.json").exists()


def test_json_names_what_is_taken_in_and_the_commands_that_do_it(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {**UPSERT, "pulumiManagedBy": ["aep/dev/orders"]}, name="Orders")
    here = ("import", "-C", str(project.folder), "--owned", "--json")
    told = json.loads(project.command(*here).out)
    one = {"resource": "orders", "dataset_id": ID, "name": "Orders", "created": False}
    assert (told["imported"], told["skipped"]) == ([one], [])
    (command,) = told["commands"]
    assert command[:4] == ["pulumi", "import", "--file", told["file"]]
    project.run(*command[1:])
    assert project.outputs()["adopted"] is True
    aep.dataset(f"0{ID[1:]}", PROFILE_SCHEMA, {**UPSERT, "pulumiManagedBy": ["aep/dev/second"]})
    assert json.loads(project.command(*here, "--dry-run").out)["file"] == ""


def test_two_datasets_of_one_owner_are_refused(project: Project, aep: Aep) -> None:
    for dataset_id in (ID, f"0{ID[1:]}"):
        aep.dataset(dataset_id, PROFILE_SCHEMA, {**UPSERT, "pulumiManagedBy": ["aep/dev/orders"]})
    assert "Several datasets carry one owner" in take_back(project, expect=1)
    take_back(project, ID)


def release(project: Project, *flags: str, expect: int = 0) -> str:
    return project.command("release", "-C", str(project.folder), *flags, expect=expect).text


def test_a_forgotten_dataset_is_released_and_another_stack_adopts_it(
    new_project: Callable[..., Project], aep: Aep
) -> None:
    project, other = new_project("shop"), new_project("marketing")
    project.program(MEMBERS)
    project.up()
    (dataset_id,) = aep.datasets()
    forget(project, "members")
    told = release(project, dataset_id, "--yes")
    assert "has owner 'shop/dev/members', claim " in told
    assert not {"pulumiManagedBy", "pulumiClaim"} & aep.datasets()[dataset_id]["tags"].keys()
    other.program(f'UpsertDataset("members", dataset_id="{dataset_id}", is_upsert=True)')
    other.up()
    assert "carries no owner tag; nothing to do" in release(project, dataset_id, "--yes")


def test_a_release_reads_once_more_where_somebody_has_written_meanwhile(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {**UPSERT, "pulumiManagedBy": ["aep/dev/orders"]})
    aep.fault({"status": 412, "body": {"title": "Precondition Failed"}}, method="PATCH")
    assert "is released from 'aep/dev/orders'" in release(project, ID, "--yes")
    assert [entry["status"] for entry in aep.writes()] == [412, 200]


@pytest.mark.parametrize(
    ("owner", "text"),
    [("aep/prod/orders", "does not belong to stack dev (aep/dev)"), ("aep/dev/orders", "Confirm with --yes")],
)
def test_release_writes_nothing_without_right_or_consent(
    project: Project, aep: Aep, owner: str, text: str
) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {**UPSERT, "pulumiManagedBy": [owner]})
    flags = ("--yes",) if owner == "aep/prod/orders" else ()
    assert text in release(project, ID, *flags, expect=1 if flags else 2)
    assert aep.writes() == []


def test_what_the_state_holds_is_released_by_the_way_that_is_named(project: Project, aep: Aep) -> None:
    project.program(MEMBERS)
    project.up()
    (dataset_id,) = aep.datasets()
    told = release(project, dataset_id, "--yes", expect=1)
    (command,) = (part for part in told.split("`") if part.startswith("pulumi state delete"))
    _, _, _, urn = command.split(" ")
    project.run("state", "delete", urn.strip("'"), "--yes", "--force")
    release(project, dataset_id, "--yes")
