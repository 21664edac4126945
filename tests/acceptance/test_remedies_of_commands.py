"""Remedies of `import`, `release` and `doctor`: each is read from the output, done, and seen to lead out."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aep_provider.emulator.seeds import PLAIN_SCHEMA, PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project
from support.reader import Reader, commands, printed

ID, ID_2 = "5b020a27e7040801dedbf46e", "5b020a27e7040801dedbf46f"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
IMPORT, DOCTOR, STATUS = "aep-provider import", "aep-provider doctor", "aep-provider status"


@pytest.fixture
def reader(project: Project) -> Reader:
    """In a project whose program reads `aep:datasets`."""
    root = Path(__file__).resolve().parents[2]
    (project.folder / "__main__.py").write_text((root / "__main__.py").read_text())
    return Reader(project)


@pytest.fixture
def orders(aep: Aep) -> Aep:
    """One dataset that a stack can take in."""
    aep.dataset(ID, PROFILE_SCHEMA, ON, name="Orders")
    return aep


def owned(aep: Aep, owner: str, dataset_id: str = ID) -> str:
    """A dataset that carries an owner tag, and is in no state."""
    return aep.dataset(dataset_id, PROFILE_SCHEMA, {**ON, "pulumiManagedBy": [owner]}, name="Orders")


@pytest.mark.parametrize(
    ("wrong", "remedy", "right"),
    [
        ("", "Say which datasets: IDs, --name TEXT", "--name Orders"),
        ("--all --run --json", "Use either --run, which shows", "--all --json"),
        ("--all --run --code", "Use either --run or --…: add the declarations", "--all --code"),
        ("--all --code --json", "Use either --json or --…", "--all --code"),
        ("--owned --enable", "--owned goes with", "--owned --dry-run --json"),
        ("--all --output x.py", "--output goes with --code or --yaml.", "--all --code --output x.py"),
        ("--all --stack dev --no-stack", "Use either --stack or --no-stack", "--all --stack dev"),
        ("5b02", "is not a dataset id", ID),
        (ID_2, "Not in sandbox …", ID),
        ("--name zzz", "Nothing was taken in: sandbox", "--name Orders"),
    ],
)
def test_a_wrong_use_is_told_with_a_use_that_works(
    reader: Reader, orders: Aep, wrong: str, remedy: str, right: str
) -> None:
    owned(orders, "aep/dev/lost", "5b020a27e7040801dedbf471")
    told = reader.told(f"{IMPORT} {wrong}", remedy)
    for command in commands(told):
        assert ID in reader.run(command)
    reader.run(f"{IMPORT} {right}")


def test_a_list_that_is_none_is_corrected_as_told(reader: Reader, orders: Aep) -> None:
    reader.run("pulumi config set aep:datasets nonsense")
    told = reader.told(f"{IMPORT} --all", "Each entry holds the arguments of UpsertDataset")
    assert "`resource`, its logical name" in told
    entry = json.dumps([{"resource": "orders", "dataset_id": ID, "upsert": True}])
    reader.run(f"pulumi config set aep:datasets '{entry}'")
    assert reader.told(DOCTOR, "Correct ….") == "Correct aep:datasets"
    reader.run(f"pulumi config set aep:datasets '{entry.replace('upsert', 'is_upsert')}'")
    assert "declaration" not in reader.run(DOCTOR, expect=None)
    reader.run(f"{IMPORT} --all")


def test_a_list_that_is_a_secret_becomes_plain_text(reader: Reader, orders: Aep) -> None:
    reader.run("pulumi config set --secret aep:datasets '[]'")
    reader.told(f"{IMPORT} --all", "set it as plain text first")
    reader.run("pulumi config set aep:datasets '[]'")
    reader.run(f"{IMPORT} --all")


def test_an_inherited_list_is_added_to_by_what_yaml_prints(reader: Reader, orders: Aep) -> None:
    orders.dataset(ID_2, PROFILE_SCHEMA, ON, name="Second")
    with (reader.project.folder / "Pulumi.yaml").open("a") as file:
        file.write(f"config:\n  aep:datasets:\n    value:\n    - {{resource: orders, dataset_id: {ID}}}\n")
    told = reader.told(f"{IMPORT} --name Second", "Run this again with --yaml and add what it prints")
    flag = re.findall("--yaml|--code", told)[0]
    entries = reader.run(f"{IMPORT} --name Second {flag} 2>/dev/null")
    with (reader.project.folder / "Pulumi.yaml").open("a") as file:
        file.write("".join(f"    {line}\n" for line in entries.splitlines()))
    assert "second" in reader.run("pulumi preview")


@pytest.mark.parametrize(
    "remedy", ["Choose another with --file.", "or delete it if it was used", "is a child"]
)
def test_an_import_file_in_the_way_is_left_alone_and_another_is_chosen(
    reader: Reader, orders: Aep, remedy: str
) -> None:
    def held(owner: str, **more: str) -> str:
        return json.dumps({"resources": [{"name": "x", "id": ID_2, "outputs": {"owner": owner}, **more}]})

    content, told_as = {
        "Choose another with --file.": ("[]", "Choose another with --file."),
        "or delete it if it was used": (held("aep/prod/x"), "or delete it if it was used"),
        "is a child": (held("aep/dev/x", parent="p"), "Run `pulumi import --file …` first, or choose"),
    }[remedy]
    (reader.project.folder / "aep-import.json").write_text(content)
    told = reader.told(f"{IMPORT} --all", told_as)
    reader.run(f"{IMPORT} --all {re.findall('--file(?! /)', told)[-1]} another.json")
    assert (reader.project.folder / "aep-import.json").read_text() == content


def test_a_program_file_that_exists_is_left_alone_and_another_is_chosen(reader: Reader, orders: Aep) -> None:
    (reader.project.folder / "datasets.py").touch()
    told = reader.told(f"{IMPORT} --all --code --output datasets.py", "Choose another file with --output.")
    reader.run(f"{IMPORT} --all --code {told.split()[-1]} others.py")
    assert "UpsertDataset" in (reader.project.folder / "others.py").read_text()


def test_a_pulumi_command_that_fails_is_run_again_as_told(reader: Reader, orders: Aep) -> None:
    # The refresh meets a fault that the import, which does not read AEP's sandboxes, does not meet.
    orders.fault({"status": 403, "body": {"title": "no"}}, times=None, path=f"/dataSets/{ID}")
    told = reader.run(f"{IMPORT} --name Orders --run", expect=1)
    orders.clear_faults()
    (again,) = re.findall(r"run it again: (pulumi .*)", told)
    printed("Correct what it says, then run it again: pulumi", told)
    reader.run(again)
    reader.run("pulumi up --refresh --expect-no-changes")


@pytest.mark.parametrize(
    ("schema", "tags", "name", "remedy", "flag"),
    [
        (PROFILE_SCHEMA, {}, "Orders", "(--enable takes it in)", "--enable"),
        (PLAIN_SCHEMA, {}, "Orders", "enable the schema in AEP first", "--enable"),
        (PROFILE_SCHEMA, ON, " Orders", "rename it in AEP first", ""),
    ],
)
def test_what_is_left_out_comes_in_as_told(
    reader: Reader, aep: Aep, schema: str, tags: dict[str, list[str]], name: str, remedy: str, flag: str
) -> None:
    aep.dataset(ID, schema, tags, name=name)
    reader.told(f"{IMPORT} {ID}", remedy)
    if schema == PLAIN_SCHEMA:
        aep.enable_schema(schema)
    if name != "Orders":
        aep.someone_else("PATCH", ID, [{"op": "replace", "path": "/name", "value": "Orders"}])
    assert "1 taken in" in reader.run(f"{IMPORT} {ID} {flag}")


def test_an_owner_tag_of_another_dataset_is_released_as_told(reader: Reader, aep: Aep) -> None:
    owned(aep, "aep/dev/orders")
    reader.run(f"{IMPORT} {ID}")
    owned(aep, "aep/dev/orders", ID_2)
    told = reader.told(f"{IMPORT} {ID_2}", "takes the tag off)")
    reader.run(f"{commands(told)[0]} --yes")
    assert "1 taken in" in reader.run(f"{IMPORT} {ID_2}")


def test_what_is_not_owned_is_looked_up_as_told(reader: Reader, aep: Aep) -> None:
    told = reader.told(f"{IMPORT} --owned", "shows the owner of each dataset")
    reader.follow(told)
    owned(aep, "aep/dev/orders")
    told = reader.told(f"{IMPORT} --owned {ID_2}", "leave the ids out to take in all of them")
    assert ID in reader.run(commands(told)[0], expect=1)
    assert "1 dataset taken in" in reader.run(f"{IMPORT} --owned")


def test_of_two_with_one_owner_one_is_taken_in_and_the_other_released(reader: Reader, aep: Aep) -> None:
    owned(aep, "aep/dev/orders")
    owned(aep, "aep/dev/orders", ID_2)
    told = reader.told(f"{IMPORT} --owned --run", "Give the id of the one to take in")
    reader.run(f"{IMPORT} --owned --run {ID}")
    reader.run(f"{commands(told)[0]} {ID_2} --yes")
    assert "pulumiManagedBy" not in aep.datasets()[ID_2]["tags"]


def test_an_import_that_pulumi_refuses_is_run_again_as_told(reader: Reader, aep: Aep, tmp_path: Path) -> None:
    owned(aep, "aep/dev/orders")
    real, fails = reader.project.pulumi, tmp_path / "bin" / "pulumi"
    fails.parent.mkdir()
    fails.write_text(f'#!/bin/sh\ncase "$*" in "import --file"*) exit 3;; *) exec {real} "$@";; esac\n')
    fails.chmod(0o755)
    path = reader.environment["PATH"]
    reader.environment["PATH"] = f"{fails.parent}:{path}"
    reader.told(f"{IMPORT} --owned --run", "then run this again: what is in the state already is left out")
    reader.environment["PATH"] = path
    reader.run(f"{IMPORT} --owned --run")


def test_a_dataset_of_another_stack_is_released_there(new_project: Callable[..., Project], aep: Aep) -> None:
    shop, here = new_project("shop", "prod"), Reader(new_project())
    owned(aep, "shop/prod/orders")
    told = here.told(f"aep-provider release {ID} --yes", "Run this in the project of that stack")
    (command, make) = commands(told)
    shop.run("stack", "rm", "prod", "--yes")
    here.run(f"cd {shop.folder}; {make} prod")
    here.run(f"{command.replace('DIR', str(shop.folder)).replace('NAME', 'prod')} --yes")
    assert "pulumiManagedBy" not in aep.datasets()[ID]["tags"]


def test_an_adopted_dataset_is_released_by_up_as_told(reader: Reader, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    reader.project.program(f'UpsertDataset("orders", dataset_id="{ID}")')
    reader.run("pulumi up --skip-preview")
    told = reader.told(f"aep-provider release {ID} --yes", "Remove it from the program and run `pulumi up`")
    reader.project.program()
    reader.run(f"{commands(told)[0]} --skip-preview")
    assert "nothing to do" in reader.run(f"aep-provider release {ID} --yes")


def test_release_asks_and_says_how_to_answer(reader: Reader, aep: Aep) -> None:
    owned(aep, "aep/dev/orders")
    told = reader.told(f"aep-provider release {ID}", "Confirm with --yes.")
    reader.run(f"aep-provider release {ID} {told.split()[-1]}")


def test_a_dataset_without_profile_is_switched_on_as_told(reader: Reader, aep: Aep) -> None:
    gap = {"unifiedProfile": ["enabled:false"], "pulumiProfileGap": ["from:2026-01-31T09:00:00.000Z", "by:x"]}
    aep.dataset(ID, PROFILE_SCHEMA, gap)
    told = reader.told(DOCTOR, "Run `pulumi up` in its stack, or `aep-provider enable")
    reader.run(commands(told)[-1].replace("[", "").replace("]", ""))
    assert "ok           open gaps" in reader.run(DOCTOR, expect=None)


PROJECT = "name: aep\nruntime:\n  name: {runtime}\n  options:\n    {options}\n{more}"
GOOD = f"{{toolchain: pip, virtualenv: {sys.prefix}}}"


@pytest.mark.parametrize(
    ("file", "check", "remedy", "better"),
    [
        (
            {"runtime": "nodejs", "options": GOOD},
            "interpreter",
            "Dynamic providers are Python only.",
            {"runtime": "python", "options": GOOD},
        ),
        (
            {"options": "{toolchain: pip, virtualenv: venv}", "more": "main: src\n"},
            "interpreter",
            "Keep Pulumi.yaml and __main__.py in one folder",
            {"options": GOOD},
        ),
        ({"options": "{}"}, "interpreter", "Set `toolchain:` and `virtualenv:` under", {"options": GOOD}),
        (
            {"options": GOOD},
            "refresh",
            "Add it, or always run `pulumi up --refresh`.",
            {"options": GOOD, "more": "options:\n  refresh: always\n"},
        ),
    ],
)
def test_the_project_file_is_mended_as_told(
    reader: Reader, file: dict[str, str], check: str, remedy: str, better: dict[str, str]
) -> None:
    place = reader.project.folder / "Pulumi.yaml"
    place.write_text(PROJECT.format(**{"runtime": "python", "more": ""} | file))
    reader.told(f"{DOCTOR} --no-stack", remedy)
    place.write_text(PROJECT.format(**{"runtime": "python", "more": ""} | better))
    assert f"ok           {check}" in reader.run(f"{DOCTOR} --no-stack", expect=None)


@pytest.mark.parametrize(
    ("environment", "check", "remedy"),
    [
        ({"https_proxy": "http://127.0.0.1:1"}, "proxy", "export no_proxy=127.0.0.1,localhost"),
        ({"PULUMI_RUN_PROGRAM": ""}, "run program", "export PULUMI_RUN_PROGRAM=true, or set"),
    ],
)
def test_what_doctor_says_to_export_cures(
    reader: Reader, environment: dict[str, str], check: str, remedy: str
) -> None:
    reader.environment |= environment
    told = reader.told(f"{DOCTOR} --no-stack", remedy)
    (export,) = re.findall("export [^;,]*(?:,localhost [^;]*)?", told)
    assert f"ok           {check}" in reader.run(f"{export}; {DOCTOR} --no-stack", expect=None)


def test_a_log_that_holds_secrets_is_unset(reader: Reader, tmp_path: Path) -> None:
    reader.environment["PULUMI_DEBUG_GRPC"] = str(tmp_path / "log")
    reader.told(f"{DOCTOR} --no-stack", "Unset it.")
    assert "PULUMI_DEBUG_GRPC" not in reader.run(f"unset PULUMI_DEBUG_GRPC; {DOCTOR} --no-stack", expect=None)


def test_poetry_installs_what_is_missing_as_told(reader: Reader, tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "poetry"
    fake.parent.mkdir()
    fake.write_text(
        f'#!/bin/sh\ncase "$*" in install) touch {tmp_path}/made;;'
        f" *) test -e {tmp_path}/made && echo {sys.prefix};; esac\n"
    )
    fake.chmod(0o755)
    reader.environment["PATH"] = f"{fake.parent}{os.pathsep}{reader.environment['PATH']}"
    (reader.project.folder / "Pulumi.yaml").write_text(
        PROJECT.format(runtime="python", options="{toolchain: poetry}", more="")
    )
    (command,) = re.findall("`(.*)`", reader.told(f"{DOCTOR} --no-stack", "Run `poetry install`."))
    reader.run(command)
    assert "ok           interpreter" in reader.run(f"{DOCTOR} --no-stack", expect=None)
