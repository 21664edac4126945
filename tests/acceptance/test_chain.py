"""How many requests of the real command wait for each other: each is held until those beside it have come."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from aep_provider.aep.batches import PAGE
from aep_provider.aep.reads import PLAIN
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project

pytestmark = pytest.mark.skipif(
    os.environ.get(PLAIN) == "1", reason="AEP_PLAIN_READS=1 asks one question after another"
)

N = 3
IDS = [f"{n:024x}" for n in range(1, N + 1)]
ON = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
LISTED = ("/targetConnections", "/flows", "/sandbox-management/")
SHARED = {**dict.fromkeys(LISTED, 1), "/schemas/": 1, "/batches": 1}
"""What a preview of changes of upsert asks once for all datasets."""


def declare(project: Project, each: list[dict[str, Any]]) -> None:
    """Make the program declare datasets."""
    project.program(f"for n, given in enumerate({each!r}):", "    UpsertDataset(f'd{n}', **given)")


def created(*, upsert: bool) -> list[dict[str, Any]]:
    """Datasets that the stack creates."""
    return [
        {
            "name": f"dataset {n}",
            "schema_id": PROFILE_SCHEMA,
            "is_upsert": upsert,
            "deletion_protection": False,
        }
        for n in range(N)
    ]


def adopted(aep: Aep, *, upsert: bool) -> list[dict[str, Any]]:
    """Datasets that are there."""
    for number, dataset_id in enumerate(IDS):
        aep.dataset(dataset_id, PROFILE_SCHEMA, ON, name=f"dataset {number}")
    return [{"dataset_id": one, "is_upsert": upsert, "schema_id": PROFILE_SCHEMA} for one in IDS]


class Stages:
    """Requests that are held until all of a stage have come, so none of them can have waited for another."""

    def __init__(self, aep: Aep, *stages: dict[str, int]) -> None:
        self._aep = aep
        self._stages = [{path: self._hold(path, count) for path, count in stage.items()} for stage in stages]

    def _hold(self, path: str, count: int) -> tuple[str, str]:
        last = self._aep.fault({"hold": "before"}, nth=count, times=None, path=path)
        return last, self._aep.fault({"hold": "before"}, times=None, path=path)

    def pass_through(self) -> None:
        """Wait for each stage, and let it go."""
        for stage in self._stages:
            for last, _ in stage.values():
                self._aep.hit(last)
            for pair in stage.values():
                for fault in pair:
                    self._aep.clear_faults(fault)


def previewed(project: Project, stages: Stages) -> None:
    """Let a preview pass through the stages; it has to succeed."""
    preview = project.start("preview")
    stages.pass_through()
    text, _ = preview.communicate(timeout=60)
    assert preview.returncode == 0, text


def test_a_preview_of_changes_of_upsert_is_two_requests_deep(project: Project, aep: Aep) -> None:
    declare(project, created(upsert=True))
    project.up()
    declare(project, created(upsert=False))
    aep.forget()
    previewed(project, Stages(aep, {**SHARED, "/dataSets$": 1}))
    # Nothing else was asked but the token.
    assert len(aep.requests()) == 1 + len(SHARED) + 1


def test_where_there_are_many_batches_a_preview_asks_for_those_of_each_dataset_next(
    project: Project, aep: Aep
) -> None:
    declare(project, created(upsert=True))
    project.up()
    related = [{"type": "dataSet", "id": "f" * 24}]
    body = {"status": "success", "created": int(time.time() * 1000), "relatedObjects": related}
    aep.seed(batches={f"01HBATCH{n}": body for n in range(PAGE)})
    declare(project, created(upsert=False))
    aep.forget()
    previewed(project, Stages(aep, {**SHARED, "/dataSets$": 1}, {"/batches": N}))
    assert len(aep.requests()) == 1 + len(SHARED) + 1 + N


def test_a_preview_of_changes_of_upsert_of_adopted_datasets_is_as_deep(project: Project, aep: Aep) -> None:
    declare(project, adopted(aep, upsert=True))
    project.up()
    declare(project, adopted(aep, upsert=False))
    aep.forget()
    previewed(project, Stages(aep, {**SHARED, "/dataSets/": 1}))
    assert len(aep.requests()) == 1 + len(SHARED) + 1


def test_changes_of_upsert_wait_for_one_request_more_than_they_send_each(project: Project, aep: Aep) -> None:
    declare(project, adopted(aep, upsert=True))
    project.up()
    declare(project, adopted(aep, upsert=False))
    aep.forget()
    stages = Stages(aep, {**dict.fromkeys(LISTED, 1), "/schemas/": 1, "/dataSets/": N}, {"/batches": N})
    up = project.start("up", "--yes", "--skip-preview")
    stages.pass_through()
    text, _ = up.communicate(timeout=60)
    assert up.returncode == 0, text
    # The token, five that all share, and seven each (GET, batches, GET, PATCH, PATCH, GET, batches).
    assert len(aep.requests()) == 1 + 4 + 7 * N


def test_a_create_waits_for_the_token_and_for_what_it_sends_itself(project: Project, aep: Aep) -> None:
    declare(project, created(upsert=True))
    stages = Stages(aep, {"/sandbox-management/": 1, "/schemas/": 1, "/dataSets$": 1 + N})
    up = project.start("up", "--yes", "--skip-preview")
    stages.pass_through()
    text, _ = up.communicate(timeout=60)
    assert up.returncode == 0, text
    assert len(aep.requests()) == 1 + 3 + 3 * N
