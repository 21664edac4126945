"""``aep-provider release``: take this stack's owner tag off a dataset that the stack forgot."""

from __future__ import annotations

import click

from aep_provider.cli import console
from aep_provider.cli.filters import dataset_id as valid_id
from aep_provider.cli.source import Source, takes_settings
from aep_provider.cli.stack import Stack
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.errors import NotConverged, Refused
from aep_provider.operations.change import Change, Policy
from aep_provider.operations.checks import check_production, check_sandbox
from aep_provider.operations.context import Context, describe
from aep_provider.operations.delete import let_go
from aep_provider.operations.location import existing

LOOKS = (0.0, 0.5, 1.5, 3.0)
"""Seconds before each read that proves the release; a read may be older than the write."""


@click.command()
@click.argument("dataset_id", metavar="ID", callback=valid_id)
@console.takes_yes
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a line.")
@takes_settings
def release(source: Source, dataset_id: str, yes: bool, as_json: bool) -> None:
    """Take this stack's owner tag off dataset ID, which its state does not hold; then anyone may adopt it.

    For a dataset that the stack forgot: by `pulumi state delete`, with `retain_on_delete`, or after a switch to
    `UpsertDataset.get`. Nothing else of the dataset is changed. It shows the owner and asks.

    Exit codes: 0 released, or without an owner tag already; 1 an error, on standard error; 2 wrong usage; 3 an
    unexpected error; 130 interrupted.

    \b
    Examples:
      aep-provider release 5b020a27e7040801dedbf46e
      aep-provider release --stack prod 5b020a27e7040801dedbf46e --yes
    """
    from aep_provider.aep import connect

    with console.errors_end_the_command():
        with console.Progress("Reading the dataset"):
            stack = source.required_stack()
            config = source.config()
            settings = source.load(config)
            context = Context(
                connect(settings, console.CLOCK), settings, console.ConsoleReporter(), console.CLOCK
            )
            observed = existing(context, dataset_id)
            if observed.owner:
                _check(context, stack, stack.owner(config), observed)
        if observed.owner:
            claim = f", claim {observed.ownership.claim}" if observed.ownership.claim else ""
            console.line(f"{describe(context, observed)} has owner {observed.owner!r}{claim}", err=True)
            console.confirmed("Take the owner tag off?", yes=yes)
            with console.Progress("Releasing"):
                _release(context, dataset_id, observed)
    done = bool(observed.owner)
    if as_json:
        console.as_json({"id": dataset_id, "name": observed.name, "owner": observed.owner, "changed": done})
    elif done:
        console.line(f"{describe(context, observed)} is released from {observed.owner!r}")
    else:
        console.line(f"{describe(context, observed)} carries no owner tag; nothing to do")


def _check(context: Context, stack: Stack, owner: str, observed: Observed) -> None:
    """Refuse what is not this stack's, or what it still holds."""
    title = describe(context, observed)
    if not observed.owner.startswith(f"{owner}/"):
        raise Refused(
            f"{title} has owner {observed.owner!r}, which does not belong to stack {stack.name} ({owner})",
            "Run this in the project of that stack: `aep-provider release --cwd DIR --stack NAME "
            f"{observed.id}`. If the stack was removed, `pulumi stack init` it again first; an empty one will do.",
        )
    held = [one for one in stack.state().recorded if one.id == observed.id and not one.external]
    if held:
        raise Refused(
            f"{title} is in the state of stack {stack.name}, as {held[0].resource!r}",
            "Remove it from the program and run `pulumi up`, which releases a dataset that was adopted. To keep one "
            f"that was created: `pulumi state delete '{held[0].urn}'`, then run this again.",
        )
    change = Change(Desired(is_upsert=False), Policy())
    check_sandbox(context, change)
    check_production(context, change)


def _require_as_shown(context: Context, now: Observed, shown: Observed) -> None:
    if now.ownership != shown.ownership:
        raise Refused(
            f"{describe(context, now)} changed its owner meanwhile, to {now.owner or 'nobody'!r}",
            "Run this again to see the new one.",
        )


def _release(context: Context, dataset_id: str, shown: Observed) -> None:
    """Write, and prove it; what was shown must still hold."""
    read = context.aep.catalog.read_for_write(dataset_id)
    observed = read.observed
    _require_as_shown(context, observed, shown)
    let_go(context, read, observed.owner)
    for pause in LOOKS:
        context.clock.wait(pause)
        now = existing(context, dataset_id)
        if not now.owner:
            return
        _require_as_shown(context, now, shown)
    raise NotConverged(
        f"{describe(context, observed)} still carries the owner tag after AEP answered with success",
        "Run this again.",
    )
