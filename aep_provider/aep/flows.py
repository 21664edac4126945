"""Flow Service: the dataflows that write into a dataset, as far as anyone can see them.

Source: Adobe's *Flow Service API* description. Which flow and connection specifications are streaming is
taken from Adobe's tutorials. Not visible here: Web and Mobile SDK datastreams, direct users of the ingestion
API, Query Service, and Adobe's own applications.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aep_provider.aep.gateway import ApiRequest, Gateway
from aep_provider.aep.paginate import Page, paginate
from aep_provider.aep.responses import mapping, objects, unreadable
from aep_provider.aep.single_flight import Memory

PATH = "/data/foundation/flowservice"
PAGE = 100
_STREAMING_FLOWS = frozenset(
    {
        "c1a19761-d2c7-4702-b9fa-fe91f0613e81",
        "d8a6f005-7eaf-4153-983e-e8574508b877",
        "d69717ba-71b4-4313-b654-49f9cf126d7a",
    }
)
_STREAMING_SOURCES = frozenset(
    {
        "bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb",
        "86043421-563b-46ec-8e6c-e23184711bf6",
        "bf9f5905-92b7-48bf-bf20-455bc6b60a4e",
        "70116022-a743-464a-bbfe-e226a7f8210c",
        "d27d4907-7351-47dd-bbc2-05a04365703d",
    }
)


@dataclass(frozen=True)
class Flow:
    """A dataflow into a dataset: its id, name, state, and whether it streams."""

    id: str
    name: str
    state: str
    streaming: bool


class Flows:
    """The dataflows of the gateway's sandbox, listed once per process and only when asked for."""

    def __init__(self, gateway: Gateway, memory: Memory[dict[str, list[Flow]]]) -> None:
        self._gateway = gateway
        self._into = memory

    def into(self, dataset_id: str) -> list[Flow]:
        """The flows whose target is the dataset.

        Raises:
            ApiError: they could not be listed.
        """
        return self._into.get("", self._listed).get(dataset_id, [])

    def _listed(self) -> dict[str, list[Flow]]:
        targets: dict[str, str] = {}
        for connection in self._items("targetConnections"):
            params = connection.get("params")
            if isinstance(params, Mapping):
                dataset_id = params.get("dataSetId") or params.get("datasetId")
                if isinstance(dataset_id, str):
                    targets[str(connection.get("id"))] = dataset_id
        into: dict[str, list[Flow]] = {}
        for item in self._items("flows"):
            flow = Flow(
                id=str(item.get("id", "")),
                name=str(item.get("name", "")),
                state=str(item.get("state", "")),
                streaming=_streams(item),
            )
            connections = item.get("targetConnectionIds")
            for connection_id in connections if isinstance(connections, list) else []:
                if str(connection_id) in targets:
                    into.setdefault(targets[str(connection_id)], []).append(flow)
        return into

    def _items(self, kind: str) -> Iterator[dict[str, Any]]:
        def fetch(path: str) -> Page[str, dict[str, Any]]:
            response = self._gateway.send(ApiRequest("GET", path, kind, permission="View Sources"))
            body = mapping(response)
            items = objects(body.get("items"))
            if items is None:
                raise unreadable(response, "a list of items was expected")
            entries: dict[Hashable, dict[str, Any]] = {
                str(item.get("id") or (path, index)): item for index, item in enumerate(items)
            }
            return Page(response, entries, _next(body))

        return paginate(fetch, f"{PATH}/{kind}?limit={PAGE}")


def _streams(flow: Mapping[str, Any]) -> bool:
    found = {_spec_id(flow.get("flowSpec"))}
    inherited = flow.get("inheritedAttributes")
    sources = objects(inherited.get("sourceConnections")) if isinstance(inherited, Mapping) else None
    found |= {_spec_id(source.get("connectionSpec")) for source in sources or []}
    return bool(found & (_STREAMING_FLOWS | _STREAMING_SOURCES))


def _spec_id(spec: object) -> str:
    return str(spec.get("id", "")) if isinstance(spec, Mapping) else ""


def _next(body: Mapping[str, Any]) -> str | None:
    links = body.get("_links")
    following = links.get("next") if isinstance(links, Mapping) else None
    href = following.get("href") if isinstance(following, Mapping) else None
    if not isinstance(href, str) or not href:
        return None
    # The link is relative, and differs in how much of the path it holds; only its last part and query count.
    parts = urlsplit(href)
    return f"{PATH}/{parts.path.rstrip('/').rpartition('/')[2]}?{parts.query}" if parts.query else None
