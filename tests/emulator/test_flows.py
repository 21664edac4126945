"""Flow Service's lists of dataflows and target connections."""

from __future__ import annotations

import base64
from collections.abc import Callable
from itertools import chain
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from aep_provider.emulator import Emulator

LAKE = "c604ff05-7f1a-43c0-8e18-33bf874cb11c"
STREAMING = "d8a6f005-7eaf-4153-983e-e8574508b877"


@pytest.fixture
def flowservice(aep: Emulator, connect: Callable[..., requests.Session]) -> requests.Session:
    return connect(aep.url, "/data/foundation/flowservice")


def walk(session: requests.Session, path: str, limit: int) -> list[list[str]]:
    """Follow ``_links.next`` to the end and return the ids by page."""
    params: dict[str, Any] = {"limit": limit}
    pages: list[list[str]] = []
    while True:
        reply = session.get(path, params=params)
        assert reply.status_code == 200, reply.text
        pages.append([item["id"] for item in reply.json()["items"]])
        href = reply.json().get("_links", {}).get("next", {}).get("href")
        if not href:
            return pages
        assert not urlsplit(href).netloc, "the link is relative"
        params = {**params, "continuationToken": parse_qs(urlsplit(href).query)["continuationToken"][0]}


def test_flows_come_in_an_items_envelope(flowservice: requests.Session, seed: Callable[..., None]) -> None:
    flow = {"id": "F1", "state": "enabled", "flowSpec": {"id": STREAMING}, "targetConnectionIds": ["T1"]}
    seed(flows=[flow])

    [item] = flowservice.get("/flows", params={"limit": 100}).json()["items"]

    assert {**item, **flow} == item


def test_target_connection_names_its_dataset(
    flowservice: requests.Session, seed: Callable[..., None]
) -> None:
    target = {"id": "T1", "connectionSpec": {"id": LAKE, "version": "1.0"}, "params": {"dataSetId": "d" * 24}}
    seed(targetConnections=[target])

    [item] = flowservice.get("/targetConnections", params={"limit": 100}).json()["items"]

    assert {**item, **target} == item


def test_no_flows_is_an_empty_list(flowservice: requests.Session) -> None:
    reply = flowservice.get("/flows")

    assert (reply.status_code, reply.json()["items"]) == (200, [])


@pytest.mark.parametrize(("path", "kind"), [("/flows", "flows"), ("/targetConnections", "targetConnections")])
def test_continuation_gives_each_item_once(
    flowservice: requests.Session, seed: Callable[..., None], path: str, kind: str
) -> None:
    seed(**{kind: [{"id": f"i{n}"} for n in range(5)]})

    pages = walk(flowservice, path, limit=2)

    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(chain.from_iterable(pages)) == ["i0", "i1", "i2", "i3", "i4"]


def test_last_page_has_no_next_link(flowservice: requests.Session, seed: Callable[..., None]) -> None:
    seed(flows=[{"id": "F1"}])

    assert walk(flowservice, "/flows", limit=100) == [["F1"]]


def test_full_last_page_ends(flowservice: requests.Session, seed: Callable[..., None]) -> None:
    seed(flows=[{"id": "F1"}, {"id": "F2"}])

    assert list(chain.from_iterable(walk(flowservice, "/flows", limit=2))) == ["F1", "F2"]


def test_look_up_of_one_is_a_list_envelope(flowservice: requests.Session, seed: Callable[..., None]) -> None:
    seed(flows=[{"id": "F1"}])

    assert [item["id"] for item in flowservice.get("/flows/F1").json()["items"]] == ["F1"]


SPECS = {"base": "8a9c3494", "source": "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb", "target": LAKE}


@pytest.fixture
def connected(seed: Callable[..., None]) -> None:
    spec = {name: {"id": key, "version": "1.0"} for name, key in SPECS.items()}
    seed(
        flows=[{"id": "F1", "sourceConnectionIds": ["S1", "S2"], "targetConnectionIds": ["T1"]}],
        sourceConnections=[{"id": "S1", "connectionSpec": spec["source"], "baseConnectionId": "B1"}],
        targetConnections=[{"id": "T1", "connectionSpec": spec["target"]}],
        connections=[{"id": "B1", "connectionSpec": spec["base"]}],
    )


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("path", ["/flows", "/flows/F1"])
def test_flow_inherits_its_connections_with_their_specifications(
    flowservice: requests.Session, path: str
) -> None:
    [flow] = flowservice.get(path).json()["items"]

    source, missing = flow["inheritedAttributes"]["sourceConnections"]
    [target] = flow["inheritedAttributes"]["targetConnections"]
    assert (source["id"], source["connectionSpec"]["id"]) == ("S1", SPECS["source"])
    assert source["baseConnection"] == {"id": "B1", "connectionSpec": {"id": SPECS["base"], "version": "1.0"}}
    assert target == {"id": "T1", "connectionSpec": {"id": LAKE, "version": "1.0"}}
    assert missing == {"id": "S2"}, "a connection that is gone"


@pytest.mark.usefixtures("connected")
def test_connection_inherits_its_base(flowservice: requests.Session) -> None:
    [source] = flowservice.get("/sourceConnections").json()["items"]

    assert source["inheritedAttributes"]["baseConnection"]["connectionSpec"]["id"] == SPECS["base"]


def test_what_a_seed_says_of_inheritance_stays(
    flowservice: requests.Session, seed: Callable[..., None]
) -> None:
    seed(
        flows=[{"id": "F1", "targetConnectionIds": ["T1"], "inheritedAttributes": {"sourceConnections": []}}]
    )

    [flow] = flowservice.get("/flows").json()["items"]

    assert flow["inheritedAttributes"] == {"sourceConnections": [], "targetConnections": [{"id": "T1"}]}


@pytest.mark.parametrize(("orderby", "ids"), [("name", ["F2", "F1", "F3"]), ("-name", ["F3", "F1", "F2"])])
def test_order(
    flowservice: requests.Session, seed: Callable[..., None], orderby: str, ids: list[str]
) -> None:
    seed(flows=[{"id": "F1", "name": "b"}, {"id": "F2", "name": "a"}, {"id": "F3", "name": "c"}])

    items = flowservice.get("/flows", params={"orderby": orderby}).json()["items"]

    assert [item["id"] for item in items] == ids


def test_base_connections_are_listed_too(flowservice: requests.Session, seed: Callable[..., None]) -> None:
    seed(connections=[{"id": "C1", "name": "Base"}])

    [listed] = flowservice.get("/connections").json()["items"]

    assert (listed["id"], listed["name"]) == ("C1", "Base")
    assert flowservice.get("/connections/C1").json()["items"] == [listed]


@pytest.mark.parametrize("text", ["offset:-5", "offset:", "5", "\xff"])
def test_foreign_continuation_token_is_refused(flowservice: requests.Session, text: str) -> None:
    token = base64.urlsafe_b64encode(text.encode("latin-1")).decode()

    assert flowservice.get("/flows", params={"continuationToken": token}).status_code == 400
