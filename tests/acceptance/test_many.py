"""Many datasets in one program, on the real engine: how many requests they take, and what is shown."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
from typing import Any

import pytest

from aep_provider.emulator.seeds import CLIENT_ID, ORG_ID, PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project

PROGRAM = """
import json, pathlib
from aep_provider import declare

async def main():
    entries = json.loads(pathlib.Path("entries.json").read_text())
    return {name: one.dataset_id for name, one in (await declare(entries)).items()}

pulumi.run(main)
"""


def write(project: Project, entries: list[dict[str, Any]], at_once: int = 100) -> None:
    """Make the program declare these entries."""
    project.program(imports=PROGRAM.replace("declare(entries)", f"declare(entries, at_once={at_once})"))
    (project.folder / "entries.json").write_text(json.dumps(entries))


def adoptable(aep: Aep, count: int, **tags: list[str]) -> list[str]:
    """Put datasets into the sandbox; return their ids."""
    body = {
        "schemaRef": {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"},
        "tags": {"adobe/pqs/table": ["t"], **tags},
    }
    datasets = {f"{n:024x}": {"name": f"dataset {n}", **body} for n in range(count)}
    aep.seed(datasets=datasets)
    return list(datasets)


@pytest.mark.parametrize("at_once", [100, 1], ids=["all declared", "one declared at a time"])
def test_a_preview_of_many_adoptions_reads_them_together_and_ahead(
    project: Project, aep: Aep, at_once: int
) -> None:
    ids = adoptable(aep, 60, unifiedProfile=["enabled:true"], unifiedIdentity=["enabled:true"])
    entries = [{"resource": f"d{n}", "dataset_id": one, "is_upsert": False} for n, one in enumerate(ids)]
    write(project, entries, at_once)
    aep.fault({"delay_ms": 200}, times=None, path="/data/")
    assert "+ 61 to create" in project.preview().text
    reads = [call for call in aep.calls() if call.startswith("GET catalog/dataSets")]
    assert 0 < len(reads) < 45
    assert aep.calls().count("GET schemaregistry/tenant/schemas/{schema}") == 1


def test_a_refresh_of_many_reads_them_together(project: Project, aep: Aep) -> None:
    ids = adoptable(
        aep, 150, unifiedProfile=["enabled:true", "isUpsert:true"], unifiedIdentity=["enabled:true"]
    )
    write(project, [{"resource": f"d{n}", "dataset_id": one} for n, one in enumerate(ids)])
    project.up()
    aep.forget()
    aep.fault({"delay_ms": 20}, times=None, path="/data/")
    project.refresh("--expect-no-changes")
    reads = [call for call in aep.calls() if "dataSets" in call]
    assert 0 < len(reads) < 75
    assert aep.writes() == []


def test_a_wrong_entry_stops_the_program_before_anything_is_declared(project: Project, aep: Aep) -> None:
    good = {"name": "good", "schema_id": PROFILE_SCHEMA}
    write(
        project,
        [
            good,
            {"resource": "r", "dataset_id": "12"},
            {**good, "nme": 1, "name": "x"},
            {"schema_id": "s"},
            good,
        ],
    )
    result = project.up(expect=None)
    assert result.code != 0
    assert "UpsertDataset 'r': dataset_id" in result.text
    assert "UpsertDataset 'x': nme is not an argument of UpsertDataset (did you mean 'name'?)" in result.text
    assert "an entry needs `resource`, its logical name: {'schema_id': 's'}" in result.text
    assert "'good' is the logical name of two entries" in result.text
    assert aep.datasets() == {}
    assert project.state() == []


def test_one_failure_among_many_keeps_what_the_others_did(project: Project, aep: Aep) -> None:
    good = [{"name": f"dataset {n}", "schema_id": PROFILE_SCHEMA} for n in range(130)]
    write(project, good)
    aep.fault(
        {"status": 400, "body": {"title": "BadRequestError", "detail": "no"}},
        nth=3,
        method="POST",
        path="/dataSets",
    )
    result = project.up("--continue-on-error", expect=None)
    assert result.code != 0
    assert re.search(r"POST dataset named 'dataset \d+' in sandbox dev: AEP answered 400: no", result.text)
    held = {body["name"] for body in aep.datasets().values()}
    assert held == {one["outputs"]["name"] for one in project.state()}
    assert len(held) == 129
    project.up()
    assert sorted(body["name"] for body in aep.datasets().values()) == sorted(one["name"] for one in good)


@pytest.mark.kill
@pytest.mark.parametrize("checkpoints", [True, False], ids=["with checkpoints", "skipped checkpoints"])
def test_a_hundred_creates_killed_in_the_middle_end_as_a_hundred(
    project: Project, aep: Aep, *, checkpoints: bool
) -> None:
    write(project, [{"name": f"dataset {n}", "schema_id": PROFILE_SCHEMA} for n in range(100)])
    held = aep.fault({"hold": "after"}, nth=60, times=None, method="POST", path="/dataSets$")
    process = project.start(
        *("up", "--yes", "--skip-preview"),
        **({} if checkpoints else {"PULUMI_SKIP_CHECKPOINTS": "true", "PULUMI_EXPERIMENTAL": "true"}),
    )
    aep.hit(held)
    plugins = [os.pidfd_open(pid) for pid in project.plugins()]
    process.kill()
    process.communicate()
    for handle in plugins:
        # It may have ended by itself, now that the engine is gone.
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        assert select.select([handle], [], [], 60)[0]
        os.close(handle)
    aep.clear_faults()
    left = aep.datasets()
    assert 60 <= len(left) < 100
    if not checkpoints:
        assert project.state() == []
    project.run("cancel", "--yes")
    result = project.up()
    held_now = aep.datasets()
    assert left.keys() <= held_now.keys()
    assert sorted(body["name"] for body in held_now.values()) == sorted(f"dataset {n}" for n in range(100))
    assert {one["id"] for one in project.state()} == held_now.keys()
    if not checkpoints:
        assert result.text.count("was created by an interrupted run of this resource") >= len(left)
    project.preview("--expect-no-changes")


def test_each_provider_is_told_only_what_is_declared_for_it(project: Project, aep: Aep) -> None:
    tags = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
    here = adoptable(aep, 20, **tags)
    there = [f"{n:024x}" for n in range(1000, 1020)]
    body = aep.datasets()[here[0]]
    aep.seed("prod", datasets=dict.fromkeys(there, body))
    secret, _ = project.environment.pop("AEP_CLIENT_SECRET"), project.environment.pop("AEP_SANDBOX")
    settings = {"orgId": ORG_ID, "clientId": CLIENT_ID, "clientSecret": secret}
    project.program(
        f"made = {{name: pulumi.ProviderResource('pulumi-python', name, {settings!r} | {{'sandbox': name}})",
        "    for name in ('dev', 'prod')}",
        f"for n, (one, two) in enumerate(zip({here!r}, {there!r})):",
        "    UpsertDataset(f'a{n}', dataset_id=one, opts=pulumi.ResourceOptions(provider=made['dev']))",
        "    UpsertDataset(f'b{n}', dataset_id=two, opts=pulumi.ResourceOptions(provider=made['prod']))",
    )
    aep.fault({"delay_ms": 200}, times=None, path="/data/")
    project.preview()
    asked: dict[str, set[str]] = {"dev": set(), "prod": set()}
    requests = 0
    for entry in aep.requests():
        if "/dataSets" in entry["path"]:
            requests += 1
            asked[entry["headers"]["x-sandbox-name"]].update(re.findall("[0-9a-f]{24}", entry["path"]))
    assert asked == {"dev": set(here), "prod": set(there)}
    assert requests < 36
