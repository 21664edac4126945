"""``aep-provider run``: one run of `pulumi` on one stack, with an answer that an engine can act on."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from aep_provider.cli import aftermath, console, engine, files
from aep_provider.cli.engine import Ran
from aep_provider.cli.events import Log, together
from aep_provider.cli.outcome import (
    Found,
    Outcome,
    as_json,
    decide,
    may_repeat,
    told,
)
from aep_provider.cli.source import Source, takes_settings
from aep_provider.errors import AepProviderError
from aep_provider.words import plural

ACTIONS = {
    "preview": ("preview", "--diff"),
    "up": ("up", "--yes"),
    "drift": ("preview", "--refresh", "--diff", "--expect-no-changes"),
}
PAUSES = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds between two tries; the last one repeats."""


@click.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the outcome to this file, as JSON.",
)
@click.option(
    "--retry-for",
    type=click.FloatRange(min=0),
    default=120,
    show_default=True,
    metavar="SECONDS",
    help="How long to keep trying, in all, while the stack is locked or the network fails.",
)
@takes_settings
@click.argument("action", type=click.Choice(list(ACTIONS)))
@click.argument("pulumi_arguments", nargs=-1, metavar="[-- PULUMI_FLAG...]")
def run(
    source: Source, action: str, out: Path | None, retry_for: float, pulumi_arguments: tuple[str, ...]
) -> None:
    """Run `pulumi` on a stack, and report the outcome as an exit code and a file.

    preview: `pulumi preview`. up: `pulumi up`. drift: a preview that reads AEP first; it writes nothing, not even
    the state. After the run it reads the stack's datasets in AEP.

    A stack that is locked, and a network that fails, are tried again. A lock is never broken.

    \b
    Exit codes:
      0 clean: nothing to change   1 failed   2 wrong usage   3 an unexpected error
      10 changed; from preview and drift: something would change
      11 refused: nothing was written for a dataset, and the same run would be refused again
      12 Profile is OFF for a dataset of the stack
      13 locked by another run

    \b
    Examples:
      aep-provider run --stack dev preview
      aep-provider run --stack prod up --out result.json -- --parallel 4
      aep-provider run --stack prod drift --out result.json
    """
    started = console.CLOCK.now()
    stack, sandbox = source.stack_name, ""
    try:
        stack = source.required_stack().name
        # Not what decrypts: the run itself needs the passphrase, this does not.
        sandbox = source.environ.get("AEP_SANDBOX") or ""
        sandbox = sandbox or str(source.required_stack().config(secrets=False).get("aep:sandbox") or "")
        ran, found, outcome, attempts = _tried(source, action, pulumi_arguments, retry_for)
        rest = told(ran, found, started, console.CLOCK.now(), attempts)
    except AepProviderError as error:
        outcome, rest = Outcome.FAILED, {"errors": [_error(error)]}
        for text in (f"Error: {error.message}", *error.remedy.splitlines()):
            click.echo(console.printable(text), err=True)
    result = as_json(stack, sandbox, action, outcome) | rest
    if out is not None:
        with console.errors_end_the_command():
            files.write(
                out, json.dumps(result, indent=2, ensure_ascii=False) + "\n", "Give --out a file to write."
            )
    _say(result)
    raise click.exceptions.Exit(outcome.value)


def _tried(
    source: Source, action: str, extra: tuple[str, ...], retry_for: float
) -> tuple[Ran, Found, Outcome, int]:
    """The last try, what was found after it, the outcome, and how many there were."""
    pauses = itertools.chain(PAUSES, itertools.repeat(PAUSES[-1]))
    attempts, left = 0, retry_for
    earlier: list[Log] = []
    while True:
        attempts += 1
        ran = engine.run(source.required_stack(), (*ACTIONS[action], *extra))
        if action == "up":
            # What an attempt changed before it failed, its windows above all, no later attempt tells again.
            earlier.append(ran.log)
            ran = replace(ran, log=together(earlier))
        found = aftermath.look(source, ran.log.subjects) if ran.log.begun else Found()
        outcome = decide(action, ran, found)
        if not may_repeat(outcome, ran) or left <= 0:
            return ran, found, outcome, attempts
        pause = min(next(pauses), left)
        left -= pause
        click.echo(f"{_why(outcome, ran)}; trying again in {pause:.0f} s", err=True)
        console.CLOCK.wait(pause)


def _why(outcome: Outcome, ran: Ran) -> str:
    lock = ran.lock
    if outcome is not Outcome.LOCKED or lock is None:
        return "The network failed"
    by, since = f" by {lock.by}" if lock.by else "", f" since {lock.since}" if lock.since else ""
    return f"The stack is locked{by}{since}"


def _error(error: AepProviderError) -> dict[str, str]:
    return {"resource": "", "kind": type(error).__name__, "message": str(error)}


def _say(result: dict[str, Any]) -> None:
    """The outcome in one line, and what to do about it."""
    several = plural(len(result["changes"]), "change")
    word = result["outcome"]
    console.line(
        f"{result['stack'] or 'no stack'}: {word}{f', {several}' if result['changes'] else ''}", err=True
    )
    for one in result["profile_off"]:
        since = f" since {one['since']}" if one["since"] else ""
        console.line(
            f"Profile is OFF for {one['resource']} ({one['id']}){since}: run `pulumi up`, or `{one['command']}`",
            "red",
            err=True,
        )
    for one in result["ingest_again"]:
        console.line(f"Ingest again: batch {one['batch']} of dataset {one['id']}", "yellow", err=True)
    if lock := result["lock"]:
        held = f" by {lock['by']} since {lock['since']}" if lock["by"] else ""
        console.line(
            f"Locked{held}. If that run is certainly over: `{lock['command']} --stack {result['stack']}`",
            "yellow",
            err=True,
        )
    if result["not_checked"]:
        console.line(f"Whether Profile is off could not be seen: {result['not_checked']}", "yellow", err=True)
