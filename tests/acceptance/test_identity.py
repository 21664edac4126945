"""Two resources and one dataset, moved resources, and options that bear on whose a dataset is."""

from __future__ import annotations

import base64
import json
import pickle

import pytest

from aep_provider._entry import Reference
from aep_provider.emulator.seeds import PROFILE_SCHEMA, PROFILE_SCHEMA_2
from support.aep import Aep
from support.project import Project

ORDERS, RETURNS = "5b020a27e7040801dedbf46e", "65f1c0a2b3d4e5f600000002"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
MEMBERS = f'UpsertDataset("members", name="Members", schema_id="{PROFILE_SCHEMA}", deletion_protection=False)'
TYPE = "pulumi-python:dynamic/aep:UpsertDataset"


def members(option: str) -> str:
    return f'UpsertDataset("members", name="Members", schema_id="{PROFILE_SCHEMA}"{option})'


def test_a_create_that_fails_by_the_network_deletes_nothing(project: Project, aep: Aep) -> None:
    project.program(MEMBERS)
    project.up()
    (dataset_id,) = aep.datasets()
    project.program(MEMBERS.replace('"members"', '"people"'))
    # The move is not noticed: what would show it cannot be read.
    aep.fault({"status": 503, "body": {"title": "down"}}, 1, None, method="GET", path=r"dataSets$")
    assert (
        "declared by another resource of the program" in project.up("--continue-on-error", expect=None).text
    )
    assert list(aep.datasets()) == [dataset_id]


def test_a_state_of_another_python_makes_no_run_forget_what_it_refused(project: Project, aep: Aep) -> None:
    project.program(MEMBERS)
    project.up()
    (dataset_id,) = aep.datasets()
    # Python 3.14 pickles by a newer protocol, so that the text of the provider in the state is another one.
    text = base64.b64encode(pickle.dumps(Reference(), protocol=5)).decode()
    state = json.loads(project.run("stack", "export").text)
    (members,) = (one for one in state["deployment"]["resources"] if one["type"] == TYPE)
    assert members["outputs"]["__provider"] != text
    for props in (members["inputs"], members["outputs"]):
        props["__provider"] = text
    file = project.folder / "state.json"
    file.write_text(json.dumps(state))
    project.run("stack", "import", "--file", str(file))

    project.program(MEMBERS.replace('"members"', '"people"'))
    aep.fault({"status": 503, "body": {"title": "down"}}, 1, None, method="GET", path=r"dataSets$")
    told = project.up("--continue-on-error", expect=None).text
    assert "declared by another resource of the program" in told
    assert list(aep.datasets()) == [dataset_id]


@pytest.mark.parametrize("parent", ["None", "pulumi.ComponentResource('acme:aep:Loyalty', 'loyalty')"])
def test_the_urn_that_a_program_tells_is_the_one_that_the_engine_gives(project: Project, parent: str) -> None:
    option = ", opts=pulumi.ResourceOptions(parent=parent)"
    project.program(
        f"parent = {parent}",
        f"made = {members(option)}",
        "told = made._for_check('members', None, pulumi.ResourceOptions(parent=parent))",
        "pulumi.export('urns', pulumi.Output.all(told['__urn'], made.urn).apply(lambda both: ' '.join(both)))",
    )
    project.up()
    told, given = project.run("stack", "output", "urns").text.split()
    assert told == given
    assert given.endswith("aep:UpsertDataset::members")


@pytest.mark.parametrize("by_name", [False, True])
def test_ids_that_are_swapped_pass_the_preview_and_converge(
    project: Project, aep: Aep, *, by_name: bool
) -> None:
    names = {ORDERS: "Orders", RETURNS: "Returns"}
    for dataset_id, name in names.items():
        aep.dataset(dataset_id, PROFILE_SCHEMA, ON, name=name)

    def declare(orders: str, returns: str) -> None:
        given = {one: f"dataset='{names[one]}'" if by_name else f"dataset_id='{one}'" for one in names}
        pairs = (("orders", orders), ("returns", returns))
        # Tags, so that both are written to and carry their owners.
        project.program(
            *(f"UpsertDataset('{name}', {given[one]}, tags={{'team': ['a']}})" for name, one in pairs)
        )

    declare(RETURNS, ORDERS)
    project.up()
    declare(ORDERS, RETURNS)
    project.preview()
    project.up()
    assert {one["urn"].rpartition("::")[2]: one["id"] for one in project.state()} == {
        "orders": ORDERS,
        "returns": RETURNS,
    }
    project.preview("--expect-no-changes")


