"""Samples of the pages that need a fault, a kill or a second stack: compared with what really is printed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from aep_provider.emulator.seeds import PLAIN_SCHEMA, PROFILE_SCHEMA
from support.aep import Aep
from support.documented import blocks, not_printed, outputs
from support.project import Project
from support.replayed import ANN, Orders, person, run
from support.traces import Trace

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
ID = "5b020a27e7040801dedbf46e"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
ADOPT = f'UpsertDataset("orders", dataset_id="{ID}")'

Make = Callable[..., Project]


def created(name: str, title: str, more: str = "") -> str:
    return f'UpsertDataset("{name}", name="{title}", schema_id="{PROFILE_SCHEMA}"{more})'


def orders(make: Make, aep: Aep, name: str = "aep") -> Project:
    """A project that adopts a dataset in Profile without upsert."""
    aep.dataset(ID, PROFILE_SCHEMA, ON, name="Orders")
    project = make(name)
    project.program(ADOPT)
    return project


def batch(aep: Aep, status: str, *script: str, dataset: str = ID, age: float = 600) -> None:
    moment = int((time.time() - age) * 1000)
    body = {"status": status, "relatedObjects": [{"type": "dataSet", "id": dataset}], "created": moment}
    aep.seed(
        batches={"01HZ3FWJ6Q": {**body, "completed": moment, **({"_script": list(script)} if script else {})}}
    )


def a_gap(make: Make, aep: Aep) -> str:
    batch(aep, "success")
    return orders(make, aep).up().text


def events(make: Make, aep: Aep) -> str:
    batch(aep, "success")
    project = orders(make, aep)
    file = project.folder / "events.jsonl"
    project.up(AEP_LOG="json", AEP_LOG_FILE="events.jsonl")
    return file.read_text()


def a_trace(make: Make, aep: Aep) -> str:
    project = orders(make, aep)
    file = project.folder / "up.json"
    project.up(f"--otel-traces=file://{file}")
    return Trace(file).tree()


def a_wait(make: Make, aep: Aep) -> str:
    batch(aep, "processing", "processing", "processing", "success", age=60)
    return orders(make, aep).up().text


def a_red_preview(make: Make, aep: Aep) -> str:
    project = make()
    project.program(created("products", "Products").replace(PROFILE_SCHEMA, PLAIN_SCHEMA))
    return project.preview(expect=1).text


def a_closed_window(make: Make, aep: Aep) -> str:
    project = orders(make, aep)
    # A whole day without a window, whatever day it is: only then is the next one at a known hour.
    days = ("Mon-Thu", "Fri-Sun")[datetime.now(timezone.utc).weekday() < 4]
    project.config("aep:changeWindow", f"{days} 20:00-23:00 Europe/Berlin")
    return project.preview(expect=None).text.replace(days, "Mon-Thu")


def a_card(make: Make, aep: Aep) -> str:
    project = orders(make, aep)
    today = datetime.now(timezone.utc).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    ended = [today - timedelta(hours=number) for number in range(44) if (today.hour - number) % 24 != 3]
    related = [{"type": "dataSet", "id": ID}]
    for number, moment in enumerate(ended[:41]):
        at = int(moment.timestamp() * 1000)
        body = {"status": "success", "created": at, "completed": at, "relatedObjects": related}
        aep.seed(batches={f"B{number}": body})
    return project.command("card", "-C", str(project.folder), "--markdown").out


def lost(make: Make, aep: Aep) -> Project:
    """A stack that lost its state, and whose dataset is in use."""
    project = make("shop")
    project.program(created("members", "Members"))
    project.up()
    (dataset_id,) = aep.datasets()
    batch(aep, "success", dataset=dataset_id)
    (one,) = project.state()
    project.run("state", "delete", one["urn"], "--yes", "--force")
    return project


def a_lost_state(make: Make, aep: Aep) -> str:
    return lost(make, aep).preview(expect=1).text


def what_comes_back(make: Make, aep: Aep) -> str:
    project = lost(make, aep)
    said = project.command("import", "--owned", "--run", "-C", str(project.folder))
    return said.text + project.run("preview").text


def an_old_copy(make: Make, aep: Aep) -> str:
    project = make("shop")
    project.program(created("members", "Members"))
    project.up()
    copy = project.folder / "copy.json"
    copy.write_text(project.run("stack", "export").text)
    project.program(created("members", "Members", ', description="two"'))
    project.up()
    project.run("stack", "import", "--file", str(copy))
    return project.preview("--refresh").text


def another_stack(make: Make, aep: Aep) -> str:
    project = lost(make, aep)
    other = make("marketing")
    other.program(f'UpsertDataset("members", dataset_id="{next(iter(aep.datasets()))}")')
    assert project.folder != other.folder
    return other.preview(expect=1).text


def a_release(make: Make, aep: Aep) -> str:
    project = lost(make, aep)
    said = project.command("release", *aep.datasets(), "--yes", "-C", str(project.folder))
    # The owner is shown on standard error, before it is taken off.
    return said.text.removeprefix(said.out) + said.out


def a_move(make: Make, aep: Aep) -> str:
    project = make("shop")
    project.program(created("clients", "Clients", ", deletion_protection=False"))
    project.up()
    project.program(created("guests", "Clients", ", deletion_protection=False"))
    return project.up("--continue-on-error", expect=1).text


def a_second_state(make: Make, aep: Aep) -> str:
    project = make("shop")
    project.program(created("clients", "Clients"))
    project.up()
    first = project.environment["PULUMI_BACKEND_URL"]
    (project.folder.parent / "backend-second").mkdir()
    project.environment["PULUMI_BACKEND_URL"] = f"{first}-second"
    project.run("stack", "init", "dev")
    project.up()
    project.environment["PULUMI_BACKEND_URL"] = first
    return project.refresh().text


def a_refused_enable(make: Make, aep: Aep) -> str:
    aep.fault({"status": 400, "body": {"title": "isUpsert is not allowed here."}}, method="PATCH", nth=2)
    return orders(make, aep).up(expect=1).text


def an_outage(make: Make, aep: Aep) -> str:
    aep.fault({"status": 503, "body": {"title": "Try later."}}, method="PATCH", nth=2, times=None)
    return orders(make, aep).up(expect=1).text


def a_killed_create(make: Make, aep: Aep) -> str:
    project = make(stack="local")
    project.program(created("loyalty-members", "Loyalty programme"))
    hold = aep.fault({"hold": "after"}, method="POST", service="catalog")
    process = project.start("up", "--yes", "--skip-preview")
    aep.hit(hold)
    for pid in (process.pid, *project.plugins()):
        os.kill(pid, signal.SIGKILL)
    process.communicate()
    aep.clear_faults()
    project.run("cancel", "--yes")
    return project.up().text


def an_outage_shown(make: Make, aep: Aep) -> str:
    project = orders(make, aep)
    project.up()
    off = {"unifiedProfile": ["enabled:false"], "unifiedIdentity": ["enabled:false"]}
    aep.someone_else(
        "PATCH", ID, [{"op": "add", "path": f"/tags/{key}", "value": value} for key, value in off.items()]
    )
    return project.preview("--refresh").text


def another_place(make: Make, aep: Aep) -> str:
    project = orders(make, aep)
    project.up()
    project.environment["AEP_SANDBOX"] = "prod"
    return project.refresh(expect=1).text


def replayed(aep: Aep) -> Orders:
    """A dataset with a batch before the window, one inside and one after it."""
    dataset = Orders(aep.url)
    dataset.called("01HZ3FWJ4N", person(ANN, city="Bern"))
    dataset.change(upsert=True, inside=lambda: dataset.called("01HZ3FWJ6Q", person(ANN, city="Rome")))
    dataset.called("01HZ3FWJ8S", person(ANN, city="Paris"))
    return dataset


def a_plan(_: Make, aep: Aep) -> str:
    return replayed(aep).replay().stdout


def a_replay(make: Make, aep: Aep) -> str:
    script = replayed(aep).script()
    return run(script, make().folder).stderr


SAMPLES: dict[tuple[str, str], Callable[[Make, Aep], str]] = {
    ("safety.md", "warning: Profile was off from"): a_gap,
    ("safety.md", "waiting for 1 batch"): a_wait,
    ("traces.md", '{"schema_version": 1'): events,
    ("traces.md", "pulumi-plan"): a_trace,
    ("safety.md", "error: pulumi-python:dynamic/aep:UpsertDataset resource 'products'"): a_red_preview,
    ("safety.md", "is in use: batches were"): a_lost_state,
    ("safety.md", "$ aep-provider import --owned --run"): what_comes_back,
    ("safety.md", 'description        : "two"'): an_old_copy,
    ("safety.md", "is managed by 'shop/dev/members'"): another_stack,
    ("safety.md", "$ aep-provider release"): a_release,
    ("safety.md", "is managed by 'shop/dev/clients'"): a_move,
    ("safety.md", "is not deleted: another"): a_move,
    ("safety.md", "warning: Dataset 'Clients'"): a_second_state,
    ("safety.md", "isUpsert is not allowed here"): a_refused_enable,
    ("safety.md", "error: Profile may be OFF"): an_outage,
    ("safety.md", "warning: Attempting to deploy"): a_killed_create,
    ("safety.md", "(refresh)\n      ~ identity_enabled"): an_outage_shown,
    ("resource.md", "      ~ identity_enabled"): an_outage_shown,
    ("settings.md", "error: This dataset lives in"): another_place,
    ("safety.md", "and the change window is closed"): a_closed_window,
    ("ci.md", "#### AEP stack `dev`"): a_card,
    ("replay.md", "$ aep-provider replay --no-stack"): a_plan,
    ("replay.md", "1 of 2: "): a_replay,
}
"""What brings each sample about: by its page, and a part of it."""

ELSEWHERE = {
    ("README.md", "Emulator of AEP: http"): "test_make.py",
    ("getting-started.md", "export AEP_ENDPOINT="): "test_make.py runs what it gives to eval",
    ("getting-started.md", "warning: Dataset 'Orders'"): "test_getting_started.py",
    ("getting-started.md", "Created stack 'dev'"): "test_getting_started.py",
    ("settings.md", "error: … Invalid aep_provider settings"): "test_documented_outputs.py",
    ("troubleshooting.md", "ok           versions"): "test_documented_outputs.py",
    ("safety.md", "$ aep-provider discover --name Orders"): "test_documented_outputs.py",
    ("emulator.md", "export AEP_ENDPOINT="): "tests/emulator/test_command.py",
    ("emulator.md", "$ token=$(curl"): "test_documented_commands.py",
    ("emulator.md", '{"id":"fault-1", …}'): "test_documented_commands.py",
    ("emulator.md", "['enabled: true', 'isUpsert: true']"): "tests/emulator/test_other_clients.py",
    ("emulator.md", "off for the second batch"): "tests/emulator/test_walkthrough.py",
    ("probe.md", "In sandbox dev (type development) the probe"): "tests/probe/test_documented_output.py",
    ("probe.md", "Measured in this organisation on"): "test_measured.py",
    ("probe.md", "Like the AEP that was probed on"): "tests/emulator/test_like.py",
    ("commands.md", "prod: locked"): "test_cli_run.py",
    ("emulator.md", "[503, 503, 200]"): "tests/emulator/test_control_client.py",
}
"""Samples that other tests compare."""


def samples() -> list[tuple[str, str]]:
    """Every output that a page shows: text, and what stands below commands."""
    return [
        (path.name, text)
        for path in PAGES
        for language, text, _ in blocks(path.read_text())
        if language == "text" or (language == "console" and outputs(text))
    ]


@pytest.mark.parametrize(("page", "part"), SAMPLES)
def test_a_sample_is_what_is_printed(new_project: Make, aep: Aep, page: str, part: str) -> None:
    (text,) = (text for name, text in samples() if name == page and part in text)
    printed = SAMPLES[page, part](new_project, aep)
    assert not_printed(outputs(text), printed) == [], printed


def test_every_sample_is_compared() -> None:
    known = [*SAMPLES, *ELSEWHERE]
    assert [
        one for one in samples() if not any(page == one[0] and part in one[1] for page, part in known)
    ] == []
    for page, part in known:
        assert any(page == name and part in text for name, text in samples()), part
