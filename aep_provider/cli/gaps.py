"""``aep-provider gaps``: every time without Profile of the stack's datasets, open ones first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timezone

import click

from aep_provider.arguments import GAP_TAG
from aep_provider.cli import console, declared, inventory
from aep_provider.cli.source import Source, takes_settings
from aep_provider.cli.stack import Recorded, Stack
from aep_provider.cli.tables import Column, table, takes_wide
from aep_provider.dataset.observed import Observed
from aep_provider.operations import gaps as found_gaps
from aep_provider.operations.context import Context
from aep_provider.operations.gaps import Gap, Known, Lost
from aep_provider.operations.location import check_location
from aep_provider.operations.record import Record
from aep_provider.words import plural

COLUMNS = (
    Column("resource", shorten=True),
    Column("name", rank=3, shorten=True),
    Column("id", rank=1),
    Column("from"),
    Column("to"),
    Column("length", rank=2),
    Column("lost", fold=True),
    Column("suspect", fold=True),
)


def _moment(_ctx: click.Context, _param: click.Parameter, value: str) -> datetime | None:
    if not value:
        return None
    try:
        found = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is not a day or a time such as 2026-11-25T07:00Z.") from error
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


@click.command()
@click.option(
    "--since",
    callback=_moment,
    default="",
    metavar="TIME",
    help="Only gaps that ended after this day or time (UTC); open ones are always shown.",
)
@takes_wide
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a table.")
@takes_settings
def gaps(source: Source, since: datetime | None, wide: bool, as_json: bool) -> None:
    """List every time in which Profile was, or is, off for a dataset of the stack. Only reads.

    From the state and from the notes on the datasets: from when to when, which batches Profile has lost, of which
    nobody can see whether it took them (suspect), and which of them a later batch has replaced. State and note hold
    the windows whose batches were not all ingested again, and the last one.

    Exit codes: 0 none is open; 1 one is open: Profile is off; 2 wrong usage; 3 an error, on standard error.

    \b
    Examples:
      aep-provider gaps
      aep-provider gaps --stack prod --since 2026-11-25
      aep-provider gaps --json | jq -r '.gaps[].lost[]? | select(.replaced_by == "") | .id'
    """
    with (
        console.errors_end_the_command(console.CouldNotTell),
        console.Progress("Reading gaps") as progress,
    ):
        stack = source.required_stack()
        context, listed = _read(source, stack, progress)
    now = context.now()
    shown = [gap for gap in listed if since is None or gap.touches(since)]
    if as_json:
        console.as_json({"gaps": [gap.row(now) for gap in shown]})
    else:
        _print(f"Gaps of stack {stack.name}, sandbox {context.sandbox}", shown, now, wide=wide)
    if any(gap.open for gap in shown):
        raise click.exceptions.Exit(1)


def _read(source: Source, stack: Stack, progress: console.Progress) -> tuple[Context, list[Gap]]:
    from aep_provider.aep import connect

    config = source.config()
    settings = source.load(config)
    state = stack.state()
    recorded = [one for one in state.recorded if not one.external]
    for one in recorded:
        check_location(settings, one.outputs)
    context = Context(connect(settings, console.CLOCK), settings, console.ConsoleReporter(), console.CLOCK)
    owner = stack.owner(config)
    stated = declared.declared(state, (), owner, ownership_tag=settings.ownership_tag)
    live, everything = declared.live_datasets(context, stated, progress)
    noted = everything if everything is not None else context.aep.catalog.tagged(GAP_TAG)
    known = [*_recorded(recorded, live), *_noted(noted, owner, {one.id for one in recorded})]
    with console.side_by_side(settings.parallel) as pool:
        each = pool.map(lambda one: found_gaps.of_dataset(context, one), known)
        return context, found_gaps.in_order(gap for some in each for gap in some)


def _recorded(recorded: Iterable[Recorded], live: dict[str, Observed]) -> list[Known]:
    return [
        Known(one.resource, one.id, live.get(one.id), record.windows, record.owner, managed=True)
        for one in recorded
        for record in (Record(one.outputs),)
    ]


def _noted(datasets: Iterable[Observed], owner: str, in_state: set[str]) -> list[Known]:
    """Those datasets that a run of this stack left with a note, and that its state does not hold."""
    found = []
    for dataset in datasets:
        if not dataset.tag(GAP_TAG):
            continue
        by = (dataset.note.owner if dataset.note else "") or dataset.owner
        if dataset.id not in in_state and by.startswith(f"{owner}/"):
            found.append(Known(by.removeprefix(f"{owner}/"), dataset.id, dataset, (), "", managed=False))
    return found


def _print(title: str, shown: Sequence[Gap], now: datetime, *, wide: bool) -> None:
    if shown:
        table(title, COLUMNS, (_cells(gap, now) for gap in shown), wide=wide)
    left = sum(gap.open for gap in shown)
    for gap in shown:
        if gap.open:
            console.line(
                f"Profile is OFF for {gap.name!r} ({gap.dataset_id}). {inventory.way_out(gap.dataset_id)}",
                "red",
            )
    again = {batch for gap in shown for batch in gap.to_ingest}
    console.line(
        f"{plural(len(shown), 'gap')}, {left} open, {plural(len(again), 'batch', 'batches')} to ingest again"
    )


def _cells(gap: Gap, now: datetime) -> list[object]:
    length = gap.length(now)
    return [
        gap.resource,
        gap.name or "-",
        gap.dataset_id,
        gap.start or "unknown",
        ("OPEN", "red") if gap.open else gap.end,
        "-" if length is None else told(length),
        _batches(gap.lost),
        _batches(gap.suspect),
    ]


def told(seconds: float) -> str:
    """A length of time in words that suit it: ``0.4 s``, ``12 min``, ``3 h 20 min``, ``2 d 3 h``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def _batches(batches: Sequence[Lost] | None) -> str:
    if batches is None:
        return "not known"
    return ", ".join(_batch(one) for one in batches) or "-"


def _batch(one: Lost) -> str:
    return f"{one.id} (replaced by {one.replaced_by})" if one.replaced_by else one.id
