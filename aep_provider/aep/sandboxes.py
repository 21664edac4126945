"""Sandbox Management: the list of sandboxes, the one endpoint open to every credential.

Source: Adobe's *Sandboxes API guide*, ``GET /data/foundation/sandbox-management/`` (trailing slash).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import NamedTuple

from aep_provider.aep.gateway import ApiRequest, Gateway
from aep_provider.aep.paginate import Page, next_offset, paginate
from aep_provider.aep.responses import mapping, objects, unreadable
from aep_provider.aep.single_flight import Memory

PATH = "/data/foundation/sandbox-management/"
PAGE = 50


class Sandbox(NamedTuple):
    """A sandbox: name, type (``production``, ``development``), state (``active``, ``resetting``, …).

    ``id`` is "only visible to services" (documented), so mostly ``""``.
    """

    name: str
    type: str
    state: str
    id: str = ""


class Sandboxes:
    """The sandboxes that the credential sees."""

    def __init__(self, gateway: Gateway, memory: Memory[Sandbox | None]) -> None:
        self._gateway = gateway
        self._known = memory

    def current(self) -> Sandbox | None:
        """The configured sandbox, or ``None`` if the credential does not see it. Asked once per process."""
        return self._known.get("", self.current_now)

    def ahead(self) -> None:
        """Have the list asked for, for `current`."""
        self._known.ahead("", self.current_now)

    def current_now(self) -> Sandbox | None:
        """The same, asked anew: a sandbox may be reset while the process runs."""
        found = {sandbox.name: sandbox for sandbox in self._listed()}.get(self._gateway.sandbox)
        self._gateway.sandbox_id = found.id if found is not None else ""
        return found

    def _listed(self) -> Iterator[Sandbox]:
        return paginate(self._page, 0)

    def _page(self, start: int) -> Page[int, Sandbox]:
        # `limit` and `offset` must come together (documented).
        query = {"limit": PAGE, "offset": start}
        response = self._gateway.send(ApiRequest("GET", PATH, "sandboxes", query=query, sandbox_header=False))
        entries = objects(mapping(response).get("sandboxes"))
        if entries is None:
            raise unreadable(response, "a list of sandboxes was expected")
        found: dict[Hashable, Sandbox] = {}
        for entry in entries:
            name, kind, state = (entry.get(key) or "" for key in ("name", "type", "state"))
            if not all(isinstance(text, str) for text in (name, kind, state)):
                raise unreadable(response, "name, type and state as strings were expected")
            found[name] = Sandbox(name, kind, state, _id(entry))
        return Page(response, found, next_offset(start, len(entries)))


def _id(entry: Mapping[str, object]) -> str:
    found = entry.get("id")
    return found if isinstance(found, str) else ""
