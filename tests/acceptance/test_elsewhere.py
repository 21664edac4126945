"""The package in other people's projects: the examples of the documentation, on the real engine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.aep import Aep
from support.project import Project

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs/examples"
PYPROJECT = """
[project]
name = "customer-data"
version = "0"
requires-python = ">=3.10"
dependencies = ["aep-provider"]

[tool.uv.sources]
aep-provider = {{ path = "{wheel}" }}
"""

POETRY = """
[project]
name = "customer-data"
version = "0"
requires-python = ">=3.10"

[tool.poetry]
package-mode = false
"""


@pytest.fixture
def repository(new_project: Callable[..., Project], aep: Aep) -> Project:
    """The example program, in a subfolder of another repository."""
    aep.reset("demo")
    project = new_project("customer-data")
    (project.folder / "infra").mkdir()
    project.folder /= "infra/aep"
    shutil.copytree(EXAMPLES / "program", project.folder)
    return project


def works(project: Project, aep: Aep) -> None:
    """Up, and up again: with the second one nothing is written."""
    result = project.up("--stack", "dev")
    assert "Profile was off from" in result.text
    written = len(aep.writes())
    assert "3 unchanged" in project.up("--stack", "dev", "--expect-no-changes").text
    assert len(aep.writes()) == written


def test_the_example_runs_in_a_subfolder_under_another_project_name(repository: Project, aep: Aep) -> None:
    (repository.folder / ".venv").symlink_to(sys.prefix)
    works(repository, aep)
    owners = {tag for held in aep.datasets().values() for tag in held["tags"].get("pulumiManagedBy", [])}
    assert owners == {"customer-data/dev/loyalty-members", "customer-data/dev/orders"}


def test_the_inline_program_of_the_automation_api_runs_with_its_own_interpreter(
    new_project: Callable[..., Project], aep: Aep, tmp_path: Path
) -> None:
    project = new_project("customer-data")
    # No python of this environment is on PATH, so only what the example says can find the package.
    environment = project.environment | {"PATH": f"{Path(project.pulumi).parent}:/usr/bin:/bin"}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, EXAMPLES / "automation.py"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "2 unchanged" in done.stdout
    (dataset_id,) = aep.datasets()
    assert done.stdout.splitlines()[-1] == dataset_id
    assert len(aep.writes()) == 1


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it is published."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.long
def test_the_wheel_with_pip(repository: Project, aep: Aep, wheel: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", ".venv"], cwd=repository.folder, check=True)
    pip = [str(repository.folder / ".venv/bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, str(wheel)], check=True)
    works(repository, aep)


@pytest.mark.long
def test_the_wheel_with_uv(
    repository: Project, aep: Aep, wheel: Path, tool: Callable[[str, str], str]
) -> None:
    uv = tool("uv", "uv>=0.5")
    project = repository.folder / "Pulumi.yaml"
    options = "    toolchain: pip\n    virtualenv: .venv\n"
    assert options in project.read_text()
    project.write_text(project.read_text().replace(options, "    toolchain: uv\n    virtualenv: .venv\n"))
    (repository.folder / "pyproject.toml").write_text(PYPROJECT.format(wheel=wheel))
    subprocess.run([uv, "sync", "--quiet", "--python", sys.executable], cwd=repository.folder, check=True)
    repository.environment["PATH"] += f":{Path(uv).parent}"
    works(repository, aep)


@pytest.mark.long
def test_the_wheel_with_poetry(
    repository: Project, aep: Aep, wheel: Path, tool: Callable[[str, str], str], tmp_path: Path
) -> None:
    poetry = tool("poetry", "poetry>=2")
    project = repository.folder / "Pulumi.yaml"
    options = "    toolchain: pip\n    virtualenv: .venv\n"
    project.write_text(project.read_text().replace(options, "    toolchain: poetry\n"))
    (repository.folder / "pyproject.toml").write_text(POETRY)
    repository.environment |= {
        "PATH": f"{repository.environment['PATH']}:{Path(poetry).parent}",
        "POETRY_VIRTUALENVS_PATH": str(tmp_path / "environments"),
    }

    def ask(*arguments: str) -> str:
        done = subprocess.run(
            [poetry, *arguments],
            cwd=repository.folder,
            env=repository.environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    ask("env", "use", sys.executable)
    # By pip into Poetry's environment: `poetry add` wants more of a registry than a mirror may have. So the
    # lock is that of a project without dependencies; Pulumi wants to see it all the same.
    pip = [sys.executable, "-m", "pip", "--python", f"{ask('env', 'info', '--path')}/bin/python"]
    quiet = ["install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *quiet, str(wheel)], check=True)
    refused = repository.preview("--stack", "dev", expect=1)
    assert "failed to discover package requirements: could not find poetry.lock" in refused.text
    ask("lock")
    works(repository, aep)
