"""`aep-provider import`: hand-made datasets become code, and nothing is written to AEP."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from aep_provider.emulator.seeds import CLIENT_ID, EVENTS_SCHEMA, ORG_ID, PLAIN_SCHEMA, PROFILE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.aep import Aep
    from support.project import Project

ROOT = Path(__file__).resolve().parents[2]
ID, ID_2, ID_3 = "5b020a27e7040801dedbf46e", "5b020a27e7040801dedbf46f", "5b020a27e7040801dedbf470"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
UPSERT = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
OFF: dict[str, list[str]] = {}


@pytest.fixture
def repository(new_project: Callable[..., Project]) -> Project:
    """The infrastructure program of this repository, with an empty list of datasets."""
    project = new_project(options="options:\n  refresh: always\n")
    (project.folder / "__main__.py").write_text((ROOT / "__main__.py").read_text())
    with stack_file(project).open("a") as file:
        file.write("config:\n  # ours\n  aep:parallel: 8\n  aep:datasets: []\n")
    return project


def stack_file(project: Project) -> Path:
    return project.folder / "Pulumi.dev.yaml"


def entries(project: Project) -> list[dict[str, Any]]:
    held: list[dict[str, Any]] = yaml.safe_load(stack_file(project).read_text())["config"]["aep:datasets"]
    return held


def take_in(project: Project, *arguments: str, expect: int = 0) -> str:
    return project.command("import", "-C", str(project.folder), *arguments, expect=expect).text


def test_a_hundred_and_fifty_datasets_become_code_without_a_write(repository: Project, aep: Aep) -> None:
    body = {"schemaRef": {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}}
    aep.seed(
        datasets={
            f"{n:024x}": {**body, "name": f"Dataset {n // 2}", "tags": UPSERT if n % 3 else ON}
            for n in range(150)
        }
    )
    before = aep.datasets()
    aep.forget()
    text = take_in(repository, "--all", "--run")
    assert "150 taken in, 0 left out" in text
    assert len(entries(repository)) == 150
    assert "# ours" in stack_file(repository).read_text()
    assert "151 unchanged" in repository.up("--expect-no-changes").text
    assert len(repository.state()) == 150
    assert aep.writes() == []
    assert aep.datasets() == before
    outputs = repository.state()[0]["outputs"]
    assert (outputs["adopted"], outputs["deletion_protection"]) == (True, False)


def test_without_the_refresh_the_first_up_changes_nothing_in_aep_either(
    new_project: Callable[..., Project], aep: Aep
) -> None:
    project = new_project()
    (project.folder / "__main__.py").write_text((ROOT / "__main__.py").read_text())
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT, name="Orders", createdClient=CLIENT_ID)
    take_in(project, ID, "--file", "in.json")
    project.run("import", "--file", "in.json", "--generate-code=false", "--yes", "--protect=false")
    project.up()
    assert project.outputs()["adopted"] is True
    (project.folder / "__main__.py").write_text("")
    project.up()
    assert aep.writes() == []
    assert list(aep.datasets()) == [ID]


def test_what_is_left_out_and_why(repository: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT, name="Orders")
    aep.dataset(ID_2, PROFILE_SCHEMA, {**ON, "pulumiManagedBy": ["aep/prod/other"]}, name="Theirs")
    aep.dataset(ID_3, PROFILE_SCHEMA, OFF, name="Off")
    system = {"managedBy": "SYSTEM"}
    aep.dataset("5b020a27e7040801dedbf471", PROFILE_SCHEMA, ON, name="Adobe's", classification=system)
    told = json.loads(
        repository.command("import", "-C", str(repository.folder), "--all", "--dry-run", "--json").out
    )
    assert [entry["resource"] for entry in told["imported"]] == ["orders"]
    assert {one["name"]: one["reason"] for one in told["skipped"]} == {
        "Off": "is not enabled for Profile (--enable takes it in)",
        "Theirs": "is managed by aep/prod/other",
        "Adobe's": "belongs to Adobe: classification.managedBy is SYSTEM",
    }
    assert entries(repository) == []
    assert not (repository.folder / "aep-import.json").exists()
    take_in(repository, ID)
    assert "1 left out" in take_in(repository, ID)
    assert len(entries(repository)) == 1


def test_datasets_outside_profile_come_in_with_enable_only(repository: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, OFF, name="Orders")
    aep.dataset(ID_2, EVENTS_SCHEMA, OFF, name="Events")
    aep.dataset(ID_3, PLAIN_SCHEMA, OFF, name="Products")
    text = take_in(repository, "--all", "--enable", "--run")
    assert "Profile is enabled, with upsert" in text
    assert "Profile is enabled, without upsert" in text
    assert "is not enabled for Profile, and neither is its schema" in text
    assert aep.writes() == []
    assert "2 to update" in repository.preview().text
    repository.up()
    assert len(aep.writes()) == 2
    assert aep.datasets()[ID]["tags"]["unifiedProfile"][:2] == ["enabled:true", "isUpsert:true"]
    assert "3 unchanged" in repository.up("--expect-no-changes").text


def test_names_become_logical_names_that_are_unique(repository: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON, name="Café – Orders!")
    aep.dataset(ID_2, PROFILE_SCHEMA, ON, name="caf orders")
    aep.dataset(ID_3, PROFILE_SCHEMA, {**ON, "pulumiManagedBy": ["aep/dev/as-it-was"]}, name="会員")
    aep.dataset("5b020a27e7040801dedbf471", PROFILE_SCHEMA, ON, name="注文")
    take_in(repository, "--all")
    assert {entry["name"]: entry["resource"] for entry in entries(repository)} == {
        "caf orders": "caf-orders",
        "Café – Orders!": "caf-orders-dbf46e",
        "会員": "as-it-was",
        "注文": "dataset-dbf471",
    }


def test_four_hundred_entries_are_added_with_names_as_text(repository: Project, aep: Aep) -> None:
    body = {"schemaRef": {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}}
    odd = ["007", "-1", "12", "true", "a = [b]"]
    names = [*odd, *(f"会員 Loyalty, full load {n}" for n in range(400))]
    aep.seed(datasets={f"{n:023x}e": {**body, "name": name, "tags": UPSERT} for n, name in enumerate(names)})
    repository.config("aep:datasets[0].resource", "by-hand", "--path")
    repository.config("aep:datasets[0].dataset_id", ID, "--path")
    aep.dataset(ID, PROFILE_SCHEMA, {**ON, "pulumiManagedBy": ["aep/dev/by-hand"]})
    assert "would be taken in" in take_in(repository, "--all", "--dry-run")
    take_in(repository, "--all")
    first, *added = entries(repository)
    assert first == {"resource": "by-hand", "dataset_id": ID}
    assert sorted(entry["name"] for entry in added) == sorted(names)
    written = json.loads(repository.run("config", "--json").text)["aep:datasets"]["objectValue"][1:]
    assert written == added
    assert "407 to create" in repository.preview().text
    assert {entry["name"]: entry["resource"] for entry in added if entry["name"] in odd} == {
        "-1": "dataset-1",
        "007": "dataset-007",
        "12": "dataset-12",
        "a = [b]": "a-b",
        "true": "true",
    }


def test_more_entries_than_a_program_takes_are_refused(repository: Project, aep: Aep) -> None:
    body = {"schemaRef": {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}}
    aep.seed(
        datasets={f"{n:024x}": {**body, "name": "Orders " * 30 + str(n), "tags": ON} for n in range(300)}
    )
    before = stack_file(repository).read_text()
    assert "more than a program can be given" in take_in(repository, "--all", expect=1)
    assert stack_file(repository).read_text() == before
    assert not (repository.folder / "aep-import.json").exists()
    take_in(repository, "--name", "Orders 7")
    repository.preview()


def test_a_file_that_cannot_be_written_leaves_the_stack_file_alone(repository: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT)
    before = stack_file(repository).read_text()
    told = take_in(repository, "--all", "--file", "nowhere/in.json", expect=1)
    assert "nowhere/in.json cannot be written: No such file or directory" in told
    assert stack_file(repository).read_text() == before


def test_on_a_terminal_it_asks_which(repository: Project, aep: Aep) -> None:
    for dataset_id, name in ((ID, "One"), (ID_2, "Two"), (ID_3, "Three")):
        aep.dataset(dataset_id, PROFILE_SCHEMA, ON, name=name)
    assert "Say which datasets" in take_in(repository, expect=2)
    ours, theirs = pty.openpty()
    os.write(ours, b"7\n1, 3-3\n")
    done = subprocess.run(
        [Path(sys.executable).parent / "aep-provider", "import", "-C", repository.folder],
        env=repository.environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stdout
    assert "the numbers go from 1 to 3" in done.stdout
    assert [entry["name"] for entry in entries(repository)] == ["One", "Two"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("nonsense",), 2, "'nonsense' is not a dataset id"),
        ((ID,), 1, f"Not in sandbox dev: {ID}"),
        (("--all", "--json", "--run"), 2, "Use either --run"),
        (("--all", "--stack", "nowhere"), 1, "no stack named 'nowhere'"),
    ],
)
def test_wrong_usage(repository: Project, arguments: tuple[str, ...], code: int, text: str) -> None:
    assert text in take_in(repository, *arguments, expect=code)


def test_another_organisation_in_the_stack_is_refused(repository: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    repository.config("aep:orgId", f"F{ORG_ID[1:]}")
    assert "the stack says" in take_in(repository, "--all", expect=1)
    assert entries(repository) == []


def test_a_list_that_is_a_secret_is_neither_lost_nor_disclosed(
    new_project: Callable[..., Project], aep: Aep
) -> None:
    project = new_project()
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project.config("aep:datasets[0].resource", "orders", "--path", "--secret")
    before = stack_file(project).read_text()
    assert "is kept as a secret" in take_in(project, "--all", expect=1)
    assert stack_file(project).read_text() == before


def test_without_a_stack_it_says_why_there_is_none(project: Project, tmp_path: Path) -> None:
    assert "No Pulumi.yaml in" in project.command("import", "--all", "-C", str(tmp_path), expect=1).text
    assert "works on a Pulumi stack" in project.command("import", "--all", "--no-stack", expect=1).text
    (tmp_path / "Pulumi.yaml").write_text("name: empty\nruntime: python\n")
    assert "no stack selected" in project.command("import", "--all", "-C", str(tmp_path), expect=1).text
    project.environment["PATH"] = "/nowhere"
    assert "No `pulumi` on PATH" in project.command("import", "--all", "-C", str(tmp_path), expect=1).text


OWN_PROGRAM = "import datasets  # noqa: F401"


@pytest.fixture
def own_program(new_project: Callable[..., Project]) -> Project:
    """A program that does not read `aep:datasets`."""
    project = new_project()
    project.program()
    return project


def test_run_refuses_a_program_that_does_not_read_the_list_and_code_is_the_way_out(
    own_program: Project, aep: Aep
) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT, name="Orders")
    aep.dataset(ID_2, PROFILE_SCHEMA, ON, name="Loyalty")
    folder = own_program.folder
    before = stack_file(own_program).read_text() if stack_file(own_program).exists() else ""
    told = take_in(own_program, "--all", "--run", expect=1)
    assert "does not declare 'loyalty' and 1 more from aep:datasets" in told
    assert "aep-provider import --code" in told
    assert (stack_file(own_program).read_text() if stack_file(own_program).exists() else "") == before
    assert not (folder / "aep-import.json").exists()
    assert own_program.state() == []
    take_in(own_program, "--all", "--code", "--output", str(folder / "datasets.py"))
    own_program.program(OWN_PROGRAM)
    own_program.run(
        "import", "--file", "aep-import.json", "--generate-code=false", "--yes", "--protect=false"
    )
    own_program.refresh()
    assert "3 unchanged" in own_program.up("--expect-no-changes").text
    assert aep.writes() == []


def test_code_goes_to_standard_output_alone(own_program: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT, name="Orders")
    told = own_program.command("import", "-C", str(own_program.folder), "--all", "--code")
    compile(told.out, "datasets.py", "exec")
    assert "Add the declarations to the program" in told.text
    assert "aep:datasets" not in own_program.run("config", "--json").text


def test_code_never_overwrites_a_file(own_program: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT, name="Orders")
    output = own_program.folder / "datasets.py"
    output.write_text("mine")
    assert "exists already" in take_in(own_program, "--all", "--code", "--output", str(output), expect=1)
    assert output.read_text() == "mine"
    assert not (own_program.folder / "aep-import.json").exists()


def test_a_list_in_the_project_file_is_never_hidden_and_yaml_is_the_way_out(
    repository: Project, aep: Aep
) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT, name="Orders")
    aep.dataset(ID_2, PROFILE_SCHEMA, UPSERT, name="Loyalty")
    project_file = repository.folder / "Pulumi.yaml"
    head = project_file.read_text() + "config:\n  aep:datasets:\n    value:\n"
    project_file.write_text(head + f"      - {{resource: orders, dataset_id: {ID}}}\n")
    stack_file(repository).write_text("config:\n  aep:parallel: 8\n")
    assert "would hide that list" in take_in(repository, ID_2, expect=1)
    assert "aep:datasets" not in stack_file(repository).read_text()
    told = repository.command("import", "-C", str(repository.folder), ID_2, "--yaml")
    added = "".join(f"      {line}\n" for line in told.out.splitlines())
    project_file.write_text(head + f"      - {{resource: orders, dataset_id: {ID}}}\n" + added)
    assert "3 to create" in repository.preview().text


def test_a_list_given_as_json_text_gets_the_new_entries(repository: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT, name="Orders")
    aep.dataset(ID_2, PROFILE_SCHEMA, UPSERT, name="007")
    repository.run("config", "rm", "aep:datasets")
    repository.config("aep:datasets", json.dumps([{"resource": "orders", "dataset_id": ID}]))
    take_in(repository, ID_2)
    assert [entry.get("name") for entry in json.loads(entries(repository))] == [None, "007"]  # type: ignore[arg-type]


def test_a_second_import_keeps_what_the_first_one_left_unused(repository: Project, aep: Aep) -> None:
    for dataset_id, name in ((ID, "One"), (ID_2, "Two"), (ID_3, "Three")):
        aep.dataset(dataset_id, PROFILE_SCHEMA, UPSERT, name=name)
    take_in(repository, ID)
    take_in(repository, ID_2)
    file = repository.folder / "aep-import.json"
    repository.run("import", "--file", str(file), "--generate-code=false", "--yes", "--protect=false")
    assert {one["id"] for one in repository.state()} == {ID, ID_2}
    take_in(repository, ID_3)
    assert [one["id"] for one in json.loads(file.read_text())["resources"]] == [ID_3]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{}", "is not an import file"),
        ("notes", "is not an import file"),
        ('{"resources": [{"name": "a", "id": "1", "outputs": {"owner": "aep/prod/a"}}]}', "in another stack"),
    ],
)
def test_a_file_that_is_not_ours_is_never_overwritten(
    repository: Project, aep: Aep, content: str, text: str
) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT, name="Orders")
    file = repository.folder / "aep-import.json"
    file.write_text(content)
    assert text in take_in(repository, ID, expect=1)
    assert file.read_text() == content
    assert entries(repository) == []
    take_in(repository, ID, "--file", "another.json")


def test_a_name_that_nothing_has_is_an_error(repository: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT, name="Orders")
    told = take_in(repository, "--name", "zzz", expect=1)
    assert "sandbox dev has 1 dataset, none with 'zzz' in its name" in told


def test_taking_in_nothing_is_an_error_unless_all_of_it_is_there(repository: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT, name="Orders")
    aep.dataset(ID_2, PROFILE_SCHEMA, OFF, name="Off")
    take_in(repository, ID)
    assert "0 taken in, 1 left out" in take_in(repository, ID)
    assert "nothing was taken in" in take_in(repository, ID_2, expect=1)


def test_enable_is_offered_only_where_it_takes_in(repository: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, OFF, name="Off")
    aep.dataset(ID_2, PLAIN_SCHEMA, OFF, name="Outside")
    told = take_in(repository, "--all", expect=1).splitlines()
    (offered,) = (line for line in told if "--enable takes it in" in line)
    assert "'Off'" in offered
    assert "1 taken in, 1 left out" in take_in(repository, "--all", "--enable")


def test_many_that_are_left_out_take_few_lines(repository: Project, aep: Aep) -> None:
    body = {"schemaRef": {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}}
    aep.seed(datasets={f"{n:024x}": {**body, "name": f"Dataset {n}", "tags": {}} for n in range(187)})
    told = take_in(repository, "--all", "--dry-run", expect=1).splitlines()
    assert len(told) < 6
    assert any("and 184 more (--json lists all)" in line for line in told)
