"""Every remedy that the code can print, collected from the code itself."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import aep_provider
from aep_provider import errors

SOURCES = Path(aep_provider.__file__).parent
ELSEWHERE = ("emulator", "errors.py", "validators.py", "arguments.py", "findings.py")
"""The emulator is no part of the provider; the others name no remedy of their own."""

PLACE = {
    **{name: 1 for name, kind in vars(errors).items() if isinstance(kind, type)},
    **dict.fromkeys(("PulumiFailed", "FileFailed"), 1),
    **dict.fromkeys(("ConnectionFailed", "UnreadableResponse", "ForeignResponse"), 2),
    **dict.fromkeys(("problem", "note", "write"), 2),
    "Finding": 3,
    **dict.fromkeys(("UsageError", "ClickException", "BadParameter", "CouldNotTell", "Unexpected"), 0),
    "Invalid": 0,
    "Skipped": 2,
}
"""Which argument of a call is the remedy; of click's errors it is in the text."""

GIVE_ONE = (
    *("remedy", "_remedy", "_about_permission", "moved_remedy", "plain_secret", "open_gaps"),
    *("_disagreement", "_how", "_endpoint_problems", "_obstacle", "way_out"),
)
"""Functions that return remedies, or yield them."""

WHOLE = 30
"""Characters above which what is filled in is a remedy too, and no mere name."""

Names = dict[str, list[ast.expr]]


@cache
def inventory() -> dict[str, str]:
    """The remedies, with dots where something is filled in, and the file of each."""
    found: dict[str, str] = {}
    for path in sorted(SOURCES.rglob("*.py")):
        place = path.relative_to(SOURCES)
        if not {*place.parts} & {*ELSEWHERE}:
            for text in _remedies(path.name, ast.parse(path.read_text())):
                if text.strip(" ….\n"):
                    found.setdefault(text, str(place))
    return found


def _remedies(name: str, tree: ast.Module) -> Iterator[str]:
    names: Names = defaultdict(list)
    for target, value in _assigned(tree):
        names[target].append(value)
    if name == "remedies.py":
        for value in [value for values in names.values() for value in values]:
            yield from (text for text in texts(value, names) if len(text) > WHOLE)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            given = [one.value for one in node.keywords if one.arg == "remedy"]
            place = PLACE.get(called)
            if place is not None and not any(isinstance(one, ast.Starred) for one in node.args):
                given += node.args[place : place + 1]
            for one in given:
                yield from texts(one, names)
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "attr", "") == "remedy":
            yield from texts(node.value, names)
        elif isinstance(node, ast.FunctionDef) and node.name in GIVE_ONE:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return | ast.Yield) and inner.value is not None:
                    yield from texts(inner.value, names)


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """What is assigned to a name anywhere in a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def texts(node: ast.expr, names: Names) -> list[str]:
    """What an expression may be, with dots instead of what is filled in."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        whole = "".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in node.values)
        parts = [one.value for one in node.values if isinstance(one, ast.FormattedValue)]
        return [whole, *(text for one in parts for text in texts(one, names) if len(text) > WHOLE)]
    if isinstance(node, ast.IfExp):
        return texts(node.body, names) + texts(node.orelse, names)
    if isinstance(node, ast.BoolOp):
        return [text for one in node.values for text in texts(one, names)]
    if isinstance(node, ast.Tuple | ast.List):
        return [text for one in node.elts for text in texts(one, names)]
    if isinstance(node, ast.Dict):
        return [text for one in node.values for text in texts(one, names)]
    if isinstance(node, ast.Call):
        return [text for one in node.args for text in texts(one, names) if len(text) > WHOLE]
    if isinstance(node, ast.ListComp):
        return texts(node.elt, names)
    if isinstance(node, ast.Name) and node.id in names:
        others = {name: held for name, held in names.items() if name != node.id}
        return [text for one in names[node.id] for text in texts(one, others)]
    return []
