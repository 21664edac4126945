"""Arguments and settings: what is accepted, and what everything else is told."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import pulumi
import pytest

from aep_provider import declare
from aep_provider.arguments import validated
from aep_provider.errors import InvalidInput, SettingsError
from aep_provider.settings import Settings, same_endpoint

SCHEMA = "https://ns.adobe.com/acmeinc/schemas/1234"
GOOD = {"name": "Members", "schema_id": SCHEMA}
ENOUGH = {"AEP_SANDBOX": "dev", "AEP_ORG_ID": "A@AdobeOrg", "AEP_CLIENT_ID": "c", "AEP_CLIENT_SECRET": "hush"}


@pytest.mark.parametrize(
    ("change", "property_", "reason"),
    [
        ({"name": ""}, "name", "must not be empty"),
        ({"name": " x"}, "name", "begins or ends with a blank"),
        ({"name": "x\u200b"}, "name", "begins or ends with a blank"),
        ({"name": "\ufeffx"}, "name", r"'\ufeffx'"),
        ({"name": "\u200b"}, "name", "must not be empty"),
        ({"name": "a\u00a0b"}, "name", r"'a\xa0b'"),
        ({"name": "a\nb"}, "name", "has a blank in it other than a plain space"),
        ({"description": "\ud800"}, "description", "holds half of a character"),
        ({"name": 5}, "name", "must be a string"),
        ({"schema_id": f"{SCHEMA}\u200b"}, "schema_id", "has a blank in it"),
        ({"schema_id": SCHEMA.replace("a", "\u0430")}, "schema_id", r"ns.\u0430dobe.com"),
        ({"dataset_id": "5b020a27e7040801dedbf46\uff45"}, "dataset_id", r"46\uff45"),
        (
            {"schema_content_type": "application/vnd.adobe.xed+json;version=\uff11"},
            "schema_content_type",
            "is not",
        ),
        ({"tags": {"team ": ["crm"]}}, "tags", "begins or ends with a blank"),
        ({"tags": {"unifiedProfile\u200b": ["x"]}}, "tags", r"'unifiedProfile\u200b' begins or ends"),
        ({"schema_id": "members"}, "schema_id", "is not a URI"),
        ({"schema_id": "https://[x/y"}, "schema_id", "is not a URI"),
        ({"schema_id": "_acmeinc.schemas.1"}, "schema_id", "meta:altId"),
        ({"dataset_id": "5B020A27E7040801DEDBF46E"}, "dataset_id", "lower case"),
        ({"schema_content_type": "application/json"}, "schema_content_type", "xed+json;version=1"),
        ({"tags": {"team": "crm"}}, "tags", "must be a list of strings"),
        ({"tags": {"team": None}}, "tags", "['team']: must be a list of strings"),
        ({"tags": {"team": ["crm", 1]}}, "tags", "['team'][1]: elements must be strings"),
        ({"tags": {5: ["crm"]}}, "tags", "[5]: keys must be strings"),
        ({"tags": ["crm"]}, "tags", "must be a mapping from tag key"),
        ({"tags": {"adobe/x": ["y"]}}, "tags", "reserved by Adobe"),
        ({"tags": {"unifiedIdentity": ["enabled:true"]}}, "tags", "written by this provider itself"),
        ({"is_upsert": 1}, "is_upsert", "True or False"),
        ({"wait_timeout": 1.5}, "wait_timeout", "whole number of seconds"),
        ({"wait_timeout": True}, "wait_timeout", "whole number of seconds"),
        ({"in_flight_batches": "skip"}, "in_flight_batches", "'wait', 'fail' or 'ignore'"),
        ({"colour": "red"}, "colour", "is not an argument"),
        ({"is_upsert\u200b": True}, "is_upsert\u200b", r"it is written 'is_upsert\u200b'"),
    ],
)
def test_a_bad_argument_names_its_property(change: dict[str, Any], property_: str, reason: str) -> None:
    _, problems = validated(GOOD | change)
    assert [problem.property for problem in problems] == [property_]
    assert reason in problems[0].reason


@pytest.mark.parametrize(
    "name", ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\U0001f468\u200d\U0001f469"]
)
def test_a_name_may_have_what_its_script_needs(name: str) -> None:
    assert validated(GOOD | {"name": name})[1] == []


def test_an_existing_dataset_may_have_a_name_that_nobody_would_give_it() -> None:
    assert validated({"dataset_id": "5b020a27e7040801dedbf46e", "name": "Zero\u200bwidth"})[1] == []


def test_all_problems_come_at_once() -> None:
    _, problems = validated({"name": "", "is_upsert": "yes", "wait_timeout": -1})
    assert {problem.property for problem in problems} == {"name", "is_upsert", "wait_timeout", "schema_id"}


def test_any_sequence_of_strings_is_a_list_of_elements() -> None:
    normal, problems = validated(GOOD | {"tags": {"team": ("crm",), "cost-centre": deque(["4711"])}})
    assert problems == []
    assert normal["tags"] == {"team": ["crm"], "cost-centre": ["4711"]}


def test_numbers_from_the_engine_are_floats() -> None:
    normal, problems = validated(GOOD | {"wait_timeout": 30.0})
    assert problems == []
    assert type(normal["wait_timeout"]) is int


def test_unknown_values_count_as_given() -> None:
    normal, problems = validated({"name": object()}, frozenset({"name", "schema_id"}))
    assert problems == []
    assert "name" not in normal


def test_protection_depends_on_who_created_the_dataset() -> None:
    assert validated(GOOD)[0]["deletion_protection"] is True
    assert validated({"dataset_id": "5b020a27e7040801dedbf46e"})[0]["deletion_protection"] is False


def test_settings_from_the_environment_alone() -> None:
    settings = Settings.load({}, ENOUGH)
    assert (settings.sandbox, settings.org_id, settings.parallel) == ("dev", "A@AdobeOrg", 16)


@pytest.mark.parametrize("prefix", ["aep:", ""], ids=["namespaced", "bare"])
@pytest.mark.parametrize("typed", [True, False], ids=["typed", "text"])
def test_both_forms_of_configuration_are_understood(prefix: str, typed: bool) -> None:
    values: dict[str, Any] = {"allowProduction": True, "ownershipTag": False, "parallel": 4.0}
    if not typed:
        values = {"allowProduction": "true", "ownershipTag": "false", "parallel": "4"}
    settings = Settings.load({prefix + key: value for key, value in values.items()}, ENOUGH)
    assert (settings.allow_production, settings.ownership_tag, settings.parallel) == (True, False, 4)


def test_an_empty_change_window_counts_as_none() -> None:
    assert Settings.load({"aep:changeWindow": ""}, ENOUGH).change_window is None
    settings = Settings.load({"changeWindow": "Sat 06:00-12:00 UTC"}, ENOUGH)
    assert str(settings.change_window) == "Sat 06:00-12:00 UTC"


def test_the_environment_wins_for_credentials_and_endpoints() -> None:
    local = {"AEP_ENDPOINT": "http://localhost:1/", "AEP_IMS_ENDPOINT": "http://[::1]:2"}
    settings = Settings.load({"aep:clientSecret": "old", "aep:endpoint": "https://x.example"}, ENOUGH | local)
    assert (settings.client_secret, settings.endpoint) == ("hush", "http://localhost:1")


@pytest.mark.parametrize(
    ("config", "environ", "text"),
    [
        (
            {},
            {"AEP_SANDBOX": ""},
            "aep:sandbox (AEP_SANDBOX) is missing\nSet it: `pulumi config set aep:sandbox …`",
        ),
        (
            {},
            {"AEP_SANDBOX": "Dev"},
            "must be a sandbox name (lower-case letters, digits and hyphens), not 'Dev'\nDid you mean 'dev'?",
        ),
        ({}, {"AEP_ORG_ID": "A"}, "ends in @AdobeOrg"),
        ({}, {"AEP_CLIENT_SECRET": ""}, "or a ready token in AEP_ACCESS_TOKEN"),
        ({"aep:sandbox": "prod"}, {}, "the stack says 'prod' and the environment says 'dev'"),
        ({"aep:orgId": "B@AdobeOrg"}, {}, "the stack says 'B@AdobeOrg'"),
        ({}, {"AEP_ENDPOINT": "http://10.0.0.1"}, "unencrypted"),
        ({}, {"AEP_ENDPOINT": "https://u:p@x.example"}, "must not contain a user name"),
        ({}, {"AEP_ENDPOINT": "platform.adobe.io"}, "must be a base URL"),
        ({}, {"AEP_ENDPOINT": "http://127.0.0.1:1"}, "one is local and the other is not"),
        ({"aep:parallel": "65"}, {}, "from 1 to 64"),
        ({"aep:allowProduction": "yes"}, {}, "must be true or false"),
        ({"aep:changeWindow": "at night"}, {}, "aep:changeWindow has 'at night', which is not days, times"),
        ({"aep:changeWindow": ";"}, {}, "aep:changeWindow names no time\nAn example: 'Mon-Thu"),
    ],
)
def test_a_bad_setting_is_named_with_its_remedy(
    config: dict[str, Any], environ: dict[str, str], text: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load(config, ENOUGH | environ)
    assert text in str(caught.value)
    assert "hush" not in str(caught.value)


def test_everything_missing_is_one_error() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({}, {})
    for name in ("aep:sandbox", "aep:orgId", "aep:clientId", "aep:clientSecret"):
        assert name in str(caught.value)


def test_secrets_are_not_shown() -> None:
    assert "hush" not in repr(Settings.load({}, ENOUGH))


def test_any_loopback_address_is_the_same_endpoint() -> None:
    assert same_endpoint("http://127.0.0.1:1", "http://localhost:2")
    assert not same_endpoint("http://127.0.0.1:1", "https://platform.adobe.io")


@pytest.mark.parametrize(
    ("more", "text"),
    [({"at_once": 0}, "at_once is 0"), ({"opts": pulumi.ResourceOptions(id="5b02")}, "UpsertDataset.get")],
    ids=["no room", "an id for all"],
)
def test_declare_refuses_what_cannot_be_meant(more: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        asyncio.run(declare([], **more))
