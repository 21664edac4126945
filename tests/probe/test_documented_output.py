"""docs/probe.md shows what a run prints, and explains what there is."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import click
import pytest

from aep_provider.cli import main

ROOT = Path(__file__).resolve().parents[2]
TOOL = runpy.run_path(str(ROOT / "tools/probe_output.py"))
PAGE = (ROOT / "docs" / "probe.md").read_text(encoding="utf-8")


def test_the_page_shows_what_a_run_against_the_emulator_prints() -> None:
    shown = TOOL["plain"](TOOL["on_page"]())
    assert len(shown.splitlines()) > 100
    assert shown == TOOL["plain"](TOOL["printed"]()), "run: python tools/probe_output.py"


def test_every_option_of_the_command_is_on_the_page() -> None:
    given = [one for one in main.commands["probe"].params if isinstance(one, click.Option)]
    of_settings = {one.name for one in main.commands["discover"].params} - {"as_json", "wide"}
    own = [
        option for one in given if one.name not in of_settings for option in one.opts if option[:2] == "--"
    ]
    assert len(own) > 8
    assert [option for option in own if not re.search(rf"^\| .*`{option}[ `]", PAGE, re.MULTILINE)] == []


@pytest.mark.parametrize("columns", [80, 140])
def test_the_table_fits_the_terminal(columns: int) -> None:
    shown = TOOL["printed"](columns).partition("Measured on")[2].splitlines()
    assert len(shown) > 100
    assert max(map(len, shown)) <= columns


def test_colour_is_for_terminals_and_no_color_is_honoured() -> None:
    colour = re.compile(r"\x1b\[(?:\d+;)*3[0-7]m")
    assert colour.search(TOOL["on_terminal"]())
    assert not colour.search(TOOL["on_terminal"](NO_COLOR="1"))
