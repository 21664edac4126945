"""Schema Registry: what a dataset's schema says about Profile.

Source: Adobe's *Schema Registry API guide* and description: a schema takes part in Profile if and only if
``meta:immutableTags`` contains ``union``; its behaviour shows in ``meta:extends`` and ``meta:class``.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from aep_provider.aep.gateway import ApiRequest, Gateway
from aep_provider.aep.responses import mapping, unreadable
from aep_provider.aep.single_flight import Memory

PATH = "/data/foundation/schemaregistry"
ACCEPT = "application/vnd.adobe.xed+json; version=1"
_GLOBAL = "https://ns.adobe.com/xdm/"
_TIME_SERIES = "https://ns.adobe.com/xdm/data/time-series"
_EVENT_CLASS = "https://ns.adobe.com/xdm/context/experienceevent"


@dataclass(frozen=True)
class XdmSchema:
    """A schema: its ``$id``, title, whether Profile takes it, and whether it holds experience events."""

    id: str
    title: str
    in_union: bool
    time_series: bool


class Schemas:
    """Looks schemas up, each once per process."""

    def __init__(self, gateway: Gateway, memory: Memory[XdmSchema]) -> None:
        self._gateway = gateway
        self._known = memory

    def get(self, schema_id: str) -> XdmSchema:
        """Look a schema up by its ``$id``.

        Raises:
            NotFound: there is none in this sandbox.
            ApiError: it could not be read, or not understood.
        """
        return self._known.get(schema_id, lambda: self._ask(schema_id))

    def _ask(self, schema_id: str) -> XdmSchema:
        container = "global" if schema_id.startswith(_GLOBAL) else "tenant"
        path = f"{PATH}/{container}/schemas/{quote(schema_id, safe='')}"
        request = ApiRequest("GET", path, f"schema {schema_id}", accept=ACCEPT, permission="View Schemas")
        response = self._gateway.send(request)
        body = mapping(response)
        tags, extends = body.get("meta:immutableTags", []), body.get("meta:extends", [])
        texts = all(isinstance(body.get(key, ""), str) for key in ("$id", "title", "meta:class"))
        if not isinstance(tags, list) or not isinstance(extends, list) or not texts or "$id" not in body:
            raise unreadable(response, "a schema with meta:immutableTags and meta:extends was expected")
        return XdmSchema(
            id=schema_id,
            title=body.get("title", ""),
            in_union="union" in tags,
            time_series=_TIME_SERIES in extends or body.get("meta:class") == _EVENT_CLASS,
        )
