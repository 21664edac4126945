"""Replies, and the provider's requests, against Adobe's published OpenAPI descriptions.

The descriptions are not part of this project: `make adobe-openapi` downloads them, and without them these tests are
skipped. What differs is listed with its reason in docs/emulator.md; a row too many fails as well as a row too few.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from pulumi.dynamic import Config as PulumiConfig
from pulumi.dynamic import ConfigureRequest

from aep_provider.arguments import SWITCHES, validated
from aep_provider.emulator import Emulator, seeds
from aep_provider.plugin import host
from aep_provider.plugin.provider import UpsertDatasetProvider
from support.adobe import Difference
from support.clock import FakeClock
from support.settings import config

ROOT = Path(__file__).resolve().parents[2]


def table() -> dict[Difference, str]:
    """Return the documented differences with their reasons."""
    text = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")
    section = text.partition("### Differences from Adobe's OpenAPI")[2].partition("\n## ")[0]
    rows = re.findall(
        r"^\| `([^|`]+)` \| (request|reply) \| `([^|`]+)` \| ([^|]+) \|$", section, re.MULTILINE
    )
    return {(operation, side, what): why for operation, side, what, why in rows}


SCHEMA_REF = {"contentType": "application/vnd.adobe.xed+json;version=1"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
BINARY = {"Content-Type": "application/octet-stream"}
LOOK_UP = {"Accept": "application/vnd.adobe.xed+json; version=1"}
LIST = {"Accept": "application/vnd.adobe.xed-id+json"}
FULL = {"Accept": "application/vnd.adobe.xed-full+json; version=1"}
FULL_LIST = {"Accept": "application/vnd.adobe.xed+json"}
DESCRIPTORS = {"Accept": "application/vnd.adobe.xdm+json"}
MISSING = "f" * 24
PLAIN = f"/data/foundation/catalog/dataSets/{seeds.DEMO_PLAIN_DATASET}"
CATALOG, REGISTRY = "/data/foundation/catalog", "/data/foundation/schemaregistry"
FLOWS, IMPORT = "/data/foundation/flowservice", "/data/foundation/import"
SANDBOXES = "/data/foundation/sandbox-management"
BATCH = "01JD0Q6Z5X8T4N2B7C9E1F3G5H"
ORDERS = f"{IMPORT}/batches/B1/datasets/{seeds.DEMO_PROFILE_DATASET}/files/a.json"
NEW_SCHEMA = {
    "title": "New",
    "type": "object",
    "description": "Made for this test",
    "allOf": [{"$ref": seeds.PROFILE_CLASS}],
}
UNION_ID = quote(f"{seeds.PROFILE_CLASS}__union", safe="")
IDENTITY = {
    "@id": "d" * 40,
    "@type": "xdm:descriptorIdentity",
    "xdm:sourceSchema": seeds.PLAIN_SCHEMA,
    "xdm:sourceVersion": 1,
    "xdm:sourceProperty": "/sku",
    "xdm:namespace": "SKU",
    "xdm:property": "xdm:code",
    "xdm:isPrimary": True,
}
OTHER_IDENTITY = {
    **{name: value for name, value in IDENTITY.items() if name != "@id"},
    "xdm:sourceProperty": "/ean",
    "xdm:isPrimary": False,
}
UNION = [{"op": "add", "path": "/meta:immutableTags", "value": ["union"]}]
FLOW = "0f2b6c1e-6a2c-4b0f-9a1d-7d3b5e9c0a0"


def _schema(schema: str) -> str:
    return f"{REGISTRY}/tenant/schemas/{quote(schema, safe='')}"


def _body(schema: str = seeds.PROFILE_SCHEMA, **fields: Any) -> dict[str, Any]:
    return {"name": "Made", "schemaRef": {"id": schema, **SCHEMA_REF}, **fields}


CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", f"{CATALOG}/dataSets", {"params": {"limit": 100, "orderBy": "name"}}),
    ("GET", f"{CATALOG}/dataSets", {"params": {"limit": 0}}),
    ("GET", PLAIN, {}),
    ("GET", f"{CATALOG}/dataSets/{MISSING}", {}),
    ("POST", f"{CATALOG}/dataSets", {"json": _body()}),
    ("POST", f"{CATALOG}/dataSets", {"json": _body(seeds.PROFILE_SCHEMA + "0")}),
    ("PATCH", PLAIN, {"json": [{"op": "add", "path": "/tags/a", "value": ["b"]}], "headers": JSON_PATCH}),
    ("PATCH", PLAIN, {"json": {"description": "x"}}),
    ("PATCH", PLAIN, {"json": {"description": "x"}, "headers": {"If-Match": "9.9.9"}}),
    ("PATCH", PLAIN.replace("/dataSets", "/v2/dataSets"), {"json": {"description": "x"}}),
    (
        "PATCH",
        f"{CATALOG}/v2/dataSets/{seeds.DEMO_EVENTS_DATASET}",
        {"json": {"extensions": {"adobe_lakeHouse": {"rowExpiration": {"ttlValue": "P3M"}}}}},
    ),
    ("PUT", PLAIN, {"json": _body(seeds.PLAIN_SCHEMA)}),
    ("DELETE", PLAIN, {}),
    ("DELETE", f"{CATALOG}/dataSets/{MISSING}", {}),
    ("GET", f"{CATALOG}/batches", {"params": {"dataSet": seeds.DEMO_PROFILE_DATASET}}),
    ("GET", f"{CATALOG}/batches/{BATCH}", {}),
    ("GET", f"{CATALOG}/batches/NONE", {}),
    ("GET", f"{CATALOG}/batches/{BATCH},B1,B2", {}),
    ("GET", f"{CATALOG}/lastBatches", {"params": {"dataSetId": seeds.DEMO_PROFILE_DATASET}}),
    ("POST", f"{IMPORT}/batches", {"json": {"datasetId": MISSING, "inputFormat": {"format": "JSON"}}}),
    (
        "POST",
        f"{IMPORT}/batches",
        {"json": {"datasetId": seeds.DEMO_PROFILE_DATASET, "inputFormat": {"format": "json"}}},
    ),
    (
        "POST",
        f"{IMPORT}/batches",
        {
            "json": {
                "datasetId": seeds.DEMO_PROFILE_DATASET,
                "inputFormat": {"format": "json"},
                "replay": {"predecessors": [f"${BATCH}"], "reason": "replace"},
            }
        },
    ),
    ("PUT", ORDERS, {"data": b"{}", "headers": BINARY}),
    ("POST", f"{IMPORT}/batches/B1", {"params": {"action": "COMPLETE"}}),
    ("POST", f"{IMPORT}/batches/B1", {"params": {"action": "REVERT"}}),
    ("POST", f"{IMPORT}/batches/NONE", {"params": {"action": "ABORT"}}),
    ("GET", f"{REGISTRY}/tenant/schemas", {"headers": LIST}),
    ("GET", f"{REGISTRY}/tenant/schemas", {"headers": FULL_LIST}),
    ("GET", f"{REGISTRY}/tenant/schemas", {"headers": LOOK_UP}),
    ("GET", f"{REGISTRY}/global/schemas", {"headers": LIST}),
    ("GET", _schema(seeds.PROFILE_SCHEMA), {"headers": LOOK_UP}),
    ("GET", _schema(seeds.PROFILE_SCHEMA), {"headers": FULL}),
    ("GET", _schema(seeds.PROFILE_SCHEMA), {"headers": LIST}),
    ("GET", f"{REGISTRY}/tenant/unions", {"headers": LIST}),
    ("GET", f"{REGISTRY}/tenant/unions", {"headers": FULL_LIST}),
    ("GET", f"{REGISTRY}/tenant/unions/{UNION_ID}", {"headers": LOOK_UP}),
    ("GET", f"{REGISTRY}/tenant/unions/{UNION_ID}", {"headers": LIST}),
    ("GET", f"{REGISTRY}/tenant/schemas/{UNION_ID}", {"headers": LOOK_UP}),
    ("GET", _schema(seeds.PROFILE_SCHEMA + "0"), {"headers": LOOK_UP}),
    (
        "POST",
        f"{REGISTRY}/tenant/schemas",
        {"json": NEW_SCHEMA},
    ),
    ("PATCH", _schema(seeds.PLAIN_SCHEMA), {"json": UNION}),
    ("GET", f"{REGISTRY}/tenant/descriptors", {"headers": DESCRIPTORS}),
    ("GET", f"{REGISTRY}/tenant/descriptors", {"headers": LIST}),
    ("GET", f"{REGISTRY}/tenant/descriptors/{IDENTITY['@id']}", {}),
    ("GET", f"{REGISTRY}/tenant/descriptors/{IDENTITY['@id']}", {"headers": LIST}),
    ("POST", f"{REGISTRY}/tenant/descriptors", {"json": OTHER_IDENTITY}),
    ("POST", f"{REGISTRY}/tenant/descriptors", {"json": {**OTHER_IDENTITY, "xdm:sourceProperty": "/sku"}}),
    ("GET", f"{SANDBOXES}/", {"headers": {"Accept": "application/json"}}),
    ("GET", f"{SANDBOXES}/sandboxes", {"headers": {"Accept": "application/json"}}),
    ("GET", f"{SANDBOXES}/sandboxes/dev", {"headers": {"Accept": "application/json"}}),
    ("GET", f"{SANDBOXES}/sandboxes/none", {"headers": {"Accept": "application/json"}}),
    *(
        ("GET", f"{FLOWS}/{kind}", {"params": {"limit": 100}})
        for kind in ("flows", "targetConnections", "sourceConnections", "connections")
    ),
    ("GET", f"{FLOWS}/targetConnections/{FLOW}1", {}),
    ("GET", f"{FLOWS}/sourceConnections/{FLOW}2", {}),
    ("GET", f"{FLOWS}/flows/{FLOW}3", {}),
    ("GET", f"{FLOWS}/connections/{FLOW}4", {}),
    ("GET", f"{FLOWS}/flows/none", {}),
]
SEEDED = {
    "batches": {
        "B1": {"relatedObjects": [{"type": "dataSet", "id": seeds.DEMO_PROFILE_DATASET}]},
        "B2": {"status": "failed", "errors": [{"code": "200", "description": "x", "rows": ["1", "3-5"]}]},
    },
    "connections": [{"id": f"{FLOW}4", "name": "Base"}],
    "descriptors": [IDENTITY],
}


@pytest.fixture
def met(
    serve: Callable[..., Emulator], connect: Callable[..., requests.Session], adobe: Callable[[str], Any]
) -> Callable[[str, str, dict[str, Any]], set[Difference]]:
    """Send a request to a fresh emulator with the seed "demo" and return what differs."""
    url = serve(seed="demo").url
    connect(url, "/_emulator", client=None).post("/seed", json=SEEDED).raise_for_status()
    session = connect(url)

    def send(method: str, path: str, arguments: dict[str, Any]) -> set[Difference]:
        return set(adobe(path).differences(session.request(method, path, **arguments)))

    return send


@pytest.mark.parametrize(("method", "path", "arguments"), CALLS)
def test_request_and_reply_are_as_described_or_the_difference_is_documented(
    met: Callable[..., set[Difference]], method: str, path: str, arguments: dict[str, Any]
) -> None:
    assert sorted(met(method, path, arguments) - table().keys()) == []


def test_every_documented_difference_is_met_and_has_its_reason(met: Callable[..., set[Difference]]) -> None:
    seen = set().union(*(met(*call) for call in CALLS))

    assert sorted(table().keys() - seen) == []
    assert [row for row, why in table().items() if len(why) < 8] == []


def test_query_parameters_that_are_described_are_known(
    serve: Callable[..., Emulator], connect: Callable[..., requests.Session], adobe: Callable[[str], Any]
) -> None:
    aep = serve(seed="demo")
    control, session = connect(aep.url, "/_emulator", client=None), connect(aep.url)
    control.post("/seed", json=SEEDED)
    for method, path, arguments in CALLS:
        names = adobe(path).query_parameters(method, path)
        reply = session.request(method, path, **{**arguments, "params": dict.fromkeys(names, "1")})
        assert reply.status_code < 500
    asked = control.get("/requests").json()["requests"]

    assert sum(len(entry["query"]) for entry in asked) > 100
    assert [(entry["path"], entry["unknown"]) for entry in asked if "query:" in str(entry["unknown"])] == []


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[requests.Response]:
    """Return what every session of this process sends from now on, with the replies."""
    replies: list[requests.Response] = []
    send = requests.Session.send

    def recorded(*arguments: Any, **options: Any) -> requests.Response:
        replies.append(send(*arguments, **options))
        return replies[-1]

    monkeypatch.setattr(requests.Session, "send", recorded)
    return replies


def test_requests_that_the_provider_sends_are_as_described(
    serve: Callable[..., Emulator],
    monkeypatch: pytest.MonkeyPatch,
    sent: list[requests.Response],
    adobe: Callable[[str], Any],
) -> None:
    """A life with everything in it: create, a window that turns upsert on, a read, a delete."""
    url = serve(seed="demo", strict=True).url
    monkeypatch.setattr(host, "CLOCK", FakeClock())
    monkeypatch.setattr(host.EngineReporter, "listening", lambda _: True)  # there is no engine here
    provider = UpsertDatasetProvider()
    provider.configure(ConfigureRequest(PulumiConfig(config(url), "aep")))
    given, problems = validated(
        {"owner": "aep/dev/x", "name": "Made", "schema_id": seeds.PROFILE_SCHEMA, "is_upsert": False}
    )
    assert problems == []
    olds = {**given, **SWITCHES, "deletion_protection": False}

    made = provider.create(olds)
    held = {**olds, **(made.outs or {})}
    updated = provider.update(str(made.id), held, {**olds, "is_upsert": True, "allow_profile_gap": True})
    held = {**held, **(updated.outs or {})}
    provider.read(str(made.id), held)
    provider.delete(str(made.id), held)

    ours = [reply for reply in sent if "/ims/" not in str(reply.request.url)]
    assert {str(reply.request.method) for reply in ours} == {"GET", "POST", "PATCH", "DELETE"}
    paths = [str(reply.request.path_url) for reply in ours]
    found = {row for path, reply in zip(paths, ours, strict=True) for row in adobe(path).differences(reply)}
    assert sorted(row for row in found - table().keys() if row[1] == "request") == []
