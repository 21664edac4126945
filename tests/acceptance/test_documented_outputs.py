"""What pages show as printed is what the commands print. README and getting started have tests of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.documented import blocks, not_printed
from support.project import Project

DOCS = Path(__file__).resolve().parents[2] / "docs"
ORDERS = "5b020a27e7040801dedbf46e"
LEFT_OFF = {
    "unifiedProfile": ["enabled:false"],
    "unifiedIdentity": ["enabled:false"],
    "pulumiManagedBy": ["aep/local/orders"],
    "pulumiProfileGap": ["from:2026-11-25T07:32:09.569Z", "by:aep/local/orders"],
}


def shown(page: str, beginning: str) -> str:
    """The one output of a page that begins so, or that follows a command that does; without the commands."""
    found = [
        text
        for _, text, _ in blocks((DOCS / page).read_text())
        if text.lstrip().removeprefix("$ ").startswith(beginning)
    ]
    assert len(found) == 1, beginning
    return "\n".join(line for line in found[0].splitlines() if not line.startswith("$ "))


@pytest.fixture
def orders(aep: Aep) -> Aep:
    aep.dataset(ORDERS, PROFILE_SCHEMA, LEFT_OFF, name="Orders")
    return aep


@pytest.mark.usefixtures("orders")
def test_safety_shows_what_discover_and_enable_print_of_a_killed_adoption(project: Project) -> None:
    printed = project.command("discover", "--no-stack", "--name", "Orders").text
    printed += project.command("enable", "--no-stack", ORDERS, "--upsert").text
    assert not_printed(shown("safety.md", "aep-provider discover --name Orders"), printed) == []


def test_troubleshooting_shows_what_doctor_prints(project: Project, aep: Aep) -> None:
    (project.folder / "__main__.py").touch()
    project.environment["AEP_CLIENT_SECRET"] = "wrong"
    printed = project.command("doctor", "-C", str(project.folder), "--stack", "dev", expect=1).text
    assert not_printed(shown("troubleshooting.md", "ok           versions"), printed) == []


def test_settings_shows_what_is_said_of_missing_ones(project: Project) -> None:
    for name in ("AEP_SANDBOX", "AEP_CLIENT_SECRET"):
        del project.environment[name]
    project.program(f"UpsertDataset('a', name='A', schema_id={PROFILE_SCHEMA!r})")
    printed = project.preview(expect=None).text
    assert not_printed(shown("settings.md", "error: … Invalid"), printed) == []


def test_troubleshooting_quotes_the_error_of_a_changed_schema(project: Project, aep: Aep) -> None:
    project.program(f"UpsertDataset('a', name='A', schema_id={PROFILE_SCHEMA!r})")
    project.up()
    project.program("UpsertDataset('a', name='A', schema_id='https://ns.adobe.com/acmeinc/schemas/0')")
    printed = project.preview(expect=None).text
    row = next(
        line for line in (DOCS / "troubleshooting.md").read_text().splitlines() if "`schema_id of" in line
    )
    assert not_printed(row.split("`")[1], printed) == []
