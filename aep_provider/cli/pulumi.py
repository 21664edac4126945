"""The `pulumi` command and the project file.

The command knows backends, passphrases, `stackConfigDir` and encryption; nothing of that is repeated here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from aep_provider.errors import SettingsError

PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml")

TIMEOUT = 120.0
"""Seconds for one call of `pulumi`; a backend that takes longer counts as unreachable."""

_OTHER_PULUMI = "Check that `pulumi` on PATH is Pulumi's own command: `pulumi version`."


class PulumiFailed(SettingsError):
    """`pulumi` is missing, or ended with an error."""


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
        held = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise PulumiFailed(f"{file} cannot be read: {error}") from error
    return held if isinstance(held, dict) else {}


def found() -> str:
    """The path of `pulumi`."""
    path = shutil.which("pulumi")
    if path is None:
        raise PulumiFailed(
            "No `pulumi` on PATH, so no stack can be read",
            "Put it on PATH; in a checkout of this project `make -s pulumi-path` tells where it is.",
        )
    return path


def no_project(folder: Path) -> PulumiFailed:
    """The error where a project is needed."""
    return PulumiFailed(f"No Pulumi.yaml in {folder} or above", "Use --cwd DIR.")


def environment() -> dict[str, str]:
    """The environment of `pulumi`."""
    return {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_RUN_PROGRAM": "true"}


def in_utf8(argument: str) -> str | bytes:
    """An argument of a process; Pulumi reads UTF-8, whatever encoding the locale names."""
    return argument if os.name == "nt" else argument.encode("utf-8", "surrogateescape")


def run(folder: Path, first: str, *arguments: str, stack: str = "") -> str:
    """Run `pulumi` and return what it printed.

    Args:
        folder: where it runs.
        first: the subcommand.
        arguments: of the subcommand.
        stack: the stack, or ``""`` for the selected one.

    Raises:
        PulumiFailed: it is missing, did not end, or ended with an error.
    """
    # The flags first, since a value of the user's may stand last, after `--`.
    shown = f"`pulumi {' '.join((first, *arguments[:1]))}`"
    done = completed(folder, [first, *(["--stack", stack] if stack else []), *arguments], shown)
    if done.returncode:
        reason = done.stderr.strip().removeprefix("error: ") or f"exit code {done.returncode}"
        message, _, rest = reason.partition("\n")
        raise PulumiFailed(f"{shown} in {folder}: {message}", rest)
    return done.stdout


def completed(
    folder: Path, arguments: Sequence[str], shown: str, *, timeout: float = TIMEOUT
) -> subprocess.CompletedProcess[str]:
    """Run `pulumi`, however it ends.

    Args:
        folder: where it runs.
        arguments: all of them.
        shown: what messages call it.
        timeout: seconds.

    Raises:
        PulumiFailed: it is missing, did not end, or printed bytes that are not text.
    """
    command = [found(), "--non-interactive", "--cwd", folder, *map(in_utf8, arguments)]
    try:
        return subprocess.run(  # noqa: S603
            command,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=environment(),
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PulumiFailed(
            f"{shown} did not end within {timeout:.0f} s", "Check that the backend can be reached."
        ) from error
    except UnicodeDecodeError as error:
        raise PulumiFailed(f"{shown} printed bytes that are not UTF-8", _OTHER_PULUMI) from error


def parsed(text: str, shown: str, errors: str = "") -> dict[str, Any]:
    """What `pulumi` printed as a JSON object.

    Args:
        text: its standard output.
        shown: what messages call it.
        errors: its standard error.

    Raises:
        PulumiFailed: it is not one.
    """
    try:
        value = json.loads(text)
    except ValueError as error:
        raise PulumiFailed(f"{shown} did not print JSON", errors.strip() or _OTHER_PULUMI) from error
    if not isinstance(value, dict):
        raise PulumiFailed(f"{shown} did not print a JSON object", _OTHER_PULUMI)
    return value
