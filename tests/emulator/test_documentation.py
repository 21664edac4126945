"""docs/emulator.md names every control route and every switch."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests
from starlette.routing import Route

from aep_provider.emulator import control as control_routes
from aep_provider.emulator import seeds, status
from aep_provider.emulator.store import Store
from aep_provider.emulator.world import World

PAGE = Path(__file__).resolve().parents[2] / "docs" / "emulator.md"


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


def test_every_switch_is_described(text: str, control: requests.Session) -> None:
    names = list(control.get("/settings").json())

    assert len(names) > 5
    assert [name for name in names if not re.search(rf"`{name}`", text)] == []


def test_every_seed_is_described(text: str) -> None:
    assert [name for name in seeds.SEEDS if name not in text] == []
