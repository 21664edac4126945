"""The commands of the documentation: those in blocks run, those in the text exist with the flags shown."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aep_provider.cli import main
from aep_provider.emulator.seeds import CLIENT_ID, ORG_ID, PROFILE_SCHEMA
from support.aep import Aep
from support.documented import blocks, commands, not_printed, outputs
from support.project import Project

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/examples/**/*.yml")]
TWO_WORDS = ("config", "stack", "state")

ELSEWHERE = {
    "make ": "test_make.py, and whoever runs these tests",
    ".venv/bin/": "parts of `make test`",
    "pip install 'aep-provider[emulator]'": "no registry has the package yet; test_elsewhere.py installs it",
    "aep-provider emulator ": "it serves until it is ended: tests/emulator/test_command.py",
    "aep-provider import --all --code ": "on a stack without them: test_cli_import.py",
    "aep-provider import --owned ": "needs a state that was lost: test_cli_owned.py",
    "aep-provider release ": "needs a dataset that was forgotten: test_cli_owned.py",
    "aep-provider replay ": "needs a dataset whose Profile was off: test_cli_replay.py",
    "less replay.sh": "for a person",
    "tail -F ": "for a person, without an end",
    "pulumi up --otel-traces grpc://collector:4317": "needs a collector: test_traces.py writes to a file",
    "podman ": "tests/tools/test_containerfile.py, where a builder works",
    "AEP_CLIENT_SECRET=… sh replay.sh": "test_documented_samples.py, and test_replay_script.py",
    "aep-provider import": "asks on a terminal: test_cli_import.py",
    "export PULUMI_BACKEND_URL='s3://": "test_team_state.py, on a server of its own",
}
"""Commands that are not run here, by how they begin (the whole, for one without a space at its end)."""

RUN_BEFORE = {"getting-started.md": "## 4. "}
"""Where the part of a page ends that another test runs: test_getting_started.py."""

COMPARED = ("emulator.md",)
"""Pages whose console blocks show what the demonstration's datasets make the commands print."""

EXAMPLE_PROGRAM = ("getting-started.md", "ci.md")
"""Pages about a repository of one's own; the others are about a checkout of this one."""


def in_blocks(path: Path) -> Iterator[str]:
    """The commands of a page's console blocks."""
    page = path.read_text()
    if path.name in RUN_BEFORE:
        page = page.partition(RUN_BEFORE[path.name])[2]
    for language, text, _ in blocks(page):
        if language == "console":
            yield from commands(text)


def runs_elsewhere(command: str) -> bool:
    return any(
        command.startswith(text) if text[-1] in " /" or "'" in text else command == text for text in ELSEWHERE
    )


def filled(command: str, aep: Aep) -> str:
    """The command with what a reader puts instead of dots and of the emulator's port."""
    command = re.sub(r" \w+=…", "", command)
    return re.sub(r"http://127\.0\.0\.1:\d+", aep.url, command)


@pytest.fixture
def reader(new_project: Callable[..., Project], aep: Aep, tmp_path: Path) -> Project:
    """Someone with a checkout, its stack files filled in, and the demonstration's datasets."""
    aep.reset("demo")
    body = {
        "name": "Orders",
        "schemaRef": {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"},
    }
    aep.seed("prod", datasets={"5b020a27e7040801dedbf46e": body})
    project = new_project("reader")
    left_out = shutil.ignore_patterns(
        ".git", ".aep", ".venv", "*_cache", "__pycache__", "tests", "Pulumi.local.yaml"
    )
    project.folder = tmp_path / "checkout"
    shutil.copytree(ROOT, project.folder, ignore=left_out)
    (project.folder / ".venv").symlink_to(ROOT / ".venv")
    project.environment["PATH"] = f"{ROOT / '.venv/bin'}:{project.environment['PATH']}"
    project.environment |= {"PULUMI_OPTION_YES": "true", "PULUMI_RUN_PROGRAM": "true"}
    del project.environment["AEP_SANDBOX"]
    return project


@pytest.mark.parametrize(
    "page",
    [path for path in PAGES if any(not runs_elsewhere(command) for command in in_blocks(path))],
    ids=lambda path: path.stem,
)
def test_the_commands_of_a_page_run_one_after_the_other(reader: Project, aep: Aep, page: Path) -> None:
    script = ["set -euo pipefail", 'curl() { command curl --fail "$@"; }']
    script += [filled(command, aep) for command in in_blocks(page) if not runs_elsewhere(command)]
    if page.name in EXAMPLE_PROGRAM:
        reader.folder /= "docs/examples/program"
        (reader.folder / ".venv").symlink_to(ROOT / ".venv")
    else:
        for file in reader.folder.glob("stacks/*.yaml"):
            text = file.read_text().replace("REPLACE_ME@AdobeOrg", ORG_ID).replace("REPLACE_ME", CLIENT_ID)
            file.write_text(text)
            reader.run("stack", "init", file.name.split(".")[1])
        reader.run("stack", "select", "dev")
        script = [line for line in script if not line.startswith("pulumi stack init ")]
    done = subprocess.run(
        ["bash", "-c", "\n".join(f"echo '$ '{shlex.quote(line)}\n{line}" for line in script)],
        cwd=reader.folder,
        env=reader.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    if page.name in COMPARED:
        shown = [outputs(text) for language, text, _ in blocks(page.read_text()) if language == "console"]
        # The first is the emulator's own, which runs already.
        assert [not_printed(text, done.stdout) for text in shown[1:]] == [[]] * len(shown[1:]), done.stdout


def test_what_is_run_elsewhere_is_in_the_documentation() -> None:
    shown = [command for path in PAGES for command in in_blocks(path)]
    for text in ELSEWHERE:
        assert any(command.startswith(text) for command in shown), text


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
    every = os.environ | {"PULUMI_EXPERIMENTAL": "true"}  # `up` hides --plan from its help, but takes it
    assert {("up",), ("preview",), ("import",), ("config", "set"), ("state", "delete")} <= set(commands)
    for command, flags in sorted(commands.items()):
        done = subprocess.run(
            [pulumi, *command, "--help"], env=every, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, command
        # An unknown command shows the help of its parent, which has commands.
        assert command[-1] in TWO_WORDS or " [command]\n" not in done.stdout, command
        known = set(re.findall(r"(?:^|\s)(--?[a-z][a-z-]*)", done.stdout))
        assert flags <= known, command


def test_commands_of_this_package_in_the_text_exist_with_their_flags() -> None:
    found = 0
    for path in PAGES:
        for text in re.findall(r"`aep-provider ([a-z][^`]*)`", path.read_text()):
            words = text.replace("[", "").replace("]", "").split()
            command = main.commands[words[0]]
            known = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
            assert {word for word in words if word.startswith("-")} <= known | {"--help"}, text
            found += 1
    assert found > 20
