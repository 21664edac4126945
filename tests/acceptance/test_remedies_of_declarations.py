"""Remedies about names, files of entries and cards: each is read from the output, done, and seen to lead out."""

from __future__ import annotations

import json

import pytest
import yaml

from aep_provider.emulator.seeds import PROFILE_SCHEMA, PROFILE_SCHEMA_2
from support.aep import Aep
from support.project import Project
from support.reader import Reader

ID, OTHER = "5b020a27e7040801dedbf46e", "5b020a27e7040801dedbf46f"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
PREVIEW = "pulumi preview --non-interactive"
STATUS = "aep-provider status --declared"
CARD = "aep-provider card"
ENTRY = {"resource": "orders", "dataset_id": ID, "is_upsert": False}


@pytest.fixture
def reader(project: Project, aep: Aep) -> Reader:
    aep.dataset(ID, PROFILE_SCHEMA_2, ON, name="Orders")
    return Reader(project)


def configured(reader: Reader, **values: object) -> None:
    """Set keys of the namespace `aep` in the stack file."""
    file = reader.project.folder / "Pulumi.dev.yaml"
    held = yaml.safe_load(file.read_text()) or {} if file.exists() else {}
    held.setdefault("config", {}).update({f"aep:{key}": value for key, value in values.items()})
    file.write_text(yaml.safe_dump(held))


def test_a_wrong_title_is_corrected(reader: Reader) -> None:
    reader.project.program('UpsertDataset("members", name="Members", schema="Custommers")')
    told = reader.told(PREVIEW, "Check the title (AEP > Schemas), or give schema_id.")
    assert "schema_id" in told
    for given in ('schema="Customers"', f"schema_id={PROFILE_SCHEMA!r}"):
        reader.project.program(f'UpsertDataset("members", name="Members", {given})')
        reader.run(PREVIEW)


def test_a_wrong_name_is_looked_up_or_created(reader: Reader) -> None:
    reader.project.program('UpsertDataset("orders", dataset="Oders", is_upsert=False)')
    told = reader.told(PREVIEW, "Check the name (`aep-provider discover` lists what is there).")
    assert "Orders" in reader.follow(told)
    reader.project.program('UpsertDataset("orders", dataset="Orders", is_upsert=False)')
    reader.run(PREVIEW)
    reader.project.program('UpsertDataset("orders", name="Oders", schema="Customers")')
    reader.run(PREVIEW)


def test_a_name_and_an_id_that_disagree_are_made_one(reader: Reader) -> None:
    reader.project.program(
        f'UpsertDataset("a", name="A", schema="Customers", schema_id={PROFILE_SCHEMA_2!r})'
    )
    reader.told(PREVIEW, "Give one of the two: … where one declaration serves several sandboxes.")
    reader.project.program('UpsertDataset("a", name="A", schema="Customers")')
    reader.run(PREVIEW)


def test_of_two_resources_for_one_dataset_one_is_removed(reader: Reader) -> None:
    one, other = 'UpsertDataset("a", dataset="Orders")', f'UpsertDataset("b", dataset_id="{ID}")'
    reader.project.program(one, other)
    reader.told(PREVIEW, "Two resources cannot manage one dataset. Remove one of the two.")
    reader.project.program(one)
    reader.run(PREVIEW)


def test_a_file_of_entries_is_named_relative_to_the_project(reader: Reader) -> None:
    file = reader.project.folder / "datasets.yaml"
    file.write_text(yaml.safe_dump([ENTRY]))
    configured(reader, datasets=str(file))
    reader.told(STATUS, "Write a path relative to the project's folder, for every machine.")
    configured(reader, datasets="missing.yaml")
    reader.told(
        STATUS, "It is the path of a YAML file with a list of entries, relative to the project's folder."
    )
    configured(reader, datasets="datasets.yaml")
    reader.run(STATUS)


