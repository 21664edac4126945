"""What operations cost, counted: calls, bytes and imports. Times differ from machine to machine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project

N = 20
TOKEN, SANDBOXES = "POST /ims/token/v3", "GET sandbox-management/"
ONCE = {TOKEN: 1, SANDBOXES: 1, "GET schemaregistry/tenant/schemas/{schema}": 1}
DATASET, LISTING, BATCHES = "catalog/dataSets/{id}", "catalog/dataSets", "catalog/batches"


def declare(project: Project, name: str, **arguments: Any) -> None:
    """Make the program declare N datasets."""
    project.program(
        f"for n in range({N}):",
        f'    UpsertDataset(f"d{{n}}", name=f"{name} {{n}}", schema_id={PROFILE_SCHEMA!r},',
        f"        deletion_protection=False, **{arguments!r})",
    )


def cost(aep: Aep) -> dict[str, int]:
    """The calls since the last time, counted."""
    counted = Counter(aep.calls())
    aep.forget()
    return dict(counted)


def test_no_operation_makes_more_calls_than_it_needs(project: Project, aep: Aep) -> None:
    declare(project, "dataset")
    project.up()
    assert cost(aep) == {**ONCE, f"GET {LISTING}": 2 * N + 1, f"POST {LISTING}": N}

    project.up()
    project.preview("--expect-no-changes")
    assert cost(aep) == {}

    project.refresh("--expect-no-changes")
    read = cost(aep)
    assert read.pop(TOKEN) == 1
    # A page that has what waits; and young datasets are looked at for twins: one listing for all, of one page or two.
    assert read.pop(f"GET {LISTING}") <= 3
    assert sum(read.values()) <= N
    assert all(call.startswith(f"GET {LISTING}/") for call in read)

    declare(project, "dataset", is_upsert=False)
    project.up()
    assert cost(aep) == {
        **ONCE,
        "GET flowservice/targetConnections": 1,
        "GET flowservice/flows": 1,
        f"GET {DATASET}": 3 * N,
        f"GET {BATCHES}": 2 * N,
        f"PATCH {DATASET}": 2 * N,
    }

    declare(project, "renamed", is_upsert=False)
    project.up()
    # One connection for each request at once, which the threads hand on.
    assert len({entry["connection"] for entry in aep.requests()}) <= 16 + 1
    assert cost(aep) == {
        TOKEN: 1,
        SANDBOXES: 1,
        f"GET {LISTING}": N,  # whether the new name is in use
        f"GET {DATASET}": 2 * N,
        f"PATCH {DATASET}": N,
    }

    declare(project, "renamed", is_upsert=False, wait_timeout=5)
    project.up()
    assert cost(aep) == {}

    project.destroy()
    assert cost(aep) == {TOKEN: 1, SANDBOXES: 1, f"GET {DATASET}": 2 * N, f"DELETE {DATASET}": N}


def test_state_of_a_dataset_is_below_two_kilobytes(project: Project, aep: Aep) -> None:
    for upsert in (False, True):
        project.program(
            f"UpsertDataset('a', name={'n' * 60!r}, description={'d' * 120!r}, is_upsert={upsert},",
            f"    schema_id={PROFILE_SCHEMA!r}, tags={{'team': ['crm'], 'cost-centre': ['4711']}})",
        )
        project.up()
    (resource,) = project.state()
    assert resource["outputs"]["profile_gap"]
    assert len(json.dumps([resource["inputs"], resource["outputs"]], separators=(",", ":"))) <= 2000
    assert len(resource["inputs"]["__provider"]) < 100


@pytest.mark.parametrize(
    ("imports", "most"),
    [("from aep_provider import UpsertDataset, declare", 26), ("import aep_provider.plugin.provider", 56)],
    ids=["program", "plugin"],
)
def test_what_an_unchanged_stack_does_not_need_is_not_imported(imports: str, most: int) -> None:
    code = (
        "import sys, pulumi.dynamic; before = set(sys.modules);"
        f"{imports}; new = set(sys.modules) - before;"
        "print(len(new)); print(*sorted({name.partition('.')[0] for name in new}))"
    )
    count, packages = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {"requests", "urllib3", "click", "rich", "starlette", "sqlite3"}.isdisjoint(packages.split())
    assert int(count) <= most


def test_the_command_starts_without_pulumis_sdk() -> None:
    code = "import sys, aep_provider.cli; print('pulumi' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
