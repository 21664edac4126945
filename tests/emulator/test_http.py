"""HTTP as other people's clients speak it: encodings, methods, slashes, and a client that leaves."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
import requests

from aep_provider.emulator import Emulator
from aep_provider.emulator.client import LoggedRequest
from aep_provider.emulator.seeds import PROFILE_SCHEMA

CATALOG = "/data/foundation/catalog"
TOKEN = {
    "grant_type": "client_credentials",
    "client_id": "demo-client",
    "client_secret": "demo-secret",
    "scope": "openid,AdobeID,read_organizations",
}
JSON_TYPE = {"Content-Type": "application/json"}
BODY: bytes = json.dumps({"name": "sent", "schemaRef": {"id": PROFILE_SCHEMA}}).encode()
WAIT = 30


def test_compressed_body_is_read(catalog: requests.Session) -> None:
    headers = {**JSON_TYPE, "Content-Encoding": "gzip"}

    assert catalog.post("/dataSets", data=gzip.compress(BODY), headers=headers).status_code == 201

    [dataset] = catalog.get("/dataSets").json().values()
    assert dataset["name"] == "sent"


def test_body_that_is_not_compressed_as_it_says_is_refused(catalog: requests.Session) -> None:
    headers = {**JSON_TYPE, "Content-Encoding": "gzip"}

    assert catalog.post("/dataSets", data=BODY, headers=headers).status_code == 400
    assert catalog.get("/dataSets").json() == {}


def test_chunked_body_is_read(catalog: requests.Session) -> None:
    reply = catalog.post("/dataSets", data=iter([BODY[:7], BODY[7:]]), headers=JSON_TYPE)

    assert reply.request.headers["Transfer-Encoding"] == "chunked"
    assert reply.status_code == 201


def test_trailing_slash_is_tolerated(catalog: requests.Session, create: Callable[..., str]) -> None:
    dataset_id = create()

    assert catalog.get("/dataSets/").json().keys() == {dataset_id}
    assert catalog.get(f"/dataSets/{dataset_id}/").json().keys() == {dataset_id}


def test_head_is_a_get_without_its_body(catalog: requests.Session, create: Callable[..., str]) -> None:
    path = f"/dataSets/{create()}"
    catalog.headers["x-request-id"] = "one"
    get, head = catalog.get(path), catalog.head(path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == get.headers


def test_options_names_the_methods(catalog: requests.Session, create: Callable[..., str]) -> None:
    reply = catalog.options(f"/dataSets/{create()}")

    assert reply.ok
    assert set(reply.headers["Allow"].split(", ")) >= {"GET", "HEAD", "PATCH", "PUT", "DELETE", "OPTIONS"}


def test_method_that_a_path_does_not_have(catalog: requests.Session) -> None:
    reply = catalog.delete("/dataSets")

    assert reply.status_code == 405
    assert "GET" in reply.headers["Allow"]


@pytest.mark.parametrize("version", ["v2", "v3", "v4"])
def test_token_versions(bare: requests.Session, version: str) -> None:
    """v2 is seen with everything in the query."""
    assert bare.post(f"/ims/token/{version}", params=TOKEN).status_code == 200


def test_token_from_a_multipart_form(bare: requests.Session) -> None:
    form = {name: (None, value) for name, value in TOKEN.items()}

    assert bare.post("/ims/token/v4", files=form).json()["token_type"] == "bearer"


def test_many_datasets_page_without_loss(catalog: requests.Session, seed: Callable[..., None]) -> None:
    ids = [f"{number:024x}" for number in range(10_000)]
    seed(datasets={dataset_id: {"name": dataset_id} for dataset_id in ids})

    seen: list[str] = []
    while page := list(catalog.get("/dataSets", params={"limit": 100, "start": len(seen)}).json()):
        seen += page

    assert sorted(seen) == ids


def test_batch_shows_one_status_of_its_script_with_each_reading(
    catalog: requests.Session, seed: Callable[..., None]
) -> None:
    related = [{"type": "dataSet", "id": "d" * 24}]
    script = ["processing", "processing", "success"]
    seed(batches={"B1": {"status": "loading", "_script": script, "relatedObjects": related}})

    listed = [catalog.get("/batches", params={"dataSet": "d" * 24}).json()["B1"] for _ in range(2)]
    read = [catalog.get("/batches/B1").json()["B1"] for _ in range(2)]

    assert [batch["status"] for batch in listed + read] == [*script, "success"]
    assert "_script" not in read[0], "clients see a batch, not its script"
    assert read[0]["completed"] >= read[0]["created"]


@pytest.mark.parametrize(("moment", "written"), [("before", 0), ("after", 1)])
def test_client_that_leaves_ends_the_hold(
    aep: Emulator,
    catalog: requests.Session,
    control: requests.Session,
    fault: Callable[..., str],
    log: Callable[[], list[LoggedRequest]],
    moment: str,
    written: int,
) -> None:
    fault_id = fault({"hold": moment}, method="POST")
    client = HTTPConnection(urlsplit(aep.url).netloc, timeout=WAIT)
    client.request("POST", f"{CATALOG}/dataSets", BODY, {**authorised(catalog), **JSON_TYPE})
    assert control.get(f"/faults/{fault_id}", params={"wait": WAIT}).json()["held"] == 1

    client.close()

    # The server learns of it when its event loop comes round; each of these requests takes the loop further.
    ended = any(control.get(f"/faults/{fault_id}").json()["held"] == 0 for _ in range(1000))
    assert ended
    assert len(control.get("/datasets", params={"sandbox": "dev"}).json()) == written
    assert log()[-1]["status"] is None


def authorised(session: requests.Session) -> dict[str, str]:
    names = ("Authorization", "x-api-key", "x-gw-ims-org-id", "x-sandbox-name")
    return {name: str(session.headers[name]) for name in names}


def test_no_web_page_steers_the_emulator(
    catalog: requests.Session, control: requests.Session, create: Callable[..., str]
) -> None:
    dataset_id = create()

    reply = control.post("/reset", json={}, headers={"Origin": "https://elsewhere.example"})

    assert (reply.status_code, reply.json()) == (
        403,
        {"error": "no web page but the emulator's own gives orders here"},
    )
    assert catalog.get("/dataSets").json().keys() == {dataset_id}
