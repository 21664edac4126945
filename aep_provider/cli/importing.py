"""``aep-provider import``: take existing datasets into a stack."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aep_provider.cli import adoption, choosing, console, files, generated, inventory, shared_file
from aep_provider.cli.filters import Filter, dataset_ids, takes_name, takes_schema
from aep_provider.cli.import_report import Found, Options, commands, report
from aep_provider.cli.owned import import_owned
from aep_provider.cli.pulumi import PulumiFailed
from aep_provider.cli.source import Source, takes_settings
from aep_provider.cli.stack import RESOURCE_TYPE, Stack
from aep_provider.cli.tables import takes_wide
from aep_provider.dataset.observed import Observed
from aep_provider.entries import DATASETS
from aep_provider.words import plural

if TYPE_CHECKING:
    from aep_provider.aep import Aep


@click.command(name="import")
@click.argument("ids", metavar="[ID]...", nargs=-1, callback=dataset_ids)
@click.option("--all", "everything", is_flag=True, help="Take in every dataset that the stack can take in.")
@takes_name
@takes_schema
@click.option(
    "--enable", is_flag=True, help="Also take in datasets outside Profile; the next `up` enables them."
)
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    default="aep-import.json",
    show_default=True,
    metavar="FILE",
    help="Where the import file goes.",
)
@click.option(
    "--owned",
    is_flag=True,
    help="Take back what carries this stack's owner tag and is not in its state, into the state only.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be taken in; write nothing.")
@click.option("--run", is_flag=True, help="Also run `pulumi import` and `pulumi refresh`.")
@click.option(
    "--code",
    "form",
    flag_value="code",
    default="",
    help="Print Python for a program of your own; leave the stack file as it is.",
)
@click.option(
    "--yaml",
    "form",
    flag_value="yaml",
    help="Print entries for another place, such as Pulumi.yaml; leave the stack file as it is.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write what --code or --yaml prints to FILE.",
)
@takes_wide
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a table.")
@takes_settings
def import_(source: Source, name_part: str, schema_part: str, **given: Any) -> None:
    """Take existing datasets into a stack: its `aep:datasets` entries, and a file for `pulumi import`.

    AEP is only read. Datasets in Profile come in as they are, so the next `pulumi up` changes nothing; others
    only with --enable. Datasets that Adobe manages, that belong to another stack, or that this stack already
    has are left out, and the reason is shown. On a terminal, without IDs and filters, you are asked which.

    Exit codes: 0 done, or all of them are in the stack already; 1 an error, or nothing was taken in; 2 wrong
    usage; 3 an unexpected error.

    \b
    Examples:
      aep-provider import --all --dry-run
      aep-provider import --name loyalty --run
      aep-provider import --all --code --output datasets.py
      aep-provider import --owned --run
      aep-provider import --stack prod 5b020a27e7040801dedbf46e 672a10b1074ceb2af0aa7034
    """
    options = Options(wanted=Filter(name_part, schema_part), **given)
    options.check()
    if options.owned:
        import_owned(source, options)
        return
    with console.errors_end_the_command(), console.Progress("Reading datasets") as progress:
        found = _find(source, options, progress)
    adoptions = choosing.asked(found.adoptions) if options.ask and found.adoptions else list(found.adoptions)
    target = _in(source.folder, options.file)
    if adoptions and not options.dry_run:
        with console.errors_end_the_command():
            _write(found, adoptions, options, target)
    report(found, adoptions, options, target)
    if not adoptions and (options.ask or not found.skipped or any(one.obstacle for one in found.skipped)):
        raise console.Failure("nothing was taken in")
    if options.run and adoptions and not options.dry_run:
        _run(found.stack, commands(target))


def _find(source: Source, options: Options, progress: console.Progress) -> Found:
    """Read stack and sandbox, and decide for each dataset."""
    from aep_provider.aep import connect

    stack = source.required_stack()
    config = source.config()
    settings = source.load(config)
    owner, entries, shared = stack.owner(config), stack.datasets(config), stack.shared_file(config)
    if not (options.form or options.dry_run or shared) and stack.inherits_datasets():
        raise PulumiFailed(
            f"{DATASETS} of stack {stack.name} comes from Pulumi.yaml or an environment, not from its stack "
            "file; an entry in the stack file would hide that list",
            "Run this again with --yaml and add what it prints there, or with --code for a program.",
        )
    aep = connect(settings, console.CLOCK)
    everything = inventory.listed(aep, progress)
    candidates = _candidates(everything, options, settings.sandbox)
    items = inventory.with_schemas(aep, candidates, progress, at_once=settings.parallel)
    state = stack.state()
    held = adoption.Held.of(state.recorded, entries)
    # What other stacks share must not hold the ids of this sandbox.
    by_name = _names(aep, everything) if shared and options.form != "code" else None
    adoptions, skipped = adoption.choose(items, held, owner, enable=options.enable, by_name=by_name)
    known_ids = frozenset(one.id for one in state.recorded)
    return Found(stack, settings, owner, shared, len(entries), known_ids, adoptions, skipped)


def _names(aep: Aep, everything: Sequence[Observed]) -> adoption.Names:
    datasets = Counter(dataset.name for dataset in everything if not dataset.system_sign)
    return adoption.Names(datasets, Counter(one.title for one in aep.schemas.all()))


def _candidates(listed: Sequence[Observed], options: Options, sandbox: str) -> list[Observed]:
    if missing := set(options.ids) - {dataset.id for dataset in listed}:
        raise click.ClickException(
            f"Not in sandbox {sandbox}: {', '.join(sorted(missing))}. Nothing was written. "
            "`aep-provider discover` lists what is there."
        )
    chosen = [
        dataset
        for dataset in listed
        if (not options.ids or dataset.id in options.ids) and options.wanted.matches(dataset)
    ]
    if not chosen:
        texts = (("name", options.wanted.name), ("schema", options.wanted.schema))
        with_text = " and ".join(f"{text!r} in its {what}" for what, text in texts if text)
        raise click.ClickException(
            f"Nothing was taken in: sandbox {sandbox} has {plural(len(listed), 'dataset')}, "
            f"none{with_text and ' with ' + with_text}. `aep-provider discover` lists them."
        )
    return chosen


def _write(found: Found, adoptions: Sequence[adoption.Adoption], options: Options, target: Path) -> None:
    """Write the import file and the declarations: both, or none."""
    content = adoption.import_file(adoptions, found.owner, found.settings.location)
    content = adoption.merged(target, content, found.owner, found.known_ids)
    entries = [one.entry for one in adoptions]
    with files.restored_on_failure(target, found.shared or found.stack.file):
        files.write(target, json.dumps(content, indent=2) + "\n", "Choose another file with --file.")
        if options.form:
            _give(found, entries, options)
            return
        if found.shared is not None:
            shared_file.add(found.shared, entries)
        else:
            with console.Progress("Writing the stack file"):
                found.stack.add_datasets(entries, held=found.entries)
        if options.run:
            with console.Progress("Looking whether the program declares them"):
                _refuse_undeclared(found.stack, [str(entry["resource"]) for entry in entries])


def _give(found: Found, entries: Sequence[generated.Entry], options: Options) -> None:
    """Print the declarations, or write them to a file."""
    if options.form == "code":
        title = f"Datasets of stack {found.stack.short_name}, by `aep-provider import --code`."
        text = generated.python(entries, title)
    else:
        text = generated.as_yaml(entries)
    if options.output is None:
        click.echo(text, nl=False)
    elif options.output.exists():
        raise files.FileFailed(
            f"{options.output} exists already; nothing was changed", "Choose another file with --output."
        )
    else:
        files.write(options.output, text, "Choose another file with --output.")


def _refuse_undeclared(stack: Stack, resources: Sequence[str]) -> None:
    """Refuse to import what the program does not declare: the next `up` would let it go."""
    preview = stack.previewed("--refresh=false")
    diagnostics = preview.get("diagnostics") or []
    seen = {one.get("urn", "").partition("::")[2] for one in (*(preview.get("steps") or ()), *diagnostics)}
    missing = [name for name in resources if f"{stack.project}::{RESOURCE_TYPE}::{name}" not in seen]
    if not missing:
        return
    errors = [str(one["message"]).strip() for one in diagnostics if one.get("severity") == "error"]
    if errors and len(missing) < len(resources):
        # The program declares them; what is wrong with one of them is for `pulumi preview` to say.
        return
    told = f"`pulumi preview` failed: {errors[0]}\n" if errors else ""
    raise PulumiFailed(
        f"The program of stack {stack.name} does not declare {missing[0]!r}"
        + (f" and {len(missing) - 1} more" if missing[1:] else "")
        + f" from {DATASETS}: after an import the next `pulumi up` would remove them. Nothing was changed",
        f"{told}For a program of your own: `aep-provider import --code` with the same choice. Or let it "
        f"read {DATASETS} with `declare`, as the getting-started page shows.",
    )


def _run(stack: Stack, commands: Sequence[Sequence[str]]) -> None:
    for command in commands:
        if code := stack.run(*command):
            raise click.ClickException(
                f"The command `pulumi {command[0]}` ended with exit code {code}. Correct what it says, then "
                f"run it again: pulumi {' '.join(command)} --stack {stack.name}"
            )


def _in(folder: Path, file: Path) -> Path:
    return file if file.is_absolute() else folder / file
