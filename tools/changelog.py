"""Compare CHANGELOG.md with pyproject.toml and the tags.

    python tools/changelog.py [TAG]

The form is that of Keep a Changelog 1.1.0. Each entry of a release has a tag, `v` and its version, and each tag an
entry; only the version of pyproject.toml may still be without one. TAG, which is about to be published, must be that
version, and its entry must be there.
Exit codes: 0 they agree; 1 they do not, and why is on standard error.
"""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
_RELEASE = re.compile(r"## \[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d{2}-\d{2})( \[YANKED\])?")

Version = tuple[int, int, int]


def version() -> str:
    """The version of the package: pyproject.toml is the one place that says it."""
    found = re.search(
        r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert found, "pyproject.toml has a version"
    return found[1]


def tags() -> list[str]:
    """The releases that this checkout knows of; none in a shallow clone or without git."""
    done = subprocess.run(
        ["git", "-C", ROOT, "tag", "--list", "v*"], capture_output=True, text=True, check=False
    )
    return done.stdout.split()


def released(text: str) -> list[str]:
    """The versions that have an entry, in their order."""
    return [".".join(found.groups()[:3]) for found in map(_RELEASE.fullmatch, text.splitlines()) if found]


def wrong_form(text: str) -> Iterator[str]:
    """What is not Keep a Changelog."""
    lines = text.splitlines()
    if lines[:1] != ["# Changelog"]:
        yield "it does not begin with `# Changelog`"
    entries = [line for line in lines if line.startswith("## ")]
    if entries[:1] != ["## [Unreleased]"]:
        yield "the first entry is not `## [Unreleased]`"
    found: list[tuple[Version, str]] = []
    for line in entries[1:]:
        parts = _RELEASE.fullmatch(line)
        if parts is None:
            yield f"`{line}` is not `## [1.2.3] - 2026-12-31`"
            continue
        try:
            datetime.date.fromisoformat(parts[4])
        except ValueError:
            yield f"`{line}` has no day of the calendar"
        found.append(((int(parts[1]), int(parts[2]), int(parts[3])), parts[4]))
    if found != sorted(set(found), reverse=True) or len({number for number, _ in found}) != len(found):
        yield "the releases are not in order, newest first"
    yield from (
        f"`{line}` is none of {', '.join(KINDS)}"
        for line in lines
        if line.startswith("### ") and line[4:] not in KINDS
    )


def disagreements(text: str, current: str, known: Sequence[str], publishing: str = "") -> Iterator[str]:
    """What does not agree.

    Args:
        text: the changelog.
        current: the version of the package.
        known: the tags; empty where nobody can tell.
        publishing: the tag that is about to be published, or ``""``.
    """
    entries = released(text)
    if known:
        yield from (f"tag {tag} has no entry" for tag in known if tag.removeprefix("v") not in entries)
        yield from (
            f"{entry} has no tag" for entry in entries if f"v{entry}" not in known and entry != current
        )
    if publishing and publishing != f"v{current}":
        yield f"tag {publishing} is not version {current} of pyproject.toml"
    if publishing and current not in entries:
        yield f"version {current} has no entry with its day"


def main(arguments: list[str]) -> int:
    """The command."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = [*wrong_form(text), *disagreements(text, version(), tags(), *arguments[:1])]
    for one in found:
        print(f"changelog: {one}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