def test_a_dataset_that_a_resource_has_by_its_record_alone_passes_to_no_other(
    project: Project, aep: Aep
) -> None:
    # There are two `orders`. The one that has the dataset does not give its id any more, which changes nothing; the
    # other one gives another id.
    parents = ("Shop", "Mall")
    components = [f"{one} = pulumi.ComponentResource('acme:aep:{one}', '{one}')" for one in parents]
    for dataset_id in (ORDERS, RETURNS):
        aep.dataset(dataset_id, PROFILE_SCHEMA, ON, name=dataset_id)

    def orders(parent: str, **given: str) -> str:
        return f"UpsertDataset('orders', **{given}, opts=pulumi.ResourceOptions(parent={parent}))"

    project.program(*components, orders("Shop", dataset_id=ORDERS), orders("Mall", dataset_id=RETURNS))
    project.up()
    project.program(
        *components,
        orders("Shop", name=ORDERS, schema_id=PROFILE_SCHEMA),
        orders("Mall", dataset_id=RETURNS),
        f"UpsertDataset('sales', dataset_id='{ORDERS}')",
    )
    for result in (project.preview(expect=1), project.up(expect=1)):
        assert "is managed by 'aep/dev/acme:aep:Shop$orders'" in result.text
    assert aep.datasets()[ORDERS]["tags"]["pulumiManagedBy"] == ["aep/dev/acme:aep:Shop$orders"]


def test_one_dataset_twice_in_a_program_writes_nothing(project: Project, aep: Aep) -> None:
    aep.dataset(ORDERS, PROFILE_SCHEMA, ON)
    project.program(*(f'UpsertDataset("{name}", dataset_id="{ORDERS}")' for name in ("orders", "orders-eu")))
    for result in (project.preview(expect=1), project.up(expect=1), project.up(expect=1)):
        assert "'orders-eu'" in result.text
        assert "'orders'" in result.text
        assert "Traceback" not in result.text
    assert aep.writes() == []


def test_two_sandboxes_may_have_one_name(project: Project, aep: Aep) -> None:
    project.program(
        "provider = pulumi.ProviderResource('pulumi-python', 'two', {",
        f'    "sandbox": "prod", "orgId": "{project.environment.pop("AEP_ORG_ID")}", "allowProduction": True,',
        f'    "clientId": "{project.environment["AEP_CLIENT_ID"]}",',
        "})",
        MEMBERS,
        f'UpsertDataset("members-2", name="Members", schema_id="{PROFILE_SCHEMA_2}",',
        "    opts=pulumi.ResourceOptions(provider=provider))",
    )
    assert "is the name of" not in project.preview(expect=None).text


def test_a_subclass_keeps_the_resource_type(project: Project, aep: Aep) -> None:
    project.program(MEMBERS)
    project.up()
    project.program(
        "class Customers(UpsertDataset):",
        "    def __init__(self, name):",
        f'        super().__init__(name, name="Members", schema_id="{PROFILE_SCHEMA}", deletion_protection=False)',
        'Customers("members")',
    )
    project.up("--expect-no-changes")
    (record,) = project.state()
    assert record["type"] == TYPE


def test_a_subclass_with_a_type_of_its_own_owns_its_datasets(project: Project, aep: Aep) -> None:
    project.program(
        'class Customers(UpsertDataset, module="acme", name="Customers"):',
        "    pass",
        MEMBERS.replace("UpsertDataset", "Customers"),
    )
    project.up()
    (held,) = aep.datasets().values()
    assert held["tags"]["pulumiManagedBy"] == ["aep/dev/pulumi-python:dynamic/acme:Customers$$members"]
    project.up("--expect-no-changes")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            ", deletion_protection=pulumi.Output.from_input(True)",
            "must be a plain True or False, not an Output",
        ),
        (", opts=pulumi.ResourceOptions(protect=False)", "Set deletion_protection=False instead"),
        (f', opts=pulumi.ResourceOptions(import_="{ORDERS}")', f"dataset_id={ORDERS!r}"),
        (", opts=pulumi.ResourceOptions(delete_before_replace=False)", "must not be False"),
    ],
)
def test_an_option_that_cannot_be_is_one_clear_error(
    project: Project, aep: Aep, option: str, said: str
) -> None:
    project.program(members(option))
    text = project.preview(expect=1).text
    assert said in text
    assert "Traceback" not in text
    assert aep.writes() == []


