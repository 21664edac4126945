"""``aep-provider discover``: what the sandbox holds."""

from __future__ import annotations

from collections.abc import Sequence

import click

from aep_provider.cli import console, inventory
from aep_provider.cli.source import Source, takes_settings
from aep_provider.dataset.observed import Observed

COLUMNS = (
    "name",
    "id",
    "schema",
    "behaviour",
    "Profile",
    "Identity",
    "upsert",
    "managed by",
    "owner",
    "last batch",
)


@click.command()
@click.option("--profile", "only_profile", is_flag=True, help="Only datasets that are enabled for Profile.")
@click.option("--no-upsert", "without_upsert", is_flag=True, help="Only datasets without upsert.")
@click.option(
    "--name", "name_part", default="", metavar="TEXT", help="Only names that contain TEXT, in any case."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of a table.")
@takes_settings
def discover(source: Source, only_profile: bool, without_upsert: bool, name_part: str, as_json: bool) -> None:
    """List the datasets of the sandbox with their Profile, Identity and upsert settings.

    Wrong states are named below the table: Profile without Identity, upsert on time series, tags with spaces,
    Profile with a schema outside the union; and Profile left off by an interrupted change. Only reads.

    Exit codes: 0 listed; 1 an error, on standard error; 2 wrong usage.

    \b
    Examples:
      aep-provider discover --profile --no-upsert
      aep-provider discover --stack prod --name loyalty
      aep-provider discover --json | jq -r '.[] | select(.faults != []) | .id'
      AEP_SANDBOX=dev aep-provider discover --no-stack
    """
    # Imported here so that `--help` does not load the HTTP library.
    from aep_provider.aep import connect

    with console.errors_end_the_command(), console.Progress("Reading datasets") as progress:
        settings = source.settings()
        aep = connect(settings, console.CLOCK)
        everything = inventory.listed(aep, progress)
        chosen = [
            dataset
            for dataset in everything
            if wanted(dataset, name_part, only_profile=only_profile, without_upsert=without_upsert)
        ]
        found = inventory.with_details(aep, chosen, progress, at_once=settings.parallel)
    for note in found.notes:
        console.ConsoleReporter().warn(note)
    if as_json:
        console.as_json([item.row() for item in found.items])
        return
    console.table(f"Datasets of sandbox {settings.sandbox}", COLUMNS, map(_cells, found.items))
    for item in found.items:
        for fault in item.faults:
            console.line(f"{item.dataset.name!r} ({item.dataset.id}): {fault}", "yellow")
    for text in inventory.gap_lines(chosen):
        console.line(text, "red")
    console.line(_summary(found.items))


def wanted(
    dataset: Observed, name_part: str, *, only_profile: bool = False, without_upsert: bool = False
) -> bool:
    """Whether a dataset passes the filters."""
    return (
        name_part.casefold() in dataset.name.casefold()
        and (dataset.profile.enabled or not only_profile)
        and not (dataset.upsert and without_upsert)
    )


def _cells(item: inventory.Item) -> list[object]:
    dataset, gap, batch = item.dataset, item.dataset.open_note, item.last_batch
    profile = "on" if dataset.profile.enabled else f"OFF since {gap.start}" if gap else "-"
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
    return ", ".join([f"{len(items)} dataset{'' if len(items) == 1 else 's'}", *parts])


def _on_off(value: bool) -> str:
    return "on" if value else "-"
