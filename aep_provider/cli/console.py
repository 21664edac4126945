"""What the commands share: time, errors, and what they print."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aep_provider.clock import SystemClock
from aep_provider.errors import AepProviderError

CLOCK = SystemClock(threading.Event())
"""The real time; a command is ended by Ctrl-C itself."""

NATURAL_WIDTH = 1000
"""Columns where the output is no terminal: a table in a file or a pipe is not folded."""


class ConsoleReporter:
    """Messages of the core, on standard error."""

    def warn(self, message: str) -> None:
        """Print a warning."""
        click.secho(f"warning: {message}", fg="yellow", err=True)

    def info(self, message: str) -> None:
        """Print a line."""
        click.echo(message, err=True)

    def progress(self, message: str) -> None:
        """Print a line."""
        click.echo(message, err=True)


class Failure(click.ClickException):
    """An error of this package as the end of a command."""

    exit_code = 1


class CouldNotTell(Failure):
    """The same, for a command whose exit code 1 is an answer."""

    exit_code = 3


def printable(text: object) -> str:
    """A text from AEP or a state file without control characters: a name must not steer the terminal."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in str(text)
    )


def line(text: object, style: str = "") -> None:
    """Print a line to standard output; what looks like markup stays as it is."""
    _console().print(Text(printable(text), style=style), soft_wrap=True)


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table; a cell is a text, or a text and a style."""
    grid = Table(title=Text(printable(title)))
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        cells = (cell if isinstance(cell, tuple) else (cell, "") for cell in row)
        grid.add_row(*(Text(printable(text), style=style) for text, style in cells))
    _console().print(grid)


def as_json(value: object) -> None:
    """Print JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


class Progress:
    """What a command is doing, on standard error while it takes longer than a second."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._console = Console(stderr=True)
        self._status = self._console.status(Text(what))
        self._said = CLOCK.monotonic()

    def step(self, text: str) -> None:
        """Say how far it is."""
        message = f"{self._what}: {printable(text)}"
        self._status.update(Text(message))
        if not self._console.is_terminal and CLOCK.monotonic() - self._said > 1:
            self._said = CLOCK.monotonic()
            click.echo(message, err=True)

    def __enter__(self) -> Progress:
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()


@contextmanager
def errors_end_the_command(kind: type[Failure] = Failure) -> Iterator[None]:
    """Turn an error of this package into a message and an exit code."""
    try:
        yield
    except AepProviderError as error:
        raise kind(str(error)) from error


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=NATURAL_WIDTH)
