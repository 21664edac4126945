"""What a finished batch does to the Profile store: the reason why the two tags of a dataset matter.

A batch is judged once, at the moment of its promotion. What was promoted while Profile was off never gets
there (doc: enable-upsert, and profile/troubleshooting: nothing is backfilled).
"""

from __future__ import annotations

from aep_provider.emulator.catalog import datasets, fragments, profile, windows
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

FILE = "file"
REACHED = "_profile"
"""What of a batch reached Profile, by dataset; the status page shows it, clients never see it."""


def files_of(world: World, sandbox: str, batch_id: str) -> list[Json]:
    """Return what was uploaded into a batch, in the order of the uploads."""
    return [body for body in world.store.all(FILE, sandbox).values() if body["batch"] == batch_id]


def promote(world: World, sandbox: str, batch_id: str, batch: Json, targets: list[str]) -> None:
    """Send a batch's rows to Profile, as far as the datasets' tags say so at this moment.

    Args:
        batch: the batch as it will be; its counts are filled in.
        targets: the datasets that it goes into.
    """
    uploads = files_of(world, sandbox, batch_id)
    reached: Json = {}
    for dataset_id in dict.fromkeys(targets):
        dataset = world.store.get(datasets.KIND, dataset_id, sandbox)
        if dataset is None:
            continue
        state = profile.state(dataset)
        if world.settings.granular_flags == "honoured" and profile.is_flagged_off(dataset):
            state = profile.state(None)
        # Two changes may fall into one millisecond: the number of the window says what the time cannot.
        window = len(windows.changes(world, sandbox, dataset_id, dataset)) - 1
        told: Json = {**state, "window": window, "rows": 0, "without_identity": 0}
        rows = [row for upload in uploads if upload["dataset"] == dataset_id for row in upload["rows"]]
        for number, row in enumerate(rows if state["enabled"] else []):
            taken = fragments.ingest(world, sandbox, dataset_id, dataset, f"{batch_id}|{number}", row)
            told["rows" if taken else "without_identity"] += 1
        reached[dataset_id] = told
    batch[REACHED] = reached
    if uploads:
        count = sum(len(upload["rows"]) for upload in uploads)
        size = sum(upload["size"] for upload in uploads)
        counts = {"inputRecordCount": count, "outputRecordCount": count, "failedRecordCount": 0}
        batch["metrics"] = {**counts, "inputFileCount": len(uploads), "inputByteSize": size}
        batch.update(recordCount=count, failedRecordCount=0, size=size)
