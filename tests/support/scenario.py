"""The operations that the engine asks for, run as it would, as often as it takes: for matrices of faults."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aep_provider.dataset.tags import OWN_TAGS, UnifiedTag
from aep_provider.emulator.seeds import CLIENT_ID
from support.aep import BareAep
from support.local import Local

ID = "5b020a27e7040801dedbf46e"
BYSTANDER = "65f1c0a2b3d4e5f60718293a"
FOREIGN = {
    "adobe/siphon/table/format": ["delta"],
    "a~b/c": ["", " spaced ", "zoë"],
    "team": ["commerce"],
    "costCentre": [],
}
ON = {"unifiedProfile": ["enabled: true", "mergePolicy:7"], "unifiedIdentity": ["enabled:true"]}
UPSERT = {"unifiedProfile": ["enabled:true", "isUpsert:true", "mergePolicy:7"]}

NAME = "Members"


@dataclass(frozen=True)
class Operation:
    """One thing that the engine asks for.

    Attributes:
        tags: of the dataset that is there before; None = there is none.
        before: how the resource got into state; None = it is not there yet.
        wanted: the arguments; None = it is deleted.
    """

    tags: dict[str, list[str]] | None
    before: dict[str, Any] | None
    wanted: dict[str, Any] | None


NEW = {"name": NAME, "description": "of the club", "deletion_protection": False}
OPERATIONS = {
    "create": Operation(None, None, NEW),
    "adopt-plain": Operation(FOREIGN, None, {"dataset_id": ID}),
    "adopt-profile": Operation(FOREIGN | ON, None, {"dataset_id": ID}),
    "adopt-half": Operation(FOREIGN | UPSERT, None, {"dataset_id": ID}),
    "toggle-on": Operation(
        FOREIGN | ON, {"dataset_id": ID, "is_upsert": False}, {"dataset_id": ID, "is_upsert": True}
    ),
    "toggle-off": Operation(
        FOREIGN | ON | UPSERT, {"dataset_id": ID}, {"dataset_id": ID, "is_upsert": False}
    ),
    "rename": Operation(
        FOREIGN | ON | UPSERT,
        {"dataset_id": ID, "name": "Orders", "tags": {"old": ["x"]}},
        {"dataset_id": ID, "name": NAME, "tags": {"new": ["y"]}},
    ),
    "delete": Operation(None, NEW, None),
}


class Run:
    """Runs one operation as the engine would, as often as it takes."""

    def __init__(
        self,
        local: Local,
        aep: BareAep,
        given: Callable[..., dict[str, Any]],
        operation: str,
        **settings: Any,
    ) -> None:
        self.local, self.aep, self._given, self._settings = local, aep, given, settings
        self.what = OPERATIONS[operation]
        aep.reset()
        aep.dataset(BYSTANDER, FOREIGN | ON)
        self.bystander = self._held(BYSTANDER)
        schema_id = self.bystander["schemaRef"]["id"]
        self._create = {"schema_id": schema_id}
        if self.what.tags is not None:
            aep.dataset(ID, self.what.tags, name="Orders")
        self.id, self.exists = "", False
        self.outputs: dict[str, Any] = {}
        if self.what.before is not None:
            self._done(local.start(aep.url, **settings).create(self._arguments(self.what.before)))
        aep.clear_requests()

    def go(self) -> None:
        """Ask for the operation, unless an earlier try has done it."""
        provider = self.local.start(self.aep.url, **self._settings)
        if self.what.wanted is None:
            if self.exists:
                provider.delete(self.id, copy.deepcopy(self.outputs))
                self.exists = False
        elif self.what.before is None:
            if not self.exists:
                self._done(provider.create(self._arguments(self.what.wanted)))
        else:
            self.outputs = provider.update(
                self.id, copy.deepcopy(self.outputs), self._arguments(self.what.wanted)
            ).outs

    def prove(self) -> None:
        """What the operation was for is so, and everything else is as it was."""
        held = self.aep.datasets()
        assert held.pop(BYSTANDER) == self.bystander
        if self.what.wanted is None:
            assert held == {}
            return
        assert list(held) == [self.id]
        body = held[self.id]
        assert self.profile(body) == (True, self.what.wanted.get("is_upsert", True))
        assert UnifiedTag.read(body["tags"]["unifiedIdentity"]).enabled
        if "name" in self.what.wanted:
            assert body["name"] == NAME
        if self.what.tags is None:
            assert body["createdClient"] == CLIENT_ID
            return
        declared = {*self.what.wanted.get("tags", {}), *(self.what.before or {}).get("tags", {})}
        owned = OWN_TAGS | declared
        foreign = {key: value for key, value in body["tags"].items() if key not in owned}
        assert {key: foreign.get(key) for key in FOREIGN} == FOREIGN
        before = UnifiedTag.read(self.what.tags.get("unifiedProfile", [])).foreign
        assert UnifiedTag.read(body["tags"]["unifiedProfile"]).foreign == before
        assert {key: body["tags"].get(key) for key in declared} == {
            key: self.what.wanted.get("tags", {}).get(key) for key in declared
        }
        assert self.outputs["is_upsert"] is self.what.wanted.get("is_upsert", True)

    def was_on(self) -> bool:
        """Whether Profile was on before the operation."""
        return UnifiedTag.read((self.what.tags or {}).get("unifiedProfile", [])).enabled

    def is_off(self) -> bool:
        """Whether Profile is off now."""
        return not self.profile(self._held(self.id or ID))[0]

    @staticmethod
    def profile(body: dict[str, Any]) -> tuple[bool, bool]:
        """Whether Profile and upsert are on."""
        tag = UnifiedTag.read(body["tags"].get("unifiedProfile", []))
        return tag.enabled, tag.upsert

    def _held(self, dataset_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.aep.datasets()[dataset_id]
        return found

    def _done(self, result: Any) -> None:
        self.id, self.outputs, self.exists = result.id, result.outs, True

    def _arguments(self, some: dict[str, Any]) -> dict[str, Any]:
        return self._given(**copy.deepcopy(some), **({} if "dataset_id" in some else self._create))
