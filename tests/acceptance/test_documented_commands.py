"""The `pulumi` commands of the documentation exist, with the flags that are shown."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/examples/**/*.yml")]
TWO_WORDS = ("config", "stack", "state")


def shown() -> dict[tuple[str, ...], set[str]]:
    """Flags by command, from code blocks, inline code and workflows."""
    found: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for path in PAGES:
        # In inline code a line may break; in a block and in a workflow it ends the command.
        for text in re.findall(
            r"(?:^\s*(?:\$|run:) |`)(pulumi [a-z][^`\n]*(?:\n[^`\n$]+(?=`))?)", path.read_text(), re.MULTILINE
        ):
            words = shlex.split(text.replace("…", "x").replace("'", ""), comments=True)
            depth = 2 if words[1] in TWO_WORDS and len(words) > 2 else 1
            found[tuple(words[1 : depth + 1])] |= {
                word.partition("=")[0] for word in words if re.fullmatch(r"--?[a-z][a-z-]*(=.*)?", word)
            }
    return found


def test_they_exist_with_their_flags(pulumi: str) -> None:
    commands = shown()
    assert {("up",), ("preview",), ("import",), ("config", "set"), ("state", "delete")} <= set(commands)
    for command, flags in sorted(commands.items()):
        done = subprocess.run(
            [pulumi, *command, "--help"], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, command
        # An unknown command shows the help of its parent, which has commands.
        assert command[-1] in TWO_WORDS or " [command]\n" not in done.stdout, command
        known = set(re.findall(r"(?:^|\s)(--?[a-z][a-z-]*)", done.stdout))
        assert flags <= known, command
