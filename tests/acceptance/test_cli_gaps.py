"""`aep-provider gaps`: every time without Profile, through the real command."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project

ID = "5b020a27e7040801dedbf46e"
OTHER = "65f1c0a2b3d4e5f60718293a"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
OFF = {
    "unifiedProfile": ["enabled:false"],
    "unifiedIdentity": ["enabled:false"],
    "pulumiProfileGap": ["from:2026-01-31T09:00:00.000Z", "by:aep/dev/late", "was:plain"],
}
ADOPT = f"UpsertDataset('orders', dataset_id='{ID}')"


def gaps(project: Project, *flags: str, expect: int = 0) -> list[dict[str, Any]]:
    told = project.command("gaps", "-C", str(project.folder), "--json", *flags, expect=expect).out
    found: list[dict[str, Any]] = json.loads(told)["gaps"]
    return found


def batch(aep: Aep, name: str, ago: timedelta, **fields: Any) -> None:
    ended = int((datetime.now(timezone.utc) - ago).timestamp() * 1000)
    related = [{"type": "dataSet", "id": ID}]
    body = {"status": "success", "created": ended, "completed": ended, "relatedObjects": related}
    aep.seed(batches={name: {**body, **fields}})


def switched(project: Project, aep: Aep) -> str:
    """A window of `up`, with one batch that nobody can be sure of; what `up` said."""
    aep.dataset(ID, PROFILE_SCHEMA, ON, name="Orders")
    batch(aep, "01SUSPECT", timedelta(minutes=5))
    project.program(ADOPT)
    return project.up().text


def test_an_up_with_a_window_names_the_command_that_lists_it(project: Project, aep: Aep) -> None:
    assert "`aep-provider gaps` lists every gap of the stack" in switched(project, aep)
    aep.forget()
    (gap,) = gaps(project)
    assert (gap["resource"], gap["name"], gap["open"], gap["recorded"]) == ("orders", "Orders", False, True)
    assert gap["suspect"] == [{"id": "01SUSPECT", "replaced_by": ""}]
    assert (gap["lost"], gap["seconds"] < 60) == ([], True)
    assert aep.writes() == []


def test_a_batch_ingested_in_the_place_of_another_shows_as_its_replacement(
    project: Project, aep: Aep
) -> None:
    switched(project, aep)
    batch(aep, "01AGAIN", timedelta(0), replay={"predecessors": ["01SUSPECT"], "reason": "replace"})
    (gap,) = gaps(project)
    assert gap["suspect"] == [{"id": "01SUSPECT", "replaced_by": "01AGAIN"}]
    assert "01SUSPECT (replaced by 01AGAIN)" in project.command("gaps", "-C", str(project.folder)).out


def test_a_gap_left_open_comes_first_and_sets_the_exit_code(project: Project, aep: Aep) -> None:
    switched(project, aep)
    aep.dataset(OTHER, PROFILE_SCHEMA, OFF, name="Late")
    found = gaps(project, expect=1)
    assert [(gap["resource"], gap["open"]) for gap in found] == [("late", True), ("orders", False)]
    text = project.command("gaps", "-C", str(project.folder), expect=1).out
    assert f"Profile is OFF for 'Late' ({OTHER}). Run `pulumi up`" in text
    assert f"aep-provider enable {OTHER} [--upsert]" in text
    assert "2 gaps, 1 open" in text


def test_since_hides_what_ended_before_and_never_an_open_one(project: Project, aep: Aep) -> None:
    switched(project, aep)
    assert gaps(project, "--since", "2100-01-01") == []
    assert len(gaps(project, "--since", "2020-01-01T00:00Z")) == 1
    aep.dataset(OTHER, PROFILE_SCHEMA, OFF)
    assert len(gaps(project, "--since", "2100-01-01", expect=1)) == 1
    told = project.command("gaps", "-C", str(project.folder), "--since", "yesterday", expect=2).text
    assert "'yesterday' is not a day or a time" in told


def test_a_gap_of_another_stack_is_not_listed_and_an_error_is_not_an_answer(
    project: Project, aep: Aep
) -> None:
    tags = OFF | {"pulumiProfileGap": ["from:2026-01-31T09:00:00.000Z", "by:aep/qa/late"]}
    aep.dataset(OTHER, PROFILE_SCHEMA, tags)
    assert "0 gaps, 0 open" in project.command("gaps", "-C", str(project.folder)).out
    aep.fault({"status": 403, "body": {"title": "no"}}, times=None, path="/dataSets")
    assert "View Datasets" in project.command("gaps", "-C", str(project.folder), expect=3).text
