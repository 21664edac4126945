"""`aep-provider doctor`: each problem on its own line, with the remedy, and nothing written."""

from __future__ import annotations

import json
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import certifi
import pytest

from aep_provider.emulator.seeds import EVENTS_SCHEMA, PLAIN_SCHEMA, PROFILE_SCHEMA
from support.aep import raw_dataset
from support.times import OPEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.aep import Aep
    from support.project import Project

ID = "5b020a27e7040801dedbf46e"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
GAP = {
    "unifiedProfile": ["enabled:false"],
    "pulumiProfileGap": ["from:2026-01-31T09:00:00.000Z", "by:aep/dev/x"],
}


@pytest.fixture
def healthy(new_project: Callable[..., Project], aep: Aep) -> Project:
    """A project that has nothing to be found."""
    project = new_project(options="options:\n  refresh: always\n")
    project.environment["PULUMI_RUN_PROGRAM"] = "true"
    return project


def examine(project: Project, *flags: str, expect: int = 0) -> list[dict[str, Any]]:
    told = project.command("doctor", "-C", str(project.folder), "--json", *flags, expect=expect).out
    found: list[dict[str, Any]] = json.loads(told)["findings"]
    return found


def only_problem(project: Project, *flags: str) -> dict[str, Any]:
    (found,) = (one for one in examine(project, *flags, expect=1) if one["status"] == "problem")
    assert isinstance(found, dict)
    assert found["remedy"]
    return found


def test_a_healthy_set_up_has_no_problem_and_nothing_is_written(healthy: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {})
    entry = {"resource": "a", "dataset_id": ID, "schema_id": PROFILE_SCHEMA}
    with (healthy.folder / "Pulumi.dev.yaml").open("a") as file:
        file.write(f"config:\n  aep:datasets: {json.dumps([entry])}\n")
    files = {path: path.read_bytes() for path in healthy.folder.iterdir()}
    aep.forget()
    found = examine(healthy)
    assert {one["check"]: one["status"] for one in found} == {
        "versions": "ok",
        "pulumi": found[1]["status"],  # a note where command and SDK are not of the same version
        "language host": "ok",
        "refresh": "ok",
        "run program": "ok",
        "interpreter": "ok",
        "proxy": "ok",
        "certificates": "ok",
        "stack": "ok",
        "settings": "ok",
        "token": "ok",
        "clock": "ok",
        "sandbox": "ok",
        "permission: View Datasets": "ok",
        "permission: batches": "ok",
        "permission: View Schemas": "ok",
        "permission: View Sources": "ok",
        "permission: Manage Datasets": "note",
        "guards": "ok",
        "Profile datasets": "ok",
        "open gaps": "ok",
    }
    assert aep.writes() == []
    assert {path: path.read_bytes() for path in healthy.folder.iterdir()} == files


@pytest.mark.parametrize(
    ("variable", "value", "check", "text"),
    [
        ("AEP_CLIENT_SECRET", "wrong", "token", "invalid_client"),
        ("AEP_SANDBOX", "nowhere", "sandbox", "does not exist, or the credential does not see it"),
        ("AEP_SANDBOX", "prod", "sandbox", "may not write to production"),
        ("AEP_ORG_ID", "acme", "settings", "must be an organisation id"),
        ("AEP_ACCESS_TOKEN", "?", "token", "expires within ten minutes, or does not say when"),
        ("REQUESTS_CA_BUNDLE", "/nowhere.pem", "certificates", "/nowhere.pem, which does not exist"),
        ("CURL_CA_BUNDLE", "/nowhere.pem", "certificates", "CURL_CA_BUNDLE names /nowhere.pem"),
        ("PULUMI_DEBUG_GRPC", "/tmp/log", "secrets", "plain text"),
    ],
)
def test_problems_of_the_environment(
    healthy: Project, aep: Aep, variable: str, value: str, check: str, text: str
) -> None:
    healthy.environment[variable] = aep.token() if value == "?" else value
    found = [one for one in examine(healthy, "--no-stack", expect=1) if one["status"] == "problem"]
    assert found[0]["check"] == check
    assert text in found[0]["text"] + found[0]["remedy"]


@pytest.mark.parametrize(
    ("environment", "check", "status", "text"),
    [
        (
            {"https_proxy": "http://u:pw@proxy.acme.com:3128"},
            "proxy",
            "problem",
            "https_proxy is set and no_proxy",
        ),
        (
            {"https_proxy": "http://p:1", "no_proxy": "localhost"},
            "proxy",
            "problem",
            "does not name 127.0.0.1",
        ),
        ({"https_proxy": "http://p:1", "NO_PROXY": "127.0.0.1"}, "proxy", "problem", "https_proxy is set"),
        ({"https_proxy": "http://p:1", "no_proxy": "127.0.0.1"}, "proxy", "ok", "https_proxy is p"),
        (
            {"https_proxy": "http://p:1", "no_proxy": "10.0.0.0/8,127.0.0.0/8"},
            "proxy",
            "ok",
            "https_proxy is p",
        ),
        ({"HTTPS_PROXY": "http://u:pw@proxy.acme.com:3128"}, "proxy", "ok", "HTTPS_PROXY is proxy.acme.com"),
        ({}, "proxy", "ok", "none"),
        ({"SSL_CERT_FILE": "/etc/hosts"}, "certificates", "note", "does not"),
        ({"REQUESTS_CA_BUNDLE": certifi.where()}, "certificates", "ok", certifi.where()),
        (
            {"REQUESTS_CA_BUNDLE": "/etc/hosts"},
            "certificates",
            "problem",
            "/etc/hosts, which holds no certificate",
        ),
    ],
)
def test_proxy_and_certificates(
    healthy: Project, environment: dict[str, str], check: str, status: str, text: str
) -> None:
    healthy.environment |= environment
    # Nobody is asked: without an organisation the settings are not usable.
    found = {one["check"]: one for one in examine(healthy, "--no-stack", "--org-id", "none", expect=1)}
    assert (found[check]["status"], text in found[check]["text"]) == (status, True)
    assert "pw" not in json.dumps(found)