def test_replace_on_changes_changes_nothing(project: Project, aep: Aep) -> None:
    option = ', deletion_protection=False, opts=pulumi.ResourceOptions(replace_on_changes=["name"])'
    project.program(members(option))
    project.up()
    (dataset_id,) = aep.datasets()
    project.program(members(option).replace('"Members"', '"All members"'))
    project.up()
    assert aep.datasets()[dataset_id]["name"] == "All members"


@pytest.mark.parametrize("refresh", ["--refresh=true", "--refresh=false"])
def test_a_created_dataset_whose_id_the_program_gives_is_released(
    project: Project, aep: Aep, refresh: str
) -> None:
    project.program(MEMBERS)
    project.up()
    (dataset_id,) = aep.datasets()
    project.program(f'UpsertDataset("members", dataset_id="{dataset_id}", deletion_protection=False)')
    project.up("--expect-no-changes")
    project.program()
    project.up(refresh)
    assert project.state() == []
    assert list(aep.datasets()) == [dataset_id]
    assert "pulumiManagedBy" not in aep.datasets()[dataset_id]["tags"]


def test_a_second_state_notices_the_first_by_the_claim(project: Project, aep: Aep) -> None:
    project.program(MEMBERS)
    project.up()
    (dataset_id,) = aep.datasets()
    first = project.environment["PULUMI_BACKEND_URL"]
    project.environment["PULUMI_BACKEND_URL"] = f"{first}-second"
    (project.folder.parent / "backend-second").mkdir()
    project.run("stack", "init", "dev")
    # Young, unchanged and without batches: nothing tells it from what an interrupted run left.
    assert "is taken over" in project.up().text
    project.environment["PULUMI_BACKEND_URL"] = first
    assert "was taken over by another run" in project.refresh().text
    project.program(MEMBERS.replace('"Members"', '"All members"'))
    assert "was taken over by another run" in project.up(expect=1).text
    project.destroy()
    assert aep.datasets()[dataset_id]["name"] == "Members", "the first one forgets it, and deletes nothing"


CREATE_FIRST = """
def create_first(args):
    args.opts.delete_before_replace = False
    return pulumi.ResourceTransformationResult(args.props, args.opts)
pulumi.runtime.register_stack_transformation(create_first)
"""


def test_a_new_dataset_replaced_by_create_first_is_not_deleted(project: Project, aep: Aep) -> None:
    project.program(MEMBERS)
    project.up()
    ((dataset_id, before),) = aep.datasets().items()
    project.program(CREATE_FIRST + MEMBERS)
    text = project.up("--replace", f"urn:pulumi:dev::aep::{TYPE}::members").text
    assert "belongs to a later create of the same resource. It is not deleted" in text
    ((kept, after),) = aep.datasets().items()
    assert kept == dataset_id
    assert after["tags"]["pulumiClaim"] != before["tags"]["pulumiClaim"]
    assert project.outputs()["claim"] == after["tags"]["pulumiClaim"][0]
    project.up("--expect-no-changes")


def test_a_replaced_dataset_that_is_retained_stays_in_place(project: Project, aep: Aep) -> None:
    project.program(
        members(", deletion_protection=False, opts=pulumi.ResourceOptions(retain_on_delete=True)")
    )
    project.up()
    (dataset_id,) = aep.datasets()
    project.up("--replace", f"urn:pulumi:dev::aep::{TYPE}::members")
    assert list(aep.datasets()) == [dataset_id]
    assert project.outputs()["dataset_id"] == dataset_id


COMPONENT = """
class Group(pulumi.ComponentResource):
    def __init__(self, kind, **given):
        super().__init__(f"acme:aep:{kind}", kind)
        UpsertDataset("orders", opts=pulumi.ResourceOptions(parent=self), **given)
"""


def test_two_components_cannot_adopt_one_dataset(project: Project, aep: Aep) -> None:
    aep.dataset(ORDERS, PROFILE_SCHEMA, ON)
    # Nothing on the dataset says whose it is.
    project.config("aep:ownershipTag", "false")
    given = f'dataset_id="{ORDERS}"'
    project.program(COMPONENT, f'Group("Shop", {given})', f'Group("Outlet", {given}, is_upsert=False)')
    told = project.preview(expect=None)
    assert told.code != 0
    assert f"{ORDERS} is the dataset of another resource of this run as well" in told.text
