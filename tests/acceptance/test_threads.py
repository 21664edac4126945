"""The plugin's threads on the real engine, with the pinned SDK and with the newest that the registry has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def newest(tmp_path: Path) -> str:
    """An environment with the newest SDK."""
    folder = tmp_path / "newest"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, str(ROOT), "pulumi"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the newest SDK cannot be had: {done.stderr.strip().splitlines()[-1]}")
    return str(folder)


def nine_at_once(project: Project, aep: Aep) -> bool:
    """Hold eight POSTs, and see whether a ninth comes meanwhile."""
    project.program(
        "for n in range(12):",
        f'    UpsertDataset(f"d{{n}}", name=f"dataset {{n}}", schema_id="{PROFILE_SCHEMA}")',
    )
    held = aep.fault({"hold": "before"}, times=8, method="POST", path="/dataSets$")
    ninth = aep.fault({"headers": {"x-ninth": "1"}}, nth=9, method="POST", path="/dataSets$")
    process = project.start("up", "--yes", "--skip-preview", "--parallel", "16")
    # Shorter than the plugin's read time-out, after which the eight would make room for a ninth.
    came = aep.wait_for_hit(ninth)
    aep.clear_faults(held)
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0, text
    return came


def test_the_plugin_makes_more_calls_at_once_than_its_host_has_threads(project: Project, aep: Aep) -> None:
    assert nine_at_once(project, aep)


@pytest.mark.long
def test_the_plugin_does_so_with_the_newest_sdk(project: Project, aep: Aep, newest: str) -> None:
    settings = project.folder / "Pulumi.yaml"
    settings.write_text(settings.read_text().replace(sys.prefix, newest))
    assert nine_at_once(project, aep)
