"""A probe's report, read: what it says, and what is no report."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from aep_provider import measured
from aep_provider.measured import NoReport, located, parsed
from support.reports import AVOIDABLE, KEPT, REMOVED, body, written


def read(*answers: dict[str, Any], **fields: Any) -> measured.Report:
    return parsed(json.dumps(body(*answers, **fields)).encode(), "r.json")


def test_a_report_comes_back_as_it_was_written() -> None:
    assert read(KEPT, AVOIDABLE).as_json() == body(KEPT, AVOIDABLE)


@pytest.mark.parametrize(("answer", "word"), [(KEPT, "kept"), (REMOVED, "removed")])
def test_what_was_seen_is_cited_with_its_date(answer: dict[str, Any], word: str) -> None:
    said = read(answer).cited(measured.DISABLING_KEEPS)
    assert said == f"Measured in this organisation on 2026-11-27: disabling {word} the profile record."


@pytest.mark.parametrize(
    "answers", [(), ({**KEPT, "verdict": "not asked"},)], ids=["a belief it does not know", "not asked"]
)
def test_nothing_is_cited_of_what_was_not_asked(answers: tuple[dict[str, Any], ...]) -> None:
    assert read(*answers).cited(measured.DISABLING_KEEPS) == ""


@pytest.mark.parametrize(("region", "words"), [("local", "on an emulator"), ("other", "not Adobe's")])
def test_a_report_from_elsewhere_never_speaks_of_the_organisation(region: str, words: str) -> None:
    said = read(KEPT, region=region).cited(measured.DISABLING_KEEPS)
    assert words in said
    assert "this organisation" not in said


def test_the_window_is_avoidable_only_where_that_was_measured() -> None:
    assert "in one PATCH" in read(AVOIDABLE).avoidable
    assert read(KEPT).avoidable == ""
    assert read({**AVOIDABLE, "verdict": "agrees"}).avoidable == ""


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "is not a report"),
        (b"\xff\xfe", "is not a report"),
        (b"[]", "is not a report"),
        (b'{"kind": "something else"}', "is not a report"),
        (b"[" * 100_000, "is not a report"),
        (b" " * 1_000_001, "is not a report"),
        (
            json.dumps(body(schema_version=2)).encode(),
            "has the form 2, and this version of aep-provider reads form 1",
        ),
        (json.dumps(body(schema_version="x")).encode(), "there is no form 'x'"),
        (json.dumps(body(date="soon")).encode(), "that is whole"),
        (json.dumps(body(answers={})).encode(), "answers is not a list"),
        (json.dumps(body({**KEPT, "verdict": "maybe"})).encode(), "answer 0 has none of the verdicts"),
        (json.dumps(body({**KEPT, "switch": 1})).encode(), "the switch of answer 0"),
        (json.dumps(body({**KEPT, "seen": 1})).encode(), "seen is not a text"),
        (json.dumps({"kind": measured.KIND, "schema_version": 1}).encode(), "'date' is missing"),
        (json.dumps(body(schema_version=True)).encode(), "there is no form True"),
        (json.dumps(body(region="LOCAL")).encode(), "the region is none"),
        (json.dumps(body(sandbox_type="production")).encode(), "not of type development"),
        (json.dumps(body(KEPT, REMOVED)).encode(), "answer 1 says nothing, or is the second one"),
        (json.dumps(body({**KEPT, "seen": ""})).encode(), "answer 0 says nothing, or is the second one"),
        (json.dumps(body(leftovers=[])).encode(), "that is whole"),
        (json.dumps(body(figures=3)).encode(), "that is whole"),
    ],
)
def test_what_is_no_report_is_said_in_one_line(raw: bytes, told: str) -> None:
    with pytest.raises(NoReport, match=re.escape(told)) as error:
        parsed(raw, "r.json")
    assert "\n" not in error.value.message
    assert error.value.remedy


def test_a_file_that_cannot_be_opened_names_its_path(tmp_path: Path) -> None:
    with pytest.raises(NoReport, match=r"nowhere\.json cannot be read: No such file"):
        measured.load(tmp_path / "nowhere.json")
    with pytest.raises(NoReport, match="cannot be read: Is a directory"):
        measured.load(tmp_path)


def test_a_text_of_a_report_is_one_line_without_control_characters() -> None:
    said = read({**KEPT, "seen": f"a\x1b[31m\nb{'c' * 1000}"}).cited(measured.DISABLING_KEEPS)
    assert ": a [31m bccc" in said
    assert len(said) < 500


@pytest.mark.parametrize("inside", ["", "src", "src/deeper"])
def test_a_report_is_looked_for_beside_the_project_file(tmp_path: Path, inside: str) -> None:
    (tmp_path / "src" / "deeper").mkdir(parents=True)
    (tmp_path / "Pulumi.yaml").touch()
    file = written(tmp_path / "r.json", KEPT)
    assert located("r.json", tmp_path / inside) == file
    assert located(str(file), tmp_path / inside) == file


def test_without_a_project_file_the_folder_itself_counts(tmp_path: Path) -> None:
    assert located("r.json", tmp_path) == tmp_path / "r.json"
