"""The cache of tools/get_pulumi.py, and how it runs commands."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import NoReturn

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from pulumi_sources import cache, report
from pulumi_sources.cache import Cache
from pulumi_sources.report import UnavailableError


def forbidden(part: Path) -> NoReturn:
    pytest.fail("what is there already must not be filled again")


# --- the cache


def good(entry: Path) -> bool:
    return (entry / "whole").exists()


def fill(part: Path) -> None:
    (part / "whole").touch()


def names(store: Cache) -> list[str]:
    return sorted(path.name for path in store.folder.iterdir())


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"AEP_PULUMI_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, Path("/a")),
        ({"XDG_CACHE_HOME": "/b"}, Path("/b/aep-provider")),
        ({}, Path.home() / ".cache" / "aep-provider"),
        ({"AEP_PULUMI_CACHE": "", "XDG_CACHE_HOME": ""}, Path.home() / ".cache" / "aep-provider"),
    ],
)
def test_where_the_cache_is(environ: dict[str, str], folder: Path) -> None:
    assert Cache.of(environ).folder == folder


def test_entry_is_filled_once(tmp_path: Path) -> None:
    store = Cache(tmp_path / "deep" / "cache")
    entry = store.entry("x", good, fill)
    assert good(entry)
    assert store.entry("x", good, forbidden) == entry
    assert names(store) == ["x", "x.lock"]


def test_half_filled_entry_and_leftovers_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "half").touch()
    (tmp_path / "x.part-killed").mkdir()
    store = Cache(tmp_path)
    entry = store.entry("x", good, fill)
    assert [path.name for path in entry.iterdir()] == ["whole"]
    assert names(store) == ["x", "x.lock"]


def test_failed_fill_leaves_nothing(tmp_path: Path) -> None:
    def fail(part: Path) -> None:
        (part / "whole").touch()
        raise UnavailableError("half-way")

    store = Cache(tmp_path)
    with pytest.raises(UnavailableError, match="half-way"):
        store.entry("x", good, fail)
    assert names(store) == ["x.lock"]


def test_two_runs_at_once_fill_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filling, second_waits = threading.Event(), threading.Event()
    monkeypatch.setattr(cache, "say", lambda text: second_waits.set())
    filled: list[Path] = []

    def slow_fill(part: Path) -> None:
        filling.set()
        assert second_waits.wait(60)
        filled.append(part)
        fill(part)

    store = Cache(tmp_path)
    got: list[Path] = []
    runs = [threading.Thread(target=lambda: got.append(store.entry("x", good, slow_fill))) for _ in range(2)]
    runs[0].start()
    assert filling.wait(60)
    runs[1].start()
    for run in runs:
        run.join(60)
    assert got == [tmp_path / "x"] * 2
    assert len(filled) == 1


# --- running commands


def test_command_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    alive, never = tmp_path / "alive", tmp_path / "never"
    os.mkfifo(alive)
    os.mkfifo(never)
    hang = f"exec 3>{alive}; read line <{never} & wait"
    reader = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    try:
        with pytest.raises(UnavailableError, match="no end after"):
            report.run(["/bin/sh", "-c", hang], limit=0.3)
        assert os.read(reader, 1) == b""  # nobody holds the other end any more
    finally:
        os.close(reader)


def test_failed_command_shows_the_end_of_what_it_said() -> None:
    with pytest.raises(UnavailableError, match=r"(?s)`/bin/sh -c \.\.\.` failed:\n    out\n    why$"):
        report.run(["/bin/sh", "-c", "echo out; echo why >&2; exit 3"], limit=30)


def test_missing_command_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="No such file"):
        report.run([tmp_path / "nothing"], limit=30)
