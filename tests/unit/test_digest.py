"""One text of many results, and whether a fleet may go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from aep_provider.cli import main
from aep_provider.cli.outcome import Outcome, as_json


def result(stack: str, outcome: Outcome, **more: Any) -> dict[str, Any]:
    return as_json(stack, f"{stack}-box", "up", outcome) | more


def digest(folder: Path, *results: dict[str, Any], flags: tuple[str, ...] = ()) -> tuple[int, str]:
    files = []
    for number, one in enumerate(results):
        files.append(folder / f"{number}.json")
        files[-1].write_text(json.dumps(one))
    done = CliRunner().invoke(main, ["digest", *flags, *map(str, files)])
    return done.exit_code, done.output


CLEAN, CHANGED = result("a", Outcome.CLEAN), result("b", Outcome.CHANGED)
FAILED = result("c", Outcome.FAILED, errors=[{"resource": "orders", "kind": "", "message": "<b> @all\nmore"}])
OFF = result(
    "d", Outcome.PROFILE_OFF, profile_off=[{"resource": "x", "id": "1", "since": "noon", "command": ""}]
)


def test_what_is_wrong_comes_first_and_clean_is_only_counted(tmp_path: Path) -> None:
    again = CHANGED | {
        "changes": [{"resource": "o", "id": "5b", "operation": "update"}],
        "ingest_again": [{"id": "5b", "batch": "01B"}],
    }
    code, text = digest(tmp_path, CLEAN, again, FAILED, OFF)
    assert code == 1
    assert text.splitlines() == [
        "#### 4 stacks: 1 profile-off, 1 failed, 1 changed, 1 clean",
        "",
        "**profile-off**",
        "",
        "- `d` (sandbox d-box): Profile is OFF for `x` since noon",
        "",
        "**failed**",
        "",
        "- `c` (sandbox c-box): orders: &lt;b> &#64;all",
        "",
        "**changed**",
        "",
        "- `b` (sandbox b-box): 1 to update",
        "",
        "**Ingest again**",
        "",
        "- `b`: batch 01B of dataset 5b",
    ]


@pytest.mark.parametrize(
    ("results", "flags", "code"),
    [
        ([CLEAN, CHANGED], (), 0),
        ([], ("--expect", "0"), 0),
        ([CLEAN, CHANGED], ("--drift",), 1),
        ([FAILED, CLEAN], (), 1),
        ([FAILED, CLEAN], ("--budget", "1"), 0),
        ([CLEAN], ("--expect", "2"), 1),
        ([FAILED], ("--budget", "1", "--expect", "2"), 1),
        ([OFF], ("--budget", "9"), 1),
    ],
)
def test_the_exit_code_keeps_to_the_budget(
    tmp_path: Path, results: list[dict[str, Any]], flags: tuple[str, ...], code: int
) -> None:
    assert digest(tmp_path, *results, flags=flags)[0] == code


def test_a_digest_of_a_thousand_failures_stays_short(tmp_path: Path) -> None:
    long = FAILED | {"errors": [{"resource": "", "kind": "", "message": "x" * 9000}]}
    code, text = digest(tmp_path, *[long] * 200)
    assert code == 1
    assert "- and 150 more" in text
    assert len(text) < 20_000


@pytest.mark.parametrize("content", ["", "[]", '{"schema_version": 2}'])
def test_a_file_that_is_not_a_result_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    done = CliRunner().invoke(main, ["digest", str(tmp_path / "x.json")])
    assert done.exit_code == 3
    assert "x.json" in done.output


def test_json_has_the_results_whole_and_the_same_exit_code(tmp_path: Path) -> None:
    code, text = digest(tmp_path, CLEAN, FAILED, flags=("--json", "--expect", "3", "--budget", "1"))
    assert code == 1
    assert json.loads(text) == {
        "schema_version": 1,
        "outcomes": {"clean": 1, "failed": 1},
        "missing": 1,
        "wrong": 2,
        "results": [CLEAN, FAILED],
    }
    assert digest(tmp_path, CLEAN, flags=("--json",))[0] == 0
