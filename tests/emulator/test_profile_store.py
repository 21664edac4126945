"""Profile you can see: which batches reach it, when records merge, and what becomes of events."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from aep_provider.emulator import Emulator
from aep_provider.emulator.seeds import EVENTS_SCHEMA, PROFILE_SCHEMA_2

ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
UPSERT = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
OFF = {"unifiedProfile": ["enabled:false"], "unifiedIdentity": ["enabled:false"]}
ANN = "ann@example.com"
Ingest = Callable[..., str]
Profile = Callable[..., "dict[str, Any] | None"]


@pytest.fixture
def upload(aep: Emulator, connect: Callable[..., requests.Session]) -> Ingest:
    """Upload rows in a batch of their own and complete it; return the batch's id."""
    session = connect(aep.url, "/data/foundation/import")

    def post(dataset_id: str, *rows: dict[str, Any]) -> str:
        body = {"datasetId": dataset_id, "inputFormat": {"format": "json"}}
        batch = str(session.post("/batches", json=body).json()["id"])
        content = "\n".join(json.dumps(row) for row in rows)
        path = f"/batches/{batch}/datasets/{dataset_id}/files/rows.json"
        assert session.put(path, data=content, headers={"Content-Type": "application/octet-stream"}).ok
        assert session.post(f"/batches/{batch}", params={"action": "COMPLETE"}).ok
        return batch

    return post


@pytest.fixture
def ingest(upload: Ingest, control: requests.Session) -> Ingest:
    """Upload rows and have the batch promoted."""

    def post(dataset_id: str, *rows: dict[str, Any]) -> str:
        batch = upload(dataset_id, *rows)
        control.post("/tick", json={"batches": True})
        return batch

    return post


@pytest.fixture
def entities(aep: Emulator, connect: Callable[..., requests.Session]) -> Callable[..., requests.Response]:
    session = connect(aep.url, "/data/core/ups/access")
    return lambda **params: session.get("/entities", params=params)


@pytest.fixture
def profile(entities: Callable[..., requests.Response]) -> Profile:
    """Return the profile of an identity, or None."""

    def get(value: str = ANN, namespace: str = "email") -> dict[str, Any] | None:
        query = {"schema.name": "_xdm.context.profile", "entityId": value, "entityIdNS": namespace}
        reply = entities(**query)
        if reply.status_code == 404:
            return None
        assert reply.status_code == 200, reply.text
        [body] = reply.json().values()
        entity: dict[str, Any] = body["entity"]
        return entity

    return get


@pytest.fixture
def events(entities: Callable[..., requests.Response]) -> Callable[..., dict[str, Any]]:
    def get(**more: Any) -> dict[str, Any]:
        query = {
            "schema.name": "_xdm.context.experienceevent",
            "relatedSchema.name": "_xdm.context.profile",
            "relatedEntityId": ANN,
            "relatedEntityIdNS": "email",
        }
        reply = entities(**query, **more)
        assert reply.status_code == 200, reply.text
        body: dict[str, Any] = reply.json()
        return body

    return get


def person(**fields: Any) -> dict[str, Any]:
    return {"personalEmail": {"address": ANN}, **fields}


def tagged(patch: Callable[..., requests.Response], dataset_id: str, tags: dict[str, list[str]]) -> None:
    reply = patch(dataset_id, *(("add", f"/tags/{name}", values) for name, values in tags.items()))
    assert reply.status_code == 200, reply.text


def test_batch_of_an_enabled_dataset_reaches_profile(
    create: Callable[..., str], ingest: Ingest, profile: Profile
) -> None:
    ingest(create(tags=ON), person(city="Berlin"))

    assert profile() == person(city="Berlin")


def test_batch_of_a_dataset_without_profile_does_not(
    create: Callable[..., str], ingest: Ingest, profile: Profile
) -> None:
    ingest(create(), person(city="Berlin"))

    assert profile() is None


def test_batch_that_is_not_promoted_yet_is_not_there(
    create: Callable[..., str], upload: Ingest, profile: Profile
) -> None:
    upload(create(tags=ON), person())

    assert profile() is None


def test_turning_profile_on_backfills_nothing(
    create: Callable[..., str],
    ingest: Ingest,
    profile: Profile,
    patch: Callable[..., requests.Response],
    control: requests.Session,
) -> None:
    dataset_id = create()
    batch = ingest(dataset_id, person())

    tagged(patch, dataset_id, ON)
    control.patch(f"/batches/{batch}", json={"status": "active"})

    assert profile() is None


