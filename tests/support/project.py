"""A Pulumi project in a folder of its own, on a file backend, and the commands on it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TIMEOUT = 180
"""Seconds that a command may take."""


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

    def end(self) -> None:
        """End whatever was started in the folder."""
        for process in self.children:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        for pid in _processes():
            if _belongs(pid, self.folder, ""):
                os.kill(pid, signal.SIGKILL)

    def plugins(self) -> list[int]:
        """The process ids of the running provider plugins of this project."""
        return [pid for pid in _processes() if _belongs(pid, self.folder, "pulumi.dynamic")]


def _processes() -> Sequence[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _belongs(pid: int, folder: Path, command: str) -> bool:
    try:
        cwd = os.readlink(f"/proc/{pid}/cwd")
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return False
    return cwd == str(folder) and command in line
