"""Schema Registry: look-ups by escaped id, the Accept header, the union."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlsplit

import pytest
import requests

from aep_provider.emulator import Emulator
from aep_provider.emulator.seeds import EVENTS_SCHEMA, GLOBAL_SCHEMA, PLAIN_SCHEMA, PROFILE_SCHEMA

ACCEPT = "application/vnd.adobe.xed+json; version=1"
TENANT = "/tenant/schemas/"
RECORD = "https://ns.adobe.com/xdm/data/record"
TIME_SERIES = "https://ns.adobe.com/xdm/data/time-series"


@pytest.fixture
def registry(aep: Emulator, connect: Callable[..., requests.Session]) -> requests.Session:
    session = connect(aep.url, "/data/foundation/schemaregistry")
    session.headers["Accept"] = ACCEPT
    return session


def escaped(schema: str) -> str:
    return quote(schema, safe="")


def alt_id(schema: str) -> str:
    tenant, _, key = urlsplit(schema).path.strip("/").split("/")
    return f"_{tenant}.schemas.{key}"


def test_look_up_by_escaped_id(registry: requests.Session) -> None:
    reply = registry.get(TENANT + escaped(PROFILE_SCHEMA))

    assert reply.status_code == 200
    assert reply.json()["$id"] == PROFILE_SCHEMA


def test_look_up_by_alt_id(registry: requests.Session) -> None:
    reply = registry.get(TENANT + alt_id(PROFILE_SCHEMA))

    assert reply.status_code == 200
    assert (reply.json()["$id"], reply.json()["meta:altId"]) == (PROFILE_SCHEMA, alt_id(PROFILE_SCHEMA))


def test_unescaped_id_is_another_path(registry: requests.Session) -> None:
    assert registry.get(TENANT + PROFILE_SCHEMA).status_code == 404


def test_unknown_schema(registry: requests.Session) -> None:
    reply = registry.get(TENANT + escaped(PROFILE_SCHEMA + "0"))

    body = reply.json()
    assert (reply.status_code, body["status"]) == (404, 404)
    assert body["type"] == "http://ns.adobe.com/aep/errors/XDM-1012-404"
    assert body["title"] == "Resource Not Found"
    assert {"registryRequestId", "timestamp", "detailed-message"} <= body["report"].keys()
    assert "detail" in body


@pytest.mark.parametrize("path", ["/tenant/schemas", TENANT + alt_id(PROFILE_SCHEMA), "/tenant/unions"])
def test_missing_accept_is_not_acceptable(registry: requests.Session, path: str) -> None:
    """The body is that of xdm/troubleshooting-guide."""
    reply = registry.get(path, headers={"Accept": None})

    assert (reply.status_code, reply.json()) == (
        406,
        {
            "type": "/placeholder/type/uri",
            "status": 406,
            "title": "NotAcceptableError",
            "detail": "Accept header parameter is required",
        },
    )


def test_accept_without_version(registry: requests.Session) -> None:
    accept = "application/vnd.adobe.xed+json"

    reply = registry.get(TENANT + escaped(PROFILE_SCHEMA), headers={"Accept": accept})

    assert reply.status_code == 400
    assert reply.json()["type"] == "http://ns.adobe.com/aep/errors/XDM-1007-400"
    assert reply.json()["title"] == "Accept header invalid"
    assert reply.json()["detail"] == (
        "The supplied Accept header is not valid: application/vnd.adobe.xed+json - A valid Accept value "
        "should look like application/vnd.adobe.'{xed|xdm'}+json; version=1 (Version should be specified)"
    )


@pytest.mark.parametrize(
    "accept",
    [
        "application/vnd.adobe.xed+json;version=1",
        "application/vnd.adobe.xed-full+json; version=1",
        "application/vnd.adobe.xed-notext+json; version=1",
        "application/vnd.adobe.xed-full-notext+json; version=1",
        "application/vnd.adobe.xdm-full+json; version=1",
        "application/vnd.adobe.xed-full-desc+json; version=1",
        "application/vnd.adobe.xed-deprecatefield+json; version=1",
        "application/vnd.adobe.xdm-full-flat+json; version=1",
        "application/vnd.adobe.xdm-full-deprecated+json; version=1",
        "application/vnd.adobe.xed-flat+json; version=1",
    ],
)
def test_accept_with_version(registry: requests.Session, accept: str) -> None:
    reply = registry.get(TENANT + escaped(PROFILE_SCHEMA), headers={"Accept": accept})

    assert reply.status_code == 200


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/vnd.adobe.xed+json; version=9"])
def test_other_accept_is_refused(registry: requests.Session, accept: str) -> None:
    reply = registry.get(TENANT + escaped(PROFILE_SCHEMA), headers={"Accept": accept})

    assert reply.status_code in (400, 404, 406)


def test_schema_in_the_union_says_so(registry: requests.Session) -> None:
    assert "union" in registry.get(TENANT + escaped(PROFILE_SCHEMA)).json()["meta:immutableTags"]


def test_schema_outside_the_union_has_no_tag(registry: requests.Session) -> None:
    body = registry.get(TENANT + escaped(PLAIN_SCHEMA)).json()

    assert "union" not in body.get("meta:immutableTags", [])


@pytest.mark.parametrize(
    ("schema", "base", "name"),
    [
        (PROFILE_SCHEMA, RECORD, "https://ns.adobe.com/xdm/context/profile"),
        (EVENTS_SCHEMA, TIME_SERIES, "https://ns.adobe.com/xdm/context/experienceevent"),
    ],
)
def test_behaviour_and_class(registry: requests.Session, schema: str, base: str, name: str) -> None:
    body = registry.get(TENANT + escaped(schema)).json()

    assert base in body["meta:extends"]
    assert ({RECORD, TIME_SERIES} - {base}).isdisjoint(body["meta:extends"])
    assert body["meta:class"] == name


def test_look_up_has_the_fields_of_a_schema(registry: requests.Session) -> None:
    body = registry.get(TENANT + escaped(PROFILE_SCHEMA)).json()

    assert {"$id", "meta:altId", "title", "version", "type", "allOf", "imsOrg"} <= body.keys()
    assert (body["meta:resourceType"], body["type"]) == ("schemas", "object")
    assert (body["meta:xdmType"], body["meta:sandboxType"]) == ("object", "development")


def test_schema_carries_the_id_of_its_sandbox(registry: requests.Session, platform: requests.Session) -> None:
    sandbox = platform.get("/data/foundation/sandbox-management/sandboxes/dev").json()["id"]

    assert registry.get(TENANT + escaped(PROFILE_SCHEMA)).json()["meta:sandboxId"] == sandbox
    assert "meta:sandboxId" not in registry.get("/global/schemas/" + escaped(GLOBAL_SCHEMA)).json()


def test_adobe_schema_is_in_the_global_container(registry: requests.Session) -> None:
    reply = registry.get("/global/schemas/" + escaped(GLOBAL_SCHEMA))

    assert reply.status_code == 200
    assert reply.json()["$id"] == GLOBAL_SCHEMA


def test_adobe_schema_is_not_in_the_tenant_container(registry: requests.Session) -> None:
    assert registry.get(TENANT + escaped(GLOBAL_SCHEMA)).status_code == 404


def test_tenant_schema_is_not_in_the_global_container(registry: requests.Session) -> None:
    assert registry.get("/global/schemas/" + escaped(PROFILE_SCHEMA)).status_code == 404


def test_list_takes_an_accept_without_version(registry: requests.Session) -> None:
    reply = registry.get("/tenant/schemas", headers={"Accept": "application/vnd.adobe.xed-id+json"})

    assert reply.status_code == 200
    ids = {row["$id"] for row in reply.json()["results"]}
    assert {PROFILE_SCHEMA, PLAIN_SCHEMA, EVENTS_SCHEMA} <= ids


def test_list_refuses_an_accept_with_version(registry: requests.Session) -> None:
    reply = registry.get("/tenant/schemas")

    assert reply.status_code == 400
    assert reply.json()["type"] == "http://ns.adobe.com/aep/errors/XDM-1006-400"


def test_seeded_schema_is_found(registry: requests.Session, seed: Callable[..., None]) -> None:
    body = registry.get(TENANT + escaped(PLAIN_SCHEMA)).json()
    added = PLAIN_SCHEMA + "00"

    seed(schemas=[{**body, "$id": added, "meta:altId": alt_id(added), "title": "Added"}])

    assert registry.get(TENANT + escaped(added)).json()["title"] == "Added"