def test_moment_of_promotion_counts_and_not_that_of_the_upload(
    create: Callable[..., str],
    upload: Ingest,
    profile: Profile,
    patch: Callable[..., requests.Response],
    control: requests.Session,
) -> None:
    dataset_id = create(tags=ON)
    upload(dataset_id, person())
    tagged(patch, dataset_id, OFF)

    control.post("/tick", json={"batches": True})
    tagged(patch, dataset_id, ON)

    assert profile() is None


def test_without_upsert_a_record_replaces_the_one_before(
    create: Callable[..., str], ingest: Ingest, profile: Profile
) -> None:
    dataset_id = create(tags=ON)
    ingest(dataset_id, person(city="Berlin", name={"first": "Ann", "last": "Lee"}))

    ingest(dataset_id, person(name={"first": "Anna"}))

    assert profile() == person(name={"first": "Anna"})


def test_with_upsert_its_fields_merge_into_the_record(
    create: Callable[..., str], ingest: Ingest, profile: Profile
) -> None:
    dataset_id = create(tags=UPSERT)
    ingest(dataset_id, person(city="Berlin", name={"first": "Ann", "last": "Lee"}, likes=["tea", "rain"]))

    ingest(dataset_id, person(name={"first": "Anna"}, likes=["sun"]))

    assert profile() == person(city="Berlin", name={"first": "Anna", "last": "Lee"}, likes=["sun"])


def test_upsert_tag_with_profile_off_takes_nothing_in(
    create: Callable[..., str], ingest: Ingest, profile: Profile
) -> None:
    ingest(create(tags={"unifiedProfile": ["enabled:false", "isUpsert:true"]}), person())

    assert profile() is None


def test_rows_of_one_batch_follow_one_another(
    create: Callable[..., str], ingest: Ingest, profile: Profile
) -> None:
    ingest(create(tags=UPSERT), person(city="Berlin"), person(street="Wall"))

    assert profile() == person(city="Berlin", street="Wall")


def test_records_of_two_datasets_meet_in_one_profile(
    create: Callable[..., str], ingest: Ingest, entities: Callable[..., requests.Response]
) -> None:
    one, two = create(tags=ON), create(tags=ON, schema=PROFILE_SCHEMA_2)
    ingest(one, person(city="Berlin", orders=1))
    ingest(two, person(orders=7))

    query = {"schema.name": "_xdm.context.profile", "entityId": ANN, "entityIdNS": "Email"}
    [(xid, body)] = entities(**query).json().items()

    assert (body["entity"], body["sources"]) == (person(city="Berlin", orders=7), [one, two])
    assert body["entityId"] == xid
    by_xid = entities(**{"schema.name": "_xdm.context.profile", "entityId": xid})
    assert by_xid.json() == {xid: body}


def test_identity_map_is_an_identity(create: Callable[..., str], ingest: Ingest, profile: Profile) -> None:
    row = {"identityMap": {"CRMID": [{"id": "42", "primary": True}]}, "city": "Berlin"}

    ingest(create(tags=ON), row)

    assert profile("42", "crmid") == row
    assert profile("42", "email") is None


def test_row_without_identity_stays_out(
    create: Callable[..., str], ingest: Ingest, profile: Profile, catalog: requests.Session
) -> None:
    batch = ingest(create(tags=ON), {"city": "Berlin"}, person(city="Bonn"))

    assert profile() == person(city="Bonn")
    assert catalog.get(f"/batches/{batch}").json()[batch]["status"] == "success"


@pytest.mark.parametrize("tags", [ON, UPSERT], ids=["plain", "upsert"])
def test_events_never_merge(
    create: Callable[..., str],
    ingest: Ingest,
    profile: Profile,
    events: Callable[..., dict[str, Any]],
    tags: dict[str, list[str]],
) -> None:
    dataset_id = create(tags=tags, schema=EVENTS_SCHEMA)
    rows = [person(_id=str(day), timestamp=f"2026-01-0{day}T00:00:00Z") for day in (2, 1)]

    ingest(dataset_id, *rows)

    assert [child["entity"] for child in events()["children"]] == [rows[1], rows[0]]
    assert events()["children"][0]["timestamp"] == 1767225600000
    assert profile() is None, "events are not attributes"


