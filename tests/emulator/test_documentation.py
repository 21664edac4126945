"""docs/emulator.md names every route, switch, option and refusal that there is."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest
import requests
from starlette.routing import Route

from aep_provider.cli.emulator import emulator
from aep_provider.emulator import (
    catalog,
    descriptors,
    errors,
    export,
    flows,
    ims,
    ingestion,
    registry,
    registry_changes,
    sandboxes,
    seeds,
    status,
    ups,
)
from aep_provider.emulator import control as control_routes
from aep_provider.emulator.faults import Action
from aep_provider.emulator.merging import LISTS, MAPS
from aep_provider.emulator.request_log import Entry
from aep_provider.emulator.store import Store
from aep_provider.emulator.world import World

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "emulator.md"
TEXT_AT = {
    "bad_request": 0, "catalog": 2, "flow": 1, "ims": 1, "ingestion": 2, "profile": 1, "refused": 2,
    "registry": 2, "sandbox": 1, "_bad": 0,
}  # fmt: skip
"""Which argument of the functions that make a refusal is its text."""
EVIDENCE = ("specified", "documented", "seen live", "assumed", "inferred", "unknown", "code of")


def section(text: str, title: str) -> str:
    found = text.partition(f"\n{title}\n")[2]
    assert found, title
    return re.split(rf"\n#{{1,{title.count('#')}}} ", found)[0]


def rows(part: str) -> list[list[str]]:
    """Return the cells of the tables of a section, without the heads."""
    lines = [line.strip("|").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip().replace("\\|", "|") for cell in cells] for cells in lines]


@pytest.fixture(scope="module")
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_every_control_route_is_described(text: str) -> None:
    world = World(Store(None))
    made = [*control_routes.routes(world), *status.routes(world)]
    world.store.close()
    table = [route for route in made if isinstance(route, Route)]

    assert len(table) > 10
    calls = [(method, route.path) for route in table for method in (route.methods or set()) - {"HEAD"}]
    assert sorted(call for call in calls if not described(text, *call)) == []


def described(text: str, method: str, path: str) -> bool:
    """Say whether some line holds both the method and exactly this path, with or without its prefix."""
    escaped = re.escape(path.removeprefix("/_emulator") or "/").replace(r"\{id\}", r"(\{[a-z_]+\}|<[a-z_]+>)")
    pattern = re.compile(rf"{escaped}(?![\w/{{<])")
    return any(method in line and pattern.search(line) for line in text.splitlines())


def services() -> list[tuple[str, str]]:
    """Return method and path of every request that a service answers."""
    parts = (ims, catalog, registry, registry_changes, descriptors, sandboxes, flows, ingestion, export, ups)
    made = [route for part in parts for route in part.routes() if isinstance(route, Route)]
    return [(method, route.path) for route in made for method in (route.methods or set()) - {"HEAD"}]


def test_the_support_matrix_lists_exactly_the_requests_served(text: str) -> None:
    matrix = rows(section(text, "## What is served"))
    told = {tuple(call.split(" ")) for call, *_ in matrix for call in re.findall(r"`([A-Z]+ /[^`]*)`", call)}

    assert len(told) > 30
    assert sorted(told) == sorted({(method, plain(path)) for method, path in services()})


def plain(path: str) -> str:
    """Return a path as the page writes it: without what a parameter is converted by."""
    return re.sub(r":\w+\}", "}", path)


def refusals() -> set[str]:
    """Return the text of every refusal in the emulator's source, with "…" for what varies."""
    found = {*errors.GATEWAY_MESSAGES.values(), "A valid content-type must be specified"}
    for path in (ROOT / "aep_provider" / "emulator").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            str(getattr(node.targets[0], "id", "")): node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and path.name != "errors.py":
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in TEXT_AT and ("errors." in ast.unparse(node.func) or name == "_bad"):
                    argument = node.args[TEXT_AT[name]]
                    found.add(shown(constants.get(getattr(argument, "id", ""), argument)))
    return found - {"…"}


def shown(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(shown(part) for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else "…"


def test_every_refusal_is_documented_and_no_other(text: str) -> None:
    table = rows(section(text, "### Every refusal"))
    told = {found for _, cell, _ in table for found in re.findall(r"`([^`]+)`", cell)}

    assert len(told) > 50
    assert sorted(refusals() - told) == []
    assert sorted(told - refusals()) == []


def test_every_behaviour_has_its_evidence(text: str) -> None:
    part = section(text, "## Behaviours and their evidence")
    table = [cells for cells in rows(part) if len(cells) in (2, 3)]

    assert len(table) > 100
    heads = {"evidence", "---"}
    bare = [cells for cells in table if cells[-1] not in heads]
    assert [cells for cells in bare if not any(word in cells[-1] for word in EVIDENCE)] == []


def test_every_option_of_the_command_is_described(text: str) -> None:
    options = [option for parameter in emulator.params for option in parameter.opts if option != "--help"]

    assert len(options) > 4
    assert [option for option in options if not re.search(rf"^\| `{option}[ `]", text, re.MULTILINE)] == []


def test_every_action_of_a_fault_is_described(text: str) -> None:
    part = section(text, "## Faults")

    actions = [field.name for field in fields(Action)]
    assert len(actions) > 10
    assert [name for name in actions if f'"{name}"' not in part] == []


def test_every_part_of_a_log_entry_is_shown(text: str) -> None:
    part = section(text, "## Control routes")

    assert [field.name for field in fields(Entry) if f'"{field.name}"' not in part] == []


def test_every_key_of_a_seed_order_is_shown(text: str) -> None:
    part = section(text, "## Control routes")

    assert [key for key in ("sandbox", *MAPS, *LISTS) if f'"{key}"' not in part] == []


def test_every_switch_is_described(text: str, control: requests.Session) -> None:
    names = list(control.get("/settings").json())

    assert len(names) > 5
    assert [name for name in names if not re.search(rf"`{name}`", text)] == []


def test_every_seed_is_described(text: str) -> None:
    assert [name for name in seeds.SEEDS if name not in text] == []
