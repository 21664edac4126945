"""``aep-provider card``: what a reviewer has to know before `pulumi up`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import click

from aep_provider.cli import card_text, console, previewed, pulumi
from aep_provider.cli.card_entry import Card
from aep_provider.cli.source import Source, takes_settings
from aep_provider.cli.stack import Stack
from aep_provider.operations.context import Context


@click.command()
@click.option(
    "--markdown", "as_markdown", is_flag=True, help="Print Markdown, for a comment on a pull request."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of lines.")
@click.option(
    "--preview",
    "preview_file",
    type=click.File(encoding="utf-8"),
    metavar="FILE",
    help="Take what `pulumi preview --json` printed, `-` for standard input, instead of running it.",
)
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Keep the plan in FILE, for `pulumi up --plan FILE`. With --preview: the plan that it saved.",
)
@takes_settings
def card(
    source: Source,
    as_markdown: bool,
    as_json: bool,
    preview_file: TextIO | None,
    plan_file: Path | None,
) -> None:
    """Summarise for a reviewer what `pulumi up` would do to each dataset. Only reads.

    What changes in words; for which datasets Profile goes off, how long, and how many batches are in flight; which
    streaming writers are seen; what the guards refuse; where consent was given. It runs `pulumi preview`, and asks the
    guards about every step of it.

    Exit codes: 0 nothing is refused; 1 `up` would be refused, the card says why; 2 wrong usage; 3 an error, on
    standard error.

    \b
    Examples:
      aep-provider card --stack prod
      aep-provider card --markdown > card.md
      aep-provider card --plan plan.json && pulumi up --plan plan.json
      pulumi preview --json | aep-provider card --preview - --json
    """
    if as_markdown and as_json:
        raise click.UsageError("Use either --markdown or --json, not both.")
    with (
        console.errors_end_the_command(console.CouldNotTell),
        console.Progress("Reading") as progress,
    ):
        made = _made(source, preview_file, plan_file, progress)
    if as_json:
        console.as_json(made.row())
    elif as_markdown:
        for line in card_text.markdown(made):
            click.echo(console.printable(line))
    else:
        for line, style in card_text.text(made):
            console.line(line, style)
    if made.refused:
        raise click.exceptions.Exit(1)


def _made(
    source: Source, preview_file: TextIO | None, plan_file: Path | None, progress: console.Progress
) -> Card:
    from aep_provider.aep import connect
    from aep_provider.cli.card_made import Declaration, made

    stack = source.required_stack()
    config = source.config()
    settings = source.load(config)
    progress.step("`pulumi preview`")
    held = previewed.read(_preview(stack, preview_file, plan_file))
    plan = previewed.plan(plan_file, held) if plan_file is not None and not held.errors else None
    recorded = [one for one in stack.state().recorded if not one.external]
    context = Context(connect(settings, console.CLOCK), settings, console.ConsoleReporter(), console.CLOCK)
    shared = stack.shared_file(config)
    declaration = Declaration(
        stack.name,
        _shown(stack, stack.file),
        _shown(stack, shared) if shared else "",
        stack.entries(config),
        recorded,
    )
    return made(context, declaration, held, plan, progress)


def _preview(stack: Stack, given: TextIO | None, plan_file: Path | None) -> Mapping[str, Any]:
    if given is None:
        flags = ["--save-plan", str(plan_file.absolute())] if plan_file is not None else []
        return stack.previewed(*flags)
    try:
        held: Mapping[str, Any] = json.load(given)
    except ValueError as error:
        raise pulumi.PulumiFailed(f"The preview cannot be read: {error}", previewed.MAKE_IT) from error
    return held


def _shown(stack: Stack, path: Path) -> str:
    """A file from the project's folder, as reviewers see it."""
    file = pulumi.project_file(stack.folder)
    return str(path.relative_to(file.parent)) if file and path.is_relative_to(file.parent) else path.name
