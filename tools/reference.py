"""Write the tables of arguments and outputs into docs/resource.md, from the docstrings of `UpsertDataset`.

python tools/reference.py
"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import get_args

from aep_provider.program.resource import InFlightBatches, UpsertDataset

PAGE = Path(__file__).resolve().parent.parent / "docs/resource.md"
ENTRY = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)
SIMPLER = (
    (r"pulumi\.(?:Input|Output)\[([^\[\]]*)\]", r"\1"),
    (r" \| None", ""),
    (r"pulumi\.(ResourceOptions)", r"\1"),
    (r"Sequence\[([^\[\]]*)\]", r"list of \1"),
    (r"Mapping\[str, ([^\[\]]*)\]", r"map of \1"),
    (r"InFlightBatches", ", ".join(f"`{choice}`" for choice in get_args(InFlightBatches))),
    (r"_Gap", "map"),
)


def entries(documented: object, section: str) -> dict[str, str]:
    """What a docstring says of each name in a section."""
    text = inspect.getdoc(documented) or ""
    held = re.search(rf"^{section}:\n((?:    .*\n?)+)", text, re.MULTILINE)
    found = ENTRY.findall(held[1]) if held else []
    return {name: re.sub(r"\s+", " ", meaning).replace("``", "`") for name, meaning in found}


def as_written() -> tuple[dict[str, str], dict[str, str]]:
    """The annotations of arguments and outputs as they are written, and not as Python resolves them."""
    (declared,) = ast.parse(inspect.getsource(UpsertDataset)).body
    assert isinstance(declared, ast.ClassDef)
    *_, constructor = (
        node for node in declared.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    )
    given = [*constructor.args.args[1:], *constructor.args.kwonlyargs]
    outputs = [node for node in declared.body if isinstance(node, ast.AnnAssign)]
    return (
        {one.arg: ast.unparse(one.annotation) for one in given if one.annotation is not None},
        {ast.unparse(node.target): ast.unparse(node.annotation) for node in outputs},
    )


def simple(annotation: str) -> str:
    """An annotation as a reader of the documentation wants it."""
    # From the inside out: what is simple by now makes simple what is around it.
    while True:
        simpler = annotation
        for pattern, put in SIMPLER:
            simpler = re.sub(pattern, put, simpler)
        if simpler == annotation:
            return annotation
        annotation = simpler


def table(kind: str, types: dict[str, str], meanings: dict[str, str]) -> str:
    """A table of names."""
    rows = [f"| `{name}` | {simple(types[name])} | {meaning} |" for name, meaning in meanings.items()]
    return "\n".join([f"| {kind} | type | meaning |", "|---|---|---|", *rows])


def written(page: str) -> str:
    """The page with its two tables."""
    arguments, outputs = as_written()
    for kind, types, meanings in (
        ("argument", arguments, entries(UpsertDataset.__init__, "Args")),
        ("output", outputs, entries(UpsertDataset, "Attributes")),
    ):
        between = re.compile(rf"(<!-- {kind}s -->\n).*?(<!-- end -->)", re.DOTALL)
        made = table(kind, types, meanings)
        page = between.sub(lambda marks, made=made: f"{marks[1]}\n{made}\n\n{marks[2]}", page)  # type: ignore[misc]
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
