"""What the commands share: time, encoding, errors, and what they print."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import IO, Any

import click
from rich.console import Console
from rich.text import Text

from aep_provider.clock import SystemClock
from aep_provider.errors import AepProviderError

CLOCK = SystemClock(threading.Event())
"""The real time; a command is ended by Ctrl-C itself."""

UNLIMITED = 1000
"""Columns where the output is not a terminal: nothing is shortened in a file or a pipe."""

VERSION_KEY, SCHEMA_VERSION = "schema_version", 1
"""What each JSON object begins with. One number for all commands: raised where a key goes or changes its meaning."""

UNEXPECTED, INTERRUPTED = 3, 130
"""Exit codes."""


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

    def event(self, name: str, dataset_id: str, fields: Mapping[str, Any]) -> None:
        """Drop it: a command has its own JSON."""

    def listening(self) -> bool:
        """A command ends with whoever started it."""
        return True


class Failure(click.ClickException):
    """An error of this package as the end of a command."""

    exit_code = 1


class Interrupted(Failure):
    """Ctrl-C, with an exit code of its own: click's would be 1, which for some commands is an answer."""

    exit_code = INTERRUPTED

    def show(self, file: IO[Any] | None = None) -> None:
        """Say it, and end at once: threads that wait for an answer would keep the process."""
        super().show(file)
        sys.stdout.flush()
        os._exit(self.exit_code)


class CouldNotTell(Failure):
    """The same as `Failure`, for a command whose exit code 1 is an answer."""

    exit_code = UNEXPECTED


class Unexpected(CouldNotTell):
    """An error that no code was written for."""


class Commands(click.Group):
    """The group of all commands: UTF-8 in and out, and no traceback."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Take a command, to be listed with its whole first sentence; click's own summary ends with the line."""
        cmd.short_help = cmd.short_help or _first_sentence(cmd.help or "")
        super().add_command(cmd, name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an unexpected error ends it with exit code 3."""
        _speak_utf8()
        try:
            result = super().invoke(ctx)
            # Here, and not when the interpreter ends: a full disk must show in the exit code.
            sys.stdout.flush()
        except (click.ClickException, click.exceptions.Exit):
            raise
        except (KeyboardInterrupt, click.Abort) as error:
            raise Interrupted("interrupted") from error
        except OSError as error:
            # With PYTHONUNBUFFERED nothing is left that a flush could fail to write.
            if error.errno not in (errno.EPIPE, errno.ENOSPC) or error.filename is not None:
                with contextlib.suppress(OSError):
                    sys.stdout.flush()
                    raise _unexpected(error) from error
            # Standard output itself fails, and would again when the interpreter ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if error.errno == errno.EPIPE:
                raise click.exceptions.Exit(UNEXPECTED) from error
            raise CouldNotTell(f"the output cannot be written: {error.strerror}") from error
        except Exception as error:
            raise _unexpected(error) from error
        return result


def printable(text: object) -> str:
    """A text from AEP or a state file without control characters: a name must not steer the terminal."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in str(text)
    )


def line(text: object, style: str = "", *, err: bool = False) -> None:
    """Print a line to standard output, or standard error; what looks like markup stays as it is."""
    output(err=err).print(Text(printable(text), style=style), soft_wrap=True)


def as_json(value: Mapping[str, object], *, indent: int | None = 2) -> None:
    """Print a JSON object, with the version of its form as its first key."""
    # A report of the probe brings its own, by which it is read again.
    click.echo(json.dumps({VERSION_KEY: SCHEMA_VERSION} | dict(value), indent=indent, ensure_ascii=False))


class Output(Console):
    """The library's console, which would end a command whose pipe is closed with exit code 1: for some an answer."""

    def on_broken_pipe(self) -> None:
        """Leave it to `Commands`, as with any output that cannot be written."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def output(*, err: bool = False) -> Console:
    """Standard output, or standard error: as wide as the terminal, without limit elsewhere."""
    stream = sys.stderr if err else sys.stdout
    return Output(stderr=err) if stream.isatty() else Output(stderr=err, width=UNLIMITED)


def in_utf8(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """A text on the command line, read as UTF-8 whatever encoding the locale names."""
    try:
        return os.fsencode(value).decode("utf-8")
    except UnicodeError:
        return value


class Progress:
    """What a command is doing, on standard error while it takes longer than half a second.

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
        said, pause = "", 0.5
        while not self._over.wait(pause):
            pause = 1
            if said != self._message:
                said = self._message
                click.echo(said, err=True)


@contextmanager
def side_by_side(at_once: int) -> Iterator[ThreadPoolExecutor]:
    """A pool for reads that do not need each other. Ctrl-C does not wait for their answers."""
    pool = ThreadPoolExecutor(at_once)
    try:
        yield pool
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()


@contextmanager
def errors_end_the_command(kind: type[Failure] = Failure) -> Iterator[None]:
    """Turn an error of this package, and Ctrl-C, into a message and an exit code."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted("interrupted") from error
    except AepProviderError as error:
        raise kind(str(error)) from error


def confirmed(question: str, *, yes: bool) -> None:
    """Ask before a command goes on.

    Args:
        question: what is about to happen.
        yes: answered on the command line.

    Raises:
        click.UsageError: nobody can be asked.
        Failure: the answer was no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Confirm with --yes.")
    if not click.confirm(question, err=True):
        raise Failure("Nothing was changed.")


def takes_yes(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option `--yes`."""
    return click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")(command)


def _first_sentence(text: str) -> str:
    paragraph = " ".join(text.partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".")


def _speak_utf8() -> None:
    for stream in (sys.stdout, sys.stderr):
        # Tests may have put another kind of stream in its place.
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(encoding="utf-8", errors="backslashreplace")


def _unexpected(error: Exception) -> Unexpected:
    if os.environ.get("AEP_DEBUG") == "1":
        click.echo("".join(traceback.format_exception(error)), err=True)
    text = printable(error) or "no message"
    return Unexpected(
        f"unexpected error: {type(error).__name__}: {text}\n"
        "This is a defect of aep-provider. AEP_DEBUG=1 shows the traceback to report it with."
    )
