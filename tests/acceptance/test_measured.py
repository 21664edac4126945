"""A probe's report that the settings name: cited where consent is asked for, and never more than that."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import raw_dataset
from support.reports import AVOIDABLE, KEPT, REMOVED, body, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.aep import Aep
    from support.project import Project

ID = "5b020a27e7040801dedbf46e"
ADOPT = f'UpsertDataset("orders", dataset_id="{ID}")'
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
TODAY = "Adobe's documentation disagrees on whether disabling removes the dataset's profile records"
CITED = "Measured in this organisation on 2026-11-27: disabling kept the profile record."


@pytest.fixture
def toggling(project: Project, aep: Aep) -> Project:
    """A project whose next run switches Profile off and on."""
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project.program(ADOPT)
    return project


def said(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_preview_of_a_toggle_cites_the_report_that_the_stack_names(toggling: Project, aep: Aep) -> None:
    written(toggling.folder / "probe.json", KEPT)
    toggling.config("aep:probeReport", "probe.json")
    text = said(toggling.preview().text)
    assert TODAY in text
    assert text.count(CITED) == 1
    assert "one PATCH" not in text
    assert aep.writes() == []


def test_without_a_report_the_preview_says_what_it_always_said(toggling: Project) -> None:
    text = said(toggling.preview().text)
    assert TODAY in text
    assert "Measured" not in text


def test_the_environment_names_a_report_for_a_program_in_a_subfolder(
    new_project: Callable[..., Project], aep: Aep
) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project = new_project(options="main: src\n")
    (project.folder / "src").mkdir()
    project.program(ADOPT)
    (project.folder / "__main__.py").rename(project.folder / "src" / "__main__.py")
    written(project.folder / "probe.json", REMOVED)
    text = said(project.preview(AEP_PROBE_REPORT="probe.json").text)
    assert "on 2026-11-27: disabling removed the profile record." in text


def test_a_refusal_in_production_cites_the_report_too(project: Project, aep: Aep) -> None:
    aep.seed(sandbox="prod", datasets={ID: raw_dataset("Orders", PROFILE_SCHEMA, ON)})
    project.program(ADOPT)
    project.config("aep:allowProduction", "true")
    written(project.folder / "probe.json", KEPT)
    environment = {"AEP_SANDBOX": "prod", "AEP_PROBE_REPORT": "probe.json"}
    text = said(project.preview(expect=1, **environment).text)
    assert f"{CITED} If you accept that, set allow_profile_gap=True." in text
    assert aep.writes() == []


def test_a_window_that_a_report_shows_to_be_avoidable_is_written_all_the_same(
    toggling: Project, aep: Aep
) -> None:
    written(toggling.folder / "probe.json", KEPT, AVOIDABLE)
    text = said(toggling.up(AEP_PROBE_REPORT="probe.json").text)
    assert "So upsert may be set there in one PATCH" in text
    assert [entry["method"] for entry in aep.writes()] == ["PATCH", "PATCH"]
    assert aep.writes()[0]["body"][0]["value"] == ["enabled:false"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "probe.json cannot be read: No such file or directory; nothing of it is cited"),
        ({"a": 1}, "is not a report of `aep-provider probe`; nothing of it is cited"),
        (body(schema_version=2), "has the form 2, and this version of aep-provider reads form 1 only"),
    ],
)
def test_a_report_that_cannot_be_read_is_a_warning_and_the_toggle_goes_on(
    toggling: Project, aep: Aep, content: dict[str, object] | None, told: str
) -> None:
    if content is not None:
        (toggling.folder / "probe.json").write_text(json.dumps(content))
    text = said(toggling.up(AEP_PROBE_REPORT="probe.json").text)
    assert told in text
    assert "warning" in text
    assert aep.datasets()[ID]["tags"]["unifiedProfile"][:2] == ["enabled:true", "isUpsert:true"]
