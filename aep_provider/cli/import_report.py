"""What `aep-provider import` is asked for, what it found, and what it says."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from aep_provider.cli import adoption, console
from aep_provider.cli.filters import Filter
from aep_provider.cli.stack import Stack
from aep_provider.cli.tables import Column, table
from aep_provider.entries import DATASETS
from aep_provider.settings import Settings
from aep_provider.words import plural

STEPS = (
    ("import", "--file", "{file}", "--generate-code=false", "--yes", "--protect=false"),
    ("refresh", "--yes", "--skip-preview"),
)

COLUMNS = (
    Column("resource", shorten=True),
    Column("id"),
    Column("name", rank=1, shorten=True),
    Column("upsert", rank=2),
    Column("the next `up`", fold=True),
)


@dataclass(frozen=True)
class Options:
    """What the command line says.

    Attributes:
        ids: of datasets.
        everything: whether all of them are meant.
        wanted: what they have to be.
        enable: whether datasets outside Profile are taken in.
        owned: whether what carries an owner of the stack is taken back.
        file: where the import file goes.
        dry_run: whether nothing is written.
        run: whether `pulumi import` and `pulumi refresh` are run.
        form: ``""`` = entries of the stack file; ``code`` or ``yaml`` = text for a program or project file.
        output: where that text goes; ``None`` = standard output.
        wide: show everything in the table.
        as_json: print JSON.
    """

    ids: tuple[str, ...]
    everything: bool
    wanted: Filter
    enable: bool
    owned: bool
    file: Path
    dry_run: bool
    run: bool
    form: str
    output: Path | None
    wide: bool
    as_json: bool

    @property
    def ask(self) -> bool:
        """Whether the user has to say which datasets."""
        return not (self.ids or self.everything or self.owned or self.wanted != Filter())

    def check(self) -> None:
        """Refuse combinations that make no sense."""
        if self.ask and (self.as_json or self.form or not sys.stdin.isatty()):
            raise click.UsageError("Say which datasets: IDs, --name TEXT, --schema TEXT or --all.")
        if self.run and self.as_json:
            raise click.UsageError("Use either --run, which shows what Pulumi prints, or --json.")
        if self.run and self.form:
            raise click.UsageError(
                f"Use either --run or --{self.form}: add the declarations to the program first, then run the "
                "commands that are printed."
            )
        if self.as_json and self.form:
            raise click.UsageError(f"Use either --json or --{self.form}.")
        if self.owned and (self.form or self.enable):
            raise click.UsageError(
                "--owned goes with IDs, --name, --schema, --file, --dry-run, --run and --json only."
            )
        if self.output and not self.form:
            raise click.UsageError("--output goes with --code or --yaml.")


@dataclass(frozen=True)
class Found:
    """What a stack can take in.

    Attributes:
        stack, settings: which stack, and where its datasets are.
        owner: the stack's owner name.
        shared: the file that `aep:datasets` names, or ``None``.
        entries: how many `aep:datasets` has already.
        known_ids: of the datasets in the state.
        adoptions: what is taken in.
        skipped: what is not.
    """

    stack: Stack
    settings: Settings
    owner: str
    shared: Path | None
    entries: int
    known_ids: frozenset[str]
    adoptions: Sequence[adoption.Adoption]
    skipped: Sequence[adoption.Skipped]


def report(found: Found, adoptions: Sequence[adoption.Adoption], options: Options, target: Path) -> None:
    """Say what was done, and what to do next."""
    written = bool(adoptions) and not options.dry_run
    if options.as_json:
        console.as_json(_as_json(found, adoptions, target if written else None))
        return
    # Standard output is for the declarations where they are printed.
    err = bool(options.form) and options.output is None
    if not err:
        _show(found, adoptions, options)
    for text in adoption.left_out(found.skipped, named=bool(options.ids)):
        console.line(text, err=err)
    would_be = "would be " if options.dry_run else ""
    console.line(f"{len(adoptions)} {would_be}taken in, {len(found.skipped)} left out", err=err)
    if not written:
        return
    if options.form:
        console.line(f"Written: {target}" + (f" and {options.output}" if options.output else ""), err=err)
        place = "the program" if options.form == "code" else "the list"
        console.line(f"Add the declarations to {place}; `pulumi preview` shows them as create.", err=err)
    else:
        entries = plural(len(adoptions), "entry", "entries")
        where = found.shared.name if found.shared else f"{DATASETS} of stack {found.stack.name}"
        console.line(f"Written: {entries} to {where}, and {target}", err=err)
        if options.run:
            return
        console.line("First see that the program declares them: `pulumi preview` shows them as create.")
    console.line("Then run, with PULUMI_RUN_PROGRAM=true in the environment:", err=err)
    for command in commands(target):
        console.line(f"  pulumi {' '.join(command)} --stack {found.stack.name}", err=err)
    console.line(f"  pulumi preview --diff --stack {found.stack.name}", err=err)


def _as_json(found: Found, adoptions: Sequence[adoption.Adoption], target: Path | None) -> Mapping[str, Any]:
    steps = commands(target or Path("FILE"))
    return {
        "imported": [{**one.entry, "dataset_id": one.id, "change": one.change} for one in adoptions],
        "skipped": [{"id": one.id, "name": one.name, "reason": one.reason} for one in found.skipped],
        "file": str(target or ""),
        "commands": [["pulumi", *command, "--stack", found.stack.name] for command in steps],
    }


def _show(found: Found, adoptions: Sequence[adoption.Adoption], options: Options) -> None:
    if not adoptions:
        return
    rows = [
        (
            one.entry["resource"],
            one.id,
            one.name,
            "on" if one.entry["is_upsert"] else "-",
            (one.change or "changes nothing", "yellow" if one.change else ""),
        )
        for one in adoptions
    ]
    table(f"Into stack {found.stack.name}", COLUMNS, rows, wide=options.wide)


def commands(target: Path) -> list[list[str]]:
    """The arguments of `pulumi`, in order."""
    return [[part.format(file=target) for part in step] for step in STEPS]
