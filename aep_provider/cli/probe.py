"""``aep-provider probe``: what does this AEP do?"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aep_provider.cli import console, files
from aep_provider.cli.source import Source, takes_settings
from aep_provider.cli.tables import takes_wide
from aep_provider.errors import ApiError
from aep_provider.words import plural

if TYPE_CHECKING:
    from aep_provider.aep import Aep
    from aep_provider.measured import Report
    from aep_provider.probe.cleanup import Left
    from aep_provider.probe.runner import Order, Outcome
    from aep_provider.settings import Settings

WAIT, WAIT_WITH_BATCHES = 60.0, 3 * 3600.0
"""Seconds to wait at most for one thing that lags, unless `--wait` says otherwise."""

_UNITS = {"s": 1, "m": 60, "h": 3600}
_MOST = 24 * 3600.0


def _duration(_ctx: click.Context, _param: click.Parameter, value: str) -> float | None:
    """A time such as ``90s``, ``5m`` or ``3h``, in seconds."""
    if not value:
        return None
    found = re.fullmatch(r"(\d{1,6})([smh]?)", value.strip())
    seconds = float(found[1]) * _UNITS[found[2] or "s"] if found else _MOST + 1
    if seconds > _MOST:
        raise click.BadParameter(f"{value!r} is not a time up to a day, such as 90s, 5m or 3h.")
    return seconds


@click.command()
@click.option(
    "--schema",
    "schema_id",
    default="",
    metavar="ID",
    help="The $id of a schema of record data that is enabled for Profile.",
)
@click.option(
    "--batches", is_flag=True, help="Also ingest some batches of one row each; Profile may take hours."
)
@click.option("--namespace", default="", metavar="CODE", help="With --batches: the identity's namespace.")
@click.option(
    "--identity", default="", metavar="VALUE", help="With --batches: the identity; a marked one by default."
)
@click.option(
    "--wait",
    callback=_duration,
    default="",
    metavar="DURATION",
    help="How long to wait at most for each thing that lags: 90s, 5m, 3h.  [default: 60s; with --batches 3h]",
)
@click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the report to this file, as JSON.",
)
@click.option("--clean", is_flag=True, help="Only delete what an interrupted run left behind.")
@click.option(
    "--explain",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="BELIEF",
    help="Only show a belief: why it is held, what rests on it, how it is asked.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object instead of a table: the report.")
@console.takes_yes
@takes_wide
@takes_settings
def probe(
    source: Source,
    schema_id: str,
    batches: bool,
    namespace: str,
    identity: str,
    wait: float | None,
    report_file: Path | None,
    clean: bool,
    explain: str | None,
    as_json: bool,
    yes: bool,
    wide: bool,
) -> None:
    """Find out what this AEP does, and compare it with what the provider assumes.

    In a sandbox of type development only. It shows what it is about to create, asks, works on datasets of its own,
    and deletes them again; nothing else is written to.

    Exit codes: 0 asked, whatever was seen, and everything deleted again; 1 nothing could be asked, or something is
    left that looks like a scratch dataset; 2 wrong usage; 3 an unexpected error; 130 interrupted, after the deletion.

    \b
    Examples:
      aep-provider probe --schema https://ns.adobe.com/acmeinc/schemas/aabe76f1… --report probe.json
      aep-provider probe --clean
      aep-provider probe --explain read-after-write
    """
    from aep_provider.probe.runner import Order

    if explain is not None:
        _explain(explain, as_json=as_json)
        return
    if not clean and not schema_id:
        raise click.UsageError("Name a schema with --schema, or use --clean or --explain.")
    if (namespace or identity) and not batches:
        raise click.UsageError("--namespace and --identity are for --batches.")
    with console.errors_end_the_command(), _signals_interrupt():
        settings = source.settings()
        if clean:
            _clean(settings, wait or WAIT, as_json=as_json, yes=yes)
            return
        seconds = wait if wait is not None else WAIT_WITH_BATCHES if batches else WAIT
        order = Order(schema_id, seconds, (namespace, identity))
        _probe(settings, order, batches=batches, report_file=report_file, as_json=as_json, yes=yes, wide=wide)


def _probe(
    settings: Settings,
    order: Order,
    *,
    batches: bool,
    report_file: Path | None,
    as_json: bool,
    yes: bool,
    wide: bool,
) -> None:
    from aep_provider.probe import runner
    from aep_provider.probe.beliefs import BELIEFS
    from aep_provider.probe.cleanup import short
    from aep_provider.probe.steps import steps

    if report_file is not None and not report_file.absolute().parent.is_dir():
        raise files.FileFailed(
            f"{report_file} cannot be written: its folder does not exist", "Create it first."
        )
    aep, sandbox_type = _connected(settings), "unknown"
    try:
        sandbox_type = runner.check_sandbox(aep, settings.sandbox).type
        runner.check_schema(aep, order.schema_id)
    except ApiError as error:
        outcome = runner.nothing_asked(BELIEFS, short(error))
        if report_file is not None and report_file.exists():
            report_file = None  # It may be the report of a run that could ask.
        _tell(settings, order, outcome, sandbox_type, batches, report_file, as_json=as_json, wide=wide)
        raise console.Failure(f"Nothing could be asked, and nothing was created. {error}") from error
    steps_of_run = steps(batches=batches)
    _show_what_is_about_to_happen(settings, order, batches=batches)
    console.confirmed(f"Probe sandbox {settings.sandbox}?", yes=yes)
    outcome = runner.run(aep, settings, console.CLOCK, order, steps_of_run, BELIEFS, _say)
    try:
        _tell(settings, order, outcome, sandbox_type, batches, report_file, as_json=as_json, wide=wide)
    finally:
        # Also where the report cannot be printed or written.
        if outcome.left:
            raise console.Failure(_remaining(outcome.left))
    if outcome.stopped:
        raise console.Interrupted(f"{outcome.stopped}; everything that it had created is deleted")


def _show_what_is_about_to_happen(settings: Settings, order: Order, *, batches: bool) -> None:
    from aep_provider.probe.scratch import NAME

    lines = [
        f"In sandbox {settings.sandbox} (type development) the probe",
        f"- creates up to {12 if batches else 11} datasets, whose names begin with {NAME.strip()!r}: most with the "
        "schema that was given,",
        "  one with a schema outside the union and one with a schema for events, if there are such;",
        "- enables some of them for Profile, without any data;",
        "- sends about 150 requests, more while something lags;",
        "- deletes these datasets again, and writes to nothing else.",
    ]
    if batches:
        who = f"identity {order.identity[1]!r}" if order.identity[1] else "an identity that it makes up"
        lines[4:4] = [
            f"- ingests up to six batches of one row about {who};",
            "  record batches cannot be deleted from Profile, so it may keep them for good;",
        ]
    for line in lines:
        console.line(line, err=True)


def _tell(
    settings: Settings,
    order: Order,
    outcome: Outcome,
    sandbox_type: str,
    batches: bool,
    report_file: Path | None,
    *,
    as_json: bool,
    wide: bool,
) -> None:
    """Print the report, and write it to the file."""
    from aep_provider.cli.probe_table import show
    from aep_provider.probe.report import made

    figures: dict[str, float] = {
        **outcome.figures,
        **({"requests": outcome.requests} if outcome.requests else {}),
    }
    report: Report = made(
        settings,
        outcome.answers,
        date=console.CLOCK.now().astimezone(timezone.utc),
        sandbox_type=sandbox_type,
        batches=batches,
        figures=figures,
        leftovers=len(outcome.left),
        secrets=[text for text in (order.schema_id, order.identity[1]) if text],
    )
    if as_json:
        console.as_json(report.as_json())
    else:
        show(report, wide=wide)
    if report_file is not None:
        text = json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n"
        files.write(report_file, text, "Choose another file with --report; the report is printed above.")
        console.line(f"Report: {report_file}", err=True)


def _clean(settings: Settings, wait: float, *, as_json: bool, yes: bool) -> None:
    from aep_provider.probe import runner
    from aep_provider.probe.cleanup import CleanUp
    from aep_provider.probe.scratch import NAME

    aep = _connected(settings)
    runner.check_sandbox(aep, settings.sandbox)
    what = f"every dataset of sandbox {settings.sandbox} that a probe of this credential made"
    console.line("A run of this credential that is under way elsewhere loses its datasets, too.", err=True)
    console.confirmed(f"Delete {what} (name {NAME.strip()!r}…, with the probe's mark)?", yes=yes)
    clean_up = CleanUp(aep, settings.client_id, console.CLOCK, wait=min(wait, WAIT), say=_say)
    deleted, left = clean_up.everything()
    if as_json:
        console.as_json({"deleted": deleted, "left": [{"id": one.id, "why": one.why} for one in left]})
    else:
        console.line(f"{plural(deleted, 'scratch dataset')} deleted")
    if left:
        raise console.Failure(_remaining(left))


def _remaining(left: Any) -> str:
    found: list[Left] = list(left)
    lines = [f"- {one.name!r}{f' ({one.id})' if one.id else ''}: {one.why}" for one in found]
    return "\n".join(
        [
            f"{plural(len(found), 'dataset')} that may be the probe's left:",
            *lines,
            "Run `aep-provider probe --clean` in some minutes. What that leaves is not certainly the probe's: look "
            "at it in AEP.",
        ]
    )


def _explain(wanted: str, *, as_json: bool) -> None:
    from aep_provider.probe.beliefs import BELIEFS

    found = next((one for one in BELIEFS if one.id == wanted), None)
    if found is None:
        known = "\n".join(f"  {one.id}" for one in BELIEFS)
        problem = f"There is no belief {wanted!r}" if wanted else "Name a belief"
        raise click.UsageError(f"{problem}. The beliefs are:\n{known}")
    rows = {
        "belief": found.id,
        "statement": found.statement,
        "evidence": f"{found.level.value}: {found.source}",
        "rests on it": found.rests,
        "if it is false": found.if_false,
        "asked" if found.probed else "not asked": found.how,
        "emulator": f"switch {found.switch}" if found.switch else "",
    }
    told = {title: text for title, text in rows.items() if text}
    if as_json:
        console.as_json({title.replace(" ", "_"): text for title, text in told.items()})
        return
    for title, text in told.items():
        console.line(f"{title:<15} {text}")


def _connected(settings: Settings) -> Aep:
    from aep_provider.aep import connect
    from aep_provider.aep.reads import PlainReads

    return connect(settings, console.CLOCK, PlainReads())


def _say(text: str) -> None:
    # Whatever becomes of the terminal, the run goes on to its clean-up; a broken pipe would end the process here.
    with suppress(OSError, ValueError, SystemExit):
        console.line(text, err=True)


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """End a run that is told to end as Ctrl-C does: with its clean-up."""
    kinds = [kind for name in ("SIGTERM", "SIGHUP") if (kind := getattr(signal, name, None)) is not None]
    before = {kind: signal.signal(kind, signal.default_int_handler) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
