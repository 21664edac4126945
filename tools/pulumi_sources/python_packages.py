"""Installing pinned Python packages away from the project's own environment."""

from __future__ import annotations

import sys
import venv
from pathlib import Path
from subprocess import CalledProcessError

from .report import UnavailableError, run

SECONDS_TO_INSTALL = 900


def make_venv(folder: Path, requirements: Path, *options: str) -> None:
    """A virtual environment, and what a file with hashes pins installed into it or where `options` say."""
    try:
        venv.create(folder, symlinks=True, with_pip=True)
    except CalledProcessError as error:
        raise UnavailableError(
            f"{sys.executable} cannot make virtual environments: install its venv module (python3-venv)"
        ) from error
    pip: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
    exact = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "--disable-pip-version-check"]
    run([*pip, *exact, *options, "--requirement", requirements], limit=SECONDS_TO_INSTALL)
