"""The real `pulumi` command on a file backend, against the emulator over HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aep_provider.emulator import Emulator
from support.aep import Aep
from support.project import Project
from support.settings import environment as settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def pulumi() -> str:
    """The path of the pulumi command."""
    found = subprocess.run(
        [sys.executable, ROOT / "tools/get_pulumi.py"], stdout=subprocess.PIPE, text=True, check=True
    )
    return found.stdout.strip()


@pytest.fixture
def aep() -> Iterator[Aep]:
    """A strict emulator without datasets."""
    with Emulator(strict=True) as emulator:
        yield Aep(emulator.url)


@pytest.fixture
def new_project(
    tmp_path: Path, pulumi: str, aep: Aep, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Project]]:
    """Makes projects that share a backend, and ends whatever they started."""
    projects: list[Project] = []
    backend = tmp_path / "backend"
    backend.mkdir()

    def make(name: str = "aep", stack: str = "dev", options: str = "") -> Project:
        folder = tmp_path / f"{name}-{stack}-{len(projects)}"
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text(
            f"name: {name}\nruntime:\n  name: python\n  options:\n    toolchain: pip\n"
            f"    virtualenv: {sys.prefix}\n{options}"
        )
        kept = ("PATH", "HOME", "LANG", "GOFLAGS", "XDG_CACHE_HOME", "AEP_PULUMI_CACHE")
        environment = {key: os.environ[key] for key in kept if key in os.environ}
        environment |= {
            "PATH": f"{Path(pulumi).parent}{os.pathsep}{environment['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{backend}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_HOME": str(tmp_path / "pulumi-home"),
            "PYTHONDONTWRITEBYTECODE": "1",
            **settings(aep.url),
        }
        project = Project(folder, pulumi, environment, stack)
        project.run("stack", "init", stack)
        projects.append(project)
        return project

    yield make
    for project in projects:
        project.end()


@pytest.fixture
def project(new_project: Callable[..., Project]) -> Project:
    """One project."""
    return new_project()
