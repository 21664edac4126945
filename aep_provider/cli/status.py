"""``aep-provider status``: whether AEP holds what the stack declares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from aep_provider import arguments, entries
from aep_provider.cli import console, declared, generated, inventory
from aep_provider.cli.filters import Filter, takes_name, takes_schema
from aep_provider.cli.source import Source, takes_settings
from aep_provider.cli.tables import Column, table, takes_wide
from aep_provider.operations.context import Context
from aep_provider.words import plural

COLUMNS = (
    Column("resource", shorten=True),
    Column("name", rank=2, shorten=True),
    Column("id"),
    Column("Profile", rank=1),
    Column("Identity", rank=3),
    Column("upsert", rank=1),
    Column("status", fold=True),
)


@click.command()
@click.option("--only-differences", is_flag=True, help="Show only datasets that are not as declared.")
@click.option(
    "--declared", "only_declared", is_flag=True, help="Print what the stack declares, and compare nothing."
)
@takes_name
@takes_schema
@takes_wide
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a table.")
@takes_settings
def status(
    source: Source,
    only_differences: bool,
    only_declared: bool,
    name_part: str,
    schema_part: str,
    wide: bool,
    as_json: bool,
) -> None:
    """Compare the stack's datasets, as declared, with AEP, one line each. Only reads.

    Declared is what the stack says in `aep:datasets` and `aep:overrides`; --declared prints both put together, as
    YAML, and where each entry comes from. Resources that are not there, in a program of your
    own, are compared with what the last `pulumi up` or refresh recorded. It also shows operations that a
    killed run left unfinished, and datasets that carry this stack's owner tag but are not in its state.

    Exit codes: 0 all as declared; 1 something differs; 2 wrong usage; 3 an error, on standard error.

    \b
    Examples:
      aep-provider status
      aep-provider status --only-differences --name loyalty
      aep-provider status --stack prod --json
      aep-provider status --stack prod --declared
    """
    if only_declared:
        if only_differences or name_part or schema_part or wide:
            raise click.UsageError("--declared goes with --json only.")
        _show_declared(source, as_json=as_json)
        return
    with (
        console.errors_end_the_command(console.CouldNotTell),
        console.Progress("Reading datasets") as progress,
    ):
        stack, settings, verdicts = _read(source, progress)
    chosen = [verdict for verdict in verdicts if _matches(verdict, Filter(name_part, schema_part))]
    differing = [verdict for verdict in chosen if verdict.differences]
    shown = differing if only_differences else chosen
    if as_json:
        console.as_json({"datasets": [_row(verdict) for verdict in shown]})
    else:
        if shown:
            table(f"Stack {stack}, sandbox {settings}", COLUMNS, map(_cells, shown), wide=wide)
        for text in inventory.gap_lines(one.observed for one in shown if one.observed is not None):
            console.line(text, "red")
        _tell_the_way_out(shown)
        console.line(f"{plural(len(chosen), 'dataset')}, {len(differing)} not as declared")
    if differing:
        raise click.exceptions.Exit(1)


def _show_declared(source: Source, *, as_json: bool) -> None:
    """Print the entries as they count; AEP is not asked."""
    with console.errors_end_the_command(console.CouldNotTell):
        stack = source.required_stack()
        config = stack.config(secrets=False)
        held, shared = stack.entries(config), entries.file_of(config.get(entries.DATASETS))
    if as_json:
        console.as_json({"entries": [dict(one.given) for one in held]})
        return
    for one in held:
        where = (shared or entries.DATASETS) if one.shared else entries.OVERRIDES
        changed = f"; {entries.OVERRIDES} says {', '.join(one.changed)}" if one.changed else ""
        console.line(f"# {where}{changed}", "dim")
        # Pulumi sorts the keys of a configuration.
        ordered = sorted(one.given.items(), key=lambda item: (item[0] != "resource", _place(item[0])))
        click.echo(generated.as_yaml([dict(ordered)]), nl=False)
    console.line(f"# {plural(len(held), 'dataset')} of stack {stack.name}", "dim")


def _place(key: str) -> int:
    """Where an argument stands in the table; options come last."""
    names = [one.name for one in arguments.ARGUMENTS]
    return names.index(key) if key in names else len(names)


def _read(source: Source, progress: console.Progress) -> tuple[str, str, list[declared.Verdict]]:
    """The names of stack and sandbox, and every verdict."""
    from aep_provider.aep import connect

    stack = source.required_stack()
    config = source.config()
    settings = source.load(config)
    context = Context(connect(settings, console.CLOCK), settings, console.ConsoleReporter(), console.CLOCK)
    verdicts = declared.of_stack(context, stack, config, stack.state(), progress)
    return stack.name, settings.sandbox, verdicts


def _matches(verdict: declared.Verdict, wanted: Filter) -> bool:
    one, observed = verdict.declared, verdict.observed
    live = (observed.name, observed.schema_id) if observed else ("", "")
    given = (one.desired.name or "", one.desired.schema_id or "") if one.desired else ("", "")
    names, schemas = (one.resource, live[0], given[0]), (live[1], given[1])
    return any(wanted.matches_texts(name, schema) for name in names for schema in schemas)


def _tell_the_way_out(verdicts: Sequence[declared.Verdict]) -> None:
    if any(not one.declared.in_state and one.observed and not one.declared.owners for one in verdicts):
        console.line(
            "Datasets with this stack's owner tag that its state does not hold: `pulumi up` if the program "
            "declares them, `aep-provider import --owned` to take them in, `aep-provider release ID` to take "
            "the tag off."
        )


def _row(verdict: declared.Verdict) -> dict[str, Any]:
    one, observed = verdict.declared, verdict.observed
    gap = observed.open_note if observed else None
    return {
        "resource": one.resource,
        "id": one.id,
        "name": observed.name if observed else "",
        "in_state": one.in_state,
        "declared": {"upsert": one.desired.is_upsert if one.desired else None},
        "live": {
            "profile": observed.profile.enabled,
            "identity": observed.identity.enabled,
            "upsert": observed.upsert,
        }
        if observed
        else None,
        "off_since": gap.start if gap else "",
        "differences": verdict.differences,
    }


def _cells(verdict: declared.Verdict) -> list[object]:
    one, observed = verdict.declared, verdict.observed
    live = ["-", "-", "-"]
    if observed is not None:
        switches = (observed.profile.enabled, observed.identity.enabled, observed.upsert)
        live = ["on" if switch else "off" for switch in switches]
    text = "; ".join(verdict.differences)
    return [
        one.resource,
        observed.name if observed else "-",
        one.id or "-",
        *live,
        (text, "red") if text else "as declared",
    ]
