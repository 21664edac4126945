"""``aep-provider diff``: what two stacks' sandboxes hold of the datasets that they declare."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from aep_provider.cli import console, declared, stacks
from aep_provider.cli.source import Source, takes_folder
from aep_provider.cli.tables import Column, table, takes_wide
from aep_provider.dataset.observed import Observed
from aep_provider.errors import ApiError
from aep_provider.operations.context import Context
from aep_provider.operations.location import check_location
from aep_provider.words import plural

COLUMNS = (
    Column("resource", shorten=True),
    Column("stack", shorten=True),
    Column("id", rank=2),
    Column("schema", rank=1, shorten=True),
    Column("Profile"),
    Column("upsert"),
    Column("differs in", fold=True),
)

COMPARED = ("declared", "present", "schema", "profile", "upsert")
"""What is compared: the keys of a side."""


@dataclass(frozen=True)
class Side:
    """A dataset in the sandbox of one stack.

    Attributes:
        declared: whether the stack declares it.
        observed: the dataset, or ``None`` where the sandbox has none.
        schema: the title of its schema.
        note: why it could not be found, where a name stands for nothing or for several.
    """

    declared: bool = False
    observed: Observed | None = None
    schema: str = ""
    note: str = ""

    def row(self) -> dict[str, Any]:
        """All of it, for JSON."""
        held = self.observed
        return {
            "declared": self.declared,
            "present": held is not None,
            "id": held.id if held else "",
            "name": held.name if held else "",
            "schema": self.schema,
            "profile": held.profile.enabled if held else False,
            "upsert": held.upsert if held else False,
            "note": self.note,
        }


@dataclass(frozen=True)
class Sandbox:
    """What the sandbox of one stack holds of what it declares.

    Attributes:
        stack, sandbox: the names.
        sides: by logical name.
    """

    stack: str
    sandbox: str
    sides: Mapping[str, Side]


@click.command()
@click.option(
    "--from",
    "first",
    required=True,
    metavar="STACK",
    shell_complete=stacks.completed,
    help="The stack to compare.",
)
@click.option(
    "--to",
    "second",
    required=True,
    metavar="STACK",
    shell_complete=stacks.completed,
    help="The stack to compare it with.",
)
@takes_folder
@click.option("--only-differences", is_flag=True, help="Show only datasets that differ.")
@takes_wide
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a table.")
def diff(first: str, second: str, folder: Path, only_differences: bool, wide: bool, as_json: bool) -> None:
    """Compare what the sandboxes of two stacks hold of the datasets that they declare. Only reads.

    Compared, by logical name: whether the stack declares it, whether the sandbox has it, the title of its schema,
    Profile and upsert. Ids differ between sandboxes and are not compared. Settings come from each stack; the AEP_
    variables count for both, so leave AEP_SANDBOX unset.

    Exit codes: 0 no difference; 1 something differs; 2 wrong usage; 3 an error, on standard error.

    \b
    Examples:
      aep-provider diff --from dev --to stage
      aep-provider diff --from stage --to prod --only-differences
      aep-provider diff --from dev --to stage --json
    """
    if first == second:
        raise click.UsageError("--from and --to name one stack.")
    with (
        console.errors_end_the_command(console.CouldNotTell),
        console.Progress("Reading datasets") as progress,
    ):
        both = [_read(folder.absolute(), name, progress) for name in (first, second)]
    names = sorted({name for one in both for name in one.sides})
    rows = {name: [one.sides.get(name, Side()) for one in both] for name in names}
    differing = {name: found for name, sides in rows.items() if (found := differences(*sides))}
    shown = {name: sides for name, sides in rows.items() if name in differing or not only_differences}
    if as_json:
        told = [_row(name, both, sides, differing.get(name, [])) for name, sides in shown.items()]
        console.as_json({"datasets": told})
    else:
        _print(both, shown, differing, wide=wide)
        console.line(f"{plural(len(rows), 'dataset')}, {plural(len(differing), 'differs', 'differ')}")
    if differing:
        raise click.exceptions.Exit(1)


def differences(one: Side, other: Side) -> list[str]:
    """What differs between two sides, in the order of `COMPARED`. What is not there has no settings to differ."""
    left, right = one.row(), other.row()
    keys = COMPARED if one.observed is not None and other.observed is not None else COMPARED[:2]
    return [key for key in keys if left[key] != right[key]]


def _read(folder: Path, name: str, progress: console.Progress) -> Sandbox:
    from aep_provider.aep import connect

    progress.step(f"stack {name}")
    source = Source(folder, name, True, dict(os.environ))
    stack, config = source.required_stack(), source.config()
    settings, owner = source.load(config), stack.owner(config)
    state = stack.state()
    for one in state.recorded:
        check_location(settings, one.outputs)
    context = Context(connect(settings, console.CLOCK), settings, console.ConsoleReporter(), console.CLOCK)
    listed = declared.declared(state, stack.datasets(config), owner, ownership_tag=settings.ownership_tag)
    listed = declared.with_ids(context, listed)
    live, _ = declared.live_datasets(context, listed, progress)
    sides = {one.resource: _side(context, one, live.get(one.id)) for one in listed}
    return Sandbox(stack.name, settings.sandbox, sides)


def _side(context: Context, one: declared.Declared, observed: Observed | None) -> Side:
    note = "; ".join(one.problems)
    name = one.desired.name if one.desired is not None and not one.id else ""
    if name:
        # Not created yet by this stack; a dataset of the name may be there all the same.
        same = [found for found in context.aep.catalog.named(name) if not found.system_sign]
        observed = same[0] if len(same) == 1 else None
        note = f"{len(same)} datasets are named {name!r}" if len(same) > 1 else note
    return Side(True, observed, _title(context, observed) if observed else "", note)


def _title(context: Context, observed: Observed) -> str:
    try:
        return context.aep.schemas.get(observed.schema_id).title if observed.schema_id else ""
    except ApiError as error:
        context.report.warn(
            f"The schema of {observed.name!r} ({observed.id}) cannot be read: {error.message}"
        )
        return observed.schema_id


def _row(name: str, both: Sequence[Sandbox], sides: Sequence[Side], found: Sequence[str]) -> dict[str, Any]:
    stacks = [
        {"stack": one.stack, "sandbox": one.sandbox, **side.row()}
        for one, side in zip(both, sides, strict=True)
    ]
    return {"resource": name, "from": stacks[0], "to": stacks[1], "differences": list(found)}


def _print(
    both: Sequence[Sandbox],
    shown: Mapping[str, Sequence[Side]],
    differing: Mapping[str, Sequence[str]],
    *,
    wide: bool,
) -> None:
    if not shown:
        return
    rows = [
        _cells(name if first else "", one.stack, side, differing.get(name, ()) if first else ())
        for name, sides in shown.items()
        for first, one, side in zip((True, False), both, sides, strict=True)
    ]
    title = " and ".join(f"stack {one.stack} (sandbox {one.sandbox})" for one in both)
    table(title[0].upper() + title[1:], COLUMNS, rows, wide=wide)
    for name, sides in shown.items():
        for one, side in zip(both, sides, strict=True):
            if side.note:
                console.line(f"{name} in stack {one.stack}: {side.note}", "yellow")


def _cells(name: str, stack: str, side: Side, found: Sequence[str]) -> list[object]:
    held = side.observed
    there = "-" if side.declared else "not declared"
    return [
        name,
        stack,
        held.id if held else there,
        side.schema or "-",
        _on_off(held.profile.enabled) if held else "-",
        _on_off(held.upsert) if held else "-",
        (", ".join(found), "red") if found else "",
    ]


def _on_off(value: bool) -> str:
    return "on" if value else "off"
