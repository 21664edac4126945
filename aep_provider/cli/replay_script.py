"""A plan as a shell script of the calls that Adobe documents, for whoever ingests again by hand."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from hashlib import sha256
from importlib import resources
from urllib.parse import quote

from aep_provider.cli.console import printable
from aep_provider.dataset.tags import timestamp
from aep_provider.errors import Refused
from aep_provider.operations.replay import EVIDENCE, Replay
from aep_provider.operations.replay_plan import Step
from aep_provider.settings import Settings
from aep_provider.words import plural

LARGEST = 256 * 1024 * 1024
"""Bytes of a file that Batch Ingestion takes in one piece (its description of the upload)."""

EXITS = (
    "Exit codes: 0 everything is ingested again; 1 stopped at a failure; 3 other batches came in: make a new plan,",
    "which holds those and what is left; 4 the share of a day is done: run it again tomorrow.",
)


def script(replay: Replay, settings: Settings) -> str:
    """The script.

    Args:
        replay: what has to be ingested again.
        settings: where, and as whom; nothing secret of them is written.

    Raises:
        Refused: a batch cannot be ingested again by these calls.
    """
    _check(replay)
    return "\n".join(
        (
            "#!/bin/sh",
            *_head(replay, settings),
            "",
            (resources.files("aep_provider.cli") / "replay.sh").read_text(encoding="utf-8"),
            "# ---- the plan, oldest first " + "-" * 91,
            *_steps(replay),
            "",
            *_end(replay),
            "",
        )
    )


def _check(replay: Replay) -> None:
    for step in replay.plan.steps:
        files = replay.files[step.batch.id]
        large = [file.name for file in files if file.size is not None and file.size > LARGEST]
        why = ""
        if not files:
            why = "Data Access lists no file of it"
        elif not replay.file_format(step):
            why = f"its files are not all Parquet, nor all JSON, by their names: {files[0].name}, …"
        elif large:
            why = f"a script uploads a file in one piece, of 256 MB at most: {large[0]}"
        if why:
            raise Refused(
                f"{replay.title}: batch {step.batch.id} cannot be ingested again by a script: {why}",
                "--json has the whole plan, for a pipeline of your own; no batch may be left out: docs/replay.md.",
            )


def _head(replay: Replay, settings: Settings) -> Iterator[str]:
    """What it is, and what it works with."""
    steps = replay.plan.steps
    made = timestamp(replay.made)
    yield f"# {printable(replay.title)}: ingests {plural(len(steps), 'batch', 'batches')} again, oldest first."
    yield f"# Made by `aep-provider replay --script` at {made}. It holds no secret, and reads of the environment:"
    yield "#   AEP_ACCESS_TOKEN, or AEP_CLIENT_SECRET; AEP_REPLAY_POLL, AEP_REPLAY_PAUSE: seconds."
    yield "# Stop what writes into the dataset first. It stops at the first failure; run again in the same folder, it"
    yield "# goes on there. Each batch takes the place of one, which then leaves the lake."
    yield from (f"# {line}" for line in EXITS)
    yield "# It needs curl 7.76 or later, and jq 1.6 or later."
    yield "#"
    yield "# What it rests on:"
    yield from (f"#   {level}: {text}" for level, text in EVIDENCE)
    yield from (f"#   {printable(text)}" for text in replay.measured)
    yield from (f"# Note: {note}" for note in replay.plan.notes)
    yield "set -eu"
    yield ""
    values = {
        "endpoint": settings.endpoint,
        "ims_endpoint": settings.ims_endpoint,
        "client_id": settings.client_id,
        "scopes": settings.scopes,
        "organisation": settings.org_id,
        "sandbox": settings.sandbox,
        "dataset": replay.observed.id,
        "total": str(len(steps)),
        "newest": replay.newest.id if replay.newest else "",
        "after": str(int(replay.newest.created.timestamp() * 1000) if replay.newest else 0),
        "ordered": "no" if _events(replay) else "yes",
        "work": f"replay-{replay.observed.id}-{replay.made:%Y%m%dT%H%M%S}-{_plan_hash(replay, settings)}",
    }
    yield from (f"{name}={shlex.quote(value)}" for name, value in values.items())


def _plan_hash(replay: Replay, settings: Settings) -> str:
    """Tells plans of one second apart: in the folder of another plan, batches would count as done that are not."""
    ids = [step.batch.id for step in replay.plan.steps]
    return sha256(json.dumps([settings.org_id, settings.sandbox, *ids]).encode()).hexdigest()[:8]


def _steps(replay: Replay) -> Iterator[str]:
    day = 1
    for number, step in enumerate(replay.plan.steps, 1):
        if step.day != day:
            day = step.day
            yield f"\nnext_day {number}"
        yield from _step(replay, number, step)


def _step(replay: Replay, number: int, step: Step) -> Iterator[str]:
    files = replay.files[step.batch.id]
    names = [f"{place}.{replay.file_format(step)}" for place in range(1, len(files) + 1)]
    yield ""
    yield f"# {printable(step.of)}: {step.why}, ended {timestamp(step.ended)}"
    yield f"if todo {number} {shlex.quote(step.batch.id)}; then"
    for file, name in zip(files, names, strict=True):
        size = "-" if file.size is None else str(file.size)
        words = (quote(file.id, safe=""), quote(file.name, safe=""), name, size)
        yield f"  download {shlex.join(words)} # {printable(file.name)}"
    yield f"  create {shlex.quote(json.dumps(replay.order(step)))}"
    yield from (f"  upload {name}" for name in names)
    yield "  finish"
    yield "fi"


def _end(replay: Replay) -> Iterator[str]:
    yield "doing='after the last batch'"
    if not _events(replay):
        yield "others"
        yield 'if [ -s "$work/others" ]; then'
        yield '  cat "$work/others" >&2'
        yield "  say 'These batches came in between, and older ones were ingested after them: make a new plan.'"
        yield "  exit 3"
        yield "fi"
    yield 'say "Done: $total of $total. Profile takes them within some hours."'


def _events(replay: Replay) -> bool:
    return not replay.record
