"""Remedies of `pulumi preview` and `pulumi up`: each is read from the output, done, and seen to lead out."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

import pytest

from aep_provider.emulator.seeds import EVENTS_SCHEMA, PLAIN_SCHEMA, PROFILE_SCHEMA, PROFILE_SCHEMA_2
from support.aep import Aep
from support.project import Project
from support.reader import Reader, commands, printed

ID, ID_2 = "5b020a27e7040801dedbf46e", "5b020a27e7040801dedbf46f"
NOWHERE = "https://ns.adobe.com/acmeinc/schemas/0"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
PREVIEW, UP, DESTROY = "pulumi preview", "pulumi up --skip-preview", "pulumi destroy --skip-preview"
ADOPT = f'UpsertDataset("orders", dataset_id="{ID}")'
CREATE = f'UpsertDataset("members", name="Members", schema_id="{PROFILE_SCHEMA}", deletion_protection=False)'
MADE = 'pulumi.Output.from_input("Members")'
OTHER = CREATE.replace('"members"', '"others"').replace('"Members"', '"Others"')
URN = "urn:pulumi:dev::aep::pulumi-python:dynamic/aep:UpsertDataset::"


@pytest.fixture
def reader(project: Project) -> Reader:
    return Reader(project)


def adopt(arguments: str) -> str:
    return ADOPT.replace(")", f", {arguments})")


PROGRAMS = {
    "Correct …, or declare a new resource.": (adopt(f'schema_id="{PROFILE_SCHEMA_2}"'), ADOPT),
    "Check schema_id and aep:sandbox.": (CREATE.replace(PROFILE_SCHEMA, NOWHERE), CREATE),
    "Set is_upsert=False for this dataset.": (
        CREATE.replace(PROFILE_SCHEMA, EVENTS_SCHEMA),
        CREATE.replace(f'"{PROFILE_SCHEMA}"', f'"{EVENTS_SCHEMA}", is_upsert=False'),
    ),
    "Remove one of the two, or give it another name.": (
        # Outputs, so that the program itself cannot tell that they are the same.
        "\n".join((CREATE, OTHER)).replace('name="Others"', 'name="Members"').replace('"Members"', MADE),
        f"{CREATE}\n{OTHER}",
    ),
    "Remove the resource from the program.": (ADOPT.replace(ID, ID_2), ""),
    "Check dataset_id and aep:sandbox. If it was deleted": (ADOPT.replace(ID, f"0{ID[1:]}"), ADOPT),
    "Check the id and aep:sandbox.": (
        f'UpsertDataset.get("x", "0{ID[1:]}")',
        f'UpsertDataset.get("x", "{ID}")',
    ),
}


@pytest.mark.parametrize("remedy", PROGRAMS)
def test_the_program_is_corrected_as_told(reader: Reader, aep: Aep, remedy: str) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    aep.dataset(ID_2, PROFILE_SCHEMA, ON, classification={"managedBy": "SYSTEM"})
    wrong, right = PROGRAMS[remedy]
    reader.project.program(wrong)
    # What only reads a dataset is read by `up` alone.
    command = UP if ".get(" in wrong else PREVIEW
    reader.told(command, remedy)
    reader.project.program(right)
    reader.run(command)


def test_a_name_in_use_is_taken_by_id_or_left_for_another(reader: Reader, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON, name="Members")
    reader.project.program(CREATE)
    told = reader.told(PREVIEW, "To manage that one, give its id: dataset_id=…")
    reader.project.program(f'UpsertDataset("members", {re.findall("dataset_id=.[0-9a-f]+.", told)[0]})')
    reader.run(PREVIEW)
    reader.project.program(CREATE.replace("Members", "Another name"))
    reader.run(PREVIEW)


def test_of_several_with_one_owner_one_is_kept(reader: Reader, aep: Aep) -> None:
    for dataset_id in (ID, ID_2):
        aep.dataset(
            dataset_id, PROFILE_SCHEMA, {**ON, "pulumiManagedBy": ["aep/dev/members"]}, name="Members"
        )
    reader.project.program(CREATE)
    reader.told(PREVIEW, "Keep one: give its id as dataset_id, and delete the others in AEP.")
    aep.someone_else("DELETE", ID_2)
    reader.project.program(f'UpsertDataset("members", dataset_id="{ID}")')
    reader.run(UP)


def test_a_twin_made_at_the_same_time_is_named_and_one_is_kept(reader: Reader, aep: Aep) -> None:
    reader.project.program(CREATE)
    hold = aep.fault({"hold": "before"}, method="POST", service="catalog")
    process = reader.project.start("up", "--yes", "--skip-preview")
    aep.hit(hold)
    aep.dataset(ID, PROFILE_SCHEMA, ON, name="Members")
    aep.release(hold)
    told, _ = process.communicate(timeout=120)
    printed("Nothing was deleted. …", told)
    printed("Keep one: give its id as dataset_id, and delete the others in AEP.", told)
    (ours,) = set(aep.datasets()) - {ID}
    aep.someone_else("DELETE", ID)
    reader.project.program(f'UpsertDataset("members", dataset_id="{ours}")')
    reader.run(UP)


def test_a_sandbox_that_is_not_there_is_corrected(reader: Reader, aep: Aep) -> None:
    reader.project.program(CREATE)
    aep.fault({"status": 200, "body": {"sandboxes": []}}, times=None, service="sandbox")
    reader.told(PREVIEW, "that a role of the credential includes this sandbox")
    aep.clear_faults()
    reader.run(PREVIEW)


def test_a_sandbox_that_is_being_reset_is_waited_for(reader: Reader, aep: Aep) -> None:
    body = {"name": "dev", "type": "development", "state": "resetting", "title": "dev", "region": "VA7"}
    aep.seed(sandboxes=[body])
    reader.project.program(CREATE)
    reader.told(PREVIEW, "Wait until it is active, then run again.")
    aep.seed(sandboxes=[body | {"state": "active"}])
    reader.run(PREVIEW)


def test_production_and_the_window_in_it_are_allowed_as_told(reader: Reader, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    aep.seed("prod", datasets={ID_2: aep.datasets()[ID]})
    reader.environment["AEP_SANDBOX"] = "prod"
    program = ADOPT.replace(ID, ID_2)
    reader.project.program(program)
    told = reader.told(PREVIEW, "If that is what you want: `pulumi config set aep:allowProduction true`.")
    reader.follow(told)
    told = reader.told(PREVIEW, "If you accept that, set allow_profile_gap=True.")
    reader.project.program(program.replace(")", f", {re.findall('allow_profile_gap=True', told)[0]})"))
    reader.run(PREVIEW)


def test_enable_in_production_is_allowed_by_the_flag_or_the_command(reader: Reader, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {})
    aep.seed("prod", datasets={ID_2: aep.datasets()[ID]})
    reader.environment["AEP_SANDBOX"] = "prod"
    enable = f"aep-provider enable {ID_2}"
    told = reader.told(enable, "`pulumi config set aep:allowProduction true`")
    reader.follow(told)
    reader.run(enable)


def test_a_schema_is_enabled_in_aep_as_told(reader: Reader, aep: Aep) -> None:
    reader.project.program(CREATE.replace(PROFILE_SCHEMA, PLAIN_SCHEMA))
    reader.told(PREVIEW, "Enable it in AEP (Schemas > the schema > Profile)")
    aep.enable_schema(PLAIN_SCHEMA)
    reader.run(PREVIEW)


def batch(aep: Aep, status: str) -> None:
    aep.seed(
        batches={
            "01H": {
                "status": status,
                "relatedObjects": [{"type": "dataSet", "id": ID}],
                "created": int((time.time() - 60) * 1000),
            }
        }
    )


@pytest.mark.parametrize(
    ("given", "remedy", "way"),
    [
        (
            'in_flight_batches="fail"',
            "Run again when they have ended, or set in_flight_batches='wait'.",
            "run",
        ),
        ("wait_timeout=1", "Run again later, raise wait_timeout, or set in_flight_batches='ignore'.", "run"),
        ("wait_timeout=1", "Run again later, raise wait_timeout, or set in_flight_batches='ignore'.", "set"),
    ],
)
def test_batches_in_flight_end_or_are_passed_by_as_told(
    reader: Reader, aep: Aep, given: str, remedy: str, way: str
) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    batch(aep, "loading")
    reader.project.program(adopt(given))
    told = reader.told(UP, remedy)
    if way == "set":
        reader.project.program(adopt(re.findall(r"in_flight_batches='\w+'", told)[0]))
    else:
        batch(aep, "success")
    reader.run(UP)


def test_a_ready_token_that_may_end_gives_way_to_the_secret(reader: Reader, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    reader.project.program(ADOPT)
    reader.environment["AEP_ACCESS_TOKEN"] = aep.token()
    told = reader.told(UP, "It must be known to live … more minutes.")
    assert "use AEP_CLIENT_ID with AEP_CLIENT_SECRET" in told
    reader.run(f"unset AEP_ACCESS_TOKEN; {UP}")


def test_a_dataset_of_another_stack_is_let_go_there_as_told(
    new_project: Callable[..., Project], aep: Aep
) -> None:
    shop, here = Reader(new_project("shop")), Reader(new_project())
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    shop.project.program(ADOPT)
    shop.run(UP)
    here.project.program(ADOPT)
    output = here.run(UP, expect=None)
    elsewhere = printed("Only one stack can manage a dataset. Remove it there first", output)
    forgotten = printed("If no stack holds it any more, run `aep-provider release …`", output)
    shop.run(f"{commands(elsewhere)[0]} '{shop.project.state()[0]['urn']}'")
    shop.run(f"{commands(forgotten)[0]} --yes")
    here.run(UP)


@pytest.mark.parametrize("way", ["alias", "rename"])
def test_a_resource_with_another_name_keeps_its_dataset_as_told(reader: Reader, aep: Aep, way: str) -> None:
    reader.project.program(CREATE)
    reader.run(UP)
    (dataset_id,) = aep.datasets()
    renamed = CREATE.replace('"members"', '"people"')
    reader.project.program(renamed)
    told = reader.told(UP, "If the logical name, parent or type changed")
    if way == "alias":
        (opts,) = re.findall(r"opts=pulumi\S+ ?\S*\)\]\)", told)
        reader.project.program(renamed.replace(")", f", {opts})"))
    else:
        assert printed(", or in an entry of aep:datasets `renamed_from: …`", told)
        (command,) = commands(told)
        reader.run(f"{command} '{URN}members' people")
    reader.run(UP)
    assert list(aep.datasets()) == [dataset_id]


@pytest.mark.parametrize("way", ["for this stack alone aliases=[…]", "parent"])
@pytest.mark.parametrize("moved_in", [True, False])
def test_a_resource_with_another_parent_keeps_its_dataset_as_told(
    reader: Reader, aep: Aep, way: str, *, moved_in: bool
) -> None:
    group = "group = pulumi.ComponentResource('acme:aep:Group', 'group')"
    inside = f"{CREATE.removesuffix(')')}, opts=pulumi.ResourceOptions(parent=group"
    before, after = (
        (CREATE, inside)
        if moved_in
        else (inside, f"{CREATE.removesuffix(')')}, opts=pulumi.ResourceOptions(")
    )

    def declare(resource: str) -> None:
        reader.project.program(group, resource if resource == CREATE else f"{resource}))")

    declare(before)
    reader.run(UP)
    (dataset_id,) = aep.datasets()
    declare(after)
    told = reader.run(UP, expect=None)
    assert "`pulumi state rename`" not in told
    if way == "parent":
        alias = (
            "pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)" if moved_in else "pulumi.Alias(parent=group)"
        )
        assert alias.replace("=group", "=…") in told
        aliases = f"aliases=[{alias}]"
    else:
        (aliases,) = re.findall(r"aliases=\['urn:\S+'\]", printed(way, told) + " " + told)[:1]
        assert aliases[10:-2] in printed(", or in an entry of aep:datasets `aliases: …`", told)
    declare(f"{after}{', ' if after.endswith('group') else ''}{aliases}")
    reader.run(UP)
    assert list(aep.datasets()) == [dataset_id]


def lost(reader: Reader, aep: Aep) -> str:
    """A dataset of this stack that is in use, and that its state does not hold any more."""
    reader.project.program(CREATE)
    reader.run(UP)
    (dataset_id,) = aep.datasets()
    reader.run(f"pulumi state delete '{URN}members'")
    aep.seed(
        batches={"01H": {"status": "success", "relatedObjects": [{"type": "dataSet", "id": dataset_id}]}}
    )
    return dataset_id


@pytest.mark.parametrize("way", ["import", "id", "schema"])
def test_a_dataset_that_the_state_lost_comes_back_as_told(reader: Reader, aep: Aep, way: str) -> None:
    lost(reader, aep)
    if way == "schema":
        reader.project.program(CREATE.replace(PROFILE_SCHEMA, PROFILE_SCHEMA_2))
        reader.told(UP, "Declare the schema that it has, or delete it in AEP.")
        reader.project.program(CREATE)
    told = reader.told(UP, "If this stack lost its state: `aep-provider import --owned`")
    if way == "id":
        reader.project.program(f'UpsertDataset("members", {re.findall("dataset_id=.[0-9a-f]+.", told)[0]})')
    else:
        reader.run(f"{commands(told)[0]} --run")
    reader.run(UP)


def test_of_two_states_one_forgets_the_dataset_as_told(reader: Reader, aep: Aep) -> None:
    reader.project.program(CREATE)
    reader.run(UP)
    first = reader.environment["PULUMI_BACKEND_URL"]
    reader.environment["PULUMI_BACKEND_URL"] = f"{first}-second"
    reader.run(f"mkdir {first.removeprefix('file://')}-second; pulumi stack init dev; {UP}")
    reader.environment["PULUMI_BACKEND_URL"] = first
    reader.project.program(CREATE.replace('"Members"', '"All members"'))
    told = reader.told(UP, "Two states seem to be in use for one stack.")
    reader.follow(told, urn=f"{URN}members")
    reader.environment["PULUMI_BACKEND_URL"] = f"{first}-second"
    reader.run(UP)


def test_a_dataset_that_is_not_deleted_is_forgotten_as_told(reader: Reader, aep: Aep) -> None:
    reader.project.program(CREATE)
    reader.run(UP)
    (dataset_id,) = aep.datasets()
    aep.someone_else("PATCH", dataset_id, [{"op": "remove", "path": "/tags/pulumiManagedBy"}])
    told = reader.told(
        DESTROY, "To keep it, and remove it from this stack only: `pulumi state delete <urn>`."
    )
    reader.follow(told, urn=f"{URN}members")
    reader.run(DESTROY)
    assert list(aep.datasets()) == [dataset_id]


def test_a_young_dataset_that_somebody_deleted_is_forgotten_as_told(reader: Reader, aep: Aep) -> None:
    reader.project.program(CREATE)
    reader.run(UP)
    (dataset_id,) = aep.datasets()
    aep.someone_else("DELETE", dataset_id)
    told = reader.told("pulumi refresh", "It was created less than 15 minutes ago")
    reader.follow(told, urn=f"{URN}members")
    reader.run(UP)
    assert len(aep.datasets()) == 1


def test_an_adopted_dataset_that_somebody_deleted_leaves_the_state_as_told(reader: Reader, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON, created=1730810034023)
    reader.project.program(ADOPT)
    reader.run(UP)
    aep.someone_else("DELETE", ID)
    reader.project.program(adopt('name="Orders"'))
    told = reader.told(UP, "Check dataset_id and aep:sandbox. If it was deleted, run `pulumi refresh`.")
    reader.project.program(CREATE)
    reader.follow(told)
    assert reader.project.state() == []
    reader.run(UP)


def test_protection_is_ended_as_told(reader: Reader, aep: Aep) -> None:
    protected = CREATE.replace(", deletion_protection=False", "")
    reader.project.program(protected)
    reader.run(f"{UP}; pulumi state unprotect --all")
    reader.project.program()
    told = reader.told(UP, "Set deletion_protection=False, run `pulumi up`, then remove it.")
    reader.project.program(CREATE)
    reader.follow(told)
    reader.project.program()
    reader.run(UP)
    assert aep.datasets() == {}


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        (CREATE.replace(PROFILE_SCHEMA, PROFILE_SCHEMA_2), "Declare a new resource for the other schema"),
        (CREATE.replace("name=", f'dataset_id="{ID}", name='), "Declare another resource for it."),
    ],
)
def test_another_resource_is_declared_as_told(reader: Reader, aep: Aep, wrong: str, remedy: str) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    reader.project.program(CREATE)
    reader.run(UP)
    reader.project.program(wrong)
    reader.told(UP, remedy)
    another = OTHER.replace(PROFILE_SCHEMA, PROFILE_SCHEMA_2) if "schema" in remedy else ADOPT
    reader.project.program(CREATE, another)
    reader.run(UP)


def test_a_record_without_a_place_is_filled_in_by_a_refresh(reader: Reader, aep: Aep) -> None:
    reader.project.program(CREATE)
    reader.run(UP)
    held = json.loads(reader.run("pulumi stack export"))
    for one in held["deployment"]["resources"]:
        one.get("outputs", {}).pop("org_id", None)
    (reader.project.folder / "state.json").write_text(json.dumps(held))
    reader.run("pulumi stack import --file state.json")
    reader.project.program(CREATE.replace('"Members"', '"All members"'))
    told = reader.told(UP, "Run `pulumi refresh`, which fills it in, then run again.")
    reader.follow(told)
    reader.run(UP)


def test_another_sandbox_is_set_back_or_is_another_stack(reader: Reader, aep: Aep) -> None:
    reader.project.program(CREATE)
    reader.run(UP)
    reader.environment["AEP_SANDBOX"] = "prod"
    reader.run("pulumi config set aep:allowProduction true")
    told = reader.told("pulumi refresh", "Use a stack of its own for another one: `pulumi stack init`.")
    reader.run(f"pulumi config rm aep:allowProduction; {commands(told)[0]} prod")
    reader.run(f"pulumi config set aep:allowProduction true; {UP}")
    value = re.findall("Set aep:sandbox or (AEP_SANDBOX) back to '(.*)'", told)[0]
    reader.run(f"export {'='.join(value)}; pulumi stack select dev; pulumi refresh")


@pytest.mark.parametrize("way", ["up", "enable"])
def test_profile_that_is_off_is_switched_on_as_told(reader: Reader, aep: Aep, way: str) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    reader.project.program(ADOPT)
    aep.fault({"status": 500, "body": {"title": "down"}}, method="PATCH", nth=2, times=None)
    told = reader.told(UP, "Run `pulumi up --refresh` as soon as you can")
    aep.clear_faults()
    reader.follow(told, first=0 if way == "up" else 1, count=1)
    assert aep.datasets()[ID]["tags"]["unifiedProfile"][:2] == ["enabled:true", "isUpsert:true"]
    reader.run(f"{UP} --refresh")


def test_a_write_without_effect_is_sent_again_as_told(reader: Reader, aep: Aep) -> None:
    reader.project.program(CREATE)
    reader.run(UP)
    (dataset_id,) = aep.datasets()
    reader.project.program(CREATE.replace('"Members"', '"All members"'))
    aep.fault({"status": 200, "body": [f"@/dataSets/{dataset_id}"]}, method="PATCH", times=None)
    told = reader.told(UP, "Something else may write to it, or AEP shows it late. Run `pulumi up` again.")
    aep.clear_faults()
    reader.follow(told)
    assert aep.datasets()[dataset_id]["name"] == "All members"
