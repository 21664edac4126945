"""Batches in flight are waited for, and the wait can be ended at any time without harm."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from aep_provider.emulator.seeds import PROFILE_SCHEMA

if TYPE_CHECKING:
    import subprocess

    from support.aep import Aep
    from support.project import Project

ID = "5b020a27e7040801dedbf46e"
ADOPT = f'UpsertDataset("orders", dataset_id="{ID}")'
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}


def batch(aep: Aep, name: str, *script: str, age: float = 60, dataset: str = ID) -> None:
    """Add a batch that goes through these states, one at each look."""
    body = {
        "status": script[0],
        "relatedObjects": [{"type": "dataSet", "id": dataset}],
        "created": int((time.time() - age) * 1000),
        "_script": list(script),
    }
    aep.seed(batches={name: body})


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Read what the command prints until a text has come."""
    assert process.stdout is not None
    read = ""
    for line in process.stdout:
        read += line
        if text in line:
            break
    assert text in read, read
    return read


def test_a_batch_is_waited_for_and_the_dataset_read_again(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    batch(aep, "01HBATCH", "processing", "processing", "success")
    project.program(ADOPT)
    result = project.up()
    assert "waiting for 1 batch in flight (0 of 600 s): 01HBATCH (processing)" in result.text
    calls = [call for call in aep.calls() if "catalog" in call]
    patch = calls.index("PATCH catalog/dataSets/{id}")
    assert calls[patch - 2 : patch] == ["GET catalog/batches", "GET catalog/dataSets/{id}"]
    assert calls[:patch].count("GET catalog/dataSets/{id}") == 3
    assert calls[patch + 1] == "PATCH catalog/dataSets/{id}"
    assert project.outputs()["profile_gap"]["suspect"] == ["01HBATCH"]


def test_a_wait_that_takes_too_long_writes_nothing(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    batch(aep, "01HBATCH", "loading")
    project.program(ADOPT.replace(")", ", wait_timeout=1)"))
    result = project.up(expect=1)
    assert "still in flight" in result.text
    assert "raise wait_timeout" in result.text
    assert aep.writes() == []


def test_a_batch_stuck_for_more_than_a_day_is_only_warned_about(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    batch(aep, "01HSTUCK", "stalled", age=100_000)
    project.program(ADOPT)
    assert "Not waiting for batches of dataset" in project.up().text
    assert len(aep.writes()) == 2


def test_a_second_ctrl_c_while_waiting_writes_nothing(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    batch(aep, "01HBATCH", "loading")
    project.program(ADOPT)
    process = project.start("up", "--yes", "--skip-preview")
    read_until(process, "a second Ctrl-C is safe")
    os.kill(process.pid, signal.SIGINT)
    read_until(process, "^C received")
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert aep.writes() == []
    assert project.plugins() == []


def test_at_most_two_datasets_are_waited_for_at_once(project: Project, aep: Aep) -> None:
    names = [f"{number:024x}" for number in (1, 2, 3)]
    for name in names:
        aep.dataset(name, PROFILE_SCHEMA, ON)
        batch(aep, f"01H{name[-1]}", "loading", dataset=name)
    project.program(f"for id in {names}:", '    UpsertDataset("d" + id[-1], dataset_id=id)')
    process = project.start("up", "--yes", "--skip-preview")
    # Progress is said before each look, so the refusal of the third comes while two are waited for.
    text = read_until(process, "this run waits for those of 2 other datasets already")
    assert aep.writes() == []
    for name in names:
        batch(aep, f"01H{name[-1]}", "success", dataset=name)
    text += process.communicate(timeout=120)[0]
    assert process.returncode == 1
    assert text.count("Run `pulumi up` again when those have ended.") >= 1
    project.up()
    upserts = [body["tags"]["unifiedProfile"][1] for body in aep.datasets().values()]
    assert upserts == ["isUpsert:true"] * 3


def test_get_reads_a_dataset_of_someone_else(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON, name="Orders")
    project.program(
        f'orders = UpsertDataset.get("orders", "{ID}")',
        'pulumi.export("name", orders.name)',
        'pulumi.export("upsert", orders.is_upsert)',
    )
    project.up()
    assert "Orders" in project.run("stack", "output").text
    project.destroy()
    assert aep.writes() == []


def test_get_of_a_missing_dataset_is_an_error(project: Project, aep: Aep) -> None:
    project.program(f'UpsertDataset.get("orders", "{ID}")')
    assert f"Dataset {ID} does not exist in sandbox dev" in project.up(expect=1).text
