"""``aep-provider emulator``: serve the local Adobe Experience Platform."""

from __future__ import annotations

import signal
import sqlite3
import threading
from pathlib import Path

import click

from aep_provider.cli import console

_EXTRA = ("starlette", "uvicorn", "jsonpatch")
"""The modules of the extra; without them there is nothing to serve with."""


@click.command(name="emulator")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0 takes a free port."
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="The address to listen on. Whoever reaches it can do everything.",
)
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="SQLite file that keeps the state between runs; in memory without it.",
)
@click.option(
    "--seed",
    default="empty",
    show_default=True,
    metavar="NAME",
    help='What a fresh state begins with: "empty" or "demo".',
)
@click.option(
    "--latency",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="MS",
    help="Delay of each reply.",
)
@click.option("--strict", is_flag=True, help="Refuse what Adobe's documentation does not name.")
@click.option(
    "--like",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Behave as the AEP that this report of `aep-provider probe` is about.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of shell commands.")
def emulator(
    port: int,
    host: str,
    state: Path | None,
    seed: str,
    latency: int,
    strict: bool,
    like: Path | None,
    as_json: bool,
) -> None:
    """Serve a local Adobe Experience Platform until interrupted.

    Prints the two environment variables that point a client at it, once it serves. With --like it says on standard
    error, and with --json in `not_imitated`, what was measured and cannot be imitated.

    Exit codes: 0 interrupted; 1 an error, on standard error; 2 wrong usage.

    \b
    Examples:
      aep-provider emulator --port 8080 --state aep.sqlite --seed demo
      aep-provider emulator --seed demo --json
    """
    # Imported here, so that the other commands work, and start fast, without the extra.
    try:
        from aep_provider.emulator import Emulator
        from aep_provider.emulator import like as likeness
        from aep_provider.emulator.server import PortInUse
        from aep_provider.emulator.store import StateInUse
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise click.ClickException(
            f"the emulator needs {error.name}: run pip install 'aep-provider[emulator]'"
        ) from error

    if not host.startswith("127.") and host != "::1":
        click.echo(f"Warning: {host} can be reached by others, and the emulator lets everyone in.", err=True)
    try:
        measured = likeness.read(like) if like else None
    except likeness.ReportRefused as error:
        raise click.BadParameter(
            f"{error}. Use the file that `aep-provider probe --report FILE` wrote.", param_hint="--like"
        ) from error
    # Set before the server starts, so that a signal at any moment ends it in good order.
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    server = Emulator(
        port=port, host=host, state=state, seed=seed, latency_ms=latency, strict=strict, like=like
    )
    try:
        server.start()
    except (PortInUse, StateInUse, ValueError) as error:
        raise click.ClickException(str(error)) from error
    except (OSError, sqlite3.Error) as error:
        raise click.ClickException(f"cannot start the emulator: {error}") from error
    try:
        variables = {"AEP_ENDPOINT": server.url, "AEP_IMS_ENDPOINT": server.url}
        for line in measured.lines() if measured else ():
            click.echo(line, err=True)
        told: dict[str, object] = {**variables}
        if measured:
            told["not_imitated"] = list(measured.not_imitated)
        # In one line, so that a reader of the pipe need not guess where it ends.
        exports = "\n".join(f"export {name}={value}" for name, value in variables.items())
        if as_json:
            console.as_json(told, indent=None)
        else:
            click.echo(exports)
        over.wait()
    finally:
        server.stop()
