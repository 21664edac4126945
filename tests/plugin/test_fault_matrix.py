"""Every request of every operation, with every fault: what a user is left with, and that a rerun heals it.

The cases are recorded from clean runs: one for each request that an operation makes, each fault, and whether
the fault passes at once or lasts until the run is over.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from aep_provider.emulator.client import LoggedRequest
from aep_provider.errors import AepProviderError
from support.aep import BareAep
from support.local import Local
from support.scenario import OPERATIONS, Run

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
class Case:
    """One fault at one request of one operation.

    Attributes:
        operation, fault: by name.
        lasting: whether it hits every request like this one from here on.
        nth: which of the requests with the same method and path it is, from 1.
        request: the entry of the log of the clean run.
        before_writes: whether it came before the first write.
    """

    operation: str
    fault: str
    lasting: bool
    nth: int
    request: LoggedRequest
    before_writes: bool


def cases(local: Local, aep: BareAep, given: Callable[..., dict[str, Any]]) -> list[Any]:
    """Record each operation and combine its requests with the faults."""
    found = []
    for operation in OPERATIONS:
        run = Run(local, aep, given, operation)
        run.go()
        run.prove()
        log = aep.requests()
        first_write = next(n for n, entry in enumerate(log) if entry["write"] and entry["service"] != "ims")
        seen: Counter[tuple[str, str]] = Counter()
        for index, entry in enumerate(log):
            # What is asked side by side comes in any order, so a request is told by what it asks.
            seen[like := (entry["method"], entry["path"])] += 1
            before_writes = index < first_write
            for fault in (*FAULTS, *(TIMEOUTS if entry["write"] else ())):
                for lasting in (False, True) if fault in LASTING else (False,):
                    case = Case(operation, fault, lasting, seen[like], entry, before_writes)
                    path = re.sub(r"/[0-9a-f]{24}$", "/id", entry["path"].removeprefix("/data/foundation/"))
                    name = "-".join(path.strip("/").split("/")[:3])
                    label = f"{operation}-{entry['method']}-{name}-{seen[like]}-{fault}"
                    marks = () if fault in QUICK and not lasting else (pytest.mark.long,)
                    label += "-lasting" if lasting else ""
                    found.append(pytest.param(case, id=label, marks=marks))
    assert len(found) >= 300
    return sorted(found, key=lambda case: str(case.id))


def test_a_fault_leaves_nothing_that_a_rerun_does_not_heal(
    local: Local, aep: BareAep, given: Callable[..., dict[str, Any]], case: Case | Exception
) -> None:
    if isinstance(case, Exception):
        raise case
    run = Run(local, aep, given, case.operation)
    action = (FAULTS | TIMEOUTS)[case.fault]
    local.hurry(0.4 if case.fault in TIMEOUTS else None)
    path = re.sub(r"[0-9a-f]{24}$", "[0-9a-f]{24}", case.request["path"])
    match = {"method": case.request["method"], "path": f"^{path}$"}
    fault = aep.fault(action, case.nth, None if case.lasting else 1, **match)
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
        assert str(error).splitlines()[0].strip()
        assert "Traceback" not in str(error)
        assert "demo-secret" not in str(error)
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