@pytest.mark.parametrize("query", [{"entityIdNS": "Email"}, {"relatedSchema.name": "_xdm.context.profile"}])
def test_events_can_be_had_by_entity_id(
    create: Callable[..., str],
    ingest: Ingest,
    events: Callable[..., dict[str, Any]],
    entities: Callable[..., requests.Response],
    query: dict[str, str],
) -> None:
    ingest(create(tags=ON, schema=EVENTS_SCHEMA), person(_id="1", timestamp="2026-01-01T00:00:00Z"))
    expected = events()["children"]
    identity = ANN if "entityIdNS" in query else expected[0]["relatedEntityId"]

    reply = entities(**{"schema.name": "_xdm.context.experienceevent", "entityId": identity, **query})

    assert (reply.status_code, reply.json()["children"]) == (200, expected)


@pytest.mark.parametrize(("switch", "reached"), [("ignored", person()), ("honoured", None)])
def test_flag_that_is_said_to_keep_profile_away_is_a_switch(
    create: Callable[..., str],
    ingest: Ingest,
    profile: Profile,
    control: requests.Session,
    switch: str,
    reached: dict[str, Any] | None,
) -> None:
    control.post("/settings", json={"granular_flags": switch})
    flags = {"acp_granular_plugin_validation_flags": ["identity:enabled", "profile: disabled"]}

    ingest(create(tags={**ON, **flags}), person())

    assert profile() == reached


def test_honoured_flags_leave_other_datasets_alone(
    create: Callable[..., str], ingest: Ingest, profile: Profile, control: requests.Session
) -> None:
    control.post("/settings", json={"granular_flags": "honoured"})

    ingest(create(tags={**ON, "acp_granular_plugin_validation_flags": ["profile:enabled"]}), person())

    assert profile() == person()


def test_events_page_by_the_next_of_the_page_before(
    create: Callable[..., str], ingest: Ingest, events: Callable[..., dict[str, Any]]
) -> None:
    rows = [person(_id=str(day), timestamp=f"2026-01-0{day}T00:00:00Z") for day in (1, 2, 3)]
    ingest(create(tags=ON, schema=EVENTS_SCHEMA), *rows)

    first = events(limit=2)
    second = events(limit=2, start=first["_page"]["next"])

    assert [child["entityId"] for page in (first, second) for child in page["children"]] == ["1", "2", "3"]
    assert f"start={first['_page']['next']}" in first["_links"]["next"]["href"]
    assert (second["_page"]["next"], second["_links"]) == ("", {"next": {"href": ""}})


def test_fields_are_a_projection(
    create: Callable[..., str], ingest: Ingest, entities: Callable[..., requests.Response]
) -> None:
    ingest(create(tags=ON), person(city="Berlin", name={"first": "Ann", "last": "Lee"}))
    query = {"schema.name": "_xdm.context.profile", "entityId": ANN, "entityIdNS": "email"}

    [body] = entities(**query, fields="name.first,city,missing.x").json().values()

    assert body["entity"] == {"city": "Berlin", "name": {"first": "Ann"}}


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"schema.name": "_xdm.context.profile"},
        {"schema.name": "_xdm.context.experienceevent"},
        {"schema.name": "other", "entityId": ANN},
    ],
)
def test_incomplete_look_up(entities: Callable[..., requests.Response], query: dict[str, str]) -> None:
    reply = entities(**query)

    assert (reply.status_code, reply.json()["code"]) == (400, "400")


def test_deleting_the_dataset_takes_its_profiles_away(
    create: Callable[..., str], ingest: Ingest, profile: Profile, catalog: requests.Session
) -> None:
    dataset_id = create(tags=ON)
    ingest(dataset_id, person())

    catalog.delete(f"/dataSets/{dataset_id}")

    assert profile() is None


@pytest.mark.parametrize(("switch", "left"), [("keep", person()), ("remove", None)])
def test_what_disabling_does_to_profiles_is_a_switch(
    create: Callable[..., str],
    ingest: Ingest,
    profile: Profile,
    patch: Callable[..., requests.Response],
    control: requests.Session,
    switch: str,
    left: dict[str, Any] | None,
) -> None:
    control.post("/settings", json={"profile_on_disable": switch})
    dataset_id = create(tags=ON)
    ingest(dataset_id, person())

    tagged(patch, dataset_id, OFF)

    assert profile() == left


def test_profiles_of_another_sandbox_are_not_seen(
    create: Callable[..., str], ingest: Ingest, aep: Emulator, connect: Callable[..., requests.Session]
) -> None:
    ingest(create(tags=ON), person())
    other = connect(aep.url, "/data/core/ups/access", sandbox="prod")
    query = {"schema.name": "_xdm.context.profile", "entityId": ANN, "entityIdNS": "email"}

    assert other.get("/entities", params=query).status_code == 404
