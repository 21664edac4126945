"""The commands of the README, in a copy of the checkout."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".aep", ".venv", "*_cache", "__pycache__", ".hypothesis", "tests")


class Checkout:
    """A copy of the project with the virtual environment of the one under test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
        (folder / ".venv").symlink_to(ROOT / ".venv")

    def make(self, target: str, expect: int = 0, **variables: str) -> str:
        """Run make with nothing set that could lead it elsewhere, but for the variables that are given."""
        kept = {"PATH", "HOME", "LANG", "XDG_CACHE_HOME", "AEP_PULUMI_CACHE", "GOFLAGS"}
        environment = {key: value for key, value in os.environ.items() if key in kept}
        done = subprocess.run(
            ["make", target],
            cwd=self.folder,
            env=environment | {"COLUMNS": "160"} | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == expect, done.stdout
        return done.stdout

    @property
    def emulator(self) -> str:
        """The address of the emulator that `make up` started."""
        import json

        port = json.loads((self.folder / ".aep/emulator.json").read_text())["port"]
        return f"http://127.0.0.1:{port}/_emulator"


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    copy = Checkout(tmp_path / "checkout")
    yield copy
    copy.make("down")


def test_make_up_twice_and_down(checkout: Checkout) -> None:
    first = checkout.make("up")
    assert "2 created" in first or "3 created" in first
    assert "Loyalty programme" in first
    url = checkout.emulator
    requests.delete(f"{url}/requests", timeout=10)
    second = checkout.make("up")
    assert "3 unchanged" in second
    log = requests.get(f"{url}/requests", timeout=10).json()["requests"]
    assert [entry for entry in log if entry["write"] and entry["service"] != "ims"] == []
    assert "unchanged" in checkout.make("preview")
    assert "unchanged" in checkout.make("refresh")
    down = checkout.make("down")
    assert "2 deleted" in down or "3 deleted" in down
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/health", timeout=5)


def test_a_proxy_is_not_asked_for_what_is_on_this_machine(checkout: Checkout) -> None:
    nobody = "http://127.0.0.1:1"
    assert "3 created" in checkout.make("up", https_proxy=nobody, http_proxy=nobody, all_proxy=nobody)


def test_a_taken_port_does_not_stop_make_up(checkout: Checkout) -> None:
    checkout.make("up")
    port = int(checkout.emulator.split(":")[2].split("/")[0])
    subprocess.run(
        [ROOT / ".venv/bin/python", "tools/stack.py", "stop-emulator"], cwd=checkout.folder, check=True
    )
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        # The emulator's state is the same on another port, and any loopback address is the same place.
        assert "3 unchanged" in checkout.make("up")
