"""Who looks for the text of an error in the documentation finds it, and meets no text that is gone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from aep_provider import errors

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(ROOT.glob("aep_provider/**/*.py"))
PAGES = [ROOT / "docs" / name for name in ("troubleshooting.md", "safety.md")]
RAISED = {name for name, kind in vars(errors).items() if isinstance(kind, type)} | {
    "PulumiFailed",
    "ClickException",
    "UsageError",
    "BadParameter",
}
RUN = 3
"""Words in a row that make a text recognisable; the rest is names, ids and times."""


def text_of(node: ast.AST) -> str:
    """A string of the code, with dots instead of what is filled in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def strings() -> Iterator[str]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if text := text_of(node):
                yield text


def messages() -> Iterator[tuple[str, str]]:
    """The place and the text of each error that is made with a text of its own."""
    for path in SOURCES:
        if "emulator" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                # A call's name alone, as in "GET datasets", stands before the text of its class.
                if name in RAISED and name != "UnreadableResponse" and (text := text_of(node.args[0])):
                    yield path.stem, text


def runs(text: str) -> set[str]:
    """Every few words in a row, broken where something is filled in."""
    found = set()
    for part in re.split(r"…|(?<!\w)'[^'\n]*'|\d+", text.replace("`", "")):
        words = re.findall(r"[\w:$_-]+", part)
        found |= {" ".join(words[start : start + RUN]) for start in range(len(words) - RUN + 1)}
    return found


WRITTEN = set().union(*(runs(path.read_text()) for path in PAGES))
IN_CODE = set().union(*(runs(text) for text in strings()))
ROWS = [
    text
    for text in re.findall(
        r"^\| (`.*?`) \| ", PAGES[0].read_text().split("### Pulumi's own")[0], re.MULTILINE
    )
    for text in re.findall(r"``(.+?)``|`([^`]+)`", text)
]


@pytest.mark.parametrize(("place", "text"), sorted({one for one in messages() if runs(one[1])}))
def test_the_text_of_an_error_is_in_the_documentation(place: str, text: str) -> None:
    assert runs(text) & WRITTEN


@pytest.mark.parametrize(
    "row", sorted({double or single for double, single in ROWS if runs(double or single)})
)
def test_a_text_in_the_documentation_is_one_of_the_codes(row: str) -> None:
    assert runs(row) & IN_CODE
