"""Write tables and the evidence of beliefs into the documentation, and the JSON schemas, from the code.

python tools/reference.py
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import json_schemas

from aep_provider import arguments
from aep_provider.operations.guards import GUARDS
from aep_provider.plugin.event_log import ALWAYS, EVENTS
from aep_provider.probe.beliefs import BELIEFS
from aep_provider.program.outputs import Outputs
from aep_provider.program.resource import UpsertDataset

DOCS = Path(__file__).resolve().parent.parent / "docs"
ENTRY = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
BELIEF = re.compile(r"belief `([a-z0-9-]+)`: (?:seen live|\w+|\?)")
SIMPLER = (
    (r"pulumi\.Output\[([^\[\]]*)\]", r"\1"),
    (r"Sequence\[([^\[\]]*)\]", r"list of \1"),
    (r"Mapping\[str, ([^\[\]]*)\]", r"map of \1"),
    (r"ProfileGap( \| None)?", "map"),
)


def entries(documented: object, section: str) -> dict[str, str]:
    """What a docstring says of each name in a section."""
    text = inspect.getdoc(documented) or ""
    held = re.search(rf"^{section}:\n((?:    .*\n?)+)", text, re.MULTILINE)
    found = ENTRY.findall(held[1]) if held else []
    return {name: re.sub(r"\s+", " ", meaning).replace("``", "`") for name, meaning in found}


def argument_table() -> str:
    """The table of arguments; the first and the last are not in `ARGUMENTS`, since they are Pulumi's."""
    said = entries(UpsertDataset.__init__, "Args")
    rows = [
        ("resource_name", "str", said["resource_name"]),
        *((one.name, one.type, one.description) for one in arguments.ARGUMENTS),
        ("opts", "ResourceOptions", said["opts"]),
    ]
    return table("argument | type | meaning", [(f"`{name}`", *rest) for name, *rest in rows])


def output_table() -> str:
    """The table of outputs that are not arguments."""
    known = {one.name for one in arguments.ARGUMENTS}
    rows = [
        (f"`{name}`", _simple(annotation), meaning)
        for name, annotation, meaning in _outputs()
        if name not in known
    ]
    return table("output | type | meaning", rows)


def guard_table() -> str:
    """The table of guards: what each asks, how it refuses, what to do."""
    rows: list[tuple[str, ...]] = []
    for guard in GUARDS:
        marks = [
            guard.asks.replace(" (advice)", ""),
            "A warning at preview." if guard.waiting_cures else "",
            "Asked again right before each disable." if guard.each_disable else "",
            "Asked again right before the write, after a wait or an edit."
            if guard.again and not guard.each_disable
            else "",
            "Preview only." if guard.preview_only else "",
        ]
        asks = " ".join(filter(None, marks))
        first = (guard.name, asks)
        for text, remedy in guard.refusals or (("", "advice: it never refuses"),):
            rows.append((*first, f"`{text}`" if text else "", remedy))
            first = ("", "")
    return table("guard | asks | refusal | remedy", rows)


def event_table() -> str:
    """The table of events: what each is, and its fields."""
    rows: list[tuple[str, ...]] = []
    for first, fields in (
        ("every event", ALWAYS),
        *((f"`{event}`: {what}", fields) for event, (what, fields) in EVENTS.items()),
    ):
        for place, (name, meaning) in enumerate(fields.items()):
            rows.append(("" if place else first, f"`{name}`", meaning))
    return table("event | field | meaning", rows)


def table(header: str, rows: Sequence[tuple[str, ...]]) -> str:
    """A table."""
    line = "|".join("---" for _ in header.split("|"))
    return "\n".join([f"| {header} |", f"|{line}|", *(f"| {' | '.join(row)} |" for row in rows)])


def written(page: str) -> str:
    """The page with the tables that it has marks for."""
    for mark, made in (
        ("arguments", argument_table()),
        ("outputs", output_table()),
        ("guards", guard_table()),
        ("events", event_table()),
    ):
        between = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- end -->)", re.DOTALL)
        page = between.sub(lambda marks, made=made: f"{marks[1]}\n{made}\n\n{marks[2]}", page)  # type: ignore[misc]
    return page


def with_evidence(page: str) -> str:
    """The page with the evidence of each belief that it names, from the table of beliefs.

    Raises:
        KeyError: it names a belief that is not in the table.
    """
    levels = {belief.id: belief.level.value for belief in BELIEFS}
    return BELIEF.sub(lambda named: f"belief `{named[1]}`: {levels[named[1]]}", page)


def _outputs() -> Iterator[tuple[str, str, str]]:
    """The outputs: name, annotation as it is written and not as Python resolves it, and docstring."""
    (outputs,), (numbers,) = (ast.parse(inspect.getsource(one)).body for one in (Outputs, UpsertDataset))
    assert isinstance(outputs, ast.ClassDef)
    assert isinstance(numbers, ast.ClassDef)
    for node, after in pairwise([*outputs.body, *numbers.body]):
        if isinstance(node, ast.AnnAssign):
            said = after.value if isinstance(after, ast.Expr) else None
            assert isinstance(said, ast.Constant), f"{ast.unparse(node)} has no docstring"
            meaning = re.sub(r"\s+", " ", str(said.value)).replace("``", "`")
            yield ast.unparse(node.target), ast.unparse(node.annotation), meaning


def _simple(annotation: str) -> str:
    """An annotation as a reader of the documentation wants it."""
    # From the inside out: what is simple by now makes simple what is around it.
    while True:
        simpler = annotation
        for pattern, put in SIMPLER:
            simpler = re.sub(pattern, put, simpler)
        if simpler == annotation:
            return annotation
        annotation = simpler


if __name__ == "__main__":
    for name in ("resource.md", "safety.md", "traces.md"):
        (DOCS / name).write_text(written((DOCS / name).read_text()))
    emulator = DOCS / "emulator.md"
    emulator.write_text(with_evidence(emulator.read_text()))
    for name, text in json_schemas.written().items():
        (json_schemas.FOLDER / name).write_text(text)
