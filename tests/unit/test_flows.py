"""Which dataflows write into a dataset, and which of them stream, from replies as Adobe describes them."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from aep_provider.aep.flows import Flow, Flows
from aep_provider.aep.gateway import ApiRequest, Gateway
from aep_provider.aep.single_flight import SingleFlight
from aep_provider.aep.transport import Response

ID = "5b020a27e7040801dedbf46e"
HTTP_API = "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb"
CLOUD_STORAGE = "32e8f412-cdf7-464c-9885-78184cb113fd"
BATCH_FLOW = "9753525b-82c7-4dce-8a9b-5ccfce2b9876"
STREAMING_FLOW = "c1a19761-d2c7-4702-b9fa-fe91f0613e81"


class Service:
    """A Flow Service with one target connection into the dataset, and the flows that are given."""

    def __init__(self, *flows: dict[str, Any]) -> None:
        target = {"id": "T1", "params": {"dataSetId": ID}}
        self._items = {"flows": list(flows), "targetConnections": [target]}

    def send(self, request: ApiRequest) -> Response:
        """Answer a listing."""
        return Response("GET", 200, {}, json.dumps({"items": self._items[request.what]}).encode())


def into(*flows: dict[str, Any]) -> list[Flow]:
    return Flows(cast(Gateway, Service(*flows)), SingleFlight(), SingleFlight()).into(ID)


def spec(key: str) -> dict[str, Any]:
    return {"id": key, "version": "1.0"}


def flow(*sources: dict[str, Any], own: str = BATCH_FLOW, **fields: Any) -> dict[str, Any]:
    inherited = {"sourceConnections": list(sources), "targetConnections": [{"id": "T1"}]}
    return {"id": "F1", "flowSpec": spec(own), "inheritedAttributes": inherited, **fields}


@pytest.mark.parametrize(
    ("described", "streams"),
    [
        (flow({"id": "S1", "connectionSpec": spec(HTTP_API)}), True),
        (flow({"id": "S1", "connectionSpec": spec(CLOUD_STORAGE)}), False),
        (flow({"id": "S1"}, {"id": "S2", "connectionSpec": spec(HTTP_API)}), True),
        (flow({"id": "S1", "baseConnection": {"id": "B1", "connectionSpec": spec(HTTP_API)}}), True),
        (flow({"id": "S1", "connectionSpec": spec(CLOUD_STORAGE)}, own=STREAMING_FLOW), True),
        (flow(), False),
    ],
    ids=["source", "batch source", "second source", "base of the source", "flow", "no source"],
)
def test_a_flow_streams_if_it_or_a_source_does(described: dict[str, Any], *, streams: bool) -> None:
    assert [one.streaming for one in into(described)] == [streams]


@pytest.mark.parametrize("sources", [None, {}, "S1", ["S1"], [{"connectionSpec": HTTP_API}], [{"id": 7}]])
def test_sources_that_cannot_be_read_do_not_stream(sources: object) -> None:
    assert [one.streaming for one in into(flow(inheritedAttributes={"sourceConnections": sources}))] == []
    named = flow(inheritedAttributes={"sourceConnections": sources}, targetConnectionIds=["T1"])
    assert [one.streaming for one in into(named)] == [False]


def test_a_target_named_twice_counts_once() -> None:
    assert [one.id for one in into(flow(targetConnectionIds=["T1", "T1", "T9"]))] == ["F1"]


def test_a_flow_into_another_dataset_is_left_out() -> None:
    other = flow(inheritedAttributes={"targetConnections": [{"id": "T9"}]}, targetConnectionIds=["T8"])
    assert into(other) == []
