"""What no documentation names: accepted and marked by default, refused by a strict emulator."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
import requests
from starlette.routing import Route

from aep_provider.emulator import (
    Emulator,
    catalog,
    descriptors,
    export,
    flows,
    ims,
    ingestion,
    registry,
    registry_changes,
    sandboxes,
    ups,
)
from aep_provider.emulator.client import LoggedRequest
from aep_provider.emulator.seeds import DEMO_PLAIN_DATASET, PROFILE_CLASS, PROFILE_SCHEMA

SERVICES = (ims, catalog, registry, registry_changes, descriptors, sandboxes, flows, ingestion, export, ups)

DATASETS = "/data/foundation/catalog/dataSets"
BODY: dict[str, Any] = {"name": "x", "schemaRef": {"id": PROFILE_SCHEMA, "contentType": "application/json"}}
UNKNOWN: list[tuple[str, dict[str, Any]]] = [
    ("GET", {"params": {"nonsense": "1"}}),
    ("GET", {"headers": {"x-nonsense": "1"}}),
    ("POST", {"json": {**BODY, "nonsense": True}}),
]


@pytest.mark.parametrize(("method", "arguments"), UNKNOWN)
def test_strict_refuses_and_names_the_unknown(
    platform: requests.Session, method: str, arguments: dict[str, Any]
) -> None:
    reply = platform.request(method, DATASETS, **arguments)

    assert reply.status_code == 400
    assert "nonsense" in reply.text
    assert platform.get(DATASETS).json() == {}


@pytest.mark.parametrize(("method", "arguments"), UNKNOWN)
def test_lenient_accepts_and_marks_the_unknown(
    serve: Callable[..., Emulator],
    connect: Callable[..., requests.Session],
    method: str,
    arguments: dict[str, Any],
) -> None:
    aep = serve()

    reply = connect(aep.url).request(method, DATASETS, **arguments)

    assert reply.ok, reply.text
    entry = connect(aep.url, client=None).get("/_emulator/requests").json()["requests"][-1]
    assert any("nonsense" in mark for mark in entry["unknown"])


def routes() -> list[tuple[str, str]]:
    """Return method and path of every request that a service answers."""
    made = [route for part in SERVICES for route in part.routes() if isinstance(route, Route)]
    return [(method, route.path) for route in made for method in sorted((route.methods or set()) - {"HEAD"})]


@pytest.mark.parametrize(("method", "path"), routes())
def test_unknown_parameter_is_marked_whatever_the_request(
    serve: Callable[..., Emulator], connect: Callable[..., requests.Session], method: str, path: str
) -> None:
    aep = serve(seed="demo")
    ids = {"id": DEMO_PLAIN_DATASET, "ids": DEMO_PLAIN_DATASET, "name": "dev", "path:path": "a"}
    filled = re.sub(r"\{([^}]*)\}", lambda match: ids.get(match[1], "x"), path)

    headers = {"Accept": "application/vnd.adobe.xed+json; version=1", "x-nonsense": "1"}
    connect(aep.url).request(method, filled, params={"nonsense": "1"}, headers=headers, json={})

    entry = connect(aep.url, client=None).get("/_emulator/requests").json()["requests"][-1]
    assert entry["service"] != "unknown"
    marks = {"field:nonsense"} if entry["service"] == "ims" else {"query:nonsense", "header:x-nonsense"}
    assert marks <= set(entry["unknown"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", DATASETS, {**BODY, "nonsense": 1}),
        ("PATCH", f"{DATASETS}/{DEMO_PLAIN_DATASET}", {"nonsense": 1}),
        ("PATCH", f"/data/foundation/catalog/v2/dataSets/{DEMO_PLAIN_DATASET}", {"nonsense": 1}),
        ("PUT", f"{DATASETS}/{DEMO_PLAIN_DATASET}", {**BODY, "nonsense": 1}),
        (
            "POST",
            "/data/foundation/import/batches",
            {"datasetId": DEMO_PLAIN_DATASET, "inputFormat": {"format": "json"}, "nonsense": 1},
        ),
        (
            "POST",
            "/data/foundation/schemaregistry/tenant/schemas",
            {
                "title": "T",
                "type": "object",
                "description": "",
                "allOf": [{"$ref": PROFILE_CLASS}],
                "nonsense": 1,
            },
        ),
        (
            "POST",
            "/data/foundation/schemaregistry/tenant/descriptors",
            {"@type": "xdm:descriptorOneToOne", "xdm:sourceSchema": PROFILE_SCHEMA, "nonsense": 1},
        ),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_unknown_field_is_marked_or_refused_whatever_the_body(
    serve: Callable[..., Emulator],
    connect: Callable[..., requests.Session],
    method: str,
    path: str,
    body: dict[str, Any],
    strict: bool,
) -> None:
    aep = serve(seed="demo", strict=strict)

    reply = connect(aep.url).request(method, path, json=body)

    assert reply.status_code == 400 if strict else reply.ok
    entry = connect(aep.url, client=None).get("/_emulator/requests").json()["requests"][-1]
    assert "body:nonsense" in entry["unknown"]


def test_documented_request_is_not_marked(
    platform: requests.Session, log: Callable[[], list[LoggedRequest]]
) -> None:
    platform.get(DATASETS, params={"limit": "10", "start": "0", "orderBy": "desc:created"})

    assert log()[-1]["unknown"] == []


def test_lenient_still_refuses_what_aep_is_known_to_refuse(
    serve: Callable[..., Emulator], connect: Callable[..., requests.Session]
) -> None:
    assert connect(serve().url).get(DATASETS, params={"limit": 101}).status_code == 400


def test_health_tells_the_version(control: requests.Session) -> None:
    assert control.get("/health").json()["version"] == version("aep-provider")


def test_health_tells_whether_it_is_strict(
    serve: Callable[..., Emulator], connect: Callable[..., requests.Session]
) -> None:
    told = [connect(serve(strict=s).url, client=None).get("/_emulator/health").json() for s in (True, False)]

    assert [health["strict"] for health in told] == [True, False]
