"""Settings, credentials and places, through the real command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aep_provider.emulator import Control, Emulator
from aep_provider.emulator.seeds import CLIENT_ID, CLIENT_SECRET, ORG_ID, PROFILE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.aep import Aep
    from support.project import Project

CREATE = f'UpsertDataset("members", name="Loyalty members", schema_id="{PROFILE_SCHEMA}")'
GROUND = (
    "AEP_ENDPOINT",
    "AEP_IMS_ENDPOINT",
    "AEP_SANDBOX",
    "AEP_ORG_ID",
    "AEP_CLIENT_ID",
    "AEP_CLIENT_SECRET",
)


def from_configuration(project: Project, aep: Aep, secret: str) -> None:
    """Take everything from the stack's configuration."""
    for variable in GROUND:
        del project.environment[variable]
    project.config("aep:endpoint", aep.url)
    project.config("aep:imsEndpoint", aep.url)
    project.config("aep:sandbox", "dev")
    project.config("aep:orgId", ORG_ID)
    project.config("aep:clientId", CLIENT_ID)
    project.config("aep:clientSecret", secret, "--secret")


def test_everything_from_the_environment_and_no_stack_file(
    new_project: Callable[..., Project], aep: Aep
) -> None:
    project = new_project(options="options:\n  refresh: always\n")
    project.program(CREATE)
    for file in project.folder.glob("Pulumi.*.yaml"):
        file.unlink()
    project.up("--stack", "dev")
    assert len(aep.datasets()) == 1
    project.up("--stack", "dev", "--expect-no-changes")
    assert len(aep.writes()) == 1


def test_rotated_secret_in_the_configuration(new_project: Callable[..., Project], aep: Aep) -> None:
    project = new_project(options="options:\n  refresh: always\n")
    project.environment["PULUMI_RUN_PROGRAM"] = "true"
    from_configuration(project, aep, CLIENT_SECRET)
    project.program(CREATE)
    project.up()
    aep.seed(clients={CLIENT_ID: "rotated"})
    result = project.up(expect=1)
    assert "invalid_client" in result.text
    assert "AEP_CLIENT_SECRET" in result.text
    assert "PULUMI_RUN_PROGRAM=true" in result.text
    project.config("aep:clientSecret", "rotated", "--secret")
    assert "2 unchanged" in project.up().text


def test_no_secret_in_state_or_output(new_project: Callable[..., Project], aep: Aep) -> None:
    project = new_project()
    from_configuration(project, aep, CLIENT_SECRET)
    project.program(CREATE)
    aep.clear_requests()
    texts = [
        project.up("--logtostderr", "-v=9").text,
        project.refresh("--logtostderr", "-v=9").text,
        project.run("stack", "export").text,
        project.run("stack", "output", "--json").text,
    ]
    aep.fault({"status": 400, "body": {"error": "invalid_client"}}, service="ims", times=None)
    texts.append(project.run("refresh", "--yes", "--skip-preview", expect=1, AEP_DEBUG="1").text)
    for text in texts:
        assert CLIENT_SECRET not in text
        assert "Bearer " not in text
    assert any(call == "POST /ims/token/v3" for call in aep.calls())


def test_no_token_in_state_or_output(project: Project, aep: Aep) -> None:
    token = aep.token()
    project.environment["AEP_ACCESS_TOKEN"] = token
    project.program(CREATE)
    project.up()
    aep.fault({"status": 403, "body": {"title": "no"}}, times=None, service="catalog")
    texts = [
        project.run("refresh", "--yes", "--skip-preview", "--logtostderr", "-v=9", expect=1).text,
        project.run("stack", "export").text,
    ]
    for text in texts:
        assert token not in text


@pytest.mark.parametrize(
    ("variable", "value", "what"),
    [
        ("AEP_SANDBOX", "", "aep:sandbox (AEP_SANDBOX) is missing"),
        ("AEP_ORG_ID", "acme", "must be an organisation id, which ends in @AdobeOrg, not 'acme'"),
        ("AEP_CLIENT_SECRET", "", "pulumi config set --secret aep:clientSecret"),
        ("AEP_ENDPOINT", "http://aep.example.com", "would send the token unencrypted"),
        ("AEP_PARALLEL", "many", "aep:parallel (AEP_PARALLEL) must be a whole number from 1 to 64"),
    ],
)
def test_bad_settings_are_one_clear_error_at_preview(
    project: Project, aep: Aep, variable: str, value: str, what: str
) -> None:
    project.program(CREATE)
    project.environment[variable] = value
    result = project.preview(expect=1)
    assert what in result.text
    assert "Traceback" not in result.text
    assert aep.requests() == []


