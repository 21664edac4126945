"""Sandbox Management: the list of sandboxes, the one endpoint open to every credential.

Source: Adobe's *Sandboxes API guide*, ``GET /data/foundation/sandbox-management/`` (trailing slash).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aep_provider.aep.gateway import Call, Gateway
from aep_provider.aep.once import Once
from aep_provider.aep.replies import mapping, objects, unreadable

PATH = "/data/foundation/sandbox-management/"
PAGE = 50


@dataclass(frozen=True)
class Sandbox:
    """A sandbox: name, type (``production``, ``development``), state (``active``, ``resetting``, …)."""

    name: str
    type: str
    state: str


class Sandboxes:
    """The sandboxes that the credential sees."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._known: Once[Sandbox | None] = Once()

    def current(self) -> Sandbox | None:
        """The configured sandbox, or ``None`` if the credential does not see it. Asked once per process."""
        return self._known.get("", self.current_now)

    def current_now(self) -> Sandbox | None:
        """The same, asked anew: a sandbox may be reset while the process runs."""
        return {sandbox.name: sandbox for sandbox in self._listed()}.get(self._gateway.sandbox)

    def _listed(self) -> Iterator[Sandbox]:
        what = "GET sandboxes"
        # `limit` and `offset` must come together (documented).
        for offset in range(0, 100 * PAGE, PAGE):
            query = {"limit": PAGE, "offset": offset}
            reply = self._gateway.send(Call("GET", PATH, "sandboxes", query=query, anywhere=True))
            page = objects(mapping(reply, what).get("sandboxes"))
            if page is None:
                raise unreadable(reply, what, "a list of sandboxes was expected")
            for entry in page:
                sandbox = Sandbox(*(entry.get(key) or "" for key in ("name", "type", "state")))
                if not all(isinstance(text, str) for text in (sandbox.name, sandbox.type, sandbox.state)):
                    raise unreadable(reply, what, "name, type and state as strings were expected")
                yield sandbox
            if len(page) < PAGE:
                return
