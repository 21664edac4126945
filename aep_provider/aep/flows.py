"""Flow Service: the dataflows that write into a dataset, as far as anyone can see them.

Source: Adobe's *Flow Service API* description: a flow's ``inheritedAttributes`` name its source and target
connections with their specifications. Which specifications are streaming is taken from Adobe's tutorials.
Not visible here: Web and Mobile SDK datastreams, direct users of the ingestion API, Query Service, and Adobe's
own applications.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, NamedTuple
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


class Flow(NamedTuple):
    """A dataflow into a dataset: its id, name, state, and whether it streams."""

    id: str
    name: str
    state: str
    streaming: bool


class Flows:
    """The dataflows of the gateway's sandbox, listed once per process and only when asked for.

    Args:
        gateway: sends the requests.
        memory: of the flows by their target.
        listing: of all flows, each with the connections that it writes to.
    """

    def __init__(
        self,
        gateway: Gateway,
        memory: Memory[dict[str, list[Flow]]],
        listing: Memory[list[tuple[Flow, list[str]]]],
    ) -> None:
        self._gateway = gateway
        self._into = memory
        self._listing = listing

    def into(self, dataset_id: str) -> list[Flow]:
        """The flows whose target is the dataset.

        Raises:
            ApiError: they could not be listed.
        """
        return self._into.get("", self._listed).get(dataset_id, [])

    def ahead(self) -> None:
        """Have them listed, for `into`."""
        self._into.ahead("", self._listed)

    def _listed(self) -> dict[str, list[Flow]]:
        # The two listings do not need each other.
        self._listing.ahead("", self._flows)
        targets: dict[str, str] = {}
        for connection in self._items("targetConnections"):
            params = connection.get("params")
            if isinstance(params, Mapping):
                dataset_id = params.get("dataSetId") or params.get("datasetId")
                if isinstance(dataset_id, str):
                    targets[str(connection.get("id"))] = dataset_id
        into: dict[str, list[Flow]] = {}
        for flow, connections in self._listing.get("", self._flows):
            for dataset_id in {targets[one]: None for one in connections if one in targets}:
                into.setdefault(dataset_id, []).append(flow)
        return into

    def _flows(self) -> list[tuple[Flow, list[str]]]:
        return [(_flow(item), _target_ids(item)) for item in self._items("flows")]

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


def _flow(item: Mapping[str, Any]) -> Flow:
    return Flow(
        id=str(item.get("id", "")),
        name=str(item.get("name", "")),
        state=str(item.get("state", "")),
        streaming=_streams(item),
    )


def _target_ids(flow: Mapping[str, Any]) -> list[str]:
    """The ids of the connections that a flow writes to, as it names them itself and as it inherits them."""
    named = flow.get("targetConnectionIds")
    inherited = (one.get("id") for one in _inherited(flow, "targetConnections"))
    return [str(one) for one in (*(named if isinstance(named, list) else ()), *inherited)]


def _streams(flow: Mapping[str, Any]) -> bool:
    """Whether a flow streams, by its own specification or by that of a source or of the source's base."""
    found = {_spec_id(flow.get("flowSpec"))}
    for source in _inherited(flow, "sourceConnections"):
        base = source.get("baseConnection")
        found.add(_spec_id(source.get("connectionSpec")))
        found.add(_spec_id(base.get("connectionSpec")) if isinstance(base, Mapping) else "")
    return bool(found & (_STREAMING_FLOWS | _STREAMING_SOURCES))


def _inherited(flow: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    inherited = flow.get("inheritedAttributes")
    return (objects(inherited.get(kind)) or []) if isinstance(inherited, Mapping) else []


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