def test_overrides_that_are_no_changes_are_written_as_told(reader: Reader) -> None:
    configured(reader, datasets=[ENTRY], overrides=[{"is_upsert": True}])
    reader.told(
        STATUS, "Write the logical name of the entry of … that it changes, or of the one that it adds."
    )
    change = {"resource": "orders", "is_upsert": True}
    configured(reader, overrides=[change, {"resource": "orders", "description": "x"}])
    reader.told(STATUS, "Put them into one.")
    configured(reader, overrides=[{**change, "description": "x"}])
    assert "is_upsert: true" in reader.run(STATUS)


def test_a_file_that_cannot_be_appended_to_is_written_line_by_line(reader: Reader, aep: Aep) -> None:
    file = reader.project.folder / "datasets.yaml"
    file.write_text(json.dumps([ENTRY]))
    configured(reader, datasets="datasets.yaml")
    aep.dataset(OTHER, PROFILE_SCHEMA_2, ON, name="Sales")
    told = reader.told("aep-provider import --name Sales", "Write its list with one `- ` for each entry")
    assert "aep-provider import --yaml" in told
    file.write_text(yaml.safe_dump([ENTRY]))
    assert "Sales" in reader.run("aep-provider import --name Sales --yaml")
    reader.run("aep-provider import --name Sales")
    assert [entry["resource"] for entry in yaml.safe_load(file.read_text())] == ["orders", "sales"]


@pytest.mark.parametrize("broken", [b"Previewing update\n", b"\xff\xfe", b"[]"])
def test_a_preview_that_is_none_is_made_as_told(reader: Reader, broken: bytes) -> None:
    reader.project.program(f'UpsertDataset("orders", dataset_id="{ID}")')
    kept = reader.project.folder / "preview.json"
    kept.write_bytes(broken)
    told = "Make it with `pulumi preview --json`, without `--diff`."
    reader.told(f"{CARD} --preview preview.json", told)
    reader.run(f"pulumi preview --json > preview.json; {CARD} --preview preview.json")


def test_a_plan_of_another_preview_is_made_with_it(reader: Reader) -> None:
    reader.project.program("pass")
    (reader.project.folder / "plan.json").write_text("no plan")
    both = f"{CARD} --preview preview.json --plan plan.json"
    reader.run("pulumi preview --json > preview.json")
    reader.told(both, "Make it with `pulumi preview --save-plan`.")
    reader.run("rm plan.json; pulumi preview --non-interactive --save-plan plan.json")
    reader.project.program(f'UpsertDataset("orders", dataset_id="{ID}")')
    reader.run("pulumi preview --json > preview.json")
    reader.told(both, "Make both in one run: `pulumi preview --json --save-plan FILE`.")
    reader.run(f"pulumi preview --json --save-plan plan.json > preview.json; {both}")


def test_a_wave_that_is_none_is_written_as_told(reader: Reader) -> None:
    configured(reader, wave="later", sandbox="dev")
    told = reader.told("aep-provider matrix", "Use …, or … for a stack that is not to be listed.")
    assert "dev, stage, prod, or none" in told
    configured(reader, wave="stage")
    assert "stage" in reader.run("aep-provider matrix")


def test_a_result_is_written_to_a_file(reader: Reader) -> None:
    reader.project.program("pass")
    reader.told(
        "aep-provider run --stack dev preview --out missing/result.json", "Give --out a file to write."
    )
    reader.run("aep-provider run --stack dev preview --out result.json; test -s result.json")


def test_a_title_that_was_changed_is_corrected(reader: Reader, aep: Aep) -> None:
    reader.project.program('UpsertDataset("members", name="Members", schema="Customers")')
    reader.project.up()
    body = {"$id": PROFILE_SCHEMA, "title": "People", "meta:immutableTags": ["union"]}
    aep.seed(schemas=[{**body, "meta:class": "https://ns.adobe.com/xdm/context/profile"}])
    told = "What is declared stays what it was. Correct the title, for other stacks and new resources."
    reader.told("aep-provider doctor", told)
    reader.project.program('UpsertDataset("members", name="Members", schema="People")')
    reader.project.up()
    assert "has the title" not in reader.run("aep-provider doctor", expect=None)