@pytest.mark.parametrize(
    ("version", "companions", "check", "text"),
    [
        ("v3.267.9", (), "pulumi", "is older than 3.268"),
        ("nonsense", (), "pulumi", "did not print its version but 'nonsense'"),
        ("v3.999.0", ("pulumi-language-python",), "language host", "pulumi-resource-pulumi-python: neither"),
        ("v3.999.0", (), "language host", "pulumi-language-python and pulumi-resource-pulumi-python"),
    ],
)
def test_a_pulumi_that_is_old_or_not_whole_is_a_problem(
    healthy: Project, tmp_path: Path, version: str, companions: tuple[str, ...], check: str, text: str
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("pulumi", *companions):
        (folder / name).write_text(f"#!/bin/sh\necho {version}\n")
        (folder / name).chmod(0o755)
    healthy.environment["PATH"] = f"{folder}:/usr/bin:/bin"
    found = {one["check"]: one for one in examine(healthy, "--no-stack", expect=1)}
    assert found[check]["status"] == "problem"
    assert text in found[check]["text"]
    assert found[check]["remedy"]


@pytest.mark.parametrize(
    ("service", "check"),
    [
        ("catalog", "permission: View Datasets"),
        ("schemaregistry", "permission: View Schemas"),
        ("flow", "permission: View Sources"),
    ],
)
def test_a_missing_permission_is_named(healthy: Project, aep: Aep, service: str, check: str) -> None:
    aep.fault({"status": 403}, times=None, service=service)
    found = {
        one["check"]: one for one in examine(healthy, "--no-stack", expect=0 if service == "flow" else 1)
    }
    # Dataflows are advice to the provider, so their permission is as well.
    assert found[check]["status"] == ("note" if service == "flow" else "problem")
    assert check.removeprefix("permission: ") in found[check]["remedy"]


def test_a_project_file_that_is_no_text_is_a_problem(healthy: Project, aep: Aep) -> None:
    (healthy.folder / "Pulumi.yaml").write_bytes(b"\xff\xfe")
    found = only_problem(healthy, "--no-stack")
    assert (found["check"], "cannot be read" in found["text"]) == ("project", True)


def test_a_project_without_refresh_is_a_problem(project: Project, aep: Aep) -> None:
    project.environment["PULUMI_RUN_PROGRAM"] = "true"
    assert only_problem(project)["check"] == "refresh"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("runtime: nodejs", "the project's runtime is not python"),
        ("runtime:\n  name: python\n  options:\n    virtualenv: venv", "the interpreter does not exist"),
        (
            "main: src\nruntime:\n  name: python\n  options:\n    virtualenv: venv",
            "with `main:`, Pulumi looks for a relative virtualenv in two different folders",
        ),
        (
            "runtime:\n  name: python\n  options:\n    virtualenv: empty",
            "aep_provider is not installed there",
        ),
    ],
)
def test_problems_of_the_interpreter(healthy: Project, aep: Aep, text: str, problem: str) -> None:
    python = healthy.folder / "empty/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    (healthy.folder / "Pulumi.yaml").write_text(f"name: aep\n{text}\noptions:\n  refresh: always\n")
    found = only_problem(healthy, "--no-stack")
    assert found["check"] == "interpreter"
    assert problem in found["text"]


@pytest.mark.parametrize(
    ("script", "status", "text"),
    [
        (f"echo {sys.prefix}", "ok", sys.prefix),
        ("echo no pyproject.toml >&2; exit 1", "problem", "no pyproject.toml"),
        ("", "problem", "Poetry has no environment for"),
    ],
)
def test_poetry_is_asked_for_its_environment(
    healthy: Project, tmp_path: Path, script: str, status: str, text: str
) -> None:
    poetry = tmp_path / "poetry"
    poetry.write_text(f"#!/bin/sh\n{script}\n")
    poetry.chmod(0o755)
    healthy.environment["PATH"] = f"{tmp_path}:{healthy.environment['PATH']}"
    (healthy.folder / "Pulumi.yaml").write_text(
        "name: aep\nruntime:\n  name: python\n  options:\n    toolchain: poetry\n"
    )
    found = {one["check"]: one for one in examine(healthy, "--no-stack", expect=1)}["interpreter"]
    assert (found["status"], text in found["text"]) == (status, True)


