"""One file of entries for several stacks, what one stack says otherwise, and what their sandboxes hold."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from aep_provider.emulator.seeds import CLIENT_ID, ORG_ID, PROFILE_SCHEMA, PROFILE_SCHEMA_2
from support.aep import Aep, raw_dataset
from support.project import Project

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs/examples/sandboxes"
ID, OTHER, THIRD = "5b020a27e7040801dedbf46e", "5b020a27e7040801dedbf46f", "5b020a27e7040801dedbf470"
UPSERT = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
PLAIN = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}


@pytest.fixture
def project(new_project: Callable[..., Project], aep: Aep) -> Project:
    """The example of the documentation, with Orders in its two sandboxes; stacks dev and stage."""
    made = new_project(options="stackConfigDir: stacks\noptions:\n  refresh: always\n")
    for name in ("__main__.py", "datasets.yaml"):
        shutil.copy(EXAMPLE / name, made.folder)
    shutil.copytree(EXAMPLE / "stacks", made.folder / "stacks", dirs_exist_ok=True)
    made.run("stack", "init", "stage")
    made.run("stack", "select", "dev")
    del made.environment["AEP_SANDBOX"]
    aep.seed(sandboxes=[{"name": "stage", "type": "development"}])
    aep.dataset(ID, PROFILE_SCHEMA_2, PLAIN, name="Orders")
    aep.seed(sandbox="stage", datasets={OTHER: raw_dataset("Orders", PROFILE_SCHEMA_2, PLAIN)})
    return made


def declared(project: Project, *more: str) -> list[dict[str, object]]:
    shown = project.command("status", "-C", str(project.folder), "--declared", *more).out
    held: list[dict[str, object]] = yaml.safe_load(shown)
    return held


def test_one_file_serves_two_sandboxes(project: Project, aep: Aep) -> None:
    project.up()
    project.run("stack", "select", "stage")
    project.up()
    dev, stage = aep.datasets(), aep.datasets("stage")
    assert {one["name"] for one in dev.values()} == {"Orders", "Loyalty programme", "Loyalty experiment"}
    assert {one["name"] for one in stage.values()} == {"Orders", "Loyalty programme"}
    assert "isUpsert:true" in dev[ID]["tags"]["unifiedProfile"]
    assert "isUpsert:true" in stage[OTHER]["tags"]["unifiedProfile"]
    aep.forget()
    assert "3 unchanged" in project.up("--expect-no-changes").text
    assert aep.writes() == []


def test_what_a_stack_declares_is_shown_put_together(project: Project, aep: Aep) -> None:
    shown = project.command("status", "-C", str(project.folder), "--declared").out
    assert "# datasets.yaml; aep:overrides says deletion_protection\n- resource: loyalty-members\n" in shown
    assert "# aep:overrides\n- resource: experiment\n" in shown
    assert shown.endswith("# 3 datasets of stack dev\n")
    names = [one["resource"] for one in declared(project)]
    assert names == ["loyalty-members", "orders", "experiment"]
    told = project.command("status", "-C", str(project.folder), "--declared", "--json").out
    assert json.loads(told)["entries"] == declared(project)
    assert [one["resource"] for one in declared(project, "--stack", "stage")] == names[:2]
    assert aep.calls() == []


@pytest.mark.parametrize("key", ["aep:datasets", "aep:overrides"])
def test_what_is_kept_as_a_secret_is_read_as_the_program_reads_it(project: Project, key: str) -> None:
    for other in ("aep:datasets", "aep:overrides"):
        project.run("config", "rm", other)
    entry = {"resource": "hidden", "dataset": "Orders", "is_upsert": False}
    project.run("config", "set", "--secret", key, json.dumps([entry]))
    assert declared(project) == [entry]
    project.up()
    assert "hidden" in project.command("status", "-C", str(project.folder)).text


def test_status_and_doctor_look_names_up(project: Project, aep: Aep) -> None:
    here = ("-C", str(project.folder))
    rows = {
        one["resource"]: one
        for one in json.loads(project.command("status", *here, "--json", expect=1).out)["datasets"]
    }
    assert rows["orders"]["id"] == ID
    assert any("upsert" in text for text in rows["orders"]["differences"])
    told = json.loads(project.command("doctor", *here, "--json").out)["findings"]
    assert [one["status"] for one in told if one["check"] in ("names", "Profile datasets")] == ["ok", "ok"]
    aep.someone_else("DELETE", ID)
    told = json.loads(project.command("doctor", *here, "--json", expect=1).out)["findings"]
    (finding,) = [one for one in told if one["check"] == "names"]
    assert "orders: dataset is 'Orders', and sandbox dev has no dataset of that name" in finding["text"]
    assert finding["status"] == "problem"
    assert "has no dataset of that name" in project.command("status", *here, expect=1).text
    assert "has no dataset of that name" in project.preview(expect=None).text


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("missing.yaml", "names missing.yaml, which cannot be read"),
        ("Pulumi.yaml", "is not a list of entries"),
    ],
)
def test_a_file_that_cannot_be_is_an_error_without_a_traceback(
    project: Project, file: str, text: str
) -> None:
    project.config("aep:datasets", file)
    shown = project.preview(expect=None).text
    assert text in shown
    assert "Traceback" not in shown
    assert text in project.command("status", "-C", str(project.folder), expect=3).text


def test_more_entries_than_a_configuration_takes_fit_into_the_file(project: Project, aep: Aep) -> None:
    entry = {"dataset": "Orders", "description": "x" * 400}
    whole = [{**entry, "resource": f"orders-{number}"} for number in range(500)]
    file = project.folder / "datasets.yaml"
    file.write_text(yaml.safe_dump(whole))
    assert file.stat().st_size > 200_000
    assert len(declared(project)) == 502
    assert "two resources cannot manage one dataset" in project.preview(expect=None).text


def test_an_import_writes_names_into_the_file_and_keeps_its_comments(project: Project, aep: Aep) -> None:
    aep.dataset(THIRD, PROFILE_SCHEMA, UPSERT, name="Sales")
    file = project.folder / "datasets.yaml"
    before = file.read_text()
    stack_file = (project.folder / "stacks/Pulumi.dev.yaml").read_text()
    aep.forget()
    text = project.command("import", "-C", str(project.folder), "--all", "--run").text
    assert "Written: 1 entry to datasets.yaml" in text
    assert "1 left out" in text
    assert file.read_text().startswith(before)
    assert yaml.safe_load(file.read_text())[2:] == [
        {"resource": "sales", "dataset": "Sales", "schema": "Customers", "is_upsert": True}
    ]
    assert (project.folder / "stacks/Pulumi.dev.yaml").read_text().startswith(stack_file)
    assert aep.writes() == []
    shown = project.preview("--target", "**sales", "--expect-no-changes").text
    assert "1 to create" not in shown
    (sales,) = [one for one in project.state() if one["urn"].endswith("::sales")]
    assert (sales["inputs"]["dataset"], sales["inputs"]["dataset_id"]) == ("Sales", THIRD)


def test_an_import_into_the_file_leaves_out_what_a_name_does_not_tell(project: Project, aep: Aep) -> None:
    for one in (THIRD, THIRD[:-1] + "1"):
        aep.dataset(one, PROFILE_SCHEMA, UPSERT, name="Twins")
    here = ("-C", str(project.folder))
    shown = project.command("import", *here, "--name", "Twins", "--dry-run", "--json", expect=1)
    reasons = {one["reason"] for one in json.loads(shown.out)["skipped"]}
    assert reasons == {"shares its name with another dataset; declare it by its dataset_id in aep:overrides"}


def test_two_sandboxes_are_compared_without_a_write(project: Project, aep: Aep) -> None:
    here = ("-C", str(project.folder))
    project.up()
    aep.forget()
    shown = project.command("diff", *here, "--from", "dev", "--to", "stage", "--json", expect=1).out
    rows = {one["resource"]: one for one in json.loads(shown)["datasets"]}
    assert {name: one["differences"] for name, one in rows.items()} == {
        "experiment": ["declared", "present"],
        "loyalty-members": ["present"],
        "orders": ["upsert"],
    }
    orders = rows["orders"]
    assert (orders["from"]["id"], orders["to"]["id"]) == (ID, OTHER)
    assert (orders["from"]["sandbox"], orders["to"]["sandbox"]) == ("dev", "stage")
    assert orders["from"]["schema"] == orders["to"]["schema"] == "Orders"
    assert aep.writes() == []
    text = project.command("diff", *here, "--from", "dev", "--to", "stage", expect=1).text
    assert "3 datasets, 3 differ" in text


def test_what_two_sandboxes_have_alike_is_no_difference(project: Project, aep: Aep) -> None:
    here = ("-C", str(project.folder))
    project.run("config", "rm", "aep:overrides")
    assert "2 datasets, 0 differ" in project.command("diff", *here, "--from", "dev", "--to", "stage").text
    schema = {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}
    aep.seed(sandbox="stage", datasets={OTHER: raw_dataset("Orders", PROFILE_SCHEMA, {}, schemaRef=schema)})
    shown = project.command("diff", *here, "--from", "dev", "--to", "stage", "--json", expect=1).out
    assert [one["differences"] for one in json.loads(shown)["datasets"]] == [[], ["schema", "profile"]]


def test_a_comparison_that_cannot_be_made_is_an_error(project: Project) -> None:
    here = ("-C", str(project.folder))
    text = project.command("diff", *here, "--from", "dev", "--to", "nowhere", expect=3).text
    assert "nowhere" in text
    assert "one stack" in project.command("diff", *here, "--from", "dev", "--to", "dev", expect=2).text
    project.environment["AEP_SANDBOX"] = "dev"
    text = project.command("diff", *here, "--from", "dev", "--to", "stage", expect=3).text
    assert "the stack says 'stage' and the environment says 'dev'" in text


def test_the_examples_settings_are_those_of_the_emulator() -> None:
    config = yaml.safe_load((EXAMPLE / "stacks/Pulumi.dev.yaml").read_text())["config"]
    assert (config["aep:orgId"], config["aep:clientId"]) == (ORG_ID, CLIENT_ID)


@pytest.mark.parametrize(("count", "told"), [(19, False), (20, True)])
def test_a_full_sandbox_is_said_by_discover_and_doctor(
    new_project: Callable[..., Project], aep: Aep, count: int, *, told: bool
) -> None:
    project = new_project()
    here = ("-C", str(project.folder))
    body = raw_dataset("d", PROFILE_SCHEMA, UPSERT)
    aep.seed(datasets={f"{number:024x}": {**body, "name": f"d{number}"} for number in range(count)})
    text = "has 20 record datasets in Profile; Adobe names 20 as the limit"
    assert (text in project.command("discover", *here, "--name", "none").text) is told
    findings = json.loads(project.command("doctor", *here, "--json", expect=1).out)["findings"]
    (finding,) = [one for one in findings if one["check"] == "Profile datasets"]
    assert (finding["status"], text in finding["text"]) == (("note", True) if told else ("ok", False))
