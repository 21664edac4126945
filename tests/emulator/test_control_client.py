"""The typed client for the control routes."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
import requests

from aep_provider.emulator import Control, Emulator, OrderRefused, client
from aep_provider.emulator.request_log import Entry

DATASETS = "/data/foundation/catalog/dataSets"
ID = "65f1c0a2b3d4e5f600000001"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "emulator.md"


def test_it_imports_the_standard_library_and_requests_alone() -> None:
    tree = ast.parse(inspect.getsource(client))
    names = [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    names += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]

    assert {name.partition(".")[0] for name in names} - sys.stdlib_module_names == {"requests"}


def test_every_method_is_documented() -> None:
    methods = [name for name in vars(Control) if not name.startswith("_") and name != "close"]

    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in methods if f"`{name}(" not in text] == []


def test_a_log_entry_has_the_fields_that_its_type_names() -> None:
    assert set(client.LoggedRequest.__annotations__) == {field.name for field in fields(Entry)}


def test_its_headers_open_the_api(aep: Emulator, steer: Control) -> None:
    assert requests.get(aep.url + DATASETS, headers=steer.headers(), timeout=30).json() == {}


def test_a_refused_order_raises_with_the_reason(steer: Control) -> None:
    with pytest.raises(OrderRefused, match="unknown setting 'nothing'"):
        steer.switch(nothing=1)


def test_a_wrong_secret_raises_with_the_reason(steer: Control) -> None:
    with pytest.raises(OrderRefused, match="invalid_client"):
        steer.token(client_secret="wrong")


def test_a_fault_tells_its_hits_until_it_is_cleared(catalog: requests.Session, steer: Control) -> None:
    fault = steer.fault({"status": 503}, 2, None, method="GET", path="/dataSets")

    assert [catalog.get("/dataSets").status_code for _ in range(3)] == [200, 503, 503]
    assert steer.hits(fault) == 2
    assert [held["seen"] for held in steer.faults()] == [3]

    steer.clear_faults(fault)

    assert catalog.get("/dataSets").status_code == 200
    assert steer.faults() == []


def test_a_wait_for_a_hit_that_does_not_come_ends(steer: Control) -> None:
    assert not steer.wait_for_hit(steer.fault({"status": 503}), 0.01)


def test_a_seed_shows_in_what_is_stored(steer: Control) -> None:
    steer.seed(datasets={ID: {"name": "Mine"}})

    assert steer.datasets()[ID]["name"] == "Mine"
    assert steer.datasets("prod") == {}


def test_a_reset_forgets_switches_and_datasets(steer: Control) -> None:
    steer.switch(delayed_delete=3)
    steer.seed(datasets={ID: {"name": "Mine"}})

    steer.reset("demo")

    assert ID not in steer.datasets()
    assert steer.settings()["delayed_delete"] == 0
    assert steer.health()["seed"] == "demo"


def test_the_log_is_read_on_from_an_entry(create: Callable[..., str], steer: Control) -> None:
    create()
    last = steer.requests()[-1]["seq"]
    create()

    assert [entry["method"] for entry in steer.requests(last)] == ["POST"]

    steer.clear_requests()

    assert steer.requests() == []


def test_a_tick_moves_the_clock(steer: Control) -> None:
    steer.tick(60)

    assert steer.health()["clock_offset"] == 60


def test_a_batch_changes_as_told(catalog: requests.Session, steer: Control) -> None:
    related = [{"type": "dataSet", "id": ID}]
    steer.seed(
        datasets={ID: {"name": "Mine"}}, batches={"B": {"status": "loading", "relatedObjects": related}}
    )

    steer.batch("B", status="success")

    assert catalog.get("/batches/B").json()["B"]["status"] == "success"
