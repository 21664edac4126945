"""Every operation against a service that lags, with faults on top: what is said is true, and a rerun heals it.

The factors are combined pairwise: any two values of two factors meet in a run. After each run what was said in words
is held against what the service truly has, at once and when everything that was late has taken effect.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from aep_provider.errors import AepProviderError
from support.aep import BareAep
from support.local import Local
from support.scenario import OPERATIONS, Run

REFUSED = {"status": 403, "body": {"error_code": "403027", "message": "User region is missing"}}
DOWN: dict[str, Any] = {"status": 503, "body": {}, "headers": {"Retry-After": "0"}}

FAULTS: dict[str, list[tuple[dict[str, Any], int, int | None, dict[str, str]]]] = {
    "none": [],
    "first write refused": [(REFUSED, 1, 1, {"method": "PATCH|POST|DELETE"})],
    "first write lost": [({"reset": "before"}, 1, 1, {"method": "PATCH"})],
    "first write without reply": [({"reset": "after"}, 1, 1, {"method": "PATCH"})],
    "first write 500 with effect": [({"status": 500, "effect": True, "body": {}}, 1, 1, {"method": "PATCH"})],
    "second write refused": [(REFUSED, 2, 1, {"method": "PATCH"})],
    "second write lost": [({"reset": "before"}, 2, 1, {"method": "PATCH"})],
    "second write without reply": [({"reset": "after"}, 2, 1, {"method": "PATCH"})],
    "second write without effect": [({"status": 200, "body": []}, 2, 1, {"method": "PATCH"})],
    "conflict": [({"status": 409, "body": {"title": "ConflictError"}}, 2, 1, {"method": "PATCH"})],
    "refused from the second write on": [(REFUSED, 2, None, {"method": "PATCH"})],
    "503 from the second write on": [(DOWN, 2, None, {"method": "PATCH"})],
    "408 with effect": [({"status": 408, "effect": True, "body": {}}, 2, 1, {"method": "PATCH"})],
    "second write refused, then no reads": [
        (REFUSED, 2, 1, {"method": "PATCH"}),
        (DOWN, 4, None, {"method": "GET", "path": "dataSets/[0-9a-f]{24}$"}),
    ],
    "slow replies": [({"drip": 0.002}, 1, None, {"method": "PATCH"})],
}

FACTORS: Mapping[str, tuple[Any, ...]] = {
    "operation": (*OPERATIONS, "toggle-on ", "toggle-off "),
    "fault": tuple(FAULTS),
    "reads": ({}, *({"read_lag": n} for n in (1, 3, 10)), *({"read_lag_seconds": n} for n in (2, 12))),
    "listings": ({}, {"list_lag": 1}, {"list_lag": 3}, {"list_lag_seconds": 12}),
    "effects": ({}, {"write_lag": 1}, {"write_lag": 3}, {"write_lag_seconds": 2}, {"write_lag_seconds": 12}),
    "pages": ({}, {"page_cap": 1}),
    "service": (
        {},
        {"if_match": False},
        {"background_every": 1},
        {"patch_without_disable": "refuse"},
        {"empty_properties": "missing_too"},
    ),
    "clock": (0, 1, -1),
    "tags": (True, False),
}

SAMPLES = 8
"""Pairwise samples; the first one belongs to every test run."""


def pairwise(seed: int) -> list[dict[str, Any]]:
    """Runs in which any two values of two factors meet, greedily; the same for the same seed."""
    chance = random.Random(seed)
    names = list(FACTORS)
    pairs = [
        ((one, i), (other, j))
        for one, other in itertools.combinations(names, 2)
        for i in range(len(FACTORS[one]))
        for j in range(len(FACTORS[other]))
    ]
    chance.shuffle(pairs)
    left = {frozenset(pair) for pair in pairs}
    runs = []
    for first in pairs:
        if frozenset(first) not in left:
            continue
        chosen = dict(first)
        for name in chance.sample(names, len(names)):
            if name not in chosen:
                values = chance.sample(range(len(FACTORS[name])), len(FACTORS[name]))
                new = [
                    sum(frozenset(((name, value), at)) in left for at in chosen.items()) for value in values
                ]
                chosen[name] = values[new.index(max(new))]
        left -= {frozenset(pair) for pair in itertools.combinations(chosen.items(), 2)}
        runs.append({name: FACTORS[name][chosen[name]] for name in names})
    return runs


def cases(_local: Local, _aep: BareAep, _given: object) -> list[Any]:
    """The samples, numbered; together with what each run is."""
    found = []
    for sample in range(SAMPLES):
        for number, run in enumerate(pairwise(sample)):
            marks = () if sample == 0 else (pytest.mark.long,)
            found.append(pytest.param(run, id=f"{sample}-{number}-{run['operation'].strip()}", marks=marks))
    return found


class Truth:
    """What the service truly has, and what was said of it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.wanted = (run.what.wanted or {}).get("is_upsert", True)

    def profile(self) -> tuple[bool, bool] | None:
        """Whether Profile and upsert are on; ``None`` if the dataset is not there."""
        body = self._run.aep.datasets().get(self._run.id or "5b020a27e7040801dedbf46e")
        return self._run.profile(body) if body is not None else None

    def contradicted(self, said: str) -> str:
        """The first claim that the service's state contradicts, or ``""``."""
        found = self.profile()
        on, upsert = found or (False, False)
        first = said.splitlines()[0]
        if found is None:
            return ""
        for claim, true in (
            (r"Profile is OFF for", not on),
            (r"Profile is ON as wanted(?! \(it may)", (on, upsert) == (True, self.wanted)),
            (r"Profile is back ON as it was(?! \(it may)", on and upsert != self.wanted),
            (r"Profile is ON(?!,| as wanted| \(it may)", on),
        ):
            if re.search(claim, first) and not true:
                return f"{first!r}, but Profile and upsert are {found}"
        return ""


