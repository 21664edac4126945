"""A report of one emulator makes another one do the same: what it measured is what `--like` sets."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from aep_provider.emulator import Emulator
from aep_provider.probe.report import made
from aep_provider.settings import Settings
from support.aep import BareAep
from support.probed import probed, two_batches
from support.settings import config

ORDERS = "5b020a27e7040801dedbf46e"
HABITS: list[dict[str, Any]] = [
    {},
    {"profile_on_disable": "remove", "missing_delete": "empty200"},
    {"patch_without_disable": "refuse", "if_match": False, "read_lag": 2},
]


@pytest.mark.parametrize("habits", HABITS, ids=str)
def test_an_emulator_that_is_like_a_probed_one_answers_the_probe_alike(
    aep: BareAep, tmp_path: Path, habits: dict[str, Any]
) -> None:
    aep.switch(**habits)
    first = probed(aep, batches=True)
    file = tmp_path / "r.json"
    whole = made(
        Settings.load(config(aep.url), {}),
        first.outcome.answers,
        date=datetime.now(timezone.utc),
        sandbox_type="development",
        batches=True,
        figures=first.outcome.figures,
        leftovers=0,
    )
    file.write_text(json.dumps(whole.as_json()))
    with Emulator(strict=True, like=file) as emulator, closing(BareAep(emulator.url)) as other:
        assert {name: other.settings()[name] for name in habits} == habits
        two_batches(other, other.dataset(ORDERS, {}))
        again = probed(other, batches=True)
    assert {one.belief: one.verdict for one in again.outcome.answers} == {
        one.belief: one.verdict for one in first.outcome.answers
    }
