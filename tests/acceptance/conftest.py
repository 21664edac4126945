"""The real `pulumi` command on a file backend, against the emulator over HTTP."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from aep_provider.emulator import Emulator
from aep_provider.emulator.seeds import (
    CLIENT_ID,
    CLIENT_SECRET,
    ORG_ID,
    OTHER_CLIENT_ID,
    OTHER_CLIENT_SECRET,
)

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 180
"""Seconds that a command may take."""

WAIT = 90
"""Seconds within which a request that is waited for has to come."""


@dataclass
class Aep:
    """The emulator's control routes."""

    url: str

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Call a control route."""
        reply = requests.request(method, f"{self.url}/_emulator/{path}", json=body, timeout=2 * WAIT)
        reply.raise_for_status()
        return reply.json()

    def seed(self, **objects: Any) -> None:
        """Add raw objects to sandbox dev."""
        self.control("POST", "seed", {"sandbox": "dev", **objects})

    def dataset(self, dataset_id: str, schema_id: str, tags: dict[str, list[str]], **fields: Any) -> str:
        """Add a dataset with these tags."""
        body = {
            "name": f"dataset {dataset_id[:4]}",
            "schemaRef": {"id": schema_id, "contentType": "application/vnd.adobe.xed+json;version=1"},
            "tags": {"adobe/siphon/table/format": ["delta"], "adobe/pqs/table": ["t"], **tags},
            **fields,
        }
        self.seed(datasets={dataset_id: body})
        return dataset_id

    def datasets(self) -> dict[str, Any]:
        """Everything in sandbox dev."""
        held: dict[str, Any] = self.control("GET", "datasets?sandbox=dev")
        return held

    def requests(self) -> list[dict[str, Any]]:
        """The request log."""
        log: list[dict[str, Any]] = self.control("GET", "requests")["requests"]
        return log

    def writes(self) -> list[dict[str, Any]]:
        """The requests that change something (the token request is none)."""
        return [entry for entry in self.requests() if entry["write"] and entry["service"] != "ims"]

    def calls(self) -> list[str]:
        """The log in short: ``GET dataSets/{id}``."""
        short = []
        for entry in self.requests():
            path = re.sub(r"/[0-9a-f]{24}", "/{id}", entry["path"].removeprefix("/data/foundation/"))
            path = re.sub(r"/schemas/.*", "/schemas/{schema}", path)
            short.append(f"{entry['method']} {path}")
        return short

    def forget(self) -> None:
        """Empty the request log."""
        self.control("DELETE", "requests")

    def fault(self, action: dict[str, Any], *, nth: int = 1, times: int | None = 1, **match: str) -> str:
        """Set a fault; returns its id."""
        body = {"match": match, "nth": nth, "times": times, "action": action}
        return str(self.control("POST", "faults", body)["id"])

    def token(self, client_id: str = CLIENT_ID, client_secret: str = CLIENT_SECRET) -> str:
        """Get an access token."""
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            "scope": "openid",
        }
        reply = requests.post(f"{self.url}/ims/token/v3", data=form, timeout=10)
        return str(reply.json()["access_token"])

    def someone_else(self, method: str, dataset_id: str, operations: object = None) -> None:
        """Change a dataset as another client, by the API."""
        headers = {
            "Authorization": f"Bearer {self.token(OTHER_CLIENT_ID, OTHER_CLIENT_SECRET)}",
            "x-api-key": OTHER_CLIENT_ID,
            "x-gw-ims-org-id": ORG_ID,
            "x-sandbox-name": "dev",
            "Content-Type": "application/json-patch+json",
        }
        url = f"{self.url}/data/foundation/catalog/dataSets/{dataset_id}"
        requests.request(method, url, json=operations, headers=headers, timeout=10).raise_for_status()

    def hit(self, fault: str) -> None:
        """Wait until a fault was hit."""
        assert self.control("GET", f"faults/{fault}?wait={WAIT}")["hits"] >= 1


@dataclass
class Result:
    """What a command printed, and its exit code; `out` is standard output alone."""

    code: int
    text: str
    out: str = ""


@dataclass
class Project:
    """A Pulumi project in a folder of its own, one stack named dev."""

    folder: Path
    pulumi: str
    environment: dict[str, str]
    stack: str = "dev"
    children: list[subprocess.Popen[str]] = field(default_factory=list)

    def program(self, *lines: str, imports: str = "") -> None:
        """Write the program."""
        head = f"import pulumi\nfrom aep_provider import UpsertDataset\n{imports}\n"
        (self.folder / "__main__.py").write_text(head + textwrap.dedent("\n".join(lines)) + "\n")

    def run(self, *arguments: str, expect: int | None = 0, **environment: str) -> Result:
        """Run pulumi; fails the test on another exit code."""
        process = self.start(*arguments, **environment)
        text, _ = process.communicate(timeout=TIMEOUT)
        if expect is not None:
            assert process.returncode == expect, f"pulumi {arguments} exited {process.returncode}:\n{text}"
        return Result(process.returncode, text)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start pulumi without waiting."""
        command = [self.pulumi, *arguments, "--non-interactive"]
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self.children.append(process)
        return process

    def command(self, *arguments: str, expect: int = 0) -> Result:
        """Run `aep-provider`."""
        process = subprocess.run(
            [Path(sys.executable).parent / "aep-provider", *arguments],
            env=self.environment | {"COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        text = process.stdout + process.stderr
        assert process.returncode == expect, text
        return Result(process.returncode, text, process.stdout)

    def up(self, *flags: str, expect: int | None = 0, **environment: str) -> Result:
        """`pulumi up` without the preview."""
        return self.run("up", "--yes", "--skip-preview", *flags, expect=expect, **environment)

    def preview(self, *flags: str, expect: int | None = 0, **environment: str) -> Result:
        """`pulumi preview --diff`."""
        return self.run("preview", "--diff", *flags, expect=expect, **environment)

    def refresh(self, *flags: str, expect: int | None = 0) -> Result:
        """`pulumi refresh` without the preview."""
        return self.run("refresh", "--yes", "--skip-preview", *flags, expect=expect)

    def destroy(self, *flags: str, expect: int | None = 0) -> Result:
        """`pulumi destroy` without the preview."""
        return self.run("destroy", "--yes", "--skip-preview", *flags, expect=expect)

    def config(self, key: str, value: str, *flags: str) -> None:
        """Set a configuration value."""
        self.run("config", "set", *flags, key, value)

    def state(self) -> list[dict[str, Any]]:
        """The resources of this provider in the state."""
        exported = json.loads(self.run("stack", "export").text)
        resources = exported["deployment"].get("resources", [])
        return [resource for resource in resources if "UpsertDataset" in resource["type"]]

    def outputs(self) -> dict[str, Any]:
        """The outputs of the only dataset."""
        (resource,) = self.state()
        outputs: dict[str, Any] = resource["outputs"]
        return outputs

    def plugins(self) -> list[int]:
        """The process ids of the running provider plugins of this project."""
        return [pid for pid in _processes() if _belongs(pid, self.folder, "pulumi.dynamic")]


@pytest.fixture(scope="session")
def pulumi() -> str:
    """The path of the pulumi command."""
    found = subprocess.run(
        [sys.executable, ROOT / "tools/get_pulumi.py"], stdout=subprocess.PIPE, text=True, check=True
    )
    return found.stdout.strip()


@pytest.fixture
def aep() -> Iterator[Aep]:
    """A strict emulator without datasets."""
    with Emulator(strict=True) as emulator:
        yield Aep(emulator.url)


@pytest.fixture
def new_project(
    tmp_path: Path, pulumi: str, aep: Aep, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Project]]:
    """Makes projects that share a backend, and ends whatever they started."""
    projects: list[Project] = []
    backend = tmp_path / "backend"
    backend.mkdir()

    def make(name: str = "aep", stack: str = "dev", options: str = "") -> Project:
        folder = tmp_path / f"{name}-{stack}-{len(projects)}"
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text(
            f"name: {name}\nruntime:\n  name: python\n  options:\n    toolchain: pip\n"
            f"    virtualenv: {sys.prefix}\n{options}"
        )
        kept = ("PATH", "HOME", "LANG", "GOFLAGS", "XDG_CACHE_HOME", "AEP_PULUMI_CACHE")
        environment = {key: os.environ[key] for key in kept if key in os.environ}
        environment |= {
            "PATH": f"{Path(pulumi).parent}{os.pathsep}{environment['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{backend}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_HOME": str(tmp_path / "pulumi-home"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AEP_ENDPOINT": aep.url,
            "AEP_IMS_ENDPOINT": aep.url,
            "AEP_SANDBOX": "dev",
            "AEP_ORG_ID": ORG_ID,
            "AEP_CLIENT_ID": CLIENT_ID,
            "AEP_CLIENT_SECRET": CLIENT_SECRET,
        }
        project = Project(folder, pulumi, environment, stack)
        project.run("stack", "init", stack)
        projects.append(project)
        return project

    yield make
    for project in projects:
        for process in project.children:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        for pid in _processes():
            if _belongs(pid, project.folder, ""):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def project(new_project: Callable[..., Project]) -> Project:
    """One project."""
    return new_project()


def _processes() -> Sequence[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _belongs(pid: int, folder: Path, command: str) -> bool:
    try:
        cwd = os.readlink(f"/proc/{pid}/cwd")
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return False
    return cwd == str(folder) and command in line
