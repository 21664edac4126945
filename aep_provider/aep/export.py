"""Data Access: the files of a batch, with their sizes. Nothing is downloaded here.

Source: Adobe's *Data Access API* guide and its tutorial on data of a dataset. The guide calls the service deprecated
and points to destinations instead; nothing else lists the files of one batch.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aep_provider.aep.gateway import ApiRequest, Gateway
from aep_provider.aep.paginate import Page, next_offset, paginate
from aep_provider.aep.responses import mapping, objects, unreadable
from aep_provider.aep.transport import Response

PATH = "/data/foundation/export"
PAGE = 100

DEEPEST = 3
"""How many folders may lie in one another: what Adobe shows is one folder of files."""


@dataclass(frozen=True)
class File:
    """A file of a batch.

    Attributes:
        id: what Data Access finds it by, together with its name.
        name: as stored; any text.
        size: in bytes; ``None`` where the service does not say.
    """

    id: str
    name: str
    size: int | None


class Export:
    """Lists the files of batches of the gateway's sandbox."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def files(self, batch_id: str) -> list[File]:
        """The files of a batch that the lake has, in the order of the service.

        Raises:
            ApiError: they could not be read, or not understood.
        """
        path = f"{PATH}/batches/{quote(batch_id, safe='')}/files"
        return [
            file
            for response, body in self._listed(path, f"files of batch {batch_id}")
            for file in self._within(_id(response, body), DEEPEST, response)
        ]

    def _within(self, file_id: str, depth: int, response: Response) -> Iterator[File]:
        """The file that an id names, or those of the folder that it names."""
        if depth == 0:
            raise unreadable(response, f"folders in one another, {DEEPEST} at most, were expected")
        path = f"{PATH}/files/{quote(file_id, safe='')}"
        for inner, body in self._listed(path, f"file {file_id}"):
            if isinstance(body.get("name"), str) and body["name"]:
                yield File(file_id, body["name"], _size(body.get("length")))
            else:
                yield from self._within(_id(inner, body), depth - 1, inner)

    def _listed(self, path: str, what: str) -> Iterator[tuple[Response, dict[str, Any]]]:
        def fetch(start: int) -> Page[int, tuple[Response, dict[str, Any]]]:
            query: dict[str, str | int] = {"start": start, "limit": PAGE}
            response = self._gateway.send(
                ApiRequest("GET", path, what, query=query, permission="View Datasets")
            )
            page = objects(mapping(response).get("data"))
            if page is None:
                raise unreadable(response, "a list of files was expected")
            found: dict[Hashable, tuple[Response, dict[str, Any]]] = {
                (body.get("dataSetFileId"), body.get("name")): (response, body) for body in page
            }
            return Page(response, found, next_offset(start, len(page)))

        return paginate(fetch, 0)


def _id(response: Response, body: dict[str, Any]) -> str:
    found = body.get("dataSetFileId")
    if not isinstance(found, str) or not found:
        raise unreadable(response, "a file with an id was expected")
    return found


def _size(value: object) -> int | None:
    """A size as the service writes it: digits as text."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None
