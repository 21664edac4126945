"""``aep-provider replay``: what has to be ingested again after a time without Profile. Plans only."""

from __future__ import annotations

from typing import Any

import click

from aep_provider.cli import console
from aep_provider.cli.filters import dataset_id as valid_id
from aep_provider.cli.source import Source, takes_settings
from aep_provider.cli.tables import Column, table, takes_wide
from aep_provider.dataset.tags import timestamp
from aep_provider.operations.context import Context
from aep_provider.operations.location import check_location
from aep_provider.operations.record import Record
from aep_provider.operations.replay import EVIDENCE, Replay, prepare
from aep_provider.operations.replay_plan import PER_DAY, Step
from aep_provider.settings import Settings
from aep_provider.words import plural

COLUMNS = (
    Column("#"),
    Column("batch"),
    Column("why"),
    Column("ended", rank=1),
    Column("files", rank=2),
    Column("size", rank=2),
    Column("format", rank=4),
    Column("day", rank=3),
)

SUSPECT = (
    "Nobody can see whether Profile took these, and they are not in the plan: {ids}. Look for their records in "
    "Profile; --suspect plans for them as if they were lost."
)


@click.command()
@click.argument("dataset_id", metavar="DATASET", callback=valid_id)
@click.option(
    "--suspect", "with_suspect", is_flag=True, help="Count batches that Profile may have missed as lost, too."
)
@click.option("--script", "as_script", is_flag=True, help="Print a shell script of Adobe's calls instead.")
@takes_wide
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead, for a pipeline.")
@takes_settings
def replay(
    source: Source, dataset_id: str, with_suspect: bool, as_script: bool, wide: bool, as_json: bool
) -> None:
    """Plan what has to be ingested again into DATASET after Profile was off. Moves nothing.

    Oldest first: each batch that Profile missed, and of a record dataset every later one as well, since the last
    write of a record wins. When Profile was off is known from the stack's state and from the dataset's own note, which
    both have every window that is not settled, so one plan is for all of them.
    What cannot be put in order is refused.

    Exit codes: 0 planned, or nothing to ingest again; 1 an error, on standard error; 2 wrong usage; 3 an unexpected
    error.

    \b
    Examples:
      aep-provider replay 5b020a27e7040801dedbf46e
      aep-provider replay --no-stack --sandbox dev 5b020a27e7040801dedbf46e --json
      aep-provider replay 5b020a27e7040801dedbf46e --script > replay.sh
    """
    if as_script and as_json:
        raise click.UsageError("Use either --script or --json, not both.")
    with console.errors_end_the_command():
        with console.Progress("Planning") as progress:
            settings, record = _known(source, dataset_id)
            found = prepare(
                _context(settings), dataset_id, record, with_suspect=with_suspect, progress=progress.step
            )
        if as_script:
            from aep_provider.cli.replay_script import script

            click.echo(script(found, settings), nl=False)
            return
    if as_json:
        console.as_json(_whole(found, settings))
        return
    _show(found, wide)


def _known(source: Source, dataset_id: str) -> tuple[Settings, Record]:
    """The settings, and what the state of the stack has on record, if there is a stack and it has the dataset."""
    settings = source.settings()
    stack = source.stack
    held = [one for one in stack.state().recorded if one.id == dataset_id] if stack else []
    for one in held:
        check_location(settings, one.outputs)
    records = [Record(one.outputs) for one in held]
    return settings, next((one for one in records if one.windows), Record({}))


def _context(settings: Settings) -> Context:
    from aep_provider.aep import connect

    return Context(connect(settings, console.CLOCK), settings, console.ConsoleReporter(), console.CLOCK)


def _show(found: Replay, wide: bool) -> None:
    plan = found.plan
    for one in found.gap.windows:
        since = timestamp(one.opened) if one.opened else "an unknown time"
        console.line(f"{found.title}: Profile was off from {since} to {timestamp(one.closed)}")
    if plan.steps:
        table("To ingest again, oldest first", COLUMNS, _rows(found), wide=wide)
        files = [file for step in plan.steps for file in found.files[step.batch.id]]
        lost = sum(step.why != "later" for step in plan.steps)
        console.line(
            f"{plural(len(plan.steps), 'batch', 'batches')}, {lost} of them missed; "
            f"{plural(len(files), 'file')}, {_size([file.size for file in files])}; "
            f"{plural(plan.steps[-1].day, 'day')} at {PER_DAY} batches a day, {plan.today} of them used in the last 24 "
            "hours (batches of other datasets are not counted)"
        )
    else:
        console.line("Nothing has to be ingested again, as far as can be seen.")
    for old, new in plan.replaced.items():
        console.line(f"{old} was ingested again: {new}")
    for old, status in plan.absent.items():
        console.line(
            f"{old} was missed, and is not in the lake: {status or 'AEP does not list it'}", "yellow"
        )
    if plan.suspect:
        console.line(SUSPECT.format(ids=", ".join(plan.suspect)), "yellow")
    for note in plan.notes:
        console.line(note, "yellow")
    if plan.steps:
        console.line("What this rests on:")
        for level, text in EVIDENCE:
            console.line(f"  {level}: {text}", "dim")
        for text in found.measured:
            console.line(f"  {text}", "bold")
        console.line("Nothing was sent. --script prints the calls, --json the plan for a pipeline.")


def _rows(found: Replay) -> list[list[object]]:
    return [
        [
            number,
            step.batch.id,
            step.why,
            timestamp(step.ended),
            len(found.files[step.batch.id]),
            _size([file.size for file in found.files[step.batch.id]]),
            found.file_format(step) or ("?", "yellow"),
            step.day,
        ]
        for number, step in enumerate(found.plan.steps, 1)
    ]


def _size(sizes: list[int | None]) -> str:
    """A sum of bytes for a person; with a plus where one of them is not known."""
    total = float(sum(size or 0 for size in sizes))
    units = ["B", "kB", "MB", "GB", "TB"]
    while total >= 1000 and len(units) > 1:
        total, units = total / 1000, units[1:]
    digits = 0 if units[0] == "B" else 1
    return f"{total:.{digits}f} {units[0]}{'+' if None in sizes else ''}"


def _whole(found: Replay, settings: Settings) -> dict[str, Any]:
    plan = found.plan
    return {
        "dataset": {
            "id": found.observed.id,
            "name": found.observed.name,
            "sandbox": settings.sandbox,
            "holds": "record" if found.record else "time-series",
            "upsert": found.observed.upsert,
        },
        "planned_at": timestamp(found.made),
        "windows": [
            {"from": timestamp(one.opened) if one.opened else "", "to": timestamp(one.closed)}
            for one in found.gap.windows
        ],
        "batches": [_batch(found, step) for step in plan.steps],
        "suspect": list(plan.suspect),
        "replaced": dict(plan.replaced),
        "absent": dict(plan.absent),
        "limit": {
            "batches_a_day": PER_DAY,
            "ended_in_24_hours": plan.today,
            "days": plan.steps[-1].day if plan.steps else 0,
        },
        "notes": list(plan.notes),
        "evidence": [{"level": level, "text": text} for level, text in EVIDENCE],
        "measured": list(found.measured),
    }


def _batch(found: Replay, step: Step) -> dict[str, Any]:
    return {
        "id": step.batch.id,
        "stands_for": step.of,
        "why": step.why,
        "ended": timestamp(step.ended),
        "day": step.day,
        "files": [
            {"id": file.id, "name": file.name, "size": file.size} for file in found.files[step.batch.id]
        ],
        "create": found.order(step),
    }