def test_the_guards_are_asked_about_each_dataset_of_the_stack(healthy: Project, aep: Aep) -> None:
    entries = [
        {"resource": "a", "name": "A", "schema_id": PLAIN_SCHEMA},
        {"resource": "b", "name": "B", "schema_id": EVENTS_SCHEMA},
        {"resource": "c", "name": "C"},
    ]
    with (healthy.folder / "Pulumi.dev.yaml").open("a") as file:
        file.write(f"config:\n  aep:datasets: {json.dumps(entries)}\n")
    found = [one for one in examine(healthy, expect=1) if one["status"] == "problem"]
    assert [one["check"] for one in found] == ["declaration", "guard: union", "guard: behaviour"]
    assert "c: schema_id is required" in found[0]["text"]
    assert {"is not enabled for Profile" in one["text"] for one in found[1:]} == {True, False}


def test_the_sandbox_is_listed_once_and_while_the_permissions_are_looked_at(
    healthy: Project, aep: Aep
) -> None:
    ids = [f"{number:024x}" for number in range(12)]
    aep.seed(datasets={one: raw_dataset(one, PROFILE_SCHEMA, ON) for one in ids})
    entries = [{"resource": f"d{one}", "dataset_id": one} for one in ids]
    with (healthy.folder / "Pulumi.dev.yaml").open("a") as file:
        file.write(f"config:\n  aep:datasets: {json.dumps(entries)}\n")
    # No listing is answered before the last of the permissions is asked about.
    listings = aep.fault({"hold": "before"}, times=None, method="GET", path="/dataSets$")
    flows = aep.fault({"hold": "before"}, service="flow")
    with ThreadPoolExecutor() as pool:
        doctor = pool.submit(examine, healthy)
        aep.hit(flows)
        aep.clear_faults(listings)
        aep.clear_faults(flows)
        found = {one["check"]: one["text"] for one in doctor.result()}
    assert found["guards"] == "nothing would be refused: 12 datasets"
    assert found["open gaps"] == "none noted by this provider"
    # One for the permission, one for everything else.
    assert aep.calls().count("GET catalog/dataSets") == 2


@pytest.mark.parametrize(("hours", "status"), [(0, "ok"), (1, "problem")])
def test_the_clock_is_compared_with_the_services(healthy: Project, aep: Aep, hours: int, status: str) -> None:
    moment = format_datetime(datetime.now(timezone.utc) + timedelta(hours=hours), usegmt=True)
    sandbox = {"name": "dev", "title": "Dev", "state": "active", "type": "development", "isDefault": False}
    action = {"status": 200, "body": {"sandboxes": [sandbox]}, "headers": {"Date": moment}}
    aep.fault(action, service="sandbox", times=None)
    found = {one["check"]: one for one in examine(healthy, "--no-stack", expect=1 if hours else 0)}
    assert found["clock"]["status"] == status


def test_an_open_gap_is_a_problem(healthy: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, GAP)
    found = only_problem(healthy, "--no-stack")
    assert found["check"] == "open gaps"
    assert f"aep-provider enable {ID}" in found["remedy"]
    text = healthy.command("doctor", "--no-stack", expect=1).text
    assert "problem      open gaps: Profile is OFF for" in text
    assert "1 problem\n" in text


def test_no_pulumi_on_path(healthy: Project, aep: Aep, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    env = shutil.which("env")
    assert env
    (bare / "env").symlink_to(env)
    healthy.environment["PATH"] = str(bare)
    found = only_problem(healthy)
    assert (found["check"], found["text"]) == ("pulumi", "no `pulumi` on PATH")


def test_a_secret_in_plain_text_is_a_problem_and_the_command_that_is_named_cures_it(
    healthy: Project, aep: Aep
) -> None:
    healthy.config("aep:clientSecret", "demo-secret")
    found = only_problem(healthy)
    assert found["check"] == "client secret"
    assert "demo-secret" not in json.dumps(found)
    _, command, _ = found["remedy"].split("`")
    healthy.run(*command.removeprefix("pulumi ").split(" "), "demo-secret")
    examine(healthy)


def test_entries_given_as_json_text_are_understood(healthy: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {})
    healthy.config("aep:datasets", json.dumps([{"resource": "a", "dataset_id": ID}]))
    assert [one["text"] for one in examine(healthy) if one["check"] == "stack"] == ["dev, 1 dataset"]


def test_when_a_change_is_allowed_and_when_it_would_meet_few_batches(healthy: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {"unifiedProfile": ["enabled:true", "isUpsert:true"]})
    entry = {"resource": "a", "dataset_id": ID}
    with (healthy.folder / "Pulumi.dev.yaml").open("a") as file:
        file.write(f"config:\n  aep:changeWindow: {OPEN}\n  aep:datasets: {json.dumps([entry])}\n")
    found = {one["check"]: one["text"] for one in examine(healthy)}
    assert found["change window"] == f"open now: {OPEN}"
    assert found["quietest hour"] == "no batch in the last seven days, 1 dataset in Profile"
