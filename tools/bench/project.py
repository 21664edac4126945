"""A Pulumi project in a folder of its own, an emulator in a process of its own, commands that are timed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aep_provider.emulator import Control
from aep_provider.emulator.seeds import CLIENT_ID, CLIENT_SECRET, ORG_ID, PROFILE_SCHEMA

HERE = Path(__file__).resolve().parent
COMMAND = Path(sys.executable).parent / "aep-provider"


def pulumi() -> str:
    """The path of the Pulumi command; ends the process where there is none."""
    command = [sys.executable, str(HERE.parent / "get_pulumi.py")]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if found.returncode:
        sys.exit(found.returncode)
    return found.stdout.strip()


_PROGRAM = """
import json, pathlib
import pulumi
from {module} import declare

entries = json.loads(pathlib.Path("entries.json").read_text())

async def main():
    await declare(entries)

pulumi.run(main)
"""


@contextlib.contextmanager
def emulator(latency: int) -> Iterator[str]:
    """An emulator, in a process of its own so that it does not take time from whoever measures.

    Args:
        latency: milliseconds before each reply.
    """
    command = [str(COMMAND), "emulator", "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip().rpartition("=")[2]
        finally:
            process.send_signal(signal.SIGTERM)


class Project:
    """One stack whose program declares what `declare` was told.

    Args:
        pulumi: the command.
        url: the emulator.
        bare: declare the floor's resources, not ours.
        environment: more variables.
    """

    def __init__(self, pulumi: str, url: str, *, bare: bool, **environment: str) -> None:
        self.url = url
        self._pulumi = pulumi
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        (self.folder / "state").mkdir()
        (self.folder / "Pulumi.yaml").write_text(
            "name: bench\nruntime:\n  name: python\n  options:\n    toolchain: pip\n"
            f"    virtualenv: {sys.prefix}\n"
        )
        if bare:
            shutil.copy(HERE / "bare.py", self.folder)
        module = "bare" if bare else "aep_provider"
        (self.folder / "__main__.py").write_text(_PROGRAM.format(module=module))
        # As where it is installed: compiled once.
        outer = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        self.environment = outer | {
            "PATH": f"{Path(pulumi).parent}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PYTHONPATH": str(self.folder),
            "AEP_ENDPOINT": url,
            "AEP_IMS_ENDPOINT": url,
            "AEP_SANDBOX": "dev",
            "AEP_ORG_ID": ORG_ID,
            "AEP_CLIENT_ID": CLIENT_ID,
            "AEP_CLIENT_SECRET": CLIENT_SECRET,
            "BENCH_HEADERS": json.dumps(Control(url).headers()),
            **environment,
        }
        self.run("stack", "init", "dev")

    def use_sandbox(self, name: str) -> None:
        """Work in a sandbox other than dev."""
        headers = Control(self.url).headers(sandbox=name)
        self.environment |= {"AEP_SANDBOX": name, "BENCH_HEADERS": json.dumps(headers)}

    def declare(self, entries: list[dict[str, Any]]) -> None:
        """Say what the program declares from now on."""
        (self.folder / "entries.json").write_text(json.dumps(entries))

    def run(self, *arguments: str) -> float:
        """Run a command; how long it took, in seconds."""
        start = time.perf_counter()
        done = subprocess.run(
            [self._pulumi, *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        passed = time.perf_counter() - start
        if done.returncode:
            sys.exit(f"pulumi {' '.join(arguments)} failed:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
        return passed

    def up(self, *flags: str) -> float:
        """`pulumi up` without a preview."""
        return self.run("up", "--yes", "--skip-preview", *flags)

    def preview(self, *flags: str) -> float:
        """`pulumi preview`."""
        return self.run("preview", *flags)

    def refresh(self, *flags: str) -> float:
        """`pulumi refresh` without a preview."""
        return self.run("refresh", "--yes", "--skip-preview", *flags)

    def memory_of_preview(self) -> float:
        """The most that `pulumi preview` and all that it starts have in memory at a time, in MiB."""
        command = [self._pulumi, "preview", "--non-interactive"]
        most = 0
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            while process.poll() is None:
                most = max(most, sum(map(_resident, _of_session(process.pid))))
                time.sleep(0.02)
        if process.returncode:
            sys.exit(f"pulumi preview failed with {process.returncode}")
        return most / 1024

    def destroy(self) -> float:
        """`pulumi destroy` without a preview."""
        return self.run("destroy", "--yes", "--skip-preview")

    def state_size(self) -> int:
        """The bytes of inputs and outputs of the largest resource; the rest of a resource is the SDK's."""
        (stack,) = (self.folder / "state").rglob("dev.json")
        resources = json.loads(stack.read_text())["checkpoint"]["latest"]["resources"]
        ours = [one for one in resources if "dynamic" in one["type"]]
        return max(len(json.dumps([one["inputs"], one["outputs"]])) for one in ours)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder)


def _of_session(session: int) -> Iterator[Path]:
    """The processes that a command started, itself among them."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                yield folder


def _resident(folder: Path) -> int:
    """KiB of a process that are its own, and its share of what several have; 0 where it has just ended."""
    with contextlib.suppress(OSError, IndexError):
        return int((folder / "smaps_rollup").read_text().partition("Pss:")[2].split()[0])
    return 0


@contextlib.contextmanager
def slow(url: str, milliseconds: int = 100) -> Iterator[None]:
    """Delay every reply of AEP meanwhile."""
    aep = Control(url)
    fault = aep.fault({"delay_ms": milliseconds}, times=None, path="/")
    try:
        yield
    finally:
        aep.clear_faults(fault)


def new(count: int, *, upsert: bool = True, name: str = "dataset") -> list[dict[str, Any]]:
    """Entries that create datasets."""
    common = {"schema_id": PROFILE_SCHEMA, "is_upsert": upsert, "deletion_protection": False}
    return [{"resource": f"r{n}", "name": f"{name} {n}", **common} for n in range(count)]


def existing(url: str, count: int, *, upsert: bool) -> list[dict[str, Any]]:
    """Put datasets into the sandbox that are on with the setting; entries that adopt them."""
    profile = ["enabled:true", *(["isUpsert:true"] if upsert else [])]
    body = {
        "schemaRef": {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"},
        "tags": {"unifiedProfile": profile, "unifiedIdentity": ["enabled:true"]},
    }
    datasets = {f"{n:024x}": {"name": f"dataset {n}", **body} for n in range(count)}
    Control(url).seed(datasets=datasets)
    return [{"resource": f"r{n}", "dataset_id": one, "is_upsert": upsert} for n, one in enumerate(datasets)]
