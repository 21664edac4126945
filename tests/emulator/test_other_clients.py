"""Other people's clients need only another address: Adobe's community client, and HTTP as it varies."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import requests

from aep_provider.emulator import Emulator
from aep_provider.emulator.client import LoggedRequest
from aep_provider.emulator.seeds import PROFILE_SCHEMA

PAGE = Path(__file__).resolve().parents[2] / "docs" / "emulator.md"
DATASETS = "/data/foundation/catalog/dataSets"
SPELLINGS: list[Callable[[str], str]] = [str.lower, str.upper, str.title]


@pytest.fixture
def python() -> str:
    """An interpreter that has aepp: this one, or the one that AEPP_PYTHON names."""
    named = os.environ.get("AEPP_PYTHON")
    if named is None and importlib.util.find_spec("aepp") is None:
        pytest.skip("no aepp: pip install it, or let AEPP_PYTHON name an interpreter that has it")
    return named or sys.executable


def test_adobes_community_client_works_as_the_documentation_says(
    serve: Callable[..., Emulator], connect: Callable[..., requests.Session], python: str
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(r"```py\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL)
    assert found is not None
    aep = serve(strict=True)
    environment = {**os.environ, "AEP_ENDPOINT": aep.url, "AEP_IMS_ENDPOINT": aep.url}

    run = subprocess.run(
        [python, "-c", found[1]], capture_output=True, text=True, timeout=120, check=False, env=environment
    )

    assert (run.returncode, run.stdout) == (0, found[2]), run.stderr
    log = connect(aep.url, client=None).get("/_emulator/requests").json()["requests"]
    assert [entry for entry in log if entry["unknown"] or entry["status"] >= 400] == []


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_header_names_are_read_in_any_case_of_letters(
    aep: Emulator, platform: requests.Session, spelling: Callable[[str], str]
) -> None:
    names = ("Authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name")
    head = "".join(f"{spelling(name)}: {platform.headers[name]!s}\r\n" for name in names)

    with socket.create_connection(("127.0.0.1", int(urlsplit(aep.url).port or 0)), timeout=30) as raw:
        raw.sendall(f"GET {DATASETS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}\r\n".encode())
        reply = b"".join(iter(lambda: raw.recv(65536), b""))

    assert reply.startswith(b"HTTP/1.1 200 ")


def test_http_1_0_client_gets_its_reply(aep: Emulator, platform: requests.Session) -> None:
    names = ("Authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name")
    head = "".join(f"{name}: {platform.headers[name]!s}\r\n" for name in names)

    with socket.create_connection(("127.0.0.1", int(urlsplit(aep.url).port or 0)), timeout=30) as raw:
        raw.sendall(f"GET {DATASETS} HTTP/1.0\r\n{head}\r\n".encode())
        reply = b"".join(iter(lambda: raw.recv(65536), b""))

    assert b" 200 " in reply.split(b"\r\n", 1)[0]
    assert reply.endswith(b"{}")


@pytest.mark.parametrize("value", ["true", "false", "False"])
def test_request_data_source_is_no_unknown_parameter(
    platform: requests.Session, log: Callable[[], list[LoggedRequest]], value: str
) -> None:
    reply = platform.post(DATASETS, params={"requestDataSource": value}, json={"name": "x"})

    assert (reply.status_code, log()[-1]["unknown"]) == (201, [])


def test_schema_id_is_quoted_once_and_not_twice(platform: requests.Session) -> None:
    accept = {"Accept": "application/vnd.adobe.xed+json; version=1"}
    once = quote(PROFILE_SCHEMA, safe="")
    path = "/data/foundation/schemaregistry/tenant/schemas/"

    statuses = [
        platform.get(path + form, headers=accept).status_code for form in (once, quote(once, safe=""))
    ]

    assert statuses == [200, 404]


def test_escapes_of_a_schema_id_may_be_in_lower_case(platform: requests.Session) -> None:
    accept = {"Accept": "application/vnd.adobe.xed+json; version=1"}
    once = quote(PROFILE_SCHEMA, safe="").replace("%2F", "%2f").replace("%3A", "%3a")

    reply = platform.get(f"/data/foundation/schemaregistry/tenant/schemas/{once}", headers=accept)

    assert reply.json()["$id"] == PROFILE_SCHEMA


@pytest.mark.parametrize(
    "path",
    [
        DATASETS,
        "/data/foundation/catalog/batches",
        "/data/foundation/sandbox-management",
        "/data/foundation/sandbox-management/sandboxes",
        "/data/foundation/flowservice/flows",
        "/data/foundation/schemaregistry/tenant/schemas",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_slash_at_the_end_changes_nothing(platform: requests.Session, path: str, method: str) -> None:
    accept = {"Accept": "application/vnd.adobe.xed+json"}

    plain, slashed = (platform.request(method, path + end, headers=accept) for end in ("", "/"))

    assert plain.status_code == slashed.status_code in (200, 204)
    assert plain.headers.get("Allow") == slashed.headers.get("Allow")
    assert plain.text == slashed.text


def test_many_requests_share_one_connection(
    platform: requests.Session, log: Callable[[], list[LoggedRequest]]
) -> None:
    """Reads, writes, errors and empty replies leave the connection open."""
    platform.get(DATASETS)
    platform.post(DATASETS, json={"name": "x"})
    platform.get(f"{DATASETS}/{'f' * 24}")
    platform.options(DATASETS)
    platform.head(DATASETS)
    platform.get("/nothing")

    assert len({entry["connection"] for entry in log()[-6:]}) == 1
