"""Nonsense is refused where it arrives: no raw object makes the emulator fail, now or at a later reading."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aep_provider.emulator import Control, Emulator
from aep_provider.emulator.seeds import DEMO_PROFILE_DATASET, PROFILE_SCHEMA

JSON_TYPE = {"Content-Type": "application/json"}
SCHEMA = "https://ns.adobe.com/acmeinc/schemas/a"
ORDERS: dict[str, dict[str, Any]] = {
    "POST /seed": {
        "sandbox": "dev",
        "clients": {"mine": {"secret": "s", "org": "x", "expires_in": 60}},
        "sandboxes": [{"name": "qa", "state": "active", "type": "development", "isDefault": False}],
        "schemas": [
            {
                "$id": SCHEMA,
                "title": "T",
                "meta:altId": "_acmeinc.schemas.a",
                "meta:extends": ["x"],
                "version": "1.0",
                "meta:immutableTags": ["union"],
                "meta:containerId": "tenant",
                "meta:registryMetadata": {},
            }
        ],
        "datasets": {
            DEMO_PROFILE_DATASET: {
                "name": "M",
                "tags": {"unifiedProfile": ["enabled:true"]},
                "schemaRef": {"id": PROFILE_SCHEMA},
                "version": "1.0.3",
                "created": 5,
                "updated": 5,
                "createdClient": "demo-client",
                "classification": {"dataBehavior": "record", "managedBy": "CUSTOMER"},
            }
        },
        "batches": {
            "B1": {
                "status": "success",
                "_script": ["success"],
                "relatedObjects": [{"type": "dataSet", "id": DEMO_PROFILE_DATASET}],
                "created": 5,
                "updated": 7,
                "completed": 9,
                "version": "1.0.1",
                "inputFormat": {"format": "json"},
            }
        },
        "descriptors": [
            {
                "@id": "d",
                "@type": "xdm:descriptorIdentity",
                "xdm:sourceSchema": PROFILE_SCHEMA,
                "xdm:sourceProperty": "/a",
            }
        ],
        "flows": [{"id": "f", "name": "n", "version": "v"}],
        "targetConnections": [{"id": "t", "params": {"dataSetId": DEMO_PROFILE_DATASET}}],
    },
    "PATCH /batches/B1": {
        "status": "success",
        "relatedObjects": [{"type": "dataSet", "id": DEMO_PROFILE_DATASET}],
        "completed": 3,
        "version": "1.0.0",
    },
    "POST /tick": {"background": True, "batches": True, "seconds": 60},
    "POST /settings": {
        "union_propagation": 0,
        "batch_readings": 2,
        "if_match": True,
        "tag_filter": "honoured",
    },
    "POST /faults": {
        "match": {"service": "catalog", "method": "GET", "path": "dataSets"},
        "nth": 1,
        "times": 1,
        "action": {"status": 418, "headers": {"Retry-After": "1"}, "effect": True},
    },
    "POST /reset": {"seed": "demo"},
}
READINGS = (
    "/data/foundation/catalog/dataSets?orderBy=desc:updated&tags=unifiedProfile:*&property=created>5",
    f"/data/foundation/catalog/dataSets/{DEMO_PROFILE_DATASET}",
    "/data/foundation/catalog/batches?orderBy=desc:created&createdAfter=3",
    f"/data/foundation/catalog/batches?dataSet={DEMO_PROFILE_DATASET}&status=success",
    "/data/foundation/catalog/batches/B1",
    "/data/foundation/catalog/lastBatches?orderBy=created",
    "/data/foundation/schemaregistry/tenant/schemas?property=meta:immutableTags==union",
    "/data/foundation/schemaregistry/tenant/descriptors",
    "/data/foundation/sandbox-management/",
    "/data/foundation/flowservice/flows?orderby=-name",
    "/data/foundation/flowservice/targetConnections?property=params.dataSetId==x",
    "/_emulator/status",
    "/_emulator/datasets",
    "/_emulator/faults",
)
NONSENSE: list[Any] = [
    None, True, 0, -1, 10**30, 1.5, "", "x", "1.0.x", "a" * 300, "\x00", "🙂", [], {}, [None], ["x"], [{}],
    {"": None}, {"id": None}, {"a": {"b": [1]}},
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the path to everything inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


CHANGES = [(route, place) for route, order in ORDERS.items() for place in places(order)]


@pytest.fixture
def send(
    serve: Callable[..., Emulator], connect: Callable[..., requests.Session]
) -> Callable[[str, Any], list[tuple[str, int]]]:
    """Send an order to a control route of a fresh state, read everything, and return what failed."""
    aep = serve(seed="demo")
    session = connect(aep.url)
    session.headers["Accept"] = "application/vnd.adobe.xed+json"

    def post(route: str, order: Any) -> list[tuple[str, int]]:
        method, path = route.split()
        assert session.post("/_emulator/reset", json={"seed": "demo"}).ok
        session.headers.update(Control(aep.url).headers())
        assert session.post("/_emulator/seed", json=ORDERS["POST /seed"]).ok
        replies = [session.request(method, f"/_emulator{path}", data=json.dumps(order), headers=JSON_TYPE)]
        if replies[0].ok:
            replies += [session.get(reading) for reading in READINGS]
            replies.append(session.post("/_emulator/tick", json={"batches": True, "background": True}))
        else:
            assert replies[0].json().keys() == {"error"}
        return [
            (str(reply.request.path_url), reply.status_code) for reply in replies if reply.status_code >= 500
        ]

    return post


def test_orders_themselves_are_taken(send: Callable[[str, Any], list[tuple[str, int]]]) -> None:
    assert [failed for route, order in ORDERS.items() for failed in send(route, order)] == []


@settings(
    max_examples=120,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(change=st.sampled_from(CHANGES), nonsense=st.sampled_from(NONSENSE))
def test_nonsense_in_an_order_is_refused_or_harmless(
    send: Callable[[str, Any], list[tuple[str, int]]], change: tuple[str, tuple[Any, ...]], nonsense: Any
) -> None:
    route, place = change
    order = deepcopy(ORDERS[route])
    target: Any = order
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = nonsense

    assert send(route, order) == []


@pytest.mark.parametrize(
    ("kind", "field", "value", "must"),
    [
        ("datasets", "created", "yesterday", "a whole number"),
        ("datasets", "version", "1.0.x", "numbers with dots between them"),
        ("batches", "relatedObjects", None, "a list of objects"),
        ("batches", "_script", ["loaded", None], "a list of strings"),
        ("clients", "expires_in", 0, "a whole number of seconds, at least 1"),
    ],
)
def test_refusal_says_what_is_wrong_and_where(
    control: requests.Session, kind: str, field: str, value: Any, must: str
) -> None:
    reply = control.post("/seed", json={kind: {"one": {"secret": "s", field: value}}})

    assert (reply.status_code, reply.json()) == (400, {"error": f"{kind}.one: {field} must be {must}"})
