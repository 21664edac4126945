"""Schema Registry: what a dataset's schema says about Profile.

Source: Adobe's *Schema Registry API guide* and description: a schema takes part in Profile if and only if
``meta:immutableTags`` contains ``union``; its behaviour shows in ``meta:extends`` and ``meta:class``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from aep_provider.aep.gateway import ApiRequest, Gateway
from aep_provider.aep.paginate import Page, paginate
from aep_provider.aep.responses import mapping, objects, unreadable
from aep_provider.aep.single_flight import Memory

PATH = "/data/foundation/schemaregistry"
ACCEPT = "application/vnd.adobe.xed+json; version=1"
_SUMMARIES = "application/vnd.adobe.xed-id+json"
_GLOBAL = "https://ns.adobe.com/xdm/"
_UNION = "__union"
_TIME_SERIES = "https://ns.adobe.com/xdm/data/time-series"
_EVENT_CLASS = "https://ns.adobe.com/xdm/context/experienceevent"


class XdmSchema(NamedTuple):
    """A schema.

    Attributes:
        id, title: its ``$id`` and its title.
        in_union: whether Profile takes it.
        time_series: whether it holds experience events.
        created: milliseconds since 1970, or 0.
    """

    id: str
    title: str
    in_union: bool
    time_series: bool
    created: int = 0


class Titled(NamedTuple):
    """A schema as a listing shows it: its ``$id`` and its title."""

    id: str
    title: str


class Schemas:
    """Looks schemas up, each once per process.

    Args:
        gateway: sends the requests.
        memory: of schemas by ``$id``.
        titles: of listings, by the title that was asked for.
    """

    def __init__(self, gateway: Gateway, memory: Memory[XdmSchema], titles: Memory[list[Titled]]) -> None:
        self._gateway = gateway
        self._known = memory
        self._titles = titles

    def get(self, schema_id: str) -> XdmSchema:
        """Look a schema up by its ``$id``.

        Raises:
            NotFound: there is none in this sandbox.
            ApiError: it could not be read, or not understood.
        """
        return self._known.get(schema_id, lambda: self._ask(schema_id))

    def ahead(self, schema_id: str) -> None:
        """Have a schema asked for, for `get`."""
        self._known.ahead(schema_id, lambda: self._ask(schema_id))

    def titled(self, title: str) -> list[Titled]:
        """The organisation's own schemas of exactly this title.

        Source: *Schema Registry API guide*, appendix: ``property=title==…`` filters a listing. Titles are compared
        here as well, and where the filter brings nothing the whole listing is read, once: that the filter takes
        every character of a title is assumed.

        Raises:
            ApiError: they could not be listed.
        """
        found = self._titles.get(title, lambda: list(self._listed({"property": f"title=={title}"})))
        return [one for one in found or self.all() if one.title == title]

    def all(self) -> list[Titled]:
        """The organisation's own schemas; no title is empty, so that key is free for them."""
        return self._titles.get("", lambda: list(self._listed({})))

    def _listed(self, query: Mapping[str, str]) -> Iterator[Titled]:
        """``start`` goes with ``orderby``: the title after which a page begins, as ``_page.next`` says (appendix)."""

        def fetch(start: str) -> Page[str, Titled]:
            request = ApiRequest(
                "GET",
                f"{PATH}/tenant/schemas",
                "schemas",
                query={**query, "orderby": "title", **({"start": start} if start else {})},
                accept=_SUMMARIES,
                permission="View Schemas",
            )
            response = self._gateway.send(request)
            body = mapping(response)
            found, paging = objects(body.get("results")), body.get("_page")
            if found is None:
                raise unreadable(response, "a list of schemas was expected")
            entries: dict[Hashable, Titled] = {
                str(one["$id"]): Titled(str(one["$id"]), str(one.get("title") or ""))
                for one in found
                if "$id" in one
            }
            following = paging.get("next") if isinstance(paging, Mapping) else None
            return Page(response, entries, str(following) if following else None)

        return paginate(fetch, "")

    def _ask(self, schema_id: str) -> XdmSchema:
        # The union of one of Adobe's classes has an $id like theirs, and belongs to the tenant.
        adobes = schema_id.startswith(_GLOBAL) and not schema_id.endswith(_UNION)
        container = "global" if adobes else "tenant"
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
            created=_created(body),
        )


def _created(body: Mapping[str, Any]) -> int:
    metadata = body.get("meta:registryMetadata")
    created = metadata.get("repo:createdDate") if isinstance(metadata, Mapping) else None
    return created if isinstance(created, int) and not isinstance(created, bool) else 0
