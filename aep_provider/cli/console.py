"""What the commands share: time, errors, and what they print."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aep_provider.clock import SystemClock
from aep_provider.errors import AepProviderError

CLOCK = SystemClock(threading.Event())
"""The real time; a command is ended by Ctrl-C itself."""

NATURAL_WIDTH = 1000
"""Columns where the output is no terminal: a table in a file or a pipe is not folded."""


NARROWEST = 16
"""Columns, to which a long cell is folded at most."""


class ConsoleReporter:
    """Messages of the core, on standard error."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def warn(self, message: str) -> None:
        """Print a warning."""
        warning = Text(printable(f"warning: {message}"), style="yellow")
        Console(stderr=True).print(warning, soft_wrap=True)

    def once(self, message: str) -> None:
        """Print a warning, the first time only."""
        if message not in self._said:
            self._said.add(message)
            self.warn(message)

    def info(self, message: str) -> None:
        """Print a line."""
        click.echo(printable(message), err=True)

    def progress(self, message: str) -> None:
        """Print a line."""
        click.echo(printable(message), err=True)

    def listening(self) -> bool:
        """A command ends with whoever started it."""
        return True


class Failure(click.ClickException):
    """An error of this package as the end of a command."""

    exit_code = 1


class Interrupted(Failure):
    """Ctrl-C, with an exit code of its own: click's would be 1, which for some commands is an answer."""

    exit_code = 130


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


def table(title: str, columns: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table; a cell is a text, or a text and a style.

    On a terminal long cells are folded to make it fit, but an id is never broken: it is there to be copied.
    """
    grid = Table(
        title=Text(printable(title)),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        collapse_padding=True,
    )
    lines = [
        [
            Text(printable(text), style=style)
            for text, style in (cell if isinstance(cell, tuple) else (cell, "") for cell in row)
        ]
        for row in rows
    ]
    for number, column in enumerate(columns):
        longest = max([len(column), *(line[number].cell_len for line in lines)])
        whole = column == "id"
        least = longest if whole else min(longest, NARROWEST)
        grid.add_column(column, overflow="fold", no_wrap=whole, min_width=least)
    for cells in lines:
        grid.add_row(*cells)
    console = _console()
    unbounded = console.options.update(width=NATURAL_WIDTH)
    # Where even that is too wide for the terminal, its own wrapping loses nothing.
    console.width = max(console.width, console.measure(grid, options=unbounded).minimum)
    console.print(grid)


def as_json(value: object) -> None:
    """Print JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


class Progress:
    """What a command is doing, on standard error while it takes longer than a second.

    A terminal shows one line that changes; elsewhere a line is printed a second after the last one, if there
    is anything new to say.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._message = what
        self._console = Console(stderr=True)
        self._status = self._console.status(Text(what))
        self._over = threading.Event()
        self._teller = threading.Thread(target=self._tell, daemon=True)

    def step(self, text: str) -> None:
        """Say how far it is."""
        self._message = f"{self._what}: {printable(text)}"
        self._status.update(Text(self._message))

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._status.start()
        else:
            self._teller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()
        self._over.set()
        if self._teller.is_alive():
            self._teller.join()

    def _tell(self) -> None:
        said = ""
        while not self._over.wait(1):
            if said != self._message:
                said = self._message
                click.echo(said, err=True)


@contextmanager
def errors_end_the_command(kind: type[Failure] = Failure) -> Iterator[None]:
    """Turn an error of this package, and Ctrl-C, into a message and an exit code."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted("interrupted") from error
    except AepProviderError as error:
        raise kind(str(error)) from error


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=NATURAL_WIDTH)
