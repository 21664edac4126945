"""`aep-provider enable`: closes an open gap without any Pulumi state."""

from __future__ import annotations

import json

import pytest

from aep_provider.emulator.seeds import PLAIN_SCHEMA, PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project

ID = "5b020a27e7040801dedbf46e"
SINCE = "2026-01-31T09:00:00.000Z"
OFF = {
    "unifiedProfile": ["enabled:false"],
    "unifiedIdentity": ["enabled:false"],
    "pulumiProfileGap": [f"from:{SINCE}", "by:aep/dev/orders"],
}
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}


@pytest.mark.parametrize(
    ("flags", "upsert"), [((), ["enabled:true"]), (("--upsert",), ["enabled:true", "isUpsert:true"])]
)
def test_one_patch_closes_an_open_gap_and_says_since_when(
    project: Project, aep: Aep, flags: tuple[str, ...], upsert: list[str]
) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, OFF, name="Orders")
    aep.forget()
    told = project.command("enable", "--no-stack", ID, "--json", *flags)
    assert json.loads(told.out) == {
        "schema_version": 1,
        "id": ID,
        "name": "Orders",
        "changed": True,
        "upsert": bool(flags),
        "off_since": SINCE,
    }
    assert [entry["method"] for entry in aep.writes()] == ["PATCH"]
    tags = aep.datasets()[ID]["tags"]
    assert tags["unifiedProfile"][: len(upsert)] == upsert
    assert tags["unifiedIdentity"] == ["enabled:true"]
    assert tags["pulumiProfileGap"][2].startswith("to:")


def test_enable_leaves_a_dataset_alone_that_is_on(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    told = project.command("enable", "--no-stack", ID, "--upsert").out
    assert "upsert is off; nothing to do" in told
    assert "Only `pulumi up` changes upsert" in told
    assert aep.writes() == []


def test_settings_come_from_the_stack(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, OFF)
    for variable in ("AEP_SANDBOX", "AEP_ORG_ID"):
        key = "aep:" + {"AEP_SANDBOX": "sandbox", "AEP_ORG_ID": "orgId"}[variable]
        project.config(key, project.environment.pop(variable))
    project.config("aep:ownershipTag", "false")
    project.command("enable", "-C", str(project.folder), ID)
    tags = aep.datasets()[ID]["tags"]
    assert tags["unifiedProfile"][0] == "enabled:true"
    # Tags of our own are off in that stack, so the note is left as it was found.
    assert tags["pulumiProfileGap"] == OFF["pulumiProfileGap"]


def test_production_needs_the_stacks_consent_or_the_flag(project: Project, aep: Aep) -> None:
    body = {
        "name": "Orders",
        "schemaRef": {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"},
        "tags": OFF,
    }
    aep.seed("prod", datasets={ID: body})
    production = ("enable", "--no-stack", "--sandbox", "prod", ID)
    assert "--allow-production, or `pulumi config set" in project.command(*production, expect=1).text
    assert aep.writes() == []
    assert "are on" in project.command(*production, "--allow-production").out


@pytest.mark.parametrize(
    ("dataset_id", "code", "text"),
    [
        ("nonsense", 2, "'nonsense' is not a dataset id"),
        (f"0{ID[1:]}", 1, f"Dataset 0{ID[1:]} does not exist in sandbox dev"),
        (ID, 1, "is not enabled for Profile"),
    ],
)
def test_what_cannot_be_enabled_is_said(
    project: Project, aep: Aep, dataset_id: str, code: int, text: str
) -> None:
    aep.dataset(ID, PLAIN_SCHEMA, {})
    assert text in project.command("enable", "--no-stack", dataset_id, expect=code).text
    assert aep.writes() == []
