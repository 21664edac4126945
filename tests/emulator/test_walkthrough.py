"""The walk-through in docs/emulator.md runs and prints what the page says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "emulator.md"


def test_walkthrough_prints_what_the_page_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    section = text.partition("## Profile you can see")[2].partition("\n## ")[0]
    blocks = re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL)
    assert [name for name, _ in blocks] == ["python", "text"]

    run = subprocess.run(
        [sys.executable, "-c", blocks[0][1]], capture_output=True, text=True, timeout=60, check=False
    )

    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == blocks[1][1]
