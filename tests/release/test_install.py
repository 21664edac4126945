"""The built wheel, installed as people install packages; with the registry's packages, each in a place of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sbom

from support.dist import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

EXTRAS = sbom.extras().split(",")
Find = Callable[[str, str], str]
CODE = "from aep_provider import UpsertDataset, declare; print(UpsertDataset.__module__)"


def ran(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What a command prints, run where nothing of the checkout is seen."""
    # Of the environment of the tests only what every machine has.
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "SSL_CERT_FILE") if name in os.environ
    }
    kept |= {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))}
    done = subprocess.run(
        command, cwd=cwd, env=kept | environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_pip_installs_it_with_each_extra(wheel: Path, tmp_path: Path, extra: str) -> None:
    there = tmp_path / "venv/bin"
    ran(sys.executable, "-m", "venv", there.parent, cwd=tmp_path)
    ran(there / "pip", "install", "--quiet", f"{wheel}[{extra}]" if extra else wheel, cwd=tmp_path)
    ran(there / "pip", "check", cwd=tmp_path)
    assert "0.1.0" in ran(there / "aep-provider", "--version", cwd=tmp_path)
    assert ran(there / "python", "-c", CODE, cwd=tmp_path).startswith("aep_provider.")
    if extra == "emulator":
        code = "from aep_provider.emulator import Emulator\nwith Emulator(seed='demo') as one: print(one.url)"
        assert ran(there / "python", "-c", code, cwd=tmp_path).startswith("http://127.0.0.1:")
    elif not extra:
        done = subprocess.run(
            [there / "aep-provider", "emulator"], capture_output=True, text=True, check=False
        )
        assert "pip install 'aep-provider[emulator]'" in done.stderr


def test_uv_adds_it_to_a_project(wheel: Path, tmp_path: Path, tool: Find) -> None:
    uv = tool("uv", "uv")
    ran(uv, "init", "--quiet", "--bare", "--python", sys.executable, "project", cwd=tmp_path)
    project = tmp_path / "project"
    ran(uv, "add", "--quiet", f"{wheel}[emulator]", cwd=project)
    assert "0.1.0" in ran(uv, "run", "--quiet", "aep-provider", "--version", cwd=project)
    assert "aep-provider" in (project / "uv.lock").read_text()


def test_uvx_runs_the_command(wheel: Path, tmp_path: Path, tool: Find) -> None:
    uv = tool("uv", "uv")
    command = (uv, "tool", "run", "--python", sys.executable, "--from", wheel, "aep-provider", "--version")
    assert "0.1.0" in ran(*command, cwd=tmp_path)


def test_pipx_runs_the_command(wheel: Path, tmp_path: Path, tool: Find) -> None:
    pipx = tool("pipx", "pipx")
    homes = {name: str(tmp_path / name) for name in ("PIPX_HOME", "PIPX_BIN_DIR", "PIPX_MAN_DIR")}
    command = (pipx, "run", "--python", sys.executable, "--spec", wheel, "aep-provider", "--version")
    assert "0.1.0" in ran(*command, cwd=tmp_path, **homes)


def test_the_bill_of_materials_lists_what_comes_with_it_in_the_locked_versions(
    dist: Path, tmp_path: Path, tool: Find
) -> None:
    cyclonedx = Path(tool("cyclonedx-py", "cyclonedx-bom==7.5.*"))
    python = cyclonedx.parent / "python"
    if not python.exists():
        pytest.skip("cyclonedx-py on PATH has no Python beside it")
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for file in dist.glob("*.whl"):
            (tmp_path / name / file.name).write_bytes(file.read_bytes())
        printed = ran(python, ROOT / "tools/sbom.py", tmp_path / name, cwd=tmp_path)
        assert printed == f"{tmp_path / name / 'aep_provider-0.1.0.cdx.json'}\n"
        written.append(Path(printed.strip()).read_bytes())
    assert written[0] == written[1]
    told = json.loads(written[0])
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    assert (told["metadata"]["component"]["name"], told["metadata"]["component"]["version"]) == (
        "aep-provider",
        "0.1.0",
    )
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    found = {one["name"].lower().replace("_", "-"): one["version"] for one in told["components"]}
    assert {"pulumi", "requests", "starlette", "uvicorn", "voluptuous"} <= found.keys()
    assert found.items() <= {name.lower().replace("_", "-"): one for name, one in locked.items()}.items()
    assert str(tmp_path).encode() not in written[0]
