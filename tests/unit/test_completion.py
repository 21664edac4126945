"""What a shell completes, by the script that `aep-provider` prints for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(sys.executable).parent
SHELLS = {
    "bash": """
        eval "$(_AEP_PROVIDER_COMPLETE=bash_source aep-provider)"
        read -ra COMP_WORDS <<< "$1"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _aep_provider_completion aep-provider
        printf '%s\\n' "${COMPREPLY[@]}"
    """,
    "zsh": """
        compdef() { :; }
        compadd() { print -l -- "${(@P)@[-1]}"; }
        _describe() { print -l -- "${(@)${(@P)3}%%:*}"; }
        eval "$(_AEP_PROVIDER_COMPLETE=zsh_source aep-provider)"
        words=(${(z)1}); CURRENT=${#words}
        _aep_provider_completion
    """,
    "fish": """
        _AEP_PROVIDER_COMPLETE=fish_source aep-provider | source
        complete -C $argv[1] | string replace -r '\\t.*' ''
    """,
}
"""A script for each shell that says what it completes a line to. zsh's own functions work in its line editor only."""


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("{name: aep, runtime: python, stackConfigDir: stacks}")
    (tmp_path / "stacks").mkdir()
    for name in ("dev", "demo", "prod"):
        (tmp_path / f"stacks/Pulumi.{name}.yaml").write_text("config: {'aep:wave': none}")
    return tmp_path


def completed(shell: str, line: str, cwd: Path) -> list[str]:
    flags = [] if shell == "fish" else ["_"]
    plain = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    path = f"{FOLDER}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [shell, *plain, "-c", SHELLS[shell], *flags, line],
        cwd=cwd,
        env=os.environ | {"PATH": path, "HOME": str(cwd)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return sorted(done.stdout.split())


def test_a_command_is_completed(shell: str, tmp_path: Path) -> None:
    assert completed(shell, "aep-provider dis", tmp_path) == ["discover"]
    assert completed(shell, "aep-provider d", tmp_path) == ["diff", "digest", "discover", "doctor"]


def test_an_option_is_completed(shell: str, tmp_path: Path) -> None:
    assert completed(shell, "aep-provider status --only", tmp_path) == ["--only-differences"]


def test_a_stack_is_completed_from_the_files_of_the_project(shell: str, project: Path) -> None:
    assert completed(shell, "aep-provider status --stack d", project) == ["demo", "dev"]
    assert completed(shell, "aep-provider diff --from dev --to p", project) == ["prod"]


def test_a_stack_of_another_folder_is_completed(shell: str, project: Path, tmp_path: Path) -> None:
    elsewhere = project / "elsewhere/deep"
    elsewhere.mkdir(parents=True)
    assert completed(shell, "aep-provider card -C ../.. --stack p", elsewhere) == ["prod"]


def test_where_no_project_can_be_read_nothing_is_completed(shell: str, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("{")
    assert completed(shell, "aep-provider status --stack d", tmp_path) == []
