"""Schema Registry: the forms of a schema that Accept asks for, and the unions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import requests

from aep_provider.emulator import Emulator
from aep_provider.emulator.seeds import (
    EVENT_CLASS,
    EVENTS_SCHEMA,
    PLAIN_SCHEMA,
    PROFILE_CLASS,
    PROFILE_SCHEMA,
    PROFILE_SCHEMA_2,
)

UNION = f"{PROFILE_CLASS}__union"


@pytest.fixture
def registry(aep: Emulator, connect: Callable[..., requests.Session]) -> requests.Session:
    return connect(aep.url, "/data/foundation/schemaregistry/tenant")


@pytest.fixture
def look_up(registry: requests.Session) -> Callable[..., dict[str, Any]]:
    def get(schema: str, form: str = "xed", under: str = "schemas") -> dict[str, Any]:
        headers = {"Accept": f"application/vnd.adobe.{form}+json; version=1"}
        reply = registry.get(f"/{under}/{quote(schema, safe='')}", headers=headers)
        assert reply.status_code == 200, reply.text
        body: dict[str, Any] = reply.json()
        return body

    return get


Look = Callable[..., dict[str, Any]]


def test_raw_form_keeps_all_of_and_references(look_up: Look) -> None:
    body = look_up(PROFILE_SCHEMA)

    assert [part["$ref"] for part in body["allOf"]] == [PROFILE_CLASS, "#/definitions/customFields"]
    assert "properties" not in body


@pytest.mark.parametrize("form", ["xed-full", "xdm-full", "xed-deprecatefield", "xdm-full-deprecated"])
def test_full_form_shows_fields_in_place_of_references(look_up: Look, form: str) -> None:
    body = look_up(EVENTS_SCHEMA, form)

    assert "allOf" not in body
    assert {"_id", "timestamp", "eventType", "personalEmail"} <= body["properties"].keys()
    assert body["properties"]["personalEmail"]["properties"]["address"]["type"] == "string"
    assert body["title"] == "Web Events"


def test_full_form_resolves_what_the_schema_defines_itself(registry: requests.Session, look_up: Look) -> None:
    tenant = {"type": "object", "properties": {"tier": {"type": "string", "title": "Tier"}}}
    body = {
        "title": "Members",
        "type": "object",
        "description": "x",
        "definitions": {"customFields": {"properties": {"_acmeinc": tenant}}},
        "allOf": [{"$ref": PROFILE_CLASS}, {"$ref": "#/definitions/customFields"}],
    }
    schema = registry.post("/schemas", json=body).json()["$id"]

    full = look_up(schema, "xed-full")

    assert full["properties"].keys() == {"_id", "_acmeinc"}
    assert "definitions" not in full
    assert look_up(schema)["definitions"] == body["definitions"]


def test_flat_form_names_fields_by_their_path(look_up: Look) -> None:
    body = look_up(PROFILE_SCHEMA, "xdm-full-flat")

    names = {"person.name.firstName", "person.name.lastName"}
    assert body["properties"].keys() == {"_id", "personalEmail.address"} | names


@pytest.mark.parametrize("form", ["xed-notext", "xed-full-notext"])
def test_notext_form_has_no_titles_and_descriptions(look_up: Look, form: str) -> None:
    body = look_up(PROFILE_SCHEMA, form)

    assert not {"title", "description"} & body.keys()
    assert "title" not in body.get("properties", {}).get("_id", {})
    assert body["$id"] == PROFILE_SCHEMA


def test_desc_form_includes_the_descriptors_of_the_schema(look_up: Look) -> None:
    [descriptor] = look_up(PROFILE_SCHEMA, "xed-full-desc")["meta:descriptors"]

    assert (descriptor["@type"], descriptor["xdm:isPrimary"]) == ("xdm:descriptorIdentity", True)
    assert look_up(PLAIN_SCHEMA, "xed-full-desc")["meta:descriptors"] == []


@pytest.mark.parametrize("under", ["schemas", "unions"])
@pytest.mark.parametrize("name", [UNION, "_xdm.context.profile__union"])
def test_union_can_be_looked_up(look_up: Look, under: str, name: str) -> None:
    body = look_up(name, under=under)

    assert (body["$id"], body["meta:altId"]) == (UNION, "_xdm.context.profile__union")
    assert (body["meta:resourceType"], body["meta:class"], body["version"]) == (
        "unions",
        PROFILE_CLASS,
        "1.0",
    )
    assert body["allOf"] == [{"$ref": PROFILE_CLASS}]
    assert "https://ns.adobe.com/xdm/data/record" in body["meta:extends"]


@pytest.mark.parametrize("path", ["/unions/none", f"/schemas/{quote(PROFILE_CLASS, safe='')}"])
def test_union_that_is_none(registry: requests.Session, path: str) -> None:
    reply = registry.get(path, headers={"Accept": "application/vnd.adobe.xed+json; version=1"})

    assert (reply.status_code, reply.json()["type"][-12:]) == (404, "XDM-1012-404")


def test_list_of_unions_has_one_for_each_class(registry: requests.Session) -> None:
    headers = {"Accept": "application/vnd.adobe.xed-id+json"}

    results = registry.get("/unions", headers=headers).json()["results"]

    assert {row["$id"] for row in results} == {UNION, f"{EVENT_CLASS}__union"}
    assert all(row.keys() == {"$id", "meta:altId", "version", "title"} for row in results)


def test_dataset_may_have_the_union_as_its_schema(
    create: Callable[..., str], read: Callable[[str], dict[str, Any]]
) -> None:
    """As the tutorials on profile exports do."""
    created = [read(create(schema=f"{name}__union")) for name in (PROFILE_CLASS, EVENT_CLASS)]

    behaviours = [body["classification"]["dataBehavior"] for body in created]
    assert behaviours == ["record", "time-series"]


@pytest.fixture
def titles(registry: requests.Session, seed: Callable[..., None]) -> Callable[..., Any]:
    """List the schemas of a class of their own: titles, and what the page says of the next one."""
    rows = [("a", 1), ("b", 1), ("b", 2), ("b", 3), ("c", 1)]
    made = [
        {"$id": f"{PROFILE_SCHEMA_2}{n}", "title": title, "description": f"{rank}", "meta:class": "x"}
        for n, (title, rank) in enumerate(rows)
    ]
    seed(schemas=made)

    def get(**query: Any) -> tuple[list[str], str | None]:
        headers = {"Accept": "application/vnd.adobe.xed+json"}
        reply = registry.get("/schemas", params={"property": "meta:class==x", **query}, headers=headers)
        assert reply.status_code == 200, reply.text
        body = reply.json()
        return [f"{row['title']}{row['description']}" for row in body["results"]], body["_page"]["next"]

    return get


@pytest.mark.parametrize(
    ("orderby", "start", "expected"),
    [
        ("title", None, ["a1", "b1", "b2", "b3", "c1"]),
        ("title", "a", ["b1", "b2", "b3", "c1"]),
        ("title", "aa", ["b1", "b2", "b3", "c1"]),
        ("title", "c", []),
        ("-title,-description", None, ["c1", "b3", "b2", "b1", "a1"]),
        ("-title", "b", ["a1"]),
        ("description,title", "1", ["b2", "b3"]),
        ("nothing,-title", None, ["c1", "b1", "b2", "b3", "a1"]),
        ("nothing,title", "x", ["a1", "b1", "b2", "b3", "c1"]),
    ],
)
def test_page_begins_strictly_after_a_value_of_the_order(
    titles: Callable[..., Any], orderby: str, start: str | None, expected: list[str]
) -> None:
    query = {"orderby": orderby} if start is None else {"orderby": orderby, "start": start}

    assert titles(**query) == (expected, None)


def test_limit_is_a_hint_so_that_no_value_is_torn_apart(titles: Callable[..., Any]) -> None:
    assert titles(orderby="title", limit=1) == (["a1"], "a")
    assert titles(orderby="title", limit=1, start="a") == (["b1", "b2", "b3"], "b")
    assert titles(orderby="title", limit=1, start="b") == (["c1"], None)


def test_page_may_hold_fewer_than_asked_for(titles: Callable[..., Any], control: requests.Session) -> None:
    control.post("/settings", json={"page_cap": 1})

    assert titles(orderby="title", limit=500) == (["a1"], "a")


@pytest.mark.parametrize(("limit", "status"), [(0, 200), (500, 200), (501, 400), (-1, 400), ("x", 400)])
def test_limit_goes_from_0_to_500(registry: requests.Session, limit: object, status: int) -> None:
    headers = {"Accept": "application/vnd.adobe.xed-id+json"}

    reply = registry.get("/schemas", params={"orderby": "title", "limit": str(limit)}, headers=headers)

    assert reply.status_code == status


@pytest.mark.parametrize("name", ["limit", "start"])
def test_limit_and_start_are_documented_beside_orderby_only(
    serve: Callable[..., Emulator], connect: Callable[..., requests.Session], name: str
) -> None:
    headers = {"Accept": "application/vnd.adobe.xed-id+json"}
    path = "/data/foundation/schemaregistry/tenant/schemas"

    replies = [
        connect(serve(strict=strict).url).get(path, params={name: "0"}, headers=headers)
        for strict in (False, True)
    ]

    assert [reply.status_code for reply in replies] == [200, 400]
    assert f"query:{name} (without orderby)" in replies[1].json()["detail"]


def test_start_that_no_page_gave_shows_nothing_without_an_order(
    serve: Callable[..., Emulator], connect: Callable[..., requests.Session]
) -> None:
    session = connect(serve().url)
    session.headers["Accept"] = "application/vnd.adobe.xed-id+json"

    reply = session.get("/data/foundation/schemaregistry/tenant/schemas", params={"start": "0"})

    assert (reply.json()["results"], reply.json()["_page"]["orderby"]) == ([], "updated")


def test_link_leads_to_the_next_page(platform: requests.Session, titles: Callable[..., Any]) -> None:
    headers = {"Accept": "application/vnd.adobe.xed+json"}
    query = {"orderby": "title", "limit": "1", "property": "meta:class==x"}
    path, found = "/data/foundation/schemaregistry/tenant/schemas", []
    body = platform.get(path, params=query, headers=headers).json()
    while body["_links"]["next"] is not None:
        found += body["results"]
        body = platform.get(body["_links"]["next"]["href"], headers=headers).json()

    assert [row["title"] for row in found + body["results"]] == ["a", "b", "b", "b", "c"]
    assert titles(orderby="title")[1] is None
