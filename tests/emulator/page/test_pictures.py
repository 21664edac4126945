"""The pictures of the page in the documentation can be taken anew."""

from __future__ import annotations

import runpy
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools/screenshots.py"))


@pytest.mark.usefixtures("chromium")
def test_script_takes_every_picture_in_its_size(tool: dict[str, Any], tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "tools/screenshots.py", "--folder", tmp_path], check=True)

    sizes = {path.name: struct.unpack(">II", path.read_bytes()[16:24]) for path in tmp_path.iterdir()}
    assert sizes == {name: (width, height) for name, (width, height, *_) in tool["SHOTS"].items()}


def test_documentation_shows_every_picture_and_no_other(tool: dict[str, Any]) -> None:
    text = (ROOT / "docs/emulator.md").read_text(encoding="utf-8")

    there = {path.name for path in (ROOT / "docs/pictures").glob("page-*")}
    assert there == set(tool["SHOTS"])
    assert [name for name in tool["SHOTS"] if f"](pictures/{name})" not in text] == []
