"""Where the code can be mutated, by the operators of cosmic-ray, and a sample of that."""

from __future__ import annotations

import difflib
import hashlib
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

SKIPPED = ("core/VariableReplacer", "core/VariableInserter")  # they need arguments
# Cosmic-ray takes the stars of arguments and displays for operators as well.
OPERATIONS = ("arith_expr", "term", "expr", "and_expr", "xor_expr", "shift_expr", "power")
IDENTITY = {"Is": "IsNot", "IsNot": "Is"}

Place = tuple[str, int, int, str, str]
"""A file, line and column, the text of the line, and the kind of operator."""


@dataclass(frozen=True)
class Site:
    """One mutation that cosmic-ray can make.

    Attributes:
        file: relative to the root of the tree.
        line: where the mutated expression begins, counted from 1.
        first: the first line of the statement around it.
        last: the last line of that statement.
        at_import: whether the line runs when the module is imported, so that no test can be blamed for it.
        operator: cosmic-ray's name of the mutation.
        occurrence: which of the places in the file where this operator applies.
    """

    file: str
    line: int
    first: int
    last: int
    at_import: bool
    operator: str
    occurrence: int

    def mutated(self, source: str) -> str:
        """The whole file with this mutation."""
        changed: str | None = mutate_code(source, get_operator(self.operator)(), self.occurrence)
        assert changed is not None
        return changed

    def change(self, source: str) -> tuple[str, ...]:
        """The lines that the mutation takes away ("- …") and brings ("+ …"), without their indentation."""
        lines = difflib.ndiff(source.splitlines(), self.mutated(source).splitlines())
        return tuple(
            f"{line[0]} {line[2:].strip()}" for line in lines if line[0] in "-+" and line[2:].strip()
        )


def sample(root: Path, folders: list[str], count: int, seed: str) -> list[Site]:
    """The same sites for the same code: each place counts once, however many operators apply to it.

    A change elsewhere hardly changes the choice, and a smaller sample is the beginning of a larger one.

    Args:
        root: the tree.
        folders: those to mutate, relative to it.
        count: how many sites.
        seed: of the choice.
    """
    places: dict[Place, list[Site]] = defaultdict(list)
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            for place, site in _sites(path, str(path.relative_to(root))):
                places[place].append(site)
    ranked = sorted((_rank(seed, place), place) for place in places)
    ordered = (places[place][rank % len(places[place])] for rank, place in ranked)
    return list(islice((site for site in ordered if _compiles(site, root)), count))


def _compiles(site: Site, root: Path) -> bool:
    """Whether the mutation is Python at all: `not a := b` is not, and every test would notice."""
    try:
        compile(site.mutated((root / site.file).read_text()), site.file, "exec")
    except SyntaxError:
        return False
    return True


def _rank(seed: str, place: Place) -> int:
    file, _, column, text, kind = place
    return int(hashlib.sha256(f"{seed} {file} {column} {text} {kind}".encode()).hexdigest(), 16)


def _sites(path: Path, file: str) -> list[tuple[Place, Site]]:
    source = path.read_text()
    nodes, texts = list(ast_nodes(get_ast(source))), source.splitlines()
    found = []
    for name in filter(_useful, operator_names()):
        operator, occurrence = get_operator(name)(), -1
        for node in nodes:
            for start, _ in operator.mutation_positions(node):
                occurrence += 1
                if _annotation(node) or ("BinaryOperator" in name and node.parent.type not in OPERATIONS):
                    continue
                first, last, at_import = _statement(node)
                site = Site(file, start[0], first, last, at_import, name, occurrence)
                found.append(((file, *start, texts[start[0] - 1], name.split("_")[0]), site))
    return found


def _useful(name: str) -> bool:
    """Whether an operator says something: `==` for `is` and the reverse is a matter of style, not of behaviour."""
    if name in SKIPPED:
        return False
    if "ReplaceComparisonOperator" not in name:
        return True
    old, new = name.split("_")[1:]
    return IDENTITY.get(old) == new if old in IDENTITY else new not in IDENTITY


def _annotation(node: Any) -> bool:
    """Whether a node is part of a type, which nothing evaluates."""
    while node.parent is not None:
        above = node.parent
        before = above.children[above.children.index(node) - 1]
        if above.type in ("annassign", "tfpdef") and before == ":":
            return True
        if above.type == "funcdef" and before == "->":
            return True
        node = above
    return False


def _statement(node: Any) -> tuple[int, int, bool]:
    """The lines of the statement around a node, and whether it runs at import."""
    inside = node
    while inside.parent is not None and inside.parent.type not in ("suite", "file_input"):
        inside = inside.parent
    above = node
    while above is not None:
        if above.type == "lambdef" or (above.type == "suite" and above.parent.type == "funcdef"):
            return inside.start_pos[0], _head(inside, node), False
        above = above.parent
    return inside.start_pos[0], _head(inside, node), True


def _head(statement: Any, node: Any) -> int:
    """The last line of a simple statement; of a compound one, that of the node: the body is not meant."""
    return int(statement.end_pos[0] if statement.type == "simple_stmt" else node.end_pos[0])
