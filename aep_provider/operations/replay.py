"""What has to be ingested again into a dataset, with the files and the order of each batch. Only reads AEP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aep_provider.dataset.observed import Observed
from aep_provider.errors import Refused
from aep_provider.operations import replay_plan
from aep_provider.operations.context import Context, describe
from aep_provider.operations.gap_report import LISTED
from aep_provider.operations.kept_windows import not_on_record, noted_window
from aep_provider.operations.location import existing
from aep_provider.operations.measurements import of_replaying
from aep_provider.operations.record import Record
from aep_provider.operations.replay_plan import Gap, Plan, Setting, Step

if TYPE_CHECKING:
    from aep_provider.aep.batches import Batch
    from aep_provider.aep.export import File

FORMATS = {".parquet": "parquet", ".json": "json"}
"""By the end of a file's name, how an order for a batch calls what is in it."""

DOCUMENTED, INFERRED, UNKNOWN = "documented", "inferred", "unknown"

EVIDENCE = (
    (DOCUMENTED, "Nothing backfills what was ingested while Profile was off (Enable upsert)."),
    (
        DOCUMENTED,
        "A batch that is created with replay.predecessors and the reason replace equals deleting the old batch and "
        "ingesting a new one (Batch ingestion API guide, Replay a batch).",
    ),
    (
        DOCUMENTED,
        "Data Access lists the files of a batch, and gives what is in them; its guide calls it deprecated, and names "
        "destinations instead (Data Access API guide).",
    ),
    (
        DOCUMENTED,
        f"A sandbox should get {replay_plan.PER_DAY} Profile and event batches a day, of all datasets together; beyond "
        "that Profile falls behind (Ingestion health checks).",
    ),
    (
        INFERRED,
        "The last write of a record wins, so every batch after a lost one is ingested again; last is what the lake had "
        "last.",
    ),
    (INFERRED, "The files that Data Access gives can be ingested as they are."),
    (
        UNKNOWN,
        "Whether Profile takes batches in the order in which the lake has them; it takes each up to three hours later.",
    ),
    (
        UNKNOWN,
        "How AEP wants the ids of predecessors: the sample of the guide writes ${id}, its description asks for a $ "
        "before ids that a client chose. Here they stand as Catalog has them.",
    ),
    (UNKNOWN, "What becomes of the events in Profile whose batch is replaced."),
    (
        UNKNOWN,
        "What streams into the dataset: it does not come to Profile by these batches, and is not in this plan.",
    ),
)
"""What a plan rests on, with its level."""


@dataclass(frozen=True)
class Replay:
    """What has to be ingested again.

    Attributes:
        title: how messages name the dataset.
        observed: the dataset.
        gap: what Profile missed.
        plan: in which order.
        files: by id of a batch of the plan, what the lake has of it.
        made: when, by the service's clock.
        newest: the batch of the dataset that was created last; what is created after it, the plan does not know.
        measured: what the report of a probe that the settings name says of replay, in sentences.
        record: whether the dataset holds records; False = events.
    """

    title: str
    observed: Observed
    gap: Gap
    plan: Plan
    files: Mapping[str, Sequence[File]]
    made: datetime
    newest: Batch | None
    record: bool
    measured: Sequence[str]

    def file_format(self, step: Step) -> str:
        """The format of a batch by the names of its files: ``parquet``, ``json``, or ``""`` if they do not agree."""
        found = {
            next((name for end, name in FORMATS.items() if file.name.lower().endswith(end)), "")
            for file in self.files[step.batch.id]
        }
        return found.pop() if len(found) == 1 else ""

    def order(self, step: Step) -> dict[str, Any]:
        """The body of `POST /data/foundation/import/batches` that makes the batch to replace a step's."""
        from aep_provider.aep.batches import REPLAY_TAG, Origin

        return {
            "datasetId": self.observed.id,
            "inputFormat": {"format": self.file_format(step)},
            "replay": {"predecessors": [step.batch.id], "reason": "replace"},
            "tags": {REPLAY_TAG: Origin(step.of, step.ended).elements()},
        }


def prepare(
    context: Context,
    dataset_id: str,
    record: Record,
    *,
    with_suspect: bool,
    progress: Callable[[str], None],
) -> Replay:
    """Find out what has to be ingested again.

    Args:
        context: where, and to whom.
        dataset_id: the dataset.
        record: what state has of the resource; empty where no state does.
        with_suspect: whether doubtful batches count as missed.
        progress: told how far it is.

    Raises:
        Refused: no window is known, Profile is off, or the plan is refused.
        ApiError: something could not be read.
    """
    from aep_provider.aep.export import Export

    observed = existing(context, dataset_id)
    title = describe(context, observed)
    if not observed.profile.enabled:
        raise Refused(
            f"{title} is not in Profile, so nothing that is ingested would get there",
            f"Run `pulumi up`, or `aep-provider enable {dataset_id}`, and plan again.",
        )
    now = context.now()
    noted = [
        noted_window(context, observed, one)
        for one in not_on_record(observed.note, record.windows, {record.owner} - {""})
        if one.started is not None
    ]
    windows = replay_plan.windows_of(noted, record.windows)
    if not windows:
        raise Refused(
            f"{title}: no time without Profile is known, neither from its tag pulumiProfileGap nor from a state",
            "Name the stack that manages it: --stack NAME, --cwd DIR.",
        )
    begin = min(one.opened or one.closed for one in windows) - LISTED
    progress("batches")
    batches = context.aep.batches.of_last(dataset_id, now - begin)
    gap = replay_plan.gap_of(windows, record.windows, batches)
    setting = Setting(
        title,
        record=not _holds_events(context, observed),
        upsert=observed.upsert,
        before=_settings_before(observed),
        now=now,
    )
    plan = replay_plan.plan(batches, gap, setting, with_suspect=with_suspect)
    files: dict[str, Sequence[File]] = {}
    ids = [step.batch.id for step in plan.steps]
    export = Export(context.aep.gateway)
    with ThreadPoolExecutor(max_workers=context.settings.parallel) as pool:
        for batch_id, found in zip(ids, pool.map(export.files, ids), strict=True):
            files[batch_id] = found
            progress(f"files of {len(files)} of {len(ids)} batches")
    newest = max(batches, key=lambda batch: batch.created, default=None)
    return Replay(title, observed, gap, plan, files, now, newest, setting.record, of_replaying(context))


def _settings_before(observed: Observed) -> dict[datetime, bool]:
    """Whether upsert was on before each window that the dataset notes, by the time at which that began."""
    noted = observed.note.every if observed.note else ()
    return {one.started: one.upsert for one in noted if one.started is not None and one.upsert is not None}


def _holds_events(context: Context, observed: Observed) -> bool:
    return (
        observed.time_series
        if observed.behaviour
        else context.aep.schemas.get(observed.schema_id).time_series
    )
