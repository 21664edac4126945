"""`make dist`: the same bytes each time, with what belongs into them."""

from __future__ import annotations

import email
import hashlib
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from pathlib import Path

import pytest

from support.dist import REPOSITORY, ROOT, build


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


def git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as held:
        (name,) = (one for one in held.namelist() if one.endswith(".dist-info/METADATA"))
        return email.message_from_string(held.read(name).decode())


def test_two_builds_of_a_commit_are_equal_byte_for_byte(dist: Path, tmp_path: Path) -> None:
    # Whatever differs between two machines: rights of new files, time zone, language, the folder.
    with umask(0o077):
        told = build(tmp_path / "other", TZ="Asia/Tokyo", LC_ALL="C", TMPDIR=str(tmp_path))
    first = {file.name: file.read_bytes() for file in dist.iterdir()}
    second = {file.name: file.read_bytes() for file in (tmp_path / "other").iterdir()}
    assert first == second
    digests = {f"{hashlib.sha256(held).hexdigest()}  {name}" for name, held in second.items()}
    assert set(told.splitlines()) == digests


def test_what_was_not_committed_is_not_in_it(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    known = git("ls-tree", "-r", "--name-only", "HEAD").splitlines()
    with tarfile.open(sdist) as held:
        inside = {one.name.partition("/")[2] for one in held.getmembers() if one.isfile()}
    assert inside - {"PKG-INFO"} <= set(known)
    assert {"pyproject.toml", "README.md", "LICENSE", "SECURITY.md", "docs/safety.md"} <= inside
    assert not [name for name in inside if name.startswith("tests/")]


def test_the_wheel_holds_the_package_alone_with_its_types_and_schemas(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as held:
        names = held.namelist()
    packages = {"aep_provider", "pytest_aep_provider"}
    assert {name.partition("/")[0] for name in names} == {*packages, "aep_provider-0.1.0.dist-info"}
    assert {"aep_provider/py.typed", "aep_provider/schemas/datasets.schema.json"} <= set(names)


def test_the_metadata_names_the_repository_that_builds_and_its_links_lead_there(wheel: Path) -> None:
    told = metadata(wheel)
    urls = dict(one.split(", ") for one in told.get_all("Project-URL", []))
    assert urls["Source"] == REPOSITORY
    assert urls["Security"] == f"{REPOSITORY}/blob/v0.1.0/SECURITY.md"
    text = str(told.get_payload())
    assert f"]({REPOSITORY}/blob/v0.1.0/docs/safety.md#what-is-promised)" in text
    assert f"]({REPOSITORY}/raw/v0.1.0/docs/pictures/make-up.svg)" in text
    assert "](docs/" not in text
    assert "](https://www.pulumi.com/)" in text


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the commit is built")
def test_without_an_address_none_is_made_up(tmp_path: Path) -> None:
    build(tmp_path, AEP_REPOSITORY_URL="")
    (wheel,) = tmp_path.glob("*.whl")
    assert metadata(wheel).get_all("Project-URL") is None
    assert str(metadata(wheel).get_payload()) == git("show", "HEAD:README.md")


def test_a_tree_without_git_is_refused_and_still_installs(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "tools").mkdir()
    for name in ("dist.py", "project_urls.py"):
        (tmp_path / "tools" / name).write_bytes((ROOT / "tools" / name).read_bytes())
    (tmp_path / "aep_provider").mkdir()
    (tmp_path / "aep_provider/__init__.py").touch()
    command = [sys.executable, str(tmp_path / "tools/dist.py"), str(tmp_path / "dist")]
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "dist: git status: fatal: not a git repository" in done.stderr
    # As `make setup` installs it, but beside the environment of the tests.
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "-e"]
    subprocess.run([*pip, str(tmp_path), "--target", str(tmp_path / "there")], check=True, timeout=120)
    assert (tmp_path / "there/aep_provider-0.1.0.dist-info").is_dir()
