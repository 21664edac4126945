"""``aep-provider import``: take existing datasets into a stack."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from aep_provider.cli import adoption, console, inventory
from aep_provider.cli.discover import wanted
from aep_provider.cli.source import Source, takes_settings
from aep_provider.cli.stack import DATASETS, Stack
from aep_provider.dataset.observed import Observed
from aep_provider.errors import SettingsError
from aep_provider.validators import DATASET_ID

STEPS = (
    ("import", "--file", "{file}", "--generate-code=false", "--yes", "--protect=false"),
    ("refresh", "--yes", "--skip-preview"),
)


@click.command(name="import")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every dataset that the stack can take in.")
@click.option(
    "--name", "name_part", default="", metavar="TEXT", help="Those with TEXT in the name, in any case."
)
@click.option(
    "--enable", is_flag=True, help="Also datasets that are not in Profile; the next `up` enables them."
)
@click.option(
    "--file",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    default="aep-import.json",
    show_default=True,
    metavar="FILE",
    help="Where the import file goes.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be taken in; write nothing.")
@click.option("--run", "run_pulumi", is_flag=True, help="Also run `pulumi import` and `pulumi refresh`.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a table.")
@takes_settings
def import_(
    source: Source,
    ids: tuple[str, ...],
    everything: bool,
    name_part: str,
    enable: bool,
    file: Path,
    dry_run: bool,
    run_pulumi: bool,
    as_json: bool,
) -> None:
    """Take existing datasets into a stack: its `aep:datasets` entries, and a file for `pulumi import`.

    AEP is only read. Datasets in Profile come in as they are, so the next `pulumi up` changes nothing; others
    only with --enable. Datasets of Adobe's own, of another stack, or of this stack already are left out, and
    it is said why. On a terminal, without IDs and filters, you are asked which.

    Exit codes: 0 done; 1 an error, on standard error; 2 wrong usage.

    \b
    Examples:
      aep-provider import --all --dry-run
      aep-provider import --name loyalty --run
      aep-provider import --stack prod 5b020a27e7040801dedbf46e 672a10b1074ceb2af0aa7034
    """
    from aep_provider.aep import connect

    if bad := [one for one in ids if not DATASET_ID.fullmatch(one)]:
        raise click.BadParameter(f"{bad[0]!r} is no dataset id: 24 hexadecimal characters, lower case.")
    ask = not (ids or everything or name_part)
    if ask and (as_json or not sys.stdin.isatty()):
        raise click.UsageError("Say which datasets: IDs, --name TEXT or --all.")
    if run_pulumi and as_json:
        raise click.UsageError("--run shows what Pulumi prints, which is no JSON; leave one of both out.")
    with console.errors_end_the_command(), console.Progress("Reading datasets") as progress:
        stack = source.required_stack()
        config = source.config()
        settings = source.load(config)
        owner = stack.owner(config)
        entries = stack.datasets(config)
        aep = connect(settings, console.CLOCK)
        candidates = _candidates(inventory.listed(aep, progress), ids, name_part)
        items = inventory.with_details(
            aep, candidates, progress, at_once=settings.parallel, batches=False
        ).items
        held = adoption.Held.of(stack.recorded(), entries)
        wishes, skipped = adoption.choose(items, held, owner, enable=enable)
    if ask and wishes:
        wishes = _asked(wishes)
    target = file if file.is_absolute() else source.folder / file
    if wishes and not dry_run:
        with console.errors_end_the_command(), console.Progress("Writing the stack file"):
            _write(target, adoption.import_file(wishes, owner, settings.place))
            try:
                stack.add_datasets([wish.entry for wish in wishes], held=len(entries))
            except SettingsError:
                target.unlink()
                raise
    commands = [[part.format(file=target) for part in step] for step in STEPS]
    if as_json:
        console.as_json(
            {
                "imported": [{**wish.entry, "change": wish.change} for wish in wishes],
                "skipped": [vars(one) for one in skipped],
                "file": "" if dry_run or not wishes else str(target),
                "commands": [["pulumi", *command, "--stack", stack.name] for command in commands],
            }
        )
        return
    _show(stack, wishes, skipped, dry_run=dry_run)
    if not wishes or dry_run:
        return
    plural = "entry" if len(wishes) == 1 else "entries"
    console.line(f"Written: {len(wishes)} {plural} to {DATASETS} of stack {stack.name}, and {target}")
    if not run_pulumi:
        console.line("Now run, with PULUMI_RUN_PROGRAM=true in the environment:")
        for command in commands:
            console.line(f"  pulumi {' '.join(command)} --stack {stack.name}")
        console.line(f"  pulumi preview --diff --stack {stack.name}")
        return
    for command in commands:
        if code := stack.run(*command):
            raise click.ClickException(f"The command `pulumi {command[0]}` ended with exit code {code}.")


def _candidates(found: Sequence[Observed], ids: Sequence[str], name_part: str) -> list[Observed]:
    if missing := set(ids) - {dataset.id for dataset in found}:
        raise click.ClickException(f"Not in this sandbox: {', '.join(sorted(missing))}. Nothing was written.")
    return [dataset for dataset in found if (not ids or dataset.id in ids) and wanted(dataset, name_part)]


def _write(file: Path, content: object) -> None:
    try:
        file.write_text(json.dumps(content, indent=2) + "\n")
    except OSError as error:
        raise click.ClickException(
            f"{file} cannot be written: {error.strerror}. Nothing else was written. Name another with --file."
        ) from error


def _show(
    stack: Stack, wishes: Sequence[adoption.Wish], skipped: Sequence[adoption.Skipped], *, dry_run: bool
) -> None:
    if wishes:
        console.table(
            f"Into stack {stack.name}",
            ("resource", "id", "name", "upsert", "the next `up`"),
            (
                (
                    wish.entry["resource"],
                    wish.entry["dataset_id"],
                    wish.entry["name"],
                    "on" if wish.entry["is_upsert"] else "-",
                    (wish.change or "changes nothing", "yellow" if wish.change else ""),
                )
                for wish in wishes
            ),
        )
    for one in skipped:
        console.line(f"left out: {one.name!r} ({one.id}) {one.reason}")
    would_be = "would be " if dry_run else ""
    console.line(f"{len(wishes)} {would_be}taken in, {len(skipped)} left out")


def _asked(wishes: Sequence[adoption.Wish]) -> list[adoption.Wish]:
    for number, wish in enumerate(wishes, 1):
        upsert = "with upsert" if wish.entry["is_upsert"] else "without upsert"
        console.line(f"{number:4}  {wish.entry['name']}  {wish.entry['dataset_id']}  {upsert}")

    def chosen(text: str) -> list[adoption.Wish]:
        if text.strip() == "all":
            return list(wishes)
        numbers: set[int] = set()
        for part in text.replace(",", " ").split():
            low, _, high = part.partition("-")
            if not low.isdecimal() or not (high or low).isdecimal():
                raise click.BadParameter(f"{part!r} is neither a number nor a range such as 3-7.")
            numbers.update(range(int(low), int(high or low) + 1))
        if not numbers <= set(range(1, len(wishes) + 1)):
            raise click.BadParameter(f"the numbers go from 1 to {len(wishes)}.")
        return [wish for number, wish in enumerate(wishes, 1) if number in numbers]

    picked: list[adoption.Wish] = click.prompt(
        "Which (such as 1 4 6-9, or all; empty = none)", default="", show_default=False, value_proc=chosen
    )
    return picked
