"""Every `--json` prints one object with one version, and the keys that docs/commands.md names."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from aep_provider.cli import main
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.cli import ARGUMENTS, COMMAND, ID
from support.project import Project

ROOT = Path(__file__).resolve().parents[2]
SECTION = (ROOT / "docs/commands.md").read_text().split("## JSON\n")[1].split("\n## ")[0]
GAP = ["from:2026-01-31T09:00:00.000Z", "by:aep/dev/x", "to:2026-01-31T09:00:01.000Z"]
TAGS = {
    "unifiedProfile": ["enabled:true"],
    "unifiedIdentity": ["enabled:true"],
    "pulumiProfileGap": GAP,
    "pulumiManagedBy": ["aep/dev/lost"],
}
OTHERS = {"emulator", "run"}
"""The one that serves until it is ended, and the one whose JSON is a file: each by a test below."""

MORE: dict[str, tuple[str, ...]] = {
    **ARGUMENTS,
    "diff": ("--from", "dev", "--to", "stage"),
    "import --owned": ("--dry-run",),
    "import": ("--all", "--dry-run"),
    "probe --clean": ("--yes",),
    "probe --explain": ("read-after-write",),
}
CASES = [
    *sorted(set(main.commands) - OTHERS),
    "status --declared",
    "import --owned",
    "probe --clean",
    "probe --explain",
]


def documented(command: str) -> set[str]:
    """The keys of the table's row."""
    (row,) = re.findall(rf"^\| `{re.escape(command)}` \| (.*) \|$", SECTION, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", row))


def begun(text: str) -> dict[str, Any]:
    """One output, if it begins as all do."""
    told: dict[str, Any] = json.loads(text)
    assert next(iter(told.items())) == ("schema_version", 1)
    return told


@pytest.mark.parametrize("command", CASES)
def test_an_output_has_the_version_and_the_documented_keys(project: Project, aep: Aep, command: str) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, TAGS, name="Orders")
    if command == "diff":
        project.run("stack", "init", "stage")
    sandbox = project.environment.pop("AEP_SANDBOX")
    entry = f"{{resource: a, dataset_id: {ID}, is_upsert: false}}"
    for stack in project.folder.glob("Pulumi.*.yaml"):
        with stack.open("a") as file:
            file.write(f"config:\n  aep:sandbox: {sandbox}\n  aep:datasets: [{entry}]\n")
    here = () if command == "digest" else ("-C", str(project.folder))
    process = subprocess.run(
        [COMMAND, *command.split(), *MORE.get(command, ()), *here, "--json"],
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode in (0, 1), process.stderr
    keys = begun(process.stdout).keys() - {"schema_version"}
    left_out = documented(command) - keys
    # Of a belief the keys without a text are left out, and it was asked about or was not.
    assert keys <= documented(command)
    assert not left_out or (command == "probe --explain" and left_out <= {"not_asked", "asked", "emulator"})


def test_what_came_of_a_run_is_a_file_of_the_same_form(project: Project, aep: Aep, tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    project.command("run", "-C", str(project.folder), "preview", "--out", str(out), expect=10)
    begun(out.read_text())


def test_each_command_that_takes_json_is_in_the_table() -> None:
    rows = {row.split()[0] for row in re.findall(r"^\| `([^`]+)` \|", SECTION, re.MULTILINE)}
    assert rows == {
        name for name, one in main.commands.items() if any("--json" in kind.opts for kind in one.params)
    }
