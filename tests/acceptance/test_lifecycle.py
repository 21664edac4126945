"""A dataset from creation to deletion, as `pulumi` shows it and as AEP sees it."""

from __future__ import annotations

import json

import pytest

from aep_provider.emulator.seeds import PROFILE_SCHEMA, PROFILE_SCHEMA_2
from support.aep import Aep
from support.project import Project

CREATE = f'UpsertDataset("members", name="Loyalty members", schema_id="{PROFILE_SCHEMA}")'
FREE = CREATE.replace(")", ", deletion_protection=False)")
TOKEN, SANDBOXES, SCHEMA = (
    "POST /ims/token/v3",
    "GET sandbox-management/",
    "GET schemaregistry/tenant/schemas/{schema}",
)
LIST, ONE = "GET catalog/dataSets", "GET catalog/dataSets/{id}"


def test_create_basic(project: Project, aep: Aep) -> None:
    project.program(CREATE)
    project.up()
    ((dataset_id, remote),) = aep.datasets().items()
    assert remote["tags"]["unifiedProfile"][:2] == ["enabled:true", "isUpsert:true"]
    assert remote["tags"]["unifiedIdentity"] == ["enabled:true"]
    assert remote["tags"]["pulumiManagedBy"] == ["aep/dev/members"]
    outputs = project.outputs()
    assert outputs["dataset_id"] == dataset_id
    assert outputs["name"] == remote["name"] == "Loyalty members"
    assert outputs["is_upsert"] is outputs["profile_enabled"] is outputs["identity_enabled"] is True
    assert outputs["adopted"] is False
    assert outputs.get("profile_gap") is None
    assert (outputs["sandbox"], outputs["endpoint"]) == ("dev", aep.url)


def test_create_without_upsert(project: Project, aep: Aep) -> None:
    project.program(CREATE.replace(")", ", is_upsert=False)"))
    project.up()
    (remote,) = aep.datasets().values()
    assert remote["tags"]["unifiedProfile"][0] == "enabled:true"
    assert "isUpsert:true" not in remote["tags"]["unifiedProfile"]


def test_create_costs_what_the_design_allows(project: Project, aep: Aep) -> None:
    project.program(CREATE)
    project.up()
    token, *beside, post, proof = aep.calls()
    assert (token, post) == (TOKEN, "POST catalog/dataSets")
    assert proof == LIST  # would show a twin as well
    # In any order: the look-up by name, and once per process what is asked side by side; one of them lists the
    # datasets with our tag, in case the name was edited after an interruption.
    assert sorted(beside) == sorted([SANDBOXES, SCHEMA, LIST, LIST])


def test_second_up_is_noop(project: Project, aep: Aep) -> None:
    project.program(CREATE)
    project.up()
    aep.forget()
    result = project.up("--expect-no-changes")
    assert "2 unchanged" in result.text
    assert aep.requests() == []


def test_refresh_expect_no_changes(project: Project, aep: Aep) -> None:
    project.program(CREATE)
    project.up()
    aep.tick(background=True)
    aep.forget()
    project.refresh("--expect-no-changes")
    # The listing looks for a twin of a dataset that is less than a day old: once a process.
    assert sorted(aep.calls()) == sorted([TOKEN, ONE, LIST])
    assert "2 unchanged" in project.up("--refresh", "--expect-no-changes").text
    assert aep.writes() == []


def test_preview_makes_no_writes(project: Project, aep: Aep) -> None:
    project.program(CREATE)
    assert "UpsertDataset" in project.preview().text
    assert aep.requests()
    assert aep.writes() == []
    assert aep.datasets() == {}


def test_update_name_in_place(project: Project, aep: Aep) -> None:
    project.program(CREATE)
    project.up()
    (dataset_id,) = aep.datasets()
    aep.forget()
    project.program(CREATE.replace("Loyalty members", "Members"))
    assert "~ name" in project.preview().text
    aep.forget()
    project.up()
    calls = aep.calls()
    assert sorted(calls[:3]) == sorted([TOKEN, ONE, SANDBOXES])
    assert calls[3:] == [LIST, "PATCH catalog/dataSets/{id}", ONE]
    (write,) = aep.writes()
    assert write["body"][0] == {"op": "add", "path": "/name", "value": "Members"}
    assert [operation["path"] for operation in write["body"]] == ["/name", "/tags/pulumiClaim"]
    assert write["headers"]["content-type"] == "application/json-patch+json"
    assert aep.datasets()[dataset_id]["name"] == "Members"


def test_provider_only_inputs_cost_no_request(project: Project, aep: Aep) -> None:
    project.program(CREATE)
    project.up()
    aep.forget()
    project.program(CREATE.replace(")", ", wait_timeout=5)"))
    assert "1 updated" in project.up().text
    assert aep.requests() == []
    assert project.outputs()["wait_timeout"] == 5


def test_own_tags_are_managed_key_by_key(project: Project, aep: Aep) -> None:
    project.program(CREATE.replace(")", ', tags={"team": ["crm"], "tier/one": ["a", "b"]})'))
    project.up()
    (dataset_id,) = aep.datasets()
    before = aep.datasets()[dataset_id]["tags"]
    assert (before["team"], before["tier/one"]) == (["crm"], ["a", "b"])
    project.program(CREATE.replace(")", ', tags={"tier/one": ["c"]})'))
    project.up()
    after = aep.datasets()[dataset_id]["tags"]
    assert after["tier/one"] == ["c"]
    assert "team" not in after
    own = ("team", "tier/one", "pulumiClaim")
    assert {k: v for k, v in after.items() if k not in own} == {
        k: v for k, v in before.items() if k not in own
    }
    aep.forget()
    project.up("--refresh", "--expect-no-changes")
    assert aep.writes() == []