def test_sandbox_given_twice_has_to_agree(project: Project, aep: Aep) -> None:
    project.config("aep:sandbox", "prod")
    project.program(CREATE)
    assert "the stack says 'prod' and the environment says 'dev'" in project.preview(expect=1).text
    assert aep.requests() == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("Loyalty members", "", "name must not be empty"),
        (PROFILE_SCHEMA, "loyalty", "schema_id 'loyalty' is not a URI"),
        (PROFILE_SCHEMA, "_acmeinc.schemas.1234", "looks like a meta:altId"),
        ('name="', 'dataset_id="xyz", name="', "dataset_id 'xyz' is not a dataset id"),
        ('name="', 'is_upsert="yes", name="', "is_upsert must be True or False"),
        ('name="', 'wait_timeout=-1, name="', "wait_timeout must be a whole number of seconds"),
        ('name="', 'tags={"unifiedProfile": ["enabled:true"]}, name="', "written by this provider itself"),
        ('name="', 'in_flight_batches="hope", name="', "must be 'wait', 'fail' or 'ignore'"),
        (f', schema_id="{PROFILE_SCHEMA}"', "", "schema_id is required to create a dataset"),
        ('name="', 'colour="red", name="', "unexpected keyword argument 'colour'"),
        (
            'name="',
            'opts=pulumi.ResourceOptions(delete_before_replace=False), name="',
            "delete_before_replace must not be False",
        ),
    ],
)
def test_bad_input_is_one_clear_error_at_preview(
    project: Project, aep: Aep, old: str, new: str, what: str
) -> None:
    project.program(CREATE.replace(old, new))
    assert what in project.preview(expect=1).text
    assert aep.requests() == []


def test_bad_input_that_is_known_late_is_refused_too(project: Project, aep: Aep) -> None:
    project.program(CREATE.replace('"Loyalty members"', 'pulumi.Output.from_input(" ")'))
    result = project.up(expect=1)
    assert "must not be empty" in result.text
    assert aep.writes() == []


@pytest.mark.parametrize("command", ["refresh", "up", "destroy"])
@pytest.mark.parametrize(
    ("variable", "value", "what"),
    [
        ("AEP_SANDBOX", "prod", "lives in sandbox 'dev'"),
        ("AEP_ORG_ID", "FFFFFFFFFFFFFFFFFFFFFFFF@AdobeOrg", "lives in organisation"),
    ],
)
def test_the_wrong_place_is_refused_before_the_first_request(
    project: Project, aep: Aep, command: str, variable: str, value: str, what: str
) -> None:
    project.program(CREATE.replace(")", ", deletion_protection=False)"))
    project.up()
    aep.forget()
    project.environment[variable] = value
    result = project.run(command, "--yes", "--skip-preview", expect=None)
    assert result.code != 0
    assert what in result.text
    assert aep.requests() == []
    project.environment[variable] = {"AEP_SANDBOX": "dev", "AEP_ORG_ID": ORG_ID}[variable]
    assert len(project.state()) == 1
    project.up("--refresh", "--expect-no-changes")


def test_an_endpoint_left_in_the_environment_is_refused(project: Project) -> None:
    project.program(CREATE)
    project.up()
    project.environment |= {
        "AEP_ENDPOINT": "https://platform.adobe.io",
        "AEP_IMS_ENDPOINT": "https://ims.example.com",
    }
    assert "lives in endpoint" in project.refresh(expect=1).text
    assert len(project.state()) == 1


def test_another_port_of_the_emulator_is_the_same_place(project: Project, aep: Aep) -> None:
    project.program(CREATE)
    project.up()
    with Emulator(strict=True) as other:
        project.environment |= {"AEP_ENDPOINT": other.url, "AEP_IMS_ENDPOINT": other.url}
        other_aep = Control(other.url)
        other_aep.tick(seconds=1000)
        assert "1 deleted" in project.refresh().text


def test_html_404_from_a_gateway_drops_nothing(project: Project, aep: Aep) -> None:
    project.program(CREATE)
    project.up()
    aep.fault({"status": 404, "body": "<html>not here</html>"}, method="GET", path="/dataSets/", times=None)
    assert "answered 404" in project.refresh(expect=1).text
    aep.clear_faults()
    assert len(project.state()) == 1


def test_explicit_provider_brings_its_own_settings(project: Project, aep: Aep) -> None:
    for variable in GROUND:
        del project.environment[variable]
    settings = {
        "sandbox": "dev",
        "orgId": ORG_ID,
        "clientId": CLIENT_ID,
        "endpoint": aep.url,
        "imsEndpoint": aep.url,
    }
    project.program(
        f'settings = {settings!r} | {{"parallel": 4}}',
        f'settings["clientSecret"] = pulumi.Output.secret("{CLIENT_SECRET}")',
        'stage = pulumi.ProviderResource("pulumi-python", "stage", settings)',
        CREATE.replace(")", ", opts=pulumi.ResourceOptions(provider=stage))"),
    )
    project.up()
    assert len(aep.datasets()) == 1
