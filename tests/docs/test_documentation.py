"""The documentation says what the code does, or these tests fail."""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
import re
import runpy
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

import aep_provider
from aep_provider import UpsertDataset, errors, settings
from aep_provider.cli import main
from aep_provider.operations.replay import EVIDENCE
from aep_provider.program.outputs import Outputs

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("tools/*.md")])
README = (ROOT / "README.md").read_text()
ARGUMENTS = [name for name in inspect.signature(UpsertDataset.__init__).parameters if name != "self"]
ERRORS = [
    name
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, errors.AepProviderError)
]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_every_argument_is_documented(argument: str) -> None:
    assert f"| `{argument}` |" in page("resource.md")
    assert argument == "resource_name" or f"`{argument}`" in README
    assert re.search(rf"^\s+{argument}: ", UpsertDataset.__init__.__doc__ or "", re.MULTILINE)


@pytest.mark.parametrize("name", ["resource.md", "safety.md", "traces.md"])
def test_the_tables_are_what_the_code_says(name: str) -> None:
    tool = runpy.run_path(str(ROOT / "tools/reference.py"))
    now = page(name)
    assert tool["written"](now) == now, "run: python tools/reference.py"


@pytest.mark.parametrize("output", [*Outputs.__annotations__, *UpsertDataset.__annotations__])
def test_every_output_is_documented(output: str) -> None:
    assert f"`{output}`" in page("resource.md").split("## Outputs")[1].split("## What happens")[0]


@pytest.mark.parametrize("source", settings._FIELDS.values(), ids=settings._FIELDS.keys())
def test_every_setting_is_documented(source: settings._Source) -> None:
    for text in (README, page("settings.md")):
        assert not source.config or f"`aep:{source.config}`" in text
        assert not source.environment or f"`{source.environment}`" in text


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_is_documented(error: str) -> None:
    assert f"`{error}`" in page("troubleshooting.md")
    assert re.search(rf"\b{error}\b", errors.__doc__ or "")


def test_the_error_tree_names_no_class_that_is_not_there() -> None:
    assert set(re.findall(r"[├└]── (\w+)", errors.__doc__ or "")) | {"AepProviderError"} == set(ERRORS)


def test_every_make_target_is_documented() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    documented = set(re.findall(r"make ([a-z][a-z-]*)", README.split("## On a real")[0]))
    assert documented == targets


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_flag_of_a_command_has_a_help_text(command: str) -> None:
    flags = [one for one in main.commands[command].params if isinstance(one, click.Option)]
    assert all(flag.help for flag in flags)
    assert "Example" in (main.commands[command].help or "") or command == "emulator"


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_is_documented_and_helps(command: str) -> None:
    assert f"aep-provider {command}" in README
    shown = CliRunner().invoke(main, [command, "--help"])
    assert shown.exit_code == 0
    assert "Usage:" in shown.output


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_resolve(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if target.startswith(
            ("http", "../../issues/", "../../security/")
        ):  # the latter two of the repository
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", linked.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_python_examples_use_arguments_that_exist(path: Path) -> None:
    for block in re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "UpsertDataset":
                assert {keyword.arg for keyword in node.keywords} <= set(ARGUMENTS)


@pytest.mark.parametrize("path", sorted(ROOT.glob("stacks/Pulumi.*.yaml")), ids=lambda path: path.name)
def test_stack_files_hold_known_settings_only(path: Path) -> None:
    known = {f"aep:{source.config}" for source in settings._FIELDS.values()} | {
        "aep:datasets",
        "aep:owner",
        "aep:wave",
    }
    config = yaml.safe_load(path.read_text())["config"]
    assert set(config) <= known
    for entry in config["aep:datasets"]:
        assert set(entry) <= {*ARGUMENTS, "resource"}


def test_public_names() -> None:
    assert aep_provider.__all__ == sorted(aep_provider.__all__)
    everything = "".join(page(path.name) for path in (ROOT / "docs").glob("*.md"))
    assert [name for name in aep_provider.__all__ if f"`{name}" not in everything] == []
    reference = page("resource.md")
    for name in inspect.signature(aep_provider.declare).parameters:
        assert re.search(rf"^\| `{name}` \|", reference, re.MULTILINE), name


def test_the_licences_are_those_that_the_packages_name() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools/licences.py"],
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    )
    row = re.compile(r"^\| ([a-z0-9-]+) \| (.*) \|$", re.MULTILINE)
    installed, listed = dict(row.findall(done.stdout)), dict(row.findall(page("licences.md")))
    requires = importlib.metadata.requires("aep-provider") or []
    assert {re.split(r"[<>=~! ;\[]", text)[0].lower() for text in requires} <= set(listed)
    # Another Python brings a package less or more, but none with another licence.
    both = set(installed) & set(listed)
    assert len(both) > 30
    assert {name: installed[name] for name in both} == {name: listed[name] for name in both}


def test_the_picture_of_the_readme_is_what_its_text_says() -> None:
    tool = runpy.run_path(str(ROOT / "tools/recording.py"))
    assert tool["PICTURE"].read_text() == tool["drawn"](tool["shown"]()), "run: python tools/recording.py"


def test_what_a_replay_rests_on_is_in_its_page() -> None:
    rows = "".join(f"| {level} | {text} |\n" for level, text in EVIDENCE)
    assert rows in page("replay.md")


PROMISES = page("safety.md").split("## What is promised")[1].split("\n## ")[0]


def test_each_of_the_ten_promises_names_a_test_that_exists() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    lines = re.split(r"^\d+\. ", PROMISES, flags=re.MULTILINE)[1:]
    assert len(lines) == 10
    for line in lines:
        named = re.findall(r"`(test_\w+)`", line)
        assert named, line
        assert [name for name in named if not re.search(rf"^def {name}\(", tests, re.MULTILINE)] == []


def test_the_ten_promises_are_linked_before_the_first_up() -> None:
    assert "safety.md#what-is-promised" in README.split("## Use it on a real")[1].split("\n## ")[0]
    assert "promised" in (UpsertDataset.__init__.__doc__ or "")


@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_the_list_of_commands_cuts_no_sentence(columns: str) -> None:
    shown = CliRunner().invoke(main, ["--help"], env={"COLUMNS": columns}, terminal_width=int(columns)).output
    listed = " ".join(shown.partition("Commands:")[2].split())
    assert "..." not in listed
    for name, command in main.commands.items():
        sentence = " ".join((command.help or "").split()).partition(". ")[0]
        assert f"{name} {sentence}".rstrip(".") in listed, name


def test_completion_is_documented_for_every_shell_that_has_it() -> None:
    section = page("commands.md").split("## Shell completion")[1].split("\n## ")[0]
    assert {f"{shell}_source" for shell in ("bash", "zsh", "fish")} <= set(re.findall(r"\w+_source", section))
