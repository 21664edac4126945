"""The selected Pulumi stack, read and written through the `pulumi` command.

The command knows backends, passphrases, `stackConfigDir` and encryption; nothing of that is repeated here.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aep_provider import entries
from aep_provider.cli import pulumi
from aep_provider.cli.pulumi import PulumiFailed
from aep_provider.entries import DATASETS, OVERRIDES, Entry
from aep_provider.words import plural

RESOURCE_TYPE = "pulumi-python:dynamic/aep:UpsertDataset"
ENTRY = b"aep_provider._entry"
"""What the provider in a recorded resource names."""

STACK_TYPE = "pulumi:pulumi:Stack"
CLIENT_SECRET = "aep:clientSecret"  # noqa: S105 - the name of a setting

SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - a marker of Pulumi's, not a secret
"""The key by which a state file marks a value that is not plain: a secret, here never decrypted."""

PREVIEW_TIMEOUT = 900.0
"""Seconds for a preview, which asks AEP about every new dataset."""

LONGEST_CONFIG = 128 * 1024 - 1024
"""Bytes. Pulumi hands the whole configuration to a program in one environment variable, for which Linux takes
128 KiB; the rest is for what is secret, and so not seen here.
"""

NOT_TEXT = re.compile(r"true|false|[+-]?(0|[1-9]\d*)")
"""What `pulumi config` takes for a boolean or a number inside a list, unless it is told that it is text."""


@dataclass(frozen=True)
class Recorded:
    """A dataset in the stack's state.

    Attributes:
        urn: Pulumi's name for the resource.
        id: of the dataset.
        inputs, outputs: as recorded, without what is secret.
        external: whether the program only reads it.
    """

    urn: str
    id: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    external: bool

    @property
    def resource(self) -> str:
        """The logical name."""
        return logical_name(self.urn)


@dataclass(frozen=True)
class Pending:
    """An operation that was running when the last `pulumi` was killed.

    Attributes:
        urn: of the resource.
        operation: ``creating``, ``updating`` or ``deleting``.
    """

    urn: str
    operation: str

    @property
    def resource(self) -> str:
        """The logical name."""
        return logical_name(self.urn)


@dataclass(frozen=True)
class State:
    """What a stack's state says of datasets.

    Attributes:
        recorded: the datasets.
        pending: operations on datasets that a killed run left behind.
        components: the URNs of the component resources.
    """

    recorded: Sequence[Recorded]
    pending: Sequence[Pending]
    components: Sequence[str] = ()


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
        if pulumi.project_file(folder) is None:
            raise pulumi.no_project(folder)
        name = pulumi.run(folder, "stack", "--show-name").strip()
        return cls(folder, name)

    @property
    def project(self) -> str:
        """The project's name."""
        return str(pulumi.project(self._project_file).get("name") or "")

    @property
    def short_name(self) -> str:
        """The name without the organisation."""
        return self.name.rpartition("/")[2]

    @property
    def file(self) -> Path:
        """The stack file, whether it exists or not. Source: Pulumi's reference of `stackConfigDir`."""
        file = self._project_file
        folder = str(pulumi.project(file).get("stackConfigDir") or "")
        return file.parent / folder / f"Pulumi.{self.short_name}.yaml"

    @property
    def _project_file(self) -> Path:
        file = pulumi.project_file(self.folder)
        if file is None:
            raise pulumi.no_project(self.folder)
        return file

    def owner(self, config: Mapping[str, Any]) -> str:
        """The owner name of its datasets, without the logical name."""
        return str(config.get("aep:owner") or f"{self.project}/{self.short_name}")

    def config(self, *, secrets: bool) -> dict[str, Any]:
        """The configuration; secrets are left out unless asked for, except what declares datasets."""
        shown = self._shown_config(secrets=secrets)
        hidden = [key for key in (DATASETS, OVERRIDES) if shown.get(key, {}).get("secret")]
        if hidden and not secrets:
            # The program reads it, so a command that did not would see other datasets.
            told = self._shown_config(secrets=True)
            shown |= {key: told[key] for key in hidden if key in told}
        return {
            key: entry.get("objectValue", entry["value"]) for key, entry in shown.items() if "value" in entry
        }

    def has_plain_secret(self) -> bool:
        """Whether the client secret is in the configuration without encryption."""
        entry = self._shown_config(secrets=False).get(CLIENT_SECRET)
        return entry is not None and not entry.get("secret")

    def entries(self, config: Mapping[str, Any]) -> list[Entry]:
        """What the stack declares as data: `aep:datasets` and `aep:overrides`, put together.

        Raises:
            InvalidInput: one of them is not a list of entries, or the file that the first names cannot be read.
        """
        return entries.read(config.get(DATASETS), config.get(OVERRIDES), self._project_file.parent)

    def datasets(self, config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The same, without where it comes from."""
        return [entry.given for entry in self.entries(config)]

    def shared_file(self, config: Mapping[str, Any]) -> Path | None:
        """The file that `aep:datasets` names, or ``None`` where it holds the entries themselves."""
        path = entries.file_of(config.get(DATASETS))
        return self._project_file.parent / path if path else None

    def state(self) -> State:
        """What the state says of datasets."""
        exported = self._json("stack", "export")
        deployment = exported.get("deployment") or {}
        resources = [one for one in deployment.get("resources") or [] if not one.get("delete")]
        recorded = [
            Recorded(
                urn=resource["urn"],
                id=resource.get("id", ""),
                inputs=_plain(resource.get("inputs")),
                outputs=_plain(resource.get("outputs")),
                external=bool(resource.get("external")),
            )
            for resource in resources
            if is_ours(resource)
        ]
        pending = [
            Pending(operation["resource"]["urn"], str(operation.get("type") or ""))
            for operation in deployment.get("pending_operations") or []
            if operation["resource"]["type"] == RESOURCE_TYPE
        ]
        components = [one["urn"] for one in resources if not one.get("custom") and one["type"] != STACK_TYPE]
        return State(recorded, pending, components)

    def inherits_datasets(self) -> bool:
        """Whether `aep:datasets` holds entries that do not come from the stack file."""
        held = self._shown_config(secrets=False).get(DATASETS, {})
        if not held.get("objectValue", held.get("value")):
            return False
        own = pulumi.project(self.file).get("config") if self.file.exists() else {}
        return not (isinstance(own, dict) and DATASETS in own)

    def add_datasets(self, added: Sequence[Mapping[str, str | bool]], *, held: int) -> None:
        """Append to the list `aep:datasets` of the stack file; everything else in it stays.

        One argument for each value: the whole list is too long for a single one. A list that was set as JSON
        text stays JSON text.

        Args:
            added: the new ones.
            held: how many there are. An empty list is written `[]`, and Pulumi would keep to that style, in
                one line; so it is taken out first.
        """
        shown = self._shown_config(secrets=False)
        now = shown.get(DATASETS, {})
        if now.get("secret"):
            raise PulumiFailed(
                f"{DATASETS} is kept as a secret, and would become plain text; nothing was written",
                "Nothing in it is secret: set it as plain text first.",
            )
        whole = [*self.datasets({DATASETS: now.get("objectValue", now.get("value"))}), *added]
        length = _length(shown, whole)
        if length > LONGEST_CONFIG:
            raise PulumiFailed(
                f"With {plural(len(added), 'more entry', 'more entries')} the configuration would have "
                f"{length} bytes, more than a program can be given ({LONGEST_CONFIG}); nothing was written",
                "Import fewer (--name, or ids), and spread them over several stacks; or use --code.",
            )
        if held and "objectValue" not in now:
            self._run("config", "set", "--", DATASETS, json.dumps(whole, ensure_ascii=False))
            return
        values = [
            (f"{DATASETS}[{number}].{key}", value)
            for number, entry in enumerate(added, held)
            for key, value in entry.items()
        ]
        texts = [(path, str(value).lower() if isinstance(value, bool) else value) for path, value in values]
        flags = [part for path, text in texts for part in ("--plaintext", f"{path}={text}")]
        if not held:
            self._run("config", "rm", DATASETS)
        self._run("config", "set-all", "--path", *flags)
        for path, value in values:
            if isinstance(value, str) and NOT_TEXT.fullmatch(value):
                self._run("config", "set", "--path", "--type", "string", "--", path, value)

    def run(self, *arguments: str) -> int:
        """Run `pulumi` in view of the user; returns its exit code."""
        command = [
            pulumi.found(),
            *map(pulumi.in_utf8, arguments),
            "--stack",
            self.name,
            "--cwd",
            self.folder,
        ]
        return subprocess.run(command, env=pulumi.environment(), check=False).returncode  # noqa: S603

    def previewed(self, *flags: str) -> Mapping[str, Any]:
        """What `pulumi preview` would do, as JSON; whatever it could say where it failed.

        Args:
            flags: more of them.

        Raises:
            PulumiFailed: it did not say anything.
        """
        done = pulumi.completed(
            self.folder,
            ["preview", "--json", *flags, "--stack", self.name],
            "`pulumi preview`",
            timeout=PREVIEW_TIMEOUT,
        )
        return pulumi.parsed(done.stdout, "`pulumi preview`", done.stderr)

    def _shown_config(self, *, secrets: bool) -> dict[str, dict[str, Any]]:
        flags = ["--show-secrets"] if secrets else []
        shown: dict[str, dict[str, Any]] = self._json("config", "--json", *flags)
        return shown

    def _json(self, *arguments: str) -> dict[str, Any]:
        return pulumi.parsed(self._run(*arguments), f"`pulumi {' '.join(arguments[:2])}`")

    def _run(self, *arguments: str) -> str:
        return pulumi.run(self.folder, *arguments, stack=self.name)


def is_ours(resource: Mapping[str, Any]) -> bool:
    """Whether a resource in state is a dataset of this package; a subclass may have a type of its own."""
    provider = (resource.get("inputs") or {}).get("__provider")
    with contextlib.suppress(TypeError, ValueError):
        return resource["type"] == RESOURCE_TYPE or ENTRY in base64.b64decode(provider or "")
    return False


def logical_name(urn: str) -> str:
    """The logical name of a resource, the last part of its URN."""
    return urn.split("::", 3)[3]


def _length(shown: Mapping[str, Mapping[str, Any]], whole: Sequence[object]) -> int:
    """How long the configuration becomes as Pulumi writes it: JSON, and what is not text is JSON in it."""
    values = {key: entry.get("value", "") for key, entry in shown.items()}
    values[DATASETS] = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    return len(json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode())


def _plain(props: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        key: value
        for key, value in (props or {}).items()
        if not (isinstance(value, dict) and SECRET in value)
    }
