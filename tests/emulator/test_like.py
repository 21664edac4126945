"""An emulator that behaves as a probed AEP did."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aep_provider.emulator import Control, Emulator
from aep_provider.emulator.like import ReportRefused, read
from support.command import WAIT
from support.reports import AVOIDABLE, KEPT, REMOVED, body, written

DELETED = {
    "belief": "delete-missing",
    "verdict": "differs",
    "seen": "200",
    "switch": {"missing_delete": "empty200"},
}
LAG = {"belief": "read-after-write", "verdict": "differs", "seen": "3 reads later", "switch": {"read_lag": 3}}
UNKNOWN = {"belief": "new", "verdict": "differs", "seen": "?", "switch": {"not_a_switch": 1}}
WORDS = {"belief": "names", "verdict": "differs", "seen": "names are cut after 80 letters", "switch": {}}
UNASKED = {"belief": "flows", "verdict": "not asked", "seen": "403", "switch": {}}


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What the command had printed when it was interrupted, after its first line."""
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    rest, err = process.communicate(timeout=WAIT)
    return first + rest, err


def test_every_switch_that_was_measured_is_set(serve: Callable[..., Emulator], tmp_path: Path) -> None:
    aep = serve(like=written(tmp_path / "r.json", REMOVED, DELETED, LAG))
    now = Control(aep.url).settings()
    assert (now["profile_on_disable"], now["missing_delete"], now["read_lag"]) == ("remove", "empty200", 3)
    assert now["union_check"] == "refuse", "what was not measured keeps its default"


def test_a_reset_goes_back_to_what_was_measured(serve: Callable[..., Emulator], tmp_path: Path) -> None:
    control = Control(serve(like=written(tmp_path / "r.json", REMOVED)).url)
    control.switch(profile_on_disable="keep", read_lag=2)
    control.reset("demo")
    now = control.settings()
    assert (now["profile_on_disable"], now["read_lag"]) == ("remove", 0)


def test_a_measured_switch_overrides_the_one_in_the_state_file(
    serve: Callable[..., Emulator], tmp_path: Path
) -> None:
    state = tmp_path / "aep.db"
    with Emulator(state=state) as first:
        Control(first.url).switch(missing_delete="404", list_lag=2)
    aep = serve(state=state, like=written(tmp_path / "r.json", DELETED))
    now = Control(aep.url).settings()
    assert (now["missing_delete"], now["list_lag"]) == ("empty200", 2)


def test_the_command_says_on_standard_error_what_it_cannot_imitate(
    run: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    report = written(tmp_path / "r.json", REMOVED, UNKNOWN, WORDS, UNASKED)
    out, err = ended(run("--like", report))
    assert out.startswith("export AEP_ENDPOINT=")
    assert err.splitlines() == [
        "Like the AEP that was probed on 2026-11-27: profile_on_disable=remove",
        err.splitlines()[1],
        "Not imitated: names: names are cut after 80 letters",
        "Not asked: 1 belief; the emulator keeps its defaults there",
    ]
    assert err.splitlines()[1].startswith("Not imitated: new: unknown setting 'not_a_switch'")


def test_with_json_it_is_in_the_object(run: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    out, _ = ended(run("--like", written(tmp_path / "r.json", WORDS), "--json"))
    assert json.loads(out)["not_imitated"] == ["names: names are cut after 80 letters"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read: No such file or directory"),
        ("", "is not a report of aep-provider probe"),
        ("{}", "is not a report of aep-provider probe"),
        (json.dumps(body(schema_version=2)), "has the form 2; this emulator knows form 1 only"),
        (json.dumps(body(answers="x")), "its answers are damaged"),
        (json.dumps(body({"belief": "a"})), "its answers are damaged"),
    ],
)
def test_a_bad_report_ends_the_command_with_2(
    run: Callable[..., subprocess.Popen[str]], tmp_path: Path, text: str | None, told: str
) -> None:
    if text is not None:
        (tmp_path / "r.json").write_text(text)
    process = run("--like", tmp_path / "r.json")
    out, err = process.communicate(timeout=WAIT)
    assert (process.returncode, out) == (2, "")
    assert told in " ".join(err.split())
    assert "Traceback" not in err


def test_the_library_refuses_a_bad_report_before_it_serves(tmp_path: Path) -> None:
    with pytest.raises(ReportRefused):
        Emulator(like=tmp_path / "nowhere").start()


@pytest.mark.parametrize(
    "answer",
    [
        {**REMOVED, "switch": {"profile_on_disable": "perhaps"}},
        {**LAG, "switch": {"read_lag": -1}},
        {**LAG, "switch": {"read_lag": [1]}},
        {**REMOVED, "switch": {"profile_on_disable": []}},
    ],
)
def test_a_value_that_a_switch_does_not_take_is_not_imitated(tmp_path: Path, answer: dict[str, Any]) -> None:
    found = read(written(tmp_path / "r.json", answer, AVOIDABLE))
    assert found.switches == {"patch_without_disable": "warn"}
    assert len(found.not_imitated) == 1


def test_two_answers_that_disagree_about_a_switch_are_told(tmp_path: Path) -> None:
    found = read(written(tmp_path / "r.json", KEPT, REMOVED))
    assert found.switches == {"profile_on_disable": "keep"}
    assert found.not_imitated == (
        "disabling-keeps-records: profile_on_disable was measured as 'keep' and as 'remove'",
    )
