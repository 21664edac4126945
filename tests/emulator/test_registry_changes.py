"""Schema Registry: a schema of one's own, its way into the union, and descriptors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import requests

from aep_provider.emulator import Emulator
from aep_provider.emulator.seeds import EVENTS_SCHEMA, GLOBAL_SCHEMA, PLAIN_SCHEMA, PROFILE_SCHEMA

PROFILE_CLASS = "https://ns.adobe.com/xdm/context/profile"
EVENT_CLASS = "https://ns.adobe.com/xdm/context/experienceevent"
LOOK_UP = {"Accept": "application/vnd.adobe.xed+json; version=1"}
UNION = [{"op": "add", "path": "/meta:immutableTags", "value": ["union"]}]


@pytest.fixture
def registry(aep: Emulator, connect: Callable[..., requests.Session]) -> requests.Session:
    return connect(aep.url, "/data/foundation/schemaregistry/tenant")


def path(schema: str) -> str:
    return f"/schemas/{quote(schema, safe='')}"


def schema(title: str, meta_class: str = PROFILE_CLASS) -> dict[str, Any]:
    return {"title": title, "type": "object", "description": "x", "allOf": [{"$ref": meta_class}]}


def test_created_schema_can_be_looked_up_by_both_its_names(registry: requests.Session) -> None:
    reply = registry.post("/schemas", json=schema("Members"))

    body = reply.json()
    assert reply.status_code == 201
    assert {"title": "Members", "version": "1.0", "meta:class": PROFILE_CLASS}.items() <= body.items()
    assert "https://ns.adobe.com/xdm/data/record" in body["meta:extends"]
    assert "meta:immutableTags" not in body
    for name in (body["$id"], body["meta:altId"]):
        assert registry.get(path(name), headers=LOOK_UP).json() == body


def test_class_makes_a_dataset_time_series(
    registry: requests.Session, create: Callable[..., str], read: Callable[[str], dict[str, Any]]
) -> None:
    made = registry.post("/schemas", json=schema("Clicks", EVENT_CLASS)).json()

    dataset = read(create(schema=made["$id"]))

    assert dataset["classification"]["dataBehavior"] == "time-series"


@pytest.mark.parametrize(
    "body",
    [[], {}, {"title": "x"}, {"title": "x", "allOf": []}, {"title": "x", "allOf": [{}]}, schema("Customers")],
    ids=["list", "empty", "no class", "empty allOf", "no reference", "title in use"],
)
def test_schema_that_cannot_be(registry: requests.Session, body: Any) -> None:
    reply = registry.post("/schemas", json=body)

    assert reply.status_code == 400
    assert reply.json()["type"].startswith("http://ns.adobe.com/aep/errors/XDM-")


@pytest.mark.usefixtures("identified")
def test_joining_the_union_lets_datasets_feed_profile(
    registry: requests.Session, create: Callable[..., str], patch: Callable[..., requests.Response]
) -> None:
    dataset_id = create(schema=PLAIN_SCHEMA)
    enable = ("add", "/tags/unifiedProfile", ["enabled:true"])
    assert patch(dataset_id, enable).status_code == 400

    reply = registry.patch(path(PLAIN_SCHEMA), json=UNION)

    assert (reply.status_code, reply.json()["meta:immutableTags"]) == (200, ["union"])
    assert reply.json()["version"] == "1.2"
    assert registry.get(path(PLAIN_SCHEMA), headers=LOOK_UP).json() == reply.json()
    assert patch(dataset_id, enable).status_code == 200


@pytest.mark.parametrize("primary", [None, False])
def test_union_needs_a_primary_identity(registry: requests.Session, primary: bool | None) -> None:
    """Does my schema need a primary identity? (xdm/troubleshooting-guide)."""
    if primary is not None:
        other = {"@type": "xdm:descriptorIdentity", "xdm:sourceSchema": PLAIN_SCHEMA, "xdm:isPrimary": False}
        assert registry.post("/descriptors", json=other).status_code == 201
    before = registry.get(path(PLAIN_SCHEMA), headers=LOOK_UP).json()

    joined = registry.patch(path(PLAIN_SCHEMA), json=UNION)
    made = registry.post("/schemas", json={**schema("Members"), "meta:immutableTags": ["union"]})

    assert (joined.status_code, made.status_code) == (400, 400)
    assert "primary identity" in joined.json()["detail"]
    assert registry.get(path(PLAIN_SCHEMA), headers=LOOK_UP).json() == before


def test_identity_map_serves_as_primary_identity(registry: requests.Session) -> None:
    refs = [{"$ref": PROFILE_CLASS}, {"$ref": "https://ns.adobe.com/xdm/context/identitymap"}]
    made = registry.post("/schemas", json={**schema("Members"), "allOf": refs}).json()

    assert registry.patch(path(made["$id"]), json=UNION).status_code == 200


@pytest.mark.usefixtures("identified")
def test_union_takes_a_while_to_be_known(
    registry: requests.Session,
    create: Callable[..., str],
    patch: Callable[..., requests.Response],
    control: requests.Session,
) -> None:
    control.post("/settings", json={"union_propagation": 2})
    dataset_id = create(schema=PLAIN_SCHEMA)
    registry.patch(path(PLAIN_SCHEMA), json=UNION)

    codes = [
        patch(dataset_id, ("add", "/tags/unifiedProfile", ["enabled:true"])).status_code for _ in range(3)
    ]

    assert codes == [422, 422, 200]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/meta:immutableTags"},
        {"op": "replace", "path": "/meta:immutableTags", "value": []},
        {"op": "replace", "path": "/meta:immutableTags", "value": "union"},
        {"op": "replace", "path": "/title", "value": "Orders"},
        {"op": "remove", "path": "/missing"},
        {"op": "replace", "path": "", "value": {}},
    ],
)
def test_schema_stays_as_it_is(
    serve: Callable[..., Emulator], connect: Callable[..., requests.Session], operation: Any
) -> None:
    registry = connect(serve().url, "/data/foundation/schemaregistry/tenant")
    before = registry.get(path(PROFILE_SCHEMA), headers=LOOK_UP).json()

    assert registry.patch(path(PROFILE_SCHEMA), json=[operation]).status_code == 400

    assert registry.get(path(PROFILE_SCHEMA), headers=LOOK_UP).json() == before


def test_json_patch_comes_as_plain_json(registry: requests.Session) -> None:
    headers = {"Content-Type": "application/json-patch+json"}

    assert registry.patch(path(PLAIN_SCHEMA), json=UNION, headers=headers).status_code == 400


def test_schema_of_adobe_cannot_be_patched(registry: requests.Session) -> None:
    assert registry.patch(path(GLOBAL_SCHEMA), json=UNION).status_code == 404


def descriptors(registry: requests.Session, accept: str, **params: Any) -> requests.Response:
    headers = {"Accept": f"application/vnd.adobe.{accept}+json"}
    return registry.get("/descriptors", params=params, headers=headers)


def test_descriptors_are_grouped_by_type(registry: requests.Session) -> None:
    body = descriptors(registry, "xdm").json()

    assert list(body) == ["xdm:descriptorIdentity"]
    sources = {item["xdm:sourceSchema"] for item in body["xdm:descriptorIdentity"]}
    assert {PROFILE_SCHEMA, EVENTS_SCHEMA} <= sources


def test_descriptors_of_one_schema(registry: requests.Session) -> None:
    body = descriptors(registry, "xdm", property=f"xdm:sourceSchema=={PROFILE_SCHEMA}").json()

    [item] = body["xdm:descriptorIdentity"]
    assert (item["xdm:sourceSchema"], item["xdm:isPrimary"]) == (PROFILE_SCHEMA, True)


def test_descriptors_as_ids_and_links(registry: requests.Session) -> None:
    [ids] = descriptors(registry, "xdm-id").json().values()
    [links] = descriptors(registry, "xdm-link").json().values()

    assert links == [f"/tenant/descriptors/{key}" for key in ids]


def test_descriptors_in_pages(registry: requests.Session) -> None:
    ids: list[str] = []
    params: dict[str, Any] = {"limit": 2, "orderby": "-@id"}
    while True:
        page = descriptors(registry, "xdm-v2-id", **params).json()
        ids += page["results"]
        if page["_page"]["next"] is None:
            break
        params["start"] = page["_page"]["next"]

    assert len(ids) == 3
    assert ids == sorted(ids, reverse=True)


@pytest.mark.parametrize("accept", ["xed", "xdm; version=1", "json"])
def test_descriptors_need_their_accept(registry: requests.Session, accept: str) -> None:
    reply = descriptors(registry, accept)

    assert reply.status_code == 400
    assert reply.json()["type"].endswith("XDM-1008-400")


def test_descriptors_without_accept_are_not_acceptable(registry: requests.Session) -> None:
    reply = registry.get("/descriptors", headers={"Accept": None})

    assert (reply.status_code, reply.json()["title"]) == (406, "NotAcceptableError")


@pytest.mark.parametrize("accept", [None, "*/*", "application/vnd.adobe.xdm+json"])
def test_look_up_of_a_descriptor_needs_no_accept(
    registry: requests.Session, identified: dict[str, Any], accept: str | None
) -> None:
    headers = {"Accept": accept}

    assert registry.get(f"/descriptors/{identified['@id']}", headers=headers).json() == identified
    assert registry.get("/descriptors/none", headers=headers).status_code == 404


def test_look_up_of_a_descriptor_refuses_the_accept_of_a_schema(
    registry: requests.Session, identified: dict[str, Any]
) -> None:
    reply = registry.get(f"/descriptors/{identified['@id']}", headers=LOOK_UP)

    assert (reply.status_code, reply.json()["type"][-12:]) == (400, "XDM-1009-400")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "XDM-1811-400"),
        ({"xdm:isPrimary": False}, "XDM-1811-400"),
        ({"xdm:sourceProperty": "/ean"}, "XDM-1000-400"),
    ],
    ids=["the same", "the same field", "a second primary one"],
)
def test_identity_that_there_is_already_is_refused(
    registry: requests.Session, identified: dict[str, Any], changes: dict[str, Any], code: str
) -> None:
    fields = {key: identified[key] for key in identified if key.startswith(("@type", "xdm:"))}

    reply = registry.post("/descriptors", json={**fields, **changes})

    assert (reply.status_code, reply.json()["type"][-12:]) == (400, code)
    secondary = {**fields, "xdm:sourceProperty": "/ean", "xdm:isPrimary": False}
    assert registry.post("/descriptors", json=secondary).status_code == 201


def test_descriptor_of_a_missing_schema(registry: requests.Session) -> None:
    body = {"@type": "xdm:descriptorIdentity", "xdm:sourceSchema": PLAIN_SCHEMA + "0"}

    assert registry.post("/descriptors", json=body).status_code == 404
    assert registry.post("/descriptors", json={}).status_code == 400
