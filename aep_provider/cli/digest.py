"""``aep-provider digest``: the results of many runs as one text, and whether a fleet may go on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from aep_provider.cli import console
from aep_provider.cli.console import SCHEMA_VERSION, VERSION_KEY
from aep_provider.cli.outcome import Outcome
from aep_provider.errors import AepProviderError
from aep_provider.words import plural

GOOD = (Outcome.CLEAN.word, Outcome.CHANGED.word)
OFF = Outcome.PROFILE_OFF.word
ORDER = [OFF, *(one.word for one in (Outcome.FAILED, Outcome.LOCKED, Outcome.REFUSED, Outcome.CHANGED))]
"""What is told first; of what is clean only the number is told."""

LONGEST = 300
MOST = 50

Result = Mapping[str, Any]


class Unreadable(AepProviderError):
    """A file is not the result of a run."""


@click.command()
@click.option(
    "--budget",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="How many runs may have gone wrong.",
)
@click.option("--expect", type=click.IntRange(min=0), metavar="N", help="How many results there have to be.")
@click.option("--drift", is_flag=True, help="Count `changed` as gone wrong: the results are of drift runs.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of Markdown.")
@click.argument("files", nargs=-1, type=click.Path(dir_okay=False, path_type=Path))
def digest(budget: int, expect: int | None, drift: bool, as_json: bool, files: tuple[Path, ...]) -> None:
    """Summarise in Markdown what `aep-provider run --out` wrote of many runs.

    It names stacks, datasets, batches and messages of this provider; no values of the program.

    Exit codes: 0 no more went wrong than the budget allows; 1 more did, or Profile is OFF somewhere, or a result is
    missing; 2 wrong usage; 3 a file cannot be read.

    \b
    Examples:
      aep-provider digest results/*.json
      aep-provider digest --budget 1 --expect 20 results/*.json
      aep-provider digest --drift results/*.json
      aep-provider digest --json results/*.json | jq -r '.results[] | select(.outcome == "failed") | .stack'
    """
    with console.errors_end_the_command(console.CouldNotTell):
        results = [_read(file) for file in files]
    missing = max((len(files) if expect is None else expect) - len(results), 0)
    wrong = missing + sum(
        one["outcome"] not in GOOD or (drift and one["outcome"] != "clean") for one in results
    )
    if as_json:
        counts = Counter(str(one["outcome"]) for one in results)
        console.as_json({"outcomes": counts, "missing": missing, "wrong": wrong, "results": results})
    else:
        click.echo(text(results, missing), nl=False)
    if wrong > budget or any(one["outcome"] == OFF for one in results):
        raise click.exceptions.Exit(1)


def text(results: Sequence[Result], missing: int) -> str:
    """The digest.

    Args:
        results: of the runs.
        missing: how many runs left no result.
    """
    counts = Counter(str(one["outcome"]) for one in results)
    told = [f"{counts[word]} {word}" for word in (*ORDER, "clean") if counts[word]]
    if missing:
        told.append(f"{missing} without a result")
    lines = [f"#### {plural(len(results) + missing, 'stack')}: {', '.join(told) or 'nothing to run'}"]
    for word in ORDER:
        of_it = [one for one in results if one["outcome"] == word]
        if of_it:
            lines += ["", f"**{word}**", "", *(_line(one) for one in of_it[:MOST])]
            lines += [f"- and {len(of_it) - MOST} more"] if len(of_it) > MOST else []
    lines += _section("Ingest again", (_again(one) for one in results))
    return "\n".join(lines) + "\n"


def _section(title: str, found: Iterable[list[str]]) -> list[str]:
    lines = [line for part in found for line in part]
    more = [f"- and {len(lines) - MOST} more"] if len(lines) > MOST else []
    return ["", f"**{title}**", "", *lines[:MOST], *more] if lines else []


def _line(one: Result) -> str:
    where = f"- `{one['stack']}`" + (f" (sandbox {one['sandbox']})" if one["sandbox"] else "")
    parts = [_off(off) for off in one["profile_off"]]
    if (lock := one["lock"]) and lock["by"]:
        parts.append(f"by {lock['by']} since {lock['since']}")
    parts += [
        _short(f"{error['resource']}: {error['message']}".removeprefix(": ")) for error in one["errors"][:1]
    ]
    if one["changes"]:
        counted = Counter(str(change["operation"]) for change in one["changes"])
        parts.append(", ".join(f"{count} to {operation}" for operation, count in counted.items()))
    return f"{where}: {'; '.join(parts)}" if parts else where


def _off(one: Mapping[str, Any]) -> str:
    return f"Profile is OFF for `{one['resource']}`" + (f" since {one['since']}" if one["since"] else "")


def _again(one: Result) -> list[str]:
    return [
        f"- `{one['stack']}`: batch {batch['batch']} of dataset {batch['id']}"
        for batch in one["ingest_again"]
    ]


def _short(message: str) -> str:
    """A message in one line that is not too long, mentions nobody and has no tags."""
    line = message.partition("\n")[0]
    line = line[:LONGEST] + ("…" if len(line) > LONGEST else "")
    return line.replace("<", "&lt;").replace("@", "&#64;")


def _read(file: Path) -> Result:
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unreadable(
            f"{file} cannot be read: {error}", "Give it files of `aep-provider run --out`."
        ) from error
    if not isinstance(held, dict) or held.get(VERSION_KEY) != SCHEMA_VERSION:
        raise Unreadable(
            f"{file} is not a result of this version of aep-provider",
            "Give it files of `aep-provider run --out`.",
        )
    return held
