"""``aep-provider discover``: what the sandbox holds."""

from __future__ import annotations

from collections.abc import Sequence

import click

from aep_provider.cli import console, inventory
from aep_provider.cli.filters import Filter, takes_name, takes_schema
from aep_provider.cli.source import Source, takes_settings
from aep_provider.cli.tables import Column, table, takes_wide
from aep_provider.operations import advice
from aep_provider.words import plural

COLUMNS = (
    Column("name", shorten=True),
    Column("id"),
    Column("schema", rank=4, shorten=True),
    Column("behaviour", rank=5),
    Column("Profile"),
    Column("Identity", rank=1),
    Column("upsert"),
    Column("managed by", rank=6),
    Column("owner", rank=2, shorten=True),
    Column("last batch", rank=3),
)


@click.command()
@click.option("--profile", "only_profile", is_flag=True, help="Only datasets that are enabled for Profile.")
@click.option("--no-upsert", "without_upsert", is_flag=True, help="Only datasets without upsert.")
@takes_name
@takes_schema
@takes_wide
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a table.")
@takes_settings
def discover(
    source: Source,
    only_profile: bool,
    without_upsert: bool,
    name_part: str,
    schema_part: str,
    wide: bool,
    as_json: bool,
) -> None:
    """List the datasets of the sandbox with their Profile, Identity and upsert settings.

    Below the table stands what is wrong: Profile without Identity, upsert on time series, tags with spaces,
    Profile with a schema outside the union, and Profile left off by an interrupted change. Only reads.

    Exit codes: 0 listed; 1 an error, on standard error; 2 wrong usage; 3 an unexpected error.

    \b
    Examples:
      aep-provider discover --profile --no-upsert
      aep-provider discover --stack prod --name loyalty
      aep-provider discover --json | jq -r '.datasets[] | select(.faults != []) | .id'
      AEP_SANDBOX=dev aep-provider discover --no-stack
    """
    # Imported here so that `--help` does not load the HTTP library.
    from aep_provider.aep import connect

    with console.errors_end_the_command(), console.Progress("Reading datasets") as progress:
        settings = source.settings()
        aep = connect(settings, console.CLOCK)
        wanted = Filter(name_part, schema_part, only_profile, without_upsert).matches
        everything, found = inventory.read(aep, wanted, progress, at_once=settings.parallel)
    for note in found.notes:
        console.ConsoleReporter().warn(note)
    if as_json:
        console.as_json({"datasets": [item.row() for item in found.items]})
        return
    table(f"Datasets of sandbox {settings.sandbox}", COLUMNS, map(_cells, found.items), wide=wide)
    for item in found.items:
        for fault in item.faults:
            console.line(f"{item.dataset.name!r} ({item.dataset.id}): {fault}", "yellow")
    for text in inventory.gap_lines(item.dataset for item in found.items):
        console.line(text, "red")
    for kind, count in advice.in_profile(everything).items():
        if text := advice.at_limit(settings.sandbox, kind, count):
            console.line(text, "yellow")
    console.line(_summary(found.items))


def _cells(item: inventory.Item) -> list[object]:
    dataset, gap, batch = item.dataset, item.dataset.open_note, item.last_batch
    profile = "on" if dataset.profile.enabled else "OFF" if gap else "-"
    when = f" {batch.updated:%Y-%m-%d}" if batch and batch.updated else ""
    return [
        (dataset.name, "yellow" if item.faults else ""),
        dataset.id,
        item.schema.title if item.schema else dataset.schema_id,
        item.behaviour or "-",
        (profile, "red" if gap else ""),
        _on_off(dataset.identity.enabled),
        _on_off(dataset.upsert),
        dataset.managed_by or "-",
        dataset.owner or "-",
        f"{batch.status}{when}" if batch else "-",
    ]


def _summary(items: Sequence[inventory.Item]) -> str:
    datasets = [item.dataset for item in items]
    counts = (
        (sum(dataset.profile.enabled for dataset in datasets), "enabled for Profile", True),
        (sum(dataset.upsert for dataset in datasets), "with upsert", True),
        (sum(bool(item.faults) for item in items), "in a wrong state", False),
        (sum(dataset.open_note is not None for dataset in datasets), "with Profile left off", False),
    )
    parts = [f"{count} {what}" for count, what, always in counts if count or always]
    return ", ".join([plural(len(items), "dataset"), *parts])


def _on_off(value: bool) -> str:
    return "on" if value else "-"
