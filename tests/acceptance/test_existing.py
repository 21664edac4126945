"""Existing datasets: adoption, the window between the two PATCHes, drift, refusals, interruption."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from aep_provider.emulator.seeds import EVENTS_SCHEMA, PLAIN_SCHEMA, PROFILE_SCHEMA, PROFILE_SCHEMA_2

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.aep import Aep
    from support.project import Project

ID = "5b020a27e7040801dedbf46e"
ADOPT = f'UpsertDataset("orders", dataset_id="{ID}")'
ON = {
    "unifiedProfile": ["enabled:true", "enabledAt:2024-11-05 12:33:59"],
    "unifiedIdentity": ["enabled:true"],
}
UPSERT = {
    "unifiedProfile": ["enabled:true", "isUpsert:true", "enabledAt:2024-11-05 12:33:59"],
    "unifiedIdentity": ["enabled:true"],
}
DISABLE = [
    {"op": "replace", "path": "/tags/unifiedProfile", "value": ["enabled:false"]},
    {"op": "replace", "path": "/tags/unifiedIdentity", "value": ["enabled:false"]},
]
ENABLE = [
    {"op": "add", "path": "/tags/unifiedProfile", "value": ["enabled:true", "isUpsert:true"]},
    {"op": "add", "path": "/tags/unifiedIdentity", "value": ["enabled:true"]},
]
FOREIGN = {"acp_validationContext": ["enabled"], "a/b~c": ["x: y", "ä"], "unicode": ["☂"]}
OURS = ("unifiedProfile", "unifiedIdentity", "pulumiManagedBy", "pulumiProfileGap")


def foreign(aep: Aep) -> dict[str, Any]:
    tags = aep.datasets()[ID]["tags"]
    return {key: value for key, value in tags.items() if key not in OURS}


def switches(aep: Aep) -> tuple[list[str], list[str]]:
    tags = aep.datasets()[ID]["tags"]
    profile = [element for element in tags["unifiedProfile"] if not element.startswith("enabledAt")]
    return profile, tags["unifiedIdentity"]


def test_adopt_existing_profile_dataset(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON | FOREIGN)
    before = foreign(aep)
    project.program(ADOPT)
    result = project.up()
    disable, enable = aep.writes()
    assert disable["body"][:2] == DISABLE
    assert enable["body"][:2] == ENABLE
    for write in (disable, enable):
        assert write["method"] == "PATCH"
        assert write["headers"]["content-type"] == "application/json-patch+json"
    assert disable["connection"] == enable["connection"]
    assert enable["seq"] == disable["seq"] + 1
    assert [operation["path"] for operation in disable["body"][2:]] == [
        "/tags/pulumiProfileGap",
        "/tags/pulumiManagedBy",
    ]
    start, by, was, end = enable["body"][2]["value"]
    assert disable["body"][2]["value"][:3] == [start, by, was]
    assert (by, was) == ("by:aep/dev/orders", "was:plain")
    assert end.startswith("to:")
    assert switches(aep) == (["enabled:true", "isUpsert:true"], ["enabled:true"])
    assert foreign(aep) == before
    assert "Profile was off from" in result.text
    assert project.outputs()["adopted"] is True
    assert project.outputs()["profile_gap"]["replay"] == []


def test_toggle_with_our_tags_off_sends_adobes_bodies_to_the_letter(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project.config("aep:ownershipTag", "false")
    project.program(ADOPT)
    project.up()
    assert [write["body"] for write in aep.writes()] == [DISABLE, ENABLE]


def test_toggle_costs_what_the_design_allows(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT)
    project.program(ADOPT)
    project.up()
    aep.forget()
    project.program(ADOPT.replace(")", ", is_upsert=False)"))
    project.up()
    patch, one, batches = "PATCH catalog/dataSets/{id}", "GET catalog/dataSets/{id}", "GET catalog/batches"
    assert sorted(call for call in aep.calls() if "catalog" not in call) == [
        "GET flowservice/flows",
        "GET flowservice/targetConnections",
        "GET sandbox-management/",
        "GET schemaregistry/tenant/schemas/{schema}",
        "POST /ims/token/v3",
    ]
    assert [call for call in aep.calls() if "catalog" in call] == [
        one,
        batches,
        one,
        patch,
        patch,
        one,
        batches,
    ]
    assert switches(aep) == (["enabled:true"], ["enabled:true"])


def test_adopt_existing_plain_dataset(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, FOREIGN)
    project.program(ADOPT)
    project.up()
    (write,) = aep.writes()
    assert write["body"][:2] == ENABLE
    assert aep.calls().count("GET catalog/dataSets/{id}") == 2
    assert project.outputs().get("profile_gap") is None


def test_adopt_already_upsert(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT | FOREIGN)
    project.program(ADOPT)
    project.up()
    assert aep.writes() == []
    assert "2 unchanged" in project.up("--refresh", "--expect-no-changes").text
    assert aep.writes() == []


def test_adopt_with_identity_off_enables_only(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT | {"unifiedIdentity": ["enabled:false"]})
    project.program(ADOPT)
    project.up()
    (write,) = aep.writes()
    assert write["body"][:2] == ENABLE


def test_spaced_tags_read_as_enabled(project: Project, aep: Aep) -> None:
    spaced = {"unifiedProfile": ["enabled: true", "isUpsert : true"], "unifiedIdentity": ["enabled: true"]}
    aep.dataset(ID, PROFILE_SCHEMA, spaced)
    project.program(ADOPT)
    project.up()
    project.up("--refresh", "--expect-no-changes")
    assert aep.writes() == []


def test_unknown_elements_of_the_unified_tags_are_kept(project: Project, aep: Aep) -> None:
    aep.dataset(
        ID,
        PROFILE_SCHEMA,
        {"unifiedProfile": ["x:1", "enabled:true"], "unifiedIdentity": ["enabled:true", "y: 2"]},
    )
    project.program(ADOPT)
    project.up()
    assert switches(aep) == (["enabled:true", "isUpsert:true", "x:1"], ["enabled:true", "y: 2"])


def test_destroy_releases_an_adopted_dataset(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project.program(ADOPT)
    project.up()
    before = aep.datasets()[ID]["tags"]
    aep.forget()
    project.destroy()
    (write,) = aep.writes()
    assert write["body"] == [{"op": "remove", "path": "/tags/pulumiManagedBy"}]
    after = aep.datasets()[ID]["tags"]
    assert after == {key: value for key, value in before.items() if key != "pulumiManagedBy"}


@pytest.mark.parametrize(
    ("operations", "shown"),
    [
        ([{"op": "add", "path": "/tags/unifiedProfile", "value": ["enabled:true"]}], "is_upsert"),
        ([{"op": "add", "path": "/tags/unifiedProfile", "value": ["enabled:false"]}], "profile_enabled"),
        ([{"op": "remove", "path": "/tags/unifiedIdentity"}], "identity_enabled"),
    ],
    ids=["upsert_removed", "profile_disabled", "identity_removed"],
)
def test_drift(project: Project, aep: Aep, operations: list[dict[str, Any]], shown: str) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT)
    project.program(ADOPT)
    project.up()
    aep.someone_else("PATCH", ID, operations)
    project.run("preview", "--refresh", "--expect-no-changes", expect=7)
    assert shown in project.refresh("--diff").text
    assert f"~ {shown}" in project.preview().text
    project.up()
    assert switches(aep) == (["enabled:true", "isUpsert:true"], ["enabled:true"])


def test_adopt_refuses_namesakes(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT, name="Twins")
    other = aep.dataset("65f1c0a2b3d4e5f60718293a", PROFILE_SCHEMA, UPSERT, name="Twins")
    project.program(f'UpsertDataset("twins", name="Twins", schema_id="{PROFILE_SCHEMA}")')
    for result in (project.preview(expect=1), project.up(expect=1)):
        assert ID in result.text
        assert other in result.text
        assert "dataset_id=" in result.text
    assert aep.writes() == []


REFUSED: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "schema not in the union": ({"schema": PLAIN_SCHEMA}, "", "not enabled for Profile", "Enable it in AEP"),
    "time series with upsert": ({"schema": EVENTS_SCHEMA}, "", "time series", "is_upsert=False"),
    "another schema": (
        {"schema": PROFILE_SCHEMA},
        ', schema_id="https://ns.adobe.com/x/schemas/1"',
        "has schema",
        "Correct schema_id",
    ),
    "managed by Adobe": (
        {"classification": {"managedBy": "SYSTEM", "dataBehavior": "record"}},
        "",
        "managed by Adobe",
        "Remove the resource from the program",
    ),
    "another owner": (
        {"tags": {"pulumiManagedBy": ["aep/prod/orders"]}},
        "",
        "'aep/prod/orders'",
        "Only one stack",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_write_nothing(project: Project, aep: Aep, case: str) -> None:
    fields, arguments, what, remedy = REFUSED[case]
    fields = dict(fields)
    tags = ON | fields.pop("tags", {})
    aep.dataset(ID, fields.pop("schema", PROFILE_SCHEMA), tags, **fields)
    project.program(ADOPT.replace(")", arguments + ")"))
    for result in (project.preview(expect=1), project.up(expect=1)):
        assert what in result.text
        assert remedy in result.text
        assert "Traceback" not in result.text
    assert aep.writes() == []


def test_upsert_on_time_series_may_be_switched_off(project: Project, aep: Aep) -> None:
    aep.dataset(ID, EVENTS_SCHEMA, UPSERT)
    project.program(ADOPT.replace(")", ", is_upsert=False)"))
    project.up()
    assert switches(aep) == (["enabled:true"], ["enabled:true"])


@pytest.mark.parametrize(
    "path",
    ["/dataSets/", "/schemas/", "/sandbox-management/", "/batches"],
    ids=["dataset", "schema", "sandbox", "batches"],
)
def test_read_error_writes_nothing(project: Project, aep: Aep, path: str) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    aep.fault({"status": 403, "body": {"title": "no"}}, times=None, path=path)
    project.program(ADOPT)
    assert "answered 403" in project.up(expect=1).text
    assert aep.writes() == []


def test_flow_service_is_advice_only(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    aep.fault({"status": 403, "body": {"title": "no"}}, times=None, service="flow")
    project.program(ADOPT)
    assert "could not be listed" in project.up().text
    assert switches(aep)[0] == ["enabled:true", "isUpsert:true"]


def test_refuses_batch_in_flight(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    batch = {
        "status": "processing",
        "relatedObjects": [{"type": "dataSet", "id": ID}],
        "created": int(time.time() * 1000),
    }
    aep.seed(batches={"01HBATCH": batch})
    project.program(ADOPT.replace(")", ', in_flight_batches="fail")'))
    assert "01HBATCH" in project.preview().text
    result = project.up(expect=1)
    assert "01HBATCH (processing)" in result.text
    assert aep.writes() == []
    project.program(ADOPT.replace(")", ', in_flight_batches="ignore")'))
    project.up()
    assert project.outputs()["profile_gap"]["replay"] == ["01HBATCH"]


def test_production_needs_consent(project: Project, aep: Aep) -> None:
    body = {
        "name": "Orders",
        "schemaRef": {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"},
    }
    aep.seed("prod", datasets={ID: {**body, "tags": ON}})
    project.program(ADOPT)
    assert "aep:allowProduction" in project.preview(expect=1, AEP_SANDBOX="prod").text
    project.config("aep:allowProduction", "true")
    for result in (project.preview(expect=1, AEP_SANDBOX="prod"), project.up(expect=1, AEP_SANDBOX="prod")):
        assert "allow_profile_gap=True" in result.text
        assert "Adobe's documentation disagrees" in result.text
    assert aep.writes() == []
    project.program(ADOPT.replace(")", ", allow_profile_gap=True)"))
    project.up(AEP_SANDBOX="prod")
    assert len(aep.writes()) == 2


def test_unknown_sandbox_fails_closed(project: Project, aep: Aep) -> None:
    project.program(f'UpsertDataset("members", name="Members", schema_id="{PROFILE_SCHEMA}")')
    assert "Sandbox nowhere does not exist" in project.up(expect=1, AEP_SANDBOX="nowhere").text
    assert aep.writes() == []


def test_killed_between_the_patches(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON | FOREIGN)
    before = foreign(aep)
    project.program(ADOPT)
    hold = aep.fault({"hold": "before"}, method="PATCH", nth=2)
    process = project.start("up", "--yes", "--skip-preview")
    aep.hit(hold)
    for pid in project.plugins():
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=120)
    assert process.returncode != 0
    aep.clear_faults()
    assert switches(aep) == (["enabled:false"], ["enabled:false"])
    assert aep.datasets()[ID]["tags"]["pulumiProfileGap"][1] == "by:aep/dev/orders"
    aep.forget()
    project.up()
    (write,) = aep.writes()
    assert write["body"][:2] == ENABLE
    assert write["body"][2]["value"][-1].startswith("to:")
    assert foreign(aep) == before
    project.up("--refresh", "--expect-no-changes")


@pytest.mark.parametrize("status", [500, 429])
def test_enable_that_fails_once_is_sent_again(project: Project, aep: Aep, status: int) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    aep.fault({"status": status, "body": {"title": "no"}}, method="PATCH", nth=2)
    project.program(ADOPT)
    project.up()
    assert switches(aep) == (["enabled:true", "isUpsert:true"], ["enabled:true"])


def test_refused_enable_restores_what_was_there(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    aep.fault(
        {"status": 400, "body": {"title": "BadRequestError", "detail": "no upsert"}}, method="PATCH", nth=2
    )
    project.program(ADOPT)
    result = project.up(expect=1)
    assert "Profile is back ON as it was" in result.text
    assert "no upsert" in result.text
    assert switches(aep) == (["enabled:true"], ["enabled:true"])


def test_profile_left_off_is_the_first_line(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    aep.fault({"status": 403, "body": {"title": "no"}}, method="PATCH", nth=2, times=None)
    project.program(ADOPT)
    result = project.up(expect=1)
    assert f"error: Profile is OFF for dataset 'dataset 5b02' ({ID}) in sandbox dev since 20" in result.text
    aep.clear_faults()
    project.up()
    assert switches(aep) == (["enabled:true", "isUpsert:true"], ["enabled:true"])


@pytest.mark.parametrize("status", [409, 412])
def test_a_disable_that_landed_unseen_is_said_first_and_the_next_up_heals_it(
    project: Project, aep: Aep, status: int
) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    aep.fault({"status": status, "effect": True, "body": {}}, method="PATCH")
    aep.fault({"status": 403, "body": {"title": "no"}}, method="GET", path=ID, nth=3, times=None)
    project.program(ADOPT)
    result = project.up(expect=1)
    assert (
        f"error: Profile may be OFF for dataset 'dataset 5b02' ({ID}) in sandbox dev since 20" in result.text
    )
    assert switches(aep) == (["enabled:false"], ["enabled:false"])
    aep.clear_faults()
    assert "Profile was off from 20" in project.up().text
    assert switches(aep) == (["enabled:true", "isUpsert:true"], ["enabled:true"])


def test_a_time_without_profile_that_an_up_has_ended_is_reported_where_its_edit_fails(
    project: Project, aep: Aep
) -> None:
    since = "2026-11-25T09:00:00.000Z"
    off = {key: ["enabled:false"] for key in ON}
    aep.dataset(ID, PROFILE_SCHEMA, {**off, "pulumiProfileGap": [f"from:{since}", "by:shop/prod/orders"]})
    aep.fault({"status": 409, "body": {}}, method="PATCH", nth=2, times=None)
    project.program(ADOPT.replace(")", ', description="new")'))
    assert f"Profile was off from {since}" in project.up(expect=1).text
    assert switches(aep) == (["enabled:true", "isUpsert:true"], ["enabled:true"])


def test_moved_logical_name_needs_an_alias(project: Project, aep: Aep) -> None:
    create = (
        f'UpsertDataset("members", name="Members", schema_id="{PROFILE_SCHEMA}", deletion_protection=False%s)'
    )
    project.program(create % "")
    project.up()
    (dataset_id,) = aep.datasets()
    project.program((create % "").replace('"members"', '"people"'))
    assert "aliases" in project.up(expect=1).text
    assert list(aep.datasets()) == [dataset_id]
    alias = ', opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="members")])'
    project.program((create % alias).replace('"members", name', '"people", name'))
    project.up()
    assert aep.datasets()[dataset_id]["tags"]["pulumiManagedBy"] == ["aep/dev/people"]


def test_second_stack_is_told_who_owns_it(new_project: Callable[..., Project], aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    first, second = new_project(), new_project(stack="other")
    first.program(ADOPT)
    first.up()
    aep.forget()
    second.program(ADOPT)
    assert "is managed by 'aep/dev/orders'" in second.up(expect=1).text
    assert aep.writes() == []


MEMBERS = "urn:pulumi:dev::aep::pulumi-python:dynamic/aep:UpsertDataset::members"


def test_a_tainted_dataset_is_deleted_before_it_is_created(project: Project, aep: Aep) -> None:
    project.program(
        f'UpsertDataset("members", name="Members", schema_id="{PROFILE_SCHEMA}", deletion_protection=False)'
    )
    project.up()
    project.run("state", "taint", MEMBERS, "--yes")
    aep.forget()
    project.up()
    assert [write["method"] for write in aep.writes()] == ["DELETE", "POST"]
    assert len(aep.datasets()) == 1


@pytest.mark.parametrize("way", ["replace", "taint"])
def test_a_dataset_in_use_is_made_anew_with_another_schema_as_the_preview_says(
    project: Project, aep: Aep, way: str
) -> None:
    """Without a refresh the engine does not tell a preview that the dataset is on record."""
    declared = (
        f'UpsertDataset("members", name="Members", schema_id="{PROFILE_SCHEMA}", deletion_protection=False)'
    )
    project.program(declared)
    project.up()
    (old,) = aep.datasets()
    related = [{"type": "dataSet", "id": old}]
    aep.seed(batches={"01HZ": {"status": "success", "created": 1700000000000, "relatedObjects": related}})
    project.program(declared.replace(PROFILE_SCHEMA, PROFILE_SCHEMA_2))
    flags = ["--replace", MEMBERS] if way == "replace" else []
    if way == "taint":
        project.run("state", "taint", MEMBERS, "--yes")
    aep.forget()
    assert "replacing it (`--replace`, or a taint), add --refresh" in project.preview(*flags, expect=1).text
    told = project.preview("--refresh", *flags).text
    assert "1 to replace" in told
    assert "is taken over" not in told
    assert aep.writes() == []
    project.up("--refresh", *flags)
    assert [write["method"] for write in aep.writes()] == ["DELETE", "POST"]
    ((new, body),) = aep.datasets().items()
    assert new != old
    assert body["schemaRef"]["id"] == PROFILE_SCHEMA_2


def test_a_tainted_dataset_that_is_protected_is_kept(project: Project, aep: Aep) -> None:
    project.program(f'UpsertDataset("members", name="Members", schema_id="{PROFILE_SCHEMA}")')
    project.up()
    project.run("state", "taint", MEMBERS, "--yes")
    aep.forget()
    assert "unable to replace resource" in project.up(expect=1).text
    assert aep.writes() == []
    assert len(aep.datasets()) == 1


def test_a_refresh_by_program_shows_an_adopted_dataset_unchanged(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT)
    project.program(ADOPT)
    project.up()
    project.environment["PULUMI_RUN_PROGRAM"] = "true"
    project.run("preview", "--refresh", "--expect-no-changes")
    project.up("--refresh", "--expect-no-changes")
    assert aep.writes() == []


def test_a_created_dataset_that_is_given_its_own_id_stays_protected(project: Project, aep: Aep) -> None:
    create = f'UpsertDataset("members", name="Members", schema_id="{PROFILE_SCHEMA}"%s)'
    project.program(create % "")
    project.up()
    (dataset_id,) = aep.datasets()
    project.program(create % f', dataset_id="{dataset_id}"')
    aep.forget()
    project.up()
    assert project.outputs()["deletion_protection"] is True
    project.program("pass")
    assert "is protected and would be" in project.up(expect=1).text
    assert aep.writes() == []
    project.program(create % f', dataset_id="{dataset_id}", deletion_protection=False')
    project.up()
    project.program("pass")
    project.up()
    assert list(aep.datasets()) == [dataset_id], "named by its id, it is released and not deleted"


def test_replace_deletes_before_it_creates(project: Project, aep: Aep) -> None:
    project.program(
        f'UpsertDataset("members", name="Members", schema_id="{PROFILE_SCHEMA}", deletion_protection=False)'
    )
    project.up()
    aep.forget()
    project.up("--replace", MEMBERS)
    methods = [write["method"] for write in aep.writes()]
    assert methods == ["DELETE", "POST"]
    assert len(aep.datasets()) == 1


def test_name_edited_after_an_interrupted_create(project: Project, aep: Aep) -> None:
    create = f'UpsertDataset("members", name="%s", schema_id="{PROFILE_SCHEMA}")'
    project.program(create % "Members")
    hold = aep.fault({"hold": "after"}, method="POST", service="catalog")
    process = project.start("up", "--yes", "--skip-preview")
    aep.hit(hold)
    for pid in project.plugins():
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=120)
    aep.clear_faults()
    (dataset_id,) = aep.datasets()
    project.program(create % "All members")
    assert "taken over" in project.up().text
    assert list(aep.datasets()) == [dataset_id]
    assert aep.datasets()[dataset_id]["name"] == "All members"


def test_own_tag_of_another_credential_is_not_taken_over(project: Project, aep: Aep) -> None:
    tags = UPSERT | {"pulumiManagedBy": ["aep/dev/members"]}
    aep.dataset(ID, PROFILE_SCHEMA, tags, name="Members", createdClient="another-team")
    project.program(f'UpsertDataset("members", name="Members", schema_id="{PROFILE_SCHEMA}")')
    assert "another credential created it" in project.up(expect=1).text
    assert aep.writes() == []


def test_killed_adoption_whose_line_is_removed_is_found_and_enabled(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project.program(ADOPT)
    hold = aep.fault({"hold": "before"}, method="PATCH", nth=2)
    process = project.start("up", "--yes", "--skip-preview")
    aep.hit(hold)
    for pid in project.plugins():
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=120)
    aep.clear_faults()
    project.program("")
    project.up()
    assert switches(aep)[0] == ["enabled:false"]
    found = project.command("discover")
    assert re.search(r"Profile is OFF for .* since 20", found.text)
    assert f"aep-provider enable {ID}" in " ".join(found.text.split())
    assert "upsert is off" in project.command("enable", ID).text
    assert switches(aep) == (["enabled:true"], ["enabled:true"])
    assert aep.datasets()[ID]["tags"]["pulumiProfileGap"][-1].startswith("to:")
    aep.forget()
    assert "nothing to do" in project.command("enable", ID).text
    assert aep.writes() == []


def test_failed_update_that_is_reverted_is_repaired_by_the_next_up(
    new_project: Callable[..., Project], aep: Aep
) -> None:
    project = new_project(options="options:\n  refresh: always\n")
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project.program(ADOPT.replace(")", ", is_upsert=False)"))
    project.up()
    project.program(ADOPT)
    hold = aep.fault({"hold": "before"}, method="PATCH", nth=2)
    process = project.start("up", "--yes", "--skip-preview")
    aep.hit(hold)
    for pid in project.plugins():
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=120)
    aep.clear_faults()
    project.program(ADOPT.replace(")", ", is_upsert=False)"))
    assert "profile_enabled" in project.preview().text
    project.up()
    assert switches(aep) == (["enabled:true"], ["enabled:true"])
