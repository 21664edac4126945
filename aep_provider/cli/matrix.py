"""``aep-provider matrix``: the stacks of a project, for whatever runs them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from aep_provider.cli import console, pulumi
from aep_provider.cli.source import takes_folder
from aep_provider.cli.stacks import WAVES, Member, changed_files, members, touched
from aep_provider.cli.tables import Column, table, takes_wide
from aep_provider.words import plural

COLUMNS = (
    Column("stack", shorten=True),
    Column("sandbox"),
    Column("organisation", rank=2),
    Column("wave"),
    Column("touched"),
)


@click.command()
@click.option(
    "--changed-since",
    metavar="REF",
    default="",
    help="Only count stacks as touched that changed since this commit or branch.",
)
@click.option("--touched", "only_touched", is_flag=True, help="List only stacks that are touched.")
@click.option("--wave", "waves", multiple=True, type=click.Choice(WAVES), help="List only this wave.")
@takes_wide
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON object; `include` is what a matrix of GitHub takes."
)
@takes_folder
def matrix(
    changed_since: str, only_touched: bool, waves: tuple[str, ...], wide: bool, as_json: bool, folder: Path
) -> None:
    """List the stacks of the project: sandbox, organisation, wave, and whether a change touches them.

    The stacks are those that have a stack file. Its setting `aep:wave` is dev, stage or prod; a stack without it
    is taken for prod, and `none` leaves it out. Neither Pulumi's backend nor AEP is asked.

    Exit codes: 0 listed; 1 a stack file cannot be read; 2 wrong usage; 3 an unexpected error.

    \b
    Examples:
      aep-provider matrix
      aep-provider matrix --changed-since origin/main --touched --json
      aep-provider matrix --wave prod --json
    """
    with console.errors_end_the_command():
        file = pulumi.project_file(folder.absolute())
        if file is None:
            raise pulumi.no_project(folder.absolute())
        stacks = members(file)
    names = _touched(stacks, file, changed_since)
    shown = [
        one for one in stacks if (one.stack in names or not only_touched) and (one.wave in waves or not waves)
    ]
    if as_json:
        console.as_json({"include": [_row(one, names) for one in shown]})
        return
    cells = [
        [one.stack, one.sandbox or "-", one.org or "-", one.wave, "yes" if one.stack in names else "no"]
        for one in shown
    ]
    if shown:
        table("Stacks of the project", COLUMNS, cells, wide=wide)
    console.line(f"{plural(len(shown), 'stack')}, {sum(one.stack in names for one in shown)} touched")


def _touched(stacks: Sequence[Member], file: Path, since: str) -> set[str]:
    everything = {one.stack for one in stacks}
    if not since:
        return everything
    changed = changed_files(file.parent, since)
    if changed is None:
        console.line(
            f"git cannot compare with {since!r}, so every stack counts as touched "
            "(in CI: is the history fetched, `fetch-depth: 0`?)",
            "yellow",
            err=True,
        )
        return everything
    return touched(stacks, file, changed)


def _row(one: Member, names: set[str]) -> dict[str, object]:
    return {
        "stack": one.stack,
        "sandbox": one.sandbox,
        "org": one.org,
        "wave": one.wave,
        "touched": one.stack in names,
    }
