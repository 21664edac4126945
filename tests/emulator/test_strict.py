"""What no documentation names: accepted and marked by default, refused by a strict emulator."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
import requests

from aep_provider.emulator import Emulator
from aep_provider.emulator.seeds import PROFILE_SCHEMA

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


def test_documented_request_is_not_marked(
    platform: requests.Session, log: Callable[[], list[dict[str, Any]]]
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
