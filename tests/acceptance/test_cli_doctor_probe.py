"""`aep-provider doctor` cites a report of the probe: what differs, and what a person decides by."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.reports import AVOIDABLE, KEPT, REMOVED, body, written

if TYPE_CHECKING:
    from pathlib import Path

    from support.aep import Aep
    from support.project import Project


def cited(project: Project, *flags: str, expect: int = 1) -> dict[str, dict[str, Any]]:
    """The findings about a report, by check. The project here has other problems."""
    told = project.command("doctor", "-C", str(project.folder), "--json", *flags, expect=expect).out
    return {
        one["check"].removeprefix("belief "): one
        for one in json.loads(told)["findings"]
        if one["check"].startswith(("belief", "probe report"))
    }


def test_what_a_person_decides_by_is_cited_with_its_date(project: Project, aep: Aep, tmp_path: Path) -> None:
    found = cited(project, "--probe", str(written(tmp_path / "r.json", KEPT)))
    kept = found["disabling-keeps-records"]
    assert (kept["status"], kept["text"]) == (
        "ok",
        "Measured in this organisation on 2026-11-27: disabling kept the profile record.",
    )
    assert found["upsert-merges"]["status"] == "not checked"
    assert (
        found["probe report"]["text"]
        == "2026-11-27, region va7, aep-provider 0.1.0: 1 agree, 0 differ, 0 not asked"
    )
    assert aep.writes() == []


def test_what_differs_is_a_note_that_says_what_rests_on_it(project: Project, tmp_path: Path) -> None:
    found = cited(project, "--probe", str(written(tmp_path / "r.json", REMOVED)))["disabling-keeps-records"]
    assert found["status"] == "note"
    assert "disabling removed the profile record" in found["text"]
    assert "operations/checks.py" in found["remedy"]
    assert "all of it has to be ingested again" in found["remedy"]


def test_a_window_that_could_be_avoided_is_said_and_nothing_follows(project: Project, tmp_path: Path) -> None:
    found = cited(project, "--probe", str(written(tmp_path / "r.json", AVOIDABLE)))["upsert-needs-window"]
    assert found["status"] == "note"
    assert "upsert may be set there in one PATCH, without the time in which Profile is off" in found["remedy"]
    assert "still writes the two PATCH requests" in found["remedy"]


def test_the_report_of_the_settings_is_taken_from_the_projects_folder(project: Project) -> None:
    written(project.folder / "probe.json", KEPT)
    project.config("aep:probeReport", "probe.json")
    assert cited(project)["disabling-keeps-records"]["status"] == "ok"


def test_the_flag_wins_over_the_settings(project: Project, tmp_path: Path) -> None:
    project.environment["AEP_PROBE_REPORT"] = str(written(tmp_path / "set.json", REMOVED))
    found = cited(project, "--probe", str(written(tmp_path / "flag.json", KEPT)))
    assert found["disabling-keeps-records"]["status"] == "ok"


@pytest.mark.parametrize("region", ["local", "other"])
def test_a_report_that_is_not_adobes_is_a_note(project: Project, tmp_path: Path, region: str) -> None:
    found = cited(project, "--probe", str(written(tmp_path / "r.json", KEPT, region=region)))
    assert found["probe report"]["status"] == "note"
    assert "this organisation" not in json.dumps(found)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read: No such file or directory"),
        ("{", "is not a report of `aep-provider probe`"),
        (json.dumps({"kind": "other"}), "is not a report of `aep-provider probe`"),
        (
            json.dumps(body(schema_version=9)),
            "has the form 9, and this version of aep-provider reads form 1 only",
        ),
    ],
)
def test_a_file_that_is_no_report_is_a_problem_with_a_remedy(
    project: Project, tmp_path: Path, content: str | None, told: str
) -> None:
    if content is not None:
        (tmp_path / "r.json").write_text(content)
    (found,) = cited(project, "--probe", str(tmp_path / "r.json")).values()
    assert found["status"] == "problem"
    assert told in found["text"]
    assert found["remedy"]


def test_without_a_report_nothing_is_said_of_one(project: Project) -> None:
    assert cited(project) == {}
