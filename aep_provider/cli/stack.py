"""The selected Pulumi stack, read and written through the `pulumi` command.

The command knows backends, passphrases, `stackConfigDir` and encryption; nothing of that is repeated here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from aep_provider.errors import SettingsError

PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml")
RESOURCE_TYPE = "pulumi-python:dynamic/aep:UpsertDataset"
DATASETS = "aep:datasets"

SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - a marker of Pulumi's, no secret
"""The key by which a state file marks a value that is not plain: a secret, here never decrypted."""

TIMEOUT = 120.0
"""Seconds for one call of `pulumi`; a backend that answers slower is as good as unreachable."""

LONGEST_CONFIG = 128 * 1024 - 1024
"""Bytes. Pulumi hands the whole configuration to a program in one environment variable, for which Linux takes
128 KiB; the rest is for what is secret, and so not seen here.
"""

NO_TEXT = re.compile(r"true|false|[+-]?(0|[1-9]\d*)")
"""What `pulumi config` takes for a switch or a number inside a list, unless it is told that it is text."""


class PulumiFailed(SettingsError):
    """`pulumi` is missing, or ended with an error."""


@dataclass(frozen=True)
class Recorded:
    """A dataset in the stack's state."""

    resource: str
    id: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    external: bool


@dataclass(frozen=True)
class Stack:
    """One stack of the project in a folder.

    Attributes:
        folder: where the project file is, or a folder below it.
        name: as `pulumi --stack` takes it.
    """

    folder: Path
    name: str

    @classmethod
    def selected(cls, folder: Path) -> Stack:
        """The selected stack.

        Raises:
            PulumiFailed: there is no project, no `pulumi`, or nothing selected.
        """
        if project_file(folder) is None:
            raise PulumiFailed(f"There is no Pulumi.yaml in {folder} or above", "Use --cwd DIR.")
        name = _pulumi(folder, "stack", "--show-name").strip()
        return cls(folder, name)

    @property
    def project(self) -> str:
        """The project's name."""
        file = project_file(self.folder)
        if file is None:
            raise PulumiFailed(f"There is no Pulumi.yaml in {self.folder} or above", "Use --cwd.")
        return str(project(file).get("name") or "")

    def owner(self, config: Mapping[str, Any]) -> str:
        """The owner name of its datasets, without the logical name."""
        return str(config.get("aep:owner") or f"{self.project}/{self.name.rpartition('/')[2]}")

    def config(self, *, secrets: bool) -> dict[str, Any]:
        """The configuration; secrets are left out unless asked for."""
        flags = ["--show-secrets"] if secrets else []
        shown: dict[str, dict[str, Any]] = json.loads(self._run("config", "--json", *flags))
        return {
            key: entry.get("objectValue", entry["value"]) for key, entry in shown.items() if "value" in entry
        }

    @staticmethod
    def datasets(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The entries of `aep:datasets`.

        Raises:
            PulumiFailed: it is no list of entries.
        """
        held = config.get(DATASETS) or []
        if isinstance(held, list) and all(isinstance(entry, dict) for entry in held):
            return held
        raise PulumiFailed(
            f"{DATASETS} is no list of entries",
            "Each entry holds the arguments of UpsertDataset, and `resource`, its logical name.",
        )

    def recorded(self) -> list[Recorded]:
        """The datasets in the state."""
        exported = json.loads(self._run("stack", "export"))
        resources = (exported.get("deployment") or {}).get("resources") or []
        return [
            Recorded(
                resource=resource["urn"].rpartition("::")[2],
                id=resource.get("id", ""),
                inputs=_plain(resource.get("inputs")),
                outputs=_plain(resource.get("outputs")),
                external=bool(resource.get("external")),
            )
            for resource in resources
            if resource["type"] == RESOURCE_TYPE and not resource.get("delete")
        ]

    def add_datasets(self, entries: Sequence[Mapping[str, str | bool]], *, held: int) -> None:
        """Append to the list `aep:datasets` of the stack file; everything else in it stays.

        One argument for each value: the whole list is too long for a single one.

        Args:
            entries: the new ones.
            held: how many there are. An empty list is written `[]`, and Pulumi would keep to that style, in
                one line; so it is taken out first.
        """
        shown = json.loads(self._run("config", "--json"))
        if shown.get(DATASETS, {}).get("secret"):
            raise PulumiFailed(
                f"{DATASETS} is kept as a secret, and would become plain text; nothing was written",
                "Nothing in it is secret: set it as plain text first.",
            )
        length = _length(shown, [*shown.get(DATASETS, {}).get("objectValue", []), *entries])
        if length > LONGEST_CONFIG:
            raise PulumiFailed(
                f"With {len(entries)} more entries the configuration would have {length} bytes, more than a "
                f"program can be given ({LONGEST_CONFIG}); nothing was written",
                "Import fewer (--name, or ids), and spread them over several stacks.",
            )
        values = [
            (f"{DATASETS}[{number}].{key}", value)
            for number, entry in enumerate(entries, held)
            for key, value in entry.items()
        ]
        texts = [(path, str(value).lower() if isinstance(value, bool) else value) for path, value in values]
        flags = [part for path, text in texts for part in ("--plaintext", f"{path}={text}")]
        if not held:
            self._run("config", "rm", DATASETS)
        self._run("config", "set-all", "--path", *flags)
        for path, value in values:
            if isinstance(value, str) and NO_TEXT.fullmatch(value):
                self._run("config", "set", "--path", "--type", "string", "--", path, value)

    def run(self, *arguments: str) -> int:
        """Run `pulumi` in view of the user; returns its exit code."""
        command = [_found(), *arguments, "--stack", self.name, "--cwd", str(self.folder)]
        return subprocess.run(command, env=_environment(), check=False).returncode  # noqa: S603

    def _run(self, *arguments: str) -> str:
        return _pulumi(self.folder, *arguments, stack=self.name)


def project_file(folder: Path) -> Path | None:
    """The project file in a folder or above it."""
    for parent in (folder, *folder.parents):
        for name in PROJECT_FILES:
            if (parent / name).is_file():
                return parent / name
    return None


def project(file: Path) -> dict[str, Any]:
    """What a project file says."""
    try:
        held = yaml.safe_load(file.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise PulumiFailed(f"{file} cannot be read: {error}") from error
    return held if isinstance(held, dict) else {}


def _length(shown: Mapping[str, Mapping[str, Any]], entries: Sequence[object]) -> int:
    """How long the configuration becomes as Pulumi writes it: JSON, and what is no text is JSON in it."""
    values = {key: entry.get("value", "") for key, entry in shown.items()}
    values[DATASETS] = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    return len(json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode())


def _plain(props: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        key: value
        for key, value in (props or {}).items()
        if not (isinstance(value, dict) and SECRET in value)
    }


def _found() -> str:
    found = shutil.which("pulumi")
    if found is None:
        raise PulumiFailed(
            "No `pulumi` on PATH, so no stack can be read",
            "Put it on PATH; in a checkout of this project `make -s pulumi-path` tells where it is.",
        )
    return found


def _environment() -> dict[str, str]:
    return {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_RUN_PROGRAM": "true"}


def _pulumi(folder: Path, first: str, *arguments: str, stack: str = "") -> str:
    # The flags first, since a value of the user's may stand last, after `--`.
    flags = ["--non-interactive", "--cwd", str(folder)]
    command = [_found(), *flags, first, *(["--stack", stack] if stack else []), *arguments]
    shown = f"`pulumi {' '.join((first, *arguments[:1]))}`"
    try:
        done = subprocess.run(  # noqa: S603
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=_environment(),
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PulumiFailed(f"{shown} did not end within {TIMEOUT:.0f} s", "Is the backend there?") from error
    if done.returncode:
        reason = done.stderr.strip().removeprefix("error: ") or f"exit code {done.returncode}"
        first, _, rest = reason.partition("\n")
        raise PulumiFailed(f"{shown} in {folder}: {first}", rest)
    return done.stdout
