"""Probe and emulator check each other: under each switch the probe names the setting."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from aep_provider.emulator.settings import Settings
from aep_provider.probe.beliefs import BELIEFS
from support.aep import BareAep
from support.probed import probed

SEEN: dict[str, tuple[object, ...]] = {
    "background_every": (1, 3),
    "clock_skew": (900, -900),
    "create_lag": (1, 4),
    "delayed_delete": (1, 3),
    "empty_properties": ("stored", "missing_too"),
    "if_match": (False,),
    "list_lag": (1, 2, 3),
    "list_lag_seconds": (5,),
    "missing_delete": ("empty200",),
    "name_filter": ("ignored",),
    "page_cap": (1, 3),
    "patch_without_disable": ("refuse",),
    "read_lag": (1, 3),
    "read_lag_seconds": (5,),
    "tag_filter": ("ignored",),
    "union_check": ("accept",),
    "union_propagation": (1, 3),
    "unknown_path": ("html",),
    "write_lag": (1, 3),
    "write_lag_seconds": (5,),
}
"""By switch: values under which a run without batches names it."""

NOT_SEEN = {
    "batch_readings": "how many readings a batch takes to its end shows nothing that the provider rests on",
    "granular_flags": "a tag of Adobe's that the probe does not write",
    "lagging": "to what the lags apply; datasets are measured",
    "profile_on_disable": "only a batch can tell; tests/probe/test_batches.py",
    "profile_on_revert": "experience events, which the probe does not ingest",
    "retention_reply": "retention, which the provider does not set",
    "sub_batch_seconds": "only a batch can tell; tests/probe/test_batches.py",
}

DEFAULTS = asdict(Settings())
CASES = [(name, value) for name, values in SEEN.items() for value in values]


@pytest.mark.parametrize(("name", "value"), CASES, ids=[f"{name}={value}" for name, value in CASES])
def test_the_probe_names_the_switch(aep: BareAep, name: str, value: object) -> None:
    aep.switch(**{name: value})
    before = aep.datasets()
    found = probed(aep)
    changed = {key for key, told in found.switches.items() if told != DEFAULTS[key]}
    if isinstance(value, int) and not isinstance(value, bool) and name in ("clock_skew", "read_lag_seconds"):
        told: Any = found.switches[name]
        assert abs(told - value) <= 1
    else:
        assert found.switches[name] == value
    # Nothing is taken for what it is not, such as one lag for another.
    assert changed == {name}
    assert found.outcome.left == ()
    aep.switch(**asdict(Settings()))
    assert _without_background(aep.datasets()) == _without_background(before)


def _without_background(datasets: dict[str, Any]) -> dict[str, Any]:
    return {key: body["name"] for key, body in datasets.items()}


def test_every_switch_has_a_case() -> None:
    assert {*SEEN, *NOT_SEEN} == set(asdict(Settings()))
    assert not SEEN.keys() & NOT_SEEN.keys()


def test_the_switches_that_beliefs_name_exist() -> None:
    assert {one.switch for one in BELIEFS if one.switch} <= set(asdict(Settings()))


def test_what_never_catches_up_is_said_and_ends(aep: BareAep) -> None:
    aep.switch(read_lag_seconds=100_000)
    found = probed(aep, wait=5)
    assert found["lag-bound"].verdict == "differs"
    assert "not within" in found["read-after-write"].seen
    assert found["patch-add"].verdict in ("differs", "not asked")
