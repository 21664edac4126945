"""A dataset is created: the response, what the service adds, and how late it shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from aep_provider.dataset.tags import OWNER_TAG
from aep_provider.probe.belief import Answer
from aep_provider.probe.scratch import CONTENT_TYPE, created, tags_of
from aep_provider.probe.steps.look import judged, listing, needed, patch, until
from aep_provider.probe.steps.step import Lag, Run, Step

PLAIN = "plain"
OWN = {"probeOne": ["a", "b: c", "ä"], "probe/slash": ["1"], "probeColon": ["a:b"]}
"""Tags of the first scratch dataset: order, blanks, other letters and a slash have to stay."""

_VERSION = re.compile(r"\d+\.\d+\.\d+")


def creation(run: Run) -> Iterator[Answer]:
    """One POST, and the first reads of what it made."""
    reply = needed(run.scratch.post(PLAIN, tags=OWN, description="first"), "a dataset could not be created")
    dataset_id = created(reply)
    good = reply.status == 201 and bool(dataset_id)
    yield judged(
        "create-reply",
        good,
        f"{reply.describe()}, the reference of one dataset",
        otherwise=f"{reply.describe()}, with another body",
    )
    location = reply.headers.get("Location", "")
    at_end = location.rpartition("/")[2].lower() == dataset_id and bool(dataset_id)
    yield judged(
        "create-location",
        at_end,
        "Location ends in the id",
        otherwise="Location ends otherwise" if location else "no Location",
    )
    dataset_id = run.scratch.labelled(PLAIN)
    read = until(run, lambda: run.scratch.read(dataset_id), bool)
    run.lags["create"] = read
    name = run.scratch.name(PLAIN)
    by_name = until(run, lambda: listing(run, name=name, limit=100).object(), lambda page: dataset_id in page)
    query = f"{OWNER_TAG}:*"
    by_tag = until(run, lambda: listing(run, tags=query, limit=100).object(), lambda page: dataset_id in page)
    worst = max(by_name, by_tag, key=lambda lag: (not lag.shown, lag.behind))
    yield judged("list-after-create", not worst.late, f"listed {worst.words()}")
    if read.shown:
        yield from _first_read(run, dataset_id, read.last)


def _first_read(run: Run, dataset_id: str, body: dict[str, Any]) -> Iterator[Answer]:
    whole = run.scratch.get(dataset_id).object()
    yield judged(
        "read-wrapped",
        set(whole) == {dataset_id},
        "an object with the id as its only key",
        otherwise="another object",
    )
    tags = tags_of(body)
    kept = all(tags.get(key) == values for key, values in {**OWN, OWNER_TAG: [run.scratch.owner]}.items())
    yield judged("own-tags", kept, "kept byte for byte", otherwise="changed or left out")
    added = [key for key in ("adobe/pqs/table", "adobe/siphon/table/format") if key in tags]
    yield judged("server-tags", len(added) == 2, " and ".join(added), otherwise=f"only {added or 'neither'}")
    fields = {
        "version": isinstance(body.get("version"), str),
        "created in milliseconds": _is_milliseconds(body.get("created")),
        "createdClient": body.get("createdClient") == run.settings.client_id,
        "imsOrg": body.get("imsOrg") == run.settings.org_id,
        "managedBy": _at(body, "classification", "managedBy") == "CUSTOMER",
    }
    missing = ", ".join(name for name, there in fields.items() if not there)
    yield judged("server-fields", not missing, "all there", otherwise=f"missing or other: {missing}")
    behaviour = str(_at(body, "classification", "dataBehavior"))[:20]
    yield judged("data-behaviour", behaviour == "record", f"dataBehavior {behaviour}")
    kind = str(_at(body, "schemaRef", "contentType"))
    same = kind.replace(" ", "") == CONTENT_TYPE
    yield judged("content-type", same, "as written, blanks apart", otherwise="another content type")
    version = str(body.get("version"))
    first = version if _VERSION.fullmatch(version) else "of another form"
    yield judged("first-version", version == "1.0.0", f"version {first}")


def lags(run: Run) -> Iterator[Answer]:
    """Writes, and how late reads, listings and the effect are."""
    dataset_id, name = run.scratch.labelled(PLAIN), run.scratch.name(PLAIN)

    def write(text: str) -> None:
        needed(
            patch(run, dataset_id, [{"op": "replace", "path": "/description", "value": text}]),
            "a write was refused",
        )

    def read() -> Any:
        return run.scratch.read(dataset_id).get("description")

    def listed() -> Any:
        page = listing(run, name=name, properties="name,description", limit=100).object()
        return _at(page, dataset_id, "description")

    write("second")
    reads = until(run, read, lambda found: found == "second")
    write("third")
    lists = until(run, listed, lambda found: found == "third")
    until(run, read, lambda found: found == "third")
    run.figures["read_lag_seconds"] = round(reads.seconds if reads.late else 0.0, 1)
    later = reads.late and lists.late and _together(run, write, read, listed, reads)
    own = {} if later else reads.switch("read_lag")
    yield judged("read-after-write", not reads.late, f"read {reads.words()}", own)
    yield judged(
        "list-after-write",
        not lists.late,
        f"listed {lists.words()}",
        {} if later else lists.switch("list_lag"),
    )
    apart = "at different times" if reads.late and lists.late else "at once, in one of them at least"
    yield judged(
        "effect-at-once",
        not later,
        f"reads and listings show it {apart}",
        reads.switch("write_lag") if later else {},
        "reads and listings show it in the same moment: the effect itself is late",
    )
    bounded = reads.shown and lists.shown
    yield judged("lag-bound", bounded, f"reads {reads.words()}, listings {lists.words()}")
    run.lags["write"] = reads
    first = run.lags["create"]
    # What hides a new dataset may be what hides any write.
    usual = reads.late and (first.paused or first.behind <= reads.behind)
    switch = {} if usual or first.paused else first.switch("create_lag")
    yield judged("read-after-create", not first.late, f"read by id {first.words()}", switch)


def _together(run: Run, write: Any, read: Any, listed: Any, reads: Lag) -> bool:
    """Whether reads and listings show a write in the same moment, so that it is the effect that is late."""
    write("fourth")
    both = until(run, lambda: (read(), listed()), lambda found: "fourth" in found)
    settled = until(run, lambda: (read(), listed()), lambda found: found == ("fourth", "fourth"))
    sooner = both.paused or both.behind < reads.behind
    return both.shown and settled.behind == 0 and sooner


def _at(body: Any, *path: str) -> Any:
    for key in path:
        body = body.get(key) if isinstance(body, dict) else None
    return body


def _is_milliseconds(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 10**12 < value < 10**13


STEPS = (
    Step(
        "Creating a dataset",
        (
            "create-reply",
            "create-location",
            "list-after-create",
            "read-wrapped",
            "own-tags",
            "server-tags",
            "server-fields",
            "data-behaviour",
            "content-type",
            "first-version",
        ),
        creation,
    ),
    Step(
        "How late writes show",
        ("read-after-create", "read-after-write", "list-after-write", "effect-at-once", "lag-bound"),
        lags,
    ),
)
