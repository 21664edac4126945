"""What does not exist, and what is deleted."""

from __future__ import annotations

from collections.abc import Iterator

from aep_provider.probe.belief import Answer
from aep_provider.probe.raw import DATASETS, Reply
from aep_provider.probe.steps.look import judged, needed, until
from aep_provider.probe.steps.step import Run, Step

_NO_SCHEMA = "https://ns.adobe.com/aep-provider-probe/schemas/none"


def missing(run: Run) -> Iterator[Answer]:
    """Reads of what does not exist, and of what cannot be an id."""
    reply = run.raw.send("GET", f"{DATASETS}/{run.nobody}")
    ours = reply.status == 404 and reply.object().get("title") == "NotFoundError"
    yield judged("missing-dataset", ours, reply.describe())
    bad = run.raw.send("GET", f"{DATASETS}/aep-provider-probe")
    yield judged(
        "bad-id",
        400 <= bad.status < 500 and bool(bad.object()),
        f"{bad.describe()}, JSON",
        otherwise=bad.describe(),
    )
    unknown = run.scratch.post("unknown schema", schema_id=_NO_SCHEMA)
    yield judged("unknown-schema", unknown.status == 400, unknown.describe())
    if reply.status != 404:
        return
    gone = run.raw.send("DELETE", f"{DATASETS}/{run.nobody}")
    empty = gone.status == 200 and gone.json() == []
    yield judged(
        "delete-missing",
        gone.status == 404,
        gone.describe(),
        {"missing_delete": "empty200" if empty else "404"} if empty or gone.status == 404 else {},
        f"{gone.describe()}, an empty list" if empty else "",
    )


def deletion(run: Run) -> Iterator[Answer]:
    """One scratch dataset is deleted, and looked at until it is gone."""
    dataset_id = run.scratch.create("deleted")
    until(run, lambda: run.scratch.read(dataset_id), bool)
    reply = needed(run.scratch.send("DELETE", dataset_id), "a dataset could not be deleted")
    good = reply.status == 200 and reply.json() == [f"@/dataSets/{dataset_id}"]
    yield judged(
        "delete-reply",
        good,
        f"{reply.describe()}, the reference of the dataset",
        otherwise=f"{reply.describe()}, with another body",
    )
    gone = until(run, lambda: run.scratch.get(dataset_id), lambda one: one.status == 404)
    write = run.lags.get("write")
    usual = write is not None and write.late and (write.paused or write.behind >= gone.behind)
    yield judged(
        "gone-at-once",
        not gone.late,
        f"missing {gone.words()}",
        gone.switch("delayed_delete") if not usual and not gone.paused else {},
    )
    last: Reply = gone.last
    title = last.object().get("title")
    yield judged("gone-title", last.status == 404 and title == "NotFoundError", last.describe())


STEPS = (
    Step("What does not exist", ("missing-dataset", "bad-id", "unknown-schema", "delete-missing"), missing),
    Step("Deleting a dataset", ("delete-reply", "gone-at-once", "gone-title"), deletion),
)
