"""Every request of every operation, with every fault: what a user is left with, and that a rerun heals it.

The cases are recorded from clean runs: one for each request that an operation makes, each fault, and whether
the fault passes at once or lasts until the run is over.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from aep_provider.dataset.tags import OWN_TAGS, UnifiedTag
from aep_provider.emulator.client import LoggedRequest
from aep_provider.emulator.seeds import CLIENT_ID
from aep_provider.errors import AepProviderError
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
HTML = "<html><body><h1>404 Not Found</h1></body></html>"

FAULTS: dict[str, dict[str, Any]] = {
    "500": {"status": 500, "body": {"title": "InternalError", "status": 500}},
    "502": {"status": 502, "body": HTML, "headers": {"content-type": "text/html"}},
    "503": {"status": 503, "body": {}, "headers": {"Retry-After": "0"}},
    "429": {
        "status": 429,
        "body": {"error_code": "429050", "message": "Too many requests"},
        "headers": {"Retry-After": "0"},
    },
    "401013": {"status": 401, "body": {"error_code": "401013", "message": "Oauth token is not valid"}},
    "403": {"status": 403, "body": {"error_code": "403027", "message": "User region is missing"}},
    "400": {"status": 400, "body": {"title": "BadRequestError", "detail": "no", "status": 400}},
    "html-404": {"status": 404, "body": HTML, "headers": {"content-type": "text/html"}},
    "malformed": {"raw_body": '{"a": [', "content_type": "application/json"},
    "empty": {"raw_body": "", "content_type": "application/json"},
    "cut-short": {"truncate": 1},
    "reset-before": {"reset": "before"},
    "reset-after": {"reset": "after"},
    "500-after": {"status": 500, "effect": True, "body": {}},
}
TIMEOUTS: dict[str, dict[str, Any]] = {
    "time-out-before": {"hold": "before"},
    "time-out-after": {"hold": "after"},
}
PASSING = {"500", "502", "503", "429", "401013", "cut-short", "reset-before", "reset-after", "500-after"}
"""Faults that a read gets over by being repeated, if they pass."""
SETTLED = {"reset-after", "500-after"}
"""Faults of a write that took effect: if they pass, the same run finds out by reading."""
LASTING = ("503", "403", "html-404", "malformed", "empty", "reset-before")
QUICK = ("500", "403", "malformed", "reset-after")
"""Faults whose passing form belongs to every test run; the others take a minute more."""


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


@dataclass(frozen=True)
class Case:
    """One fault at one request of one operation.

    Attributes:
        operation, fault: by name.
        lasting: whether it hits every request like this one from here on.
        index: of the request, from 1.
        nth: which of the requests with the same method and path it is, from 1.
        request: the entry of the log of the clean run.
        before_writes: whether it came before the first write.
    """

    operation: str
    fault: str
    lasting: bool
    index: int
    nth: int
    request: LoggedRequest
    before_writes: bool


class Run:
    """Runs one operation as the engine would, as often as it takes."""

    def __init__(
        self, local: Local, aep: BareAep, given: Callable[..., dict[str, Any]], operation: str
    ) -> None:
        self.local, self.aep, self._given = local, aep, given
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
            self._done(local.start(aep.url).create(self._arguments(self.what.before)))
        aep.clear_requests()

    def go(self) -> None:
        """Ask for the operation, unless an earlier try has done it."""
        provider = self.local.start(self.aep.url)
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


def cases(local: Local, aep: BareAep, given: Callable[..., dict[str, Any]]) -> list[Any]:
    """Record each operation and combine its requests with the faults."""
    found = []
    for operation in OPERATIONS:
        run = Run(local, aep, given, operation)
        run.go()
        run.prove()
        log = aep.requests()
        first_write = next(n for n, entry in enumerate(log) if entry["write"] and entry["service"] != "ims")
        for index, entry in enumerate(log):
            like = [(other["method"], other["path"]) for other in log[: index + 1]]
            before_writes = index < first_write
            for fault in (*FAULTS, *(TIMEOUTS if entry["write"] else ())):
                for lasting in (False, True) if fault in LASTING else (False,):
                    case = Case(
                        operation, fault, lasting, index + 1, like.count(like[-1]), entry, before_writes
                    )
                    name = entry["path"].removeprefix("/data/foundation/").split("/")[0]
                    label = f"{operation}-{index + 1}-{entry['method']}-{name}-{fault}"
                    marks = () if fault in QUICK and not lasting else (pytest.mark.long,)
                    label += "-lasting" if lasting else ""
                    found.append(pytest.param(case, id=label, marks=marks))
    assert len(found) >= 300
    return found


def test_a_fault_leaves_nothing_that_a_rerun_does_not_heal(
    local: Local, aep: BareAep, given: Callable[..., dict[str, Any]], case: Case | Exception
) -> None:
    if isinstance(case, Exception):
        raise case
    run = Run(local, aep, given, case.operation)
    action = (FAULTS | TIMEOUTS)[case.fault]
    local.hurry(0.4 if case.fault in TIMEOUTS else None)
    if case.lasting:
        path = re.sub(r"[0-9a-f]{24}$", "[0-9a-f]{24}", case.request["path"])
        match = {"method": case.request["method"], "path": f"^{path}$"}
        fault = aep.fault(action, case.nth, None, **match)
    else:
        fault = aep.fault(action, case.index)
    error = None
    try:
        run.go()
    except AepProviderError as caught:
        error = caught
    hit, log, writes = aep.hits(fault), aep.requests(), aep.writes()
    aep.clear_faults()
    local.hurry(None)

    assert hit, f"the fault did not hit: {[(e['method'], e['path']) for e in log]}"
    if error is None:
        run.prove()
    else:
        text = str(error)
        assert text.splitlines()[0].strip()
        assert "Traceback" not in text
        assert "demo-secret" not in text
    # A young dataset is not believed to be gone after a DELETE that was not answered.
    settles = case.request["write"] and case.request["method"] != "DELETE"
    if settles and "/catalog/" in case.request["path"] and case.fault in SETTLED:
        assert case.lasting or error is None, "the write took effect, and a read would have shown it"
    if case.before_writes and error is not None:
        assert writes == [], f"written although a guard could not be asked: {json.dumps(writes)}"
    # Namesakes of a new name are advice as well.
    advice = case.request["service"] == "flow" or (
        case.operation == "rename" and case.request["path"].endswith("/dataSets")
    )
    if case.before_writes and not advice:
        must_fail = case.lasting or case.fault not in {*PASSING, *TIMEOUTS}
        assert not must_fail or error is not None, "a guard was not asked, and the operation went on"
    if run.was_on() and run.is_off():
        assert error is not None
        first = str(error).splitlines()[0]
        assert "Profile is OFF" in first or "may be OFF" in first, first

    run.go()
    run.prove()
