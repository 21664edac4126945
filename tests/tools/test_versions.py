"""tools/versions.py: what is supported is said once, and CI tries all of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import versions
import yaml
from pulumi_sources.check import MINIMUM

ROOT = Path(__file__).resolve().parents[2]
JOBS = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
OLDEST = ".".join(map(str, MINIMUM))


def test_ci_runs_every_supported_python_and_both_ends_of_pulumi() -> None:
    assert versions.supported()[0] == "3.10"
    assert 'requires-python = ">=3.10"' in versions.PYPROJECT
    assert JOBS["test"]["strategy"]["matrix"]["python"] == versions.supported()
    matrix = JOBS["versions"]["strategy"]["matrix"]
    assert matrix["python"] == versions.supported()
    assert matrix["pulumi"] == list(versions.pulumis())
    assert {one["pulumi"]: one["cli"] for one in matrix["include"]} == {"oldest": OLDEST, "newest": "latest"}


def test_the_oldest_sdk_is_as_old_as_the_oldest_command() -> None:
    assert versions.pulumis() == {"oldest": f"pulumi=={OLDEST}", "newest": "pulumi>=3.268,<4"}


def test_the_python_of_the_tests_is_found_and_a_broken_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = "{}.{}".format(*sys.version_info)
    broken = tmp_path / f"python{current}"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    good = tmp_path / "pyenv/versions" / f"{current}.0/bin/python"
    good.parent.mkdir(parents=True)
    good.symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    assert versions.interpreter(current) == str(good)
    good.unlink()
    assert versions.interpreter(current) is None


def test_what_is_missing_is_told_and_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(versions, "interpreter", lambda version: None)
    assert versions.main(["--python", "3.14"]) == 1
    assert capsys.readouterr().out == "Python 3.14: not on this machine\n"
