"""The stacks of a project, by their stack files, and which of them a change touches."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import click

from aep_provider.cli import pulumi
from aep_provider.errors import SettingsError

WAVE = "aep:wave"
WAVES = ("dev", "stage", "prod")
"""In the order in which they are brought up. A stack that says nothing comes last, with the greatest care."""

NONE = "none"
"""The wave of a stack that no fleet runs, such as one for the emulator on a laptop."""

_GIT_TIMEOUT = 60


@dataclass(frozen=True)
class Member:
    """One stack.

    Attributes:
        stack: its name.
        sandbox, org: as its file or the project says; ``""`` where the environment has to.
        wave: one of `WAVES`.
        file: its stack file.
        shared: the file that its `aep:datasets` names, if it names one.
    """

    stack: str
    sandbox: str
    org: str
    wave: str
    file: Path
    shared: Path | None = None


def files(project_file: Path) -> dict[str, Path]:
    """The stack files of a project, by the name of their stack.

    Args:
        project_file: its `Pulumi.yaml`.

    Raises:
        SettingsError: the project cannot be read.
    """
    project = pulumi.project(project_file)
    folder = project_file.parent / str(project.get("stackConfigDir") or "")
    found = sorted(folder.glob("Pulumi.*.yaml"))
    return {file.name.removeprefix("Pulumi.").removesuffix(".yaml"): file for file in found}


def completed(ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """The names of stacks that a shell may complete to; none where no project can be read."""
    found = pulumi.project_file(Path(ctx.params.get("folder") or ".").absolute())
    try:
        return [name for name in files(found) if name.startswith(begun)] if found else []
    except pulumi.PulumiFailed:
        return []


def members(project_file: Path) -> list[Member]:
    """The stacks of a project, in the order of their waves and names.

    Args:
        project_file: its `Pulumi.yaml`.

    Raises:
        SettingsError: a file cannot be read, or names a wave that there is not.
    """
    project = pulumi.project(project_file)
    found = [
        one
        for name, file in files(project_file).items()
        if (one := _member(name, file, project, project_file.parent)) is not None
    ]
    return sorted(found, key=lambda one: (WAVES.index(one.wave), one.stack))


def _member(name: str, file: Path, project: Mapping[str, Any], folder: Path) -> Member | None:
    config = pulumi.project(file).get("config")
    config = config if isinstance(config, dict) else {}

    def setting(key: str) -> str:
        value = config.get(key, _default(project, key))
        return str(value) if isinstance(value, str | int | float) else ""

    wave = setting(WAVE) or WAVES[-1]
    if wave == NONE:
        return None
    if wave not in WAVES:
        raise SettingsError(
            f"{file}: {WAVE} is {wave!r}",
            f"Use {', '.join(WAVES)}, or {NONE} for a stack that is not to be listed.",
        )
    named = setting("aep:datasets")
    # A list may also be given as JSON text.
    shared = (folder / named).resolve() if named and not named.lstrip().startswith("[") else None
    return Member(name, setting("aep:sandbox"), setting("aep:orgId"), wave, file.resolve(), shared)


def _default(project: Mapping[str, Any], key: str) -> object:
    """What the project file gives for a setting, plainly or as ``value`` or ``default``."""
    held = project.get("config")
    given = held.get(key) if isinstance(held, dict) else None
    if isinstance(given, dict):
        return given.get("value", given.get("default"))
    return given


def touched(stacks: Sequence[Member], project_file: Path, changed: Iterable[Path]) -> set[str]:
    """The names of the stacks that a change may matter to.

    A stack file matters to its stack, a file of entries to the stacks that name it. Anything else in the project's
    folder may be part of the program, so it matters to all; only Markdown does not.

    Args:
        stacks: all of the project.
        project_file: its `Pulumi.yaml`.
        changed: the files that changed, with full paths.
    """
    folder = project_file.parent.resolve()
    found: set[str] = set()
    for path in changed:
        naming = {one.stack for one in stacks if path in (one.file, one.shared)}
        is_stack_file = path.name.startswith("Pulumi.") and path.suffix == ".yaml" and path.stem != "Pulumi"
        if naming or is_stack_file or path.suffix == ".md":
            found |= naming
        elif folder in path.parents:
            return {one.stack for one in stacks}
    return found


def changed_files(folder: Path, since: str) -> list[Path] | None:
    """The files that differ from where a commit and this one parted, also those not committed yet.

    Args:
        folder: the project's.
        since: a commit, branch or tag.

    Returns:
        Full paths; ``None`` where git cannot tell, say since the commit is not in a shallow clone.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    diff = _git(folder, "diff", "--name-only", "-z", "--merge-base", "--end-of-options", since)
    new = _git(folder, "ls-files", "--others", "--exclude-standard", "--full-name", "-z")
    if top is None or diff is None or new is None:
        return None
    root = Path(top.rstrip("\n")).resolve()
    return [root / PurePosixPath(name) for name in (diff + new).split("\0") if name]


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=_GIT_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return done.stdout if done.returncode == 0 else None
