"""`aep-provider discover`, and where its settings come from."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from aep_provider.emulator.seeds import (
    CLIENT_ID,
    CLIENT_SECRET,
    EVENTS_SCHEMA,
    ORG_ID,
    PLAIN_SCHEMA,
    PROFILE_SCHEMA,
)
from support.aep import Aep, raw_dataset
from support.project import Project

ID = "5b020a27e7040801dedbf46e"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
UPSERT = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
OTHER_SCHEMA = f"{PROFILE_SCHEMA[:-64]}{'0' * 64}"


def found(project: Project, *flags: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(project.command("discover", "--json", *flags).out)["datasets"]
    return rows


@pytest.mark.parametrize(
    ("schema", "tags", "fault"),
    [
        (PROFILE_SCHEMA, UPSERT, ""),
        (PROFILE_SCHEMA, {"unifiedProfile": ["enabled:true"]}, "Profile is on and Identity is off"),
        (EVENTS_SCHEMA, UPSERT, "upsert on time series: it is for record data only"),
        (PLAIN_SCHEMA, ON, "Profile is on, and its schema is not in the Profile union"),
        (OTHER_SCHEMA, {}, "its schema does not exist"),
        (
            PROFILE_SCHEMA,
            {"unifiedProfile": ["enabled: true"], "unifiedIdentity": ["enabled:true"]},
            "spaces in a tag: unifiedProfile 'enabled: true'",
        ),
    ],
)
def test_wrong_states_are_named(
    project: Project, aep: Aep, schema: str, tags: dict[str, list[str]], fault: str
) -> None:
    aep.dataset(ID, schema, tags)
    (row,) = found(project)
    assert row["faults"] == ([fault] if fault else [])


def test_pages_of_a_hundred_one_request_for_each_schema_and_no_write(project: Project, aep: Aep) -> None:
    body = {"schemaRef": {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}}
    aep.seed(
        datasets={
            f"{n:024x}": {**body, "name": f"Dataset {n}", "tags": UPSERT if n % 2 else ON} for n in range(230)
        }
    )
    aep.forget()
    text = project.command("discover").text
    assert "230 datasets, 230 enabled for Profile, 115 with upsert\n" in text
    queries = [entry["query"] for entry in aep.requests() if entry["path"].endswith("/dataSets")]
    assert [(query["limit"], query["start"]) for query in queries] == [
        (["100"], [start]) for start in ("0", "100", "200", "230")
    ]
    assert aep.calls().count("GET schemaregistry/tenant/schemas/{schema}") == 1
    assert aep.calls().count("GET catalog/lastBatches") == 5
    assert aep.writes() == []


def test_details_are_asked_for_while_the_pages_still_come(project: Project, aep: Aep) -> None:
    ids = [f"{number:024x}" for number in range(150)]
    aep.seed(datasets={one: raw_dataset(one, PROFILE_SCHEMA, ON) for one in ids})
    second = aep.fault({"hold": "before"}, nth=2, method="GET", path="/dataSets$")
    batches = aep.fault({"hold": "before"}, nth=2, path="/lastBatches")
    schema = aep.fault({"hold": "before"}, path="/schemas/")
    with ThreadPoolExecutor() as pool:
        listed = pool.submit(found, project)
        aep.hit(batches)
        aep.hit(schema)
        aep.hit(second)
        aep.clear_faults()
        assert len(listed.result()) == 150


def test_filters_and_the_last_batch(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT, name="Loyalty members")
    aep.dataset("5b020a27e7040801dedbf46f", PROFILE_SCHEMA, ON, name="Loyalty orders")
    aep.dataset("5b020a27e7040801dedbf470", PROFILE_SCHEMA, {}, name="Products")
    aep.seed(
        batches={
            "01BATCH": {
                "status": "success",
                "relatedObjects": [{"type": "dataSet", "id": ID}],
                "created": 1730810034023,
                "updated": 1730810034023,
            }
        }
    )
    assert [row["name"] for row in found(project, "--name", "LOYALTY")] == [
        "Loyalty members",
        "Loyalty orders",
    ]
    assert [row["name"] for row in found(project, "--no-upsert", "--profile")] == ["Loyalty orders"]
    (row,) = found(project, "--name", "members")
    assert row["last_batch"] == {"id": "01BATCH", "status": "success", "updated": "2024-11-05T12:33:54.023Z"}
    assert (row["schema"], row["behaviour"]) == ("Customers", "record")


def test_what_may_not_be_read_is_said_and_the_rest_is_shown(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, UPSERT, name="Loyalty members")
    aep.fault({"status": 403}, times=None, service="schemaregistry")
    text = project.command("discover").text
    assert "1 of 1 schemas could not be read" in text
    assert "View Schemas" in text
    aep.fault({"status": 500}, times=None, path="/lastBatches")
    assert "The last batches could not be read" in project.command("discover").text
    assert "Loyalty members" in text


def test_names_from_aep_steer_neither_markup_nor_the_terminal(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON, name="[red]a[/] [/nonsense] \x1b[2J")
    text = project.command("discover").text
    assert "[red]a[/] [/nonsense] \\x1b[2J" in text
    assert "\x1b" not in text


def test_settings_from_the_selected_stack(project: Project, aep: Aep) -> None:
    settings = {
        "endpoint": aep.url,
        "imsEndpoint": aep.url,
        "sandbox": "dev",
        "orgId": ORG_ID,
        "clientId": CLIENT_ID,
    }
    with (project.folder / "Pulumi.dev.yaml").open("a") as file:
        file.write("config:\n" + "".join(f"  aep:{key}: {value}\n" for key, value in settings.items()))
    project.config("aep:clientSecret", CLIENT_SECRET, "--secret")
    ground = {
        key: project.environment.pop(key) for key in list(project.environment) if key.startswith("AEP_")
    }
    here = ("-C", str(project.folder))
    assert found(project, *here) == []
    assert found(project, *here, "--stack", "dev") == []
    other = project.command("discover", *here, "--sandbox", "stage", expect=1).text
    assert "the stack says 'dev' and --sandbox says 'stage'" in other
    assert "aep:orgId (AEP_ORG_ID) is missing" in project.command("discover", "--no-stack", expect=1).text
    nothing = project.command("discover", "-C", "/", expect=1).text
    assert "Read from the environment alone (No Pulumi.yaml in / or above)" in nothing
    assert "no stack named 'nowhere'" in project.command("discover", *here, "-s", "nowhere", expect=1).text
    # The environment gives the secret: nothing is decrypted, so no passphrase is asked for.
    del project.environment["PULUMI_CONFIG_PASSPHRASE"]
    locked = project.command("discover", *here, expect=1).text
    assert "PULUMI_CONFIG_PASSPHRASE" in locked
    assert "--no-stack" in locked
    project.environment["AEP_CLIENT_SECRET"] = ground["AEP_CLIENT_SECRET"]
    assert found(project, *here) == []


def test_settings_from_flags(project: Project, aep: Aep) -> None:
    for name in ("SANDBOX", "ORG_ID", "CLIENT_ID", "ENDPOINT", "IMS_ENDPOINT"):
        del project.environment[f"AEP_{name}"]
    flags = ("--sandbox", "dev", "--org-id", ORG_ID, "--client-id", CLIENT_ID)
    assert found(project, *flags, "--endpoint", aep.url, "--ims-endpoint", aep.url) == []
