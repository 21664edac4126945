"""Sentences that a good engineer would not say to a colleague: "x is no y"."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path
    for pattern in (
        "*.md",
        "docs/*.md",
        "docs/examples/**/*.*",
        "tools/**/*.py",
        "tools/*.md",
        "aep_provider/**/*.py",
    )
    for path in ROOT.glob(pattern)
    if path.is_file()
)
STILTED = re.compile(r"(?<![Tt]here )\b(?:is|are) no (?!longer\b|more\b)")
"""`there is no batch` and `that is no longer true` are English."""


@pytest.mark.parametrize(
    ("text", "stilted"),
    [
        ("x is no URI", True),
        ("They are no URIs.", True),
        ("There is no batch", False),
        ("it is no longer there", False),
        ("x is not a URI", False),
    ],
)
def test_what_counts_as_stilted(text: str, stilted: bool) -> None:
    assert bool(STILTED.search(text)) is stilted


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_says_that_something_is_no_thing(path: Path) -> None:
    text = " ".join(path.read_text().split())
    assert [text[max(0, one.start() - 40) : one.end() + 20] for one in STILTED.finditer(text)] == []