def test_schema_change_refuses(project: Project, aep: Aep) -> None:
    project.program(CREATE)
    project.up()
    project.program(CREATE.replace(PROFILE_SCHEMA, PROFILE_SCHEMA_2))
    aep.forget()
    for result in (project.preview(expect=1), project.up(expect=1)):
        assert "cannot be changed" in result.text
        assert "Declare a new resource" in result.text
        assert "Traceback" not in result.text
    assert aep.requests() == []


def test_disappears(project: Project, aep: Aep) -> None:
    project.program(CREATE)
    project.up()
    (first,) = aep.datasets()
    aep.someone_else("DELETE", first)
    assert "less than 15 minutes ago" in project.refresh(expect=1).text
    aep.tick(seconds=1000)
    assert "1 deleted" in project.refresh().text
    assert project.state() == []
    project.up()
    (second,) = aep.datasets()
    assert second != first


def test_deletion_protection_refuses_at_preview(project: Project, aep: Aep) -> None:
    project.program(CREATE)
    project.up()
    project.program("")
    assert "protected" in project.preview(expect=1).text
    assert "protected" in project.up(expect=1).text
    assert len(aep.datasets()) == 1


def test_delete_is_verified_by_get(project: Project, aep: Aep) -> None:
    project.program(FREE)
    project.up()
    aep.switch(delayed_delete=2)
    aep.forget()
    project.destroy()
    deletes = [index for index, call in enumerate(aep.calls()) if call.startswith("DELETE")]
    assert len(deletes) == 1
    assert aep.calls()[deletes[0] + 1 :].count(ONE) == 3
    assert aep.datasets() == {}


def test_delete_of_what_is_gone_is_success(project: Project, aep: Aep) -> None:
    project.program(FREE)
    project.up()
    aep.fault({"effect": True, "status": 404, "body": {"title": "NotFoundError"}}, method="DELETE")
    project.destroy()
    assert aep.datasets() == {}


def test_ten_resources_parallel(project: Project, aep: Aep) -> None:
    project.program(
        "for number in range(10):",
        f'    UpsertDataset(f"d{{number}}", name=f"Dataset {{number}}", schema_id="{PROFILE_SCHEMA}",',
        "        is_upsert=number % 2 == 0)",
    )
    project.up()
    held = aep.datasets()
    assert sorted(body["name"] for body in held.values()) == [f"Dataset {n}" for n in range(10)]
    for resource in project.state():
        body = held[resource["id"]]
        upsert = "isUpsert:true" in body["tags"]["unifiedProfile"]
        assert resource["outputs"]["name"] == body["name"]
        assert resource["outputs"]["is_upsert"] is upsert
        assert upsert is (int(body["name"].split()[1]) % 2 == 0)
    calls = aep.calls()
    assert (calls.count(TOKEN), calls.count(SANDBOXES), calls.count(SCHEMA)) == (1, 1, 1)


def test_inputs_may_be_outputs_of_other_resources(project: Project, aep: Aep) -> None:
    project.program(
        'first = UpsertDataset("first", name="First", schema_id="' + PROFILE_SCHEMA + '")',
        'UpsertDataset("second", name=first.dataset_id.apply(lambda i: f"after {i}"),',
        "    schema_id=first.schema_id)",
    )
    project.preview()
    project.up()
    names = {body["name"]: dataset_id for dataset_id, body in aep.datasets().items()}
    assert f"after {names['First']}" in names


def test_a_program_gets_each_output_in_the_type_that_it_is_declared_with(project: Project) -> None:
    project.program(
        f"made = {CREATE}",
        "names = ['wait_timeout', 'spec_version', 'is_upsert', 'name', 'tags', 'managed', 'profile_gap']",
        "held = pulumi.Output.all(*(getattr(made, name) for name in names))",
        "pulumi.export('types', held.apply(lambda values: ' '.join(type(one).__name__ for one in values)))",
    )
    project.up()
    assert project.run("stack", "output", "types").text.strip() == "int int bool str dict list NoneType"


def test_state_stays_small(project: Project) -> None:
    project.program(CREATE)
    project.up()
    (resource,) = project.state()
    # The SDK adds a stack trace, whose size goes by where Pulumi and the program are installed.
    resource.pop("stackTrace", None)
    assert len(json.dumps(resource)) < 2600


@pytest.mark.parametrize("reply", [{"status": 500, "body": ""}, {"reset": "after"}])
def test_post_with_a_lost_reply_creates_one(project: Project, aep: Aep, reply: dict[str, object]) -> None:
    action = {"effect": True, **reply} if "status" in reply else reply
    aep.fault(action, method="POST", service="catalog")
    project.program(CREATE)
    project.up()
    project.up("--expect-no-changes")
    assert len(aep.datasets()) == 1
    assert len([call for call in aep.calls() if call == "POST catalog/dataSets"]) == 1
