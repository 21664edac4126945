"""Which stacks a project has, in which wave, and which a change touches; git is the real one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from aep_provider.cli import main


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project below the top of a repository, with three stacks and one that is not listed; all committed."""
    folder = tmp_path / "infra"
    (folder / "stacks").mkdir(parents=True)
    held = {
        "prod": {"aep:sandbox": "live"},
        "b": {"aep:sandbox": "b", "aep:wave": "dev", "aep:datasets": "shared.yaml"},
        "a": {"aep:sandbox": "a", "aep:wave": "dev", "aep:orgId": "other@AdobeOrg"},
        "local": {"aep:wave": "none"},
    }
    for name, config in held.items():
        (folder / f"stacks/Pulumi.{name}.yaml").write_text(json.dumps({"config": config}))
    (folder / "Pulumi.yaml").write_text(
        "name: aep\nruntime: python\nstackConfigDir: stacks\nconfig:\n  aep:orgId: {value: mine@AdobeOrg}\n"
    )
    for name in ("__main__.py", "shared.yaml", "README.md", "../elsewhere.py"):
        (folder / name).write_text("\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "x")
    return folder


def matrix(folder: Path, *flags: str) -> Result:
    return CliRunner().invoke(main, ["matrix", "-C", str(folder), *flags])


def rows(folder: Path, *flags: str) -> list[dict[str, Any]]:
    done = matrix(folder, "--json", *flags)
    assert done.exit_code == 0, done.output
    found: list[dict[str, Any]] = json.loads(done.stdout)["include"]
    return found


def test_stacks_come_in_waves_and_one_that_says_nothing_is_production(project: Path) -> None:
    assert rows(project) == [
        {"stack": "a", "sandbox": "a", "org": "other@AdobeOrg", "wave": "dev", "touched": True},
        {"stack": "b", "sandbox": "b", "org": "mine@AdobeOrg", "wave": "dev", "touched": True},
        {"stack": "prod", "sandbox": "live", "org": "mine@AdobeOrg", "wave": "prod", "touched": True},
    ]
    assert [one["stack"] for one in rows(project, "--wave", "prod")] == ["prod"]
    assert "3 stacks, 3 touched" in matrix(project).output


@pytest.mark.parametrize(
    ("file", "touched"),
    [
        ("stacks/Pulumi.a.yaml", ["a"]),
        ("stacks/Pulumi.local.yaml", []),
        ("shared.yaml", ["b"]),
        ("__main__.py", ["a", "b", "prod"]),
        ("Pulumi.yaml", ["a", "b", "prod"]),
        ("new.py", ["a", "b", "prod"]),
        ("README.md", []),
        ("../elsewhere.py", []),
    ],
)
def test_a_change_touches_the_stacks_that_it_may_matter_to(
    project: Path, file: str, touched: list[str]
) -> None:
    with (project / file).open("a") as changed:
        changed.write("\n")
    assert [one["stack"] for one in rows(project, "--changed-since", "HEAD", "--touched")] == touched
    git(project, "add", "-A")
    git(project, "commit", "-qm", "y")
    assert [one["stack"] for one in rows(project, "--changed-since", "HEAD~1", "--touched")] == touched
    assert rows(project, "--changed-since", "HEAD", "--touched") == []


def test_what_others_changed_meanwhile_does_not_count(project: Path) -> None:
    git(project, "checkout", "-qb", "mine")
    git(project, "checkout", "-q", "-")
    (project / "__main__.py").write_text("pass\n")
    git(project, "commit", "-qam", "theirs")
    git(project, "branch", "theirs")
    git(project, "checkout", "-q", "mine")
    assert rows(project, "--changed-since", "theirs", "--touched") == []


@pytest.mark.parametrize("ref", ["nowhere", "0" * 40, "--output=/dev/null"])
def test_where_git_cannot_tell_every_stack_is_touched(
    project: Path, ref: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["matrix", "-C", str(project), "--json", f"--changed-since={ref}"], standalone_mode=False)
    told = capsys.readouterr()
    assert all(one["touched"] for one in json.loads(told.out)["include"])
    assert "every stack counts as touched" in told.err


def test_an_unknown_wave_and_a_missing_project_are_errors(project: Path, tmp_path: Path) -> None:
    (project / "stacks/Pulumi.a.yaml").write_text("config: {aep:wave: test}")
    wrong = matrix(project)
    assert (wrong.exit_code, "aep:wave is 'test'" in wrong.output) == (1, True)
    assert "Use dev, stage, prod, or none" in wrong.output
    assert "No Pulumi.yaml" in matrix(tmp_path).output


@pytest.mark.parametrize("text", ["", "config:", "config: [a]", "config: {aep:sandbox: {secure: x}}"])
def test_a_stack_file_that_says_little_is_listed(project: Path, text: str) -> None:
    (project / "stacks/Pulumi.a.yaml").write_text(text)
    (row,) = [one for one in rows(project) if one["stack"] == "a"]
    assert (row["sandbox"], row["wave"]) == ("", "prod")
