"""A copy of the checkout, and the commands of the documentation in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".aep", ".venv", "*_cache", "__pycache__", ".hypothesis", "tests")


class Checkout:
    """A copy of the project with the virtual environment of the one under test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
        self.lend_environment()

    def lend_environment(self) -> None:
        """Put what is in the virtual environment of the one under test into one of the copy's own.

        With a mark of its own: make never installs the copy into the environment that other tests run in.
        """
        own = self.folder / ".venv"
        own.mkdir()
        for part in (ROOT / ".venv").iterdir():
            if part.name != ".ready":
                (own / part.name).symlink_to(part)
        (own / ".ready").touch()

    @property
    def environment(self) -> dict[str, str]:
        """Nothing that could lead make elsewhere."""
        kept = {"PATH", "HOME", "LANG", "XDG_CACHE_HOME", "AEP_PULUMI_CACHE", "GOFLAGS"}
        return {key: value for key, value in os.environ.items() if key in kept} | {"COLUMNS": "160"}

    def make(self, *target: str, expect: int = 0, **variables: str) -> str:
        """Run make, with these variables in its environment; returns what it printed."""
        done = subprocess.run(
            ["make", *target],
            cwd=self.folder,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == expect, done.stdout
        return done.stdout

    def shell(self, script: str, **variables: str) -> str:
        """Run commands in bash, which stops at the first that fails; returns what they printed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=580,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    @property
    def emulator(self) -> str:
        """The address of the emulator that `make up` started."""
        port = json.loads((self.folder / ".aep/emulator.json").read_text())["port"]
        return f"http://127.0.0.1:{port}/_emulator"