def begun(local: Local, aep: BareAep, given: Callable[..., dict[str, Any]], case: dict[str, Any]) -> Run:
    """The run of a case, with the service as the case says, from the operation on."""
    settings = {} if case["tags"] else {"aep:ownershipTag": "false"}
    local.on_wait = aep.tick
    local.ahead = timedelta(hours=case["clock"])
    run = Run(local, aep, given, case["operation"].strip(), **settings)
    aep.switch(**case["reads"], **case["listings"], **case["effects"], **case["pages"], **case["service"])
    for action, nth, times, match in FAULTS[case["fault"]]:
        for method in match["method"].split("|"):
            aep.fault(action, nth, times, **{**match, "method": method})
    return run


def test_what_is_said_of_a_lagging_service_is_true(
    local: Local, aep: BareAep, given: Callable[..., dict[str, Any]], case: dict[str, Any] | Exception
) -> None:
    if isinstance(case, Exception):
        raise case
    run = begun(local, aep, given, case)
    truth = Truth(run)
    error = None
    try:
        run.go()
    except AepProviderError as caught:
        error = caught
    said = str(error) if error else ""
    now = truth.profile()
    aep.clear_faults()
    if error is None:
        assert run.what.wanted is None or now == (True, truth.wanted), (
            "done, but the service is not as wanted"
        )
    else:
        assert not truth.contradicted(said), truth.contradicted(said)
    if run.was_on() and now is not None and not now[0]:
        assert re.match(r"Profile (is|may be) OFF", said), f"Profile is off, and it is not said: {said!r}"

    aep.switch(**dict.fromkeys(("read_lag", "list_lag", "write_lag", "page_cap", "background_every"), 0))
    aep.switch(**dict.fromkeys(("read_lag_seconds", "list_lag_seconds", "write_lag_seconds"), 0))
    if error is None:
        run.prove()
    elif "is OFF" not in said.splitlines()[0]:
        assert not truth.contradicted(said), f"later: {truth.contradicted(said)}"
    later = truth.profile()
    if run.was_on() and later is not None and not later[0]:
        assert re.match(r"Profile (is|may be) OFF", said) or "may go off again" in said, (
            f"off later: {said!r}"
        )

    if error is not None and run.what.before is None and run.what.tags is None and not case["tags"]:
        # Without our tags nothing shows whose the dataset is; the refusal names it.
        return
    if "somebody else created" in said or "Several datasets" in said:
        # Twins under a listing that lags: the next refresh reports them.
        return
    run.go()
    run.prove()


def test_every_two_values_of_two_factors_meet() -> None:
    runs = pairwise(0)
    met = {
        (one, repr(run[one]), other, repr(run[other]))
        for run in runs
        for one, other in itertools.combinations(FACTORS, 2)
    }
    expected = sum(
        len(FACTORS[one]) * len(FACTORS[other]) for one, other in itertools.combinations(FACTORS, 2)
    )
    assert len(met) == expected
    print(f"{len(runs)} runs of the first sample, {sum(len(pairwise(n)) for n in range(SAMPLES))} in all")
