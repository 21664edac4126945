"""PATCH in its dialects, versions, and `If-Match`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aep_provider.aep.responses import etag
from aep_provider.aep.transport import Response
from aep_provider.dataset.tags import OWNER_TAG
from aep_provider.probe.belief import Answer, NotAsked
from aep_provider.probe.raw import DATASETS, JSON, Reply
from aep_provider.probe.scratch import tags_of
from aep_provider.probe.steps.datasets import PLAIN
from aep_provider.probe.steps.look import judged, needed, patch, shown
from aep_provider.probe.steps.step import Run, Step

_TABLE = ("adobe/pqs/table", "adobe/siphon/table/format")
_WRITES = 6
"""How many writes in a row show who else writes."""


def json_patch(run: Run) -> Iterator[Answer]:
    """Each operation of JSON Patch on tags of our own."""
    dataset_id = run.scratch.labelled(PLAIN)

    def applied(operations: list[dict[str, Any]], wanted: Mapping[str, list[str] | None]) -> bool:
        reply = patch(run, dataset_id, operations)
        if not reply.ok:
            return False
        try:
            shown(run, dataset_id, lambda body: _holds(tags_of(body), wanted), "a patch")
        except NotAsked:
            return False
        return True

    add = [_op("add", "probeNew", ["1"])]
    reply = needed(patch(run, dataset_id, add), "a JSON Patch was refused")
    body = reply.json()
    good = reply.status == 200 and body == [f"@/dataSets/{dataset_id}"]
    yield judged(
        "patch-reply",
        good,
        f"{reply.describe()}, the reference of the dataset",
        otherwise=f"{reply.describe()}, with another body",
    )
    yield _outcome("patch-add", applied(add, {"probeNew": ["1"]}))
    yield _outcome("patch-add-existing", applied([_op("add", "probeNew", ["2"])], {"probeNew": ["2"]}))
    yield _outcome("patch-replace", applied([_op("replace", "probeNew", ["3"])], {"probeNew": ["3"]}))
    yield _outcome("patch-escape", applied([_op("replace", "probe~1slash", ["2"])], {"probe/slash": ["2"]}))
    yield _outcome("patch-remove", applied([{"op": "remove", "path": "/tags/probeNew"}], {"probeNew": None}))
    yield from _refusals(run, dataset_id)


def _refusals(run: Run, dataset_id: str) -> Iterator[Answer]:
    half = [_op("add", "probeHalf", ["1"]), {"op": "remove", "path": "/tags/probeNowhere"}]
    reply = patch(run, dataset_id, half)
    needed(patch(run, dataset_id, [_op("add", "probeMark", ["1"])]), "a JSON Patch was refused")
    body = shown(run, dataset_id, lambda one: "probeMark" in tags_of(one), "a patch")
    whole = not reply.ok and "probeHalf" not in tags_of(body)
    yield judged(
        "patch-whole",
        whole,
        f"{reply.describe()}, nothing applied",
        otherwise=f"{reply.describe()}, a part of it applied"
        if "probeHalf" in tags_of(body)
        else f"{reply.describe()}",
    )
    operations = [_op("add", "probeMark", ["2"])]
    wrong, none = (patch(run, dataset_id, operations, Content_Type=kind) for kind in (JSON, None))
    seen = f"as application/json {wrong.describe()}, without content type {none.describe()}"
    yield judged("patch-media-type", wrong.status == none.status == 400, seen)


def versions(run: Run) -> Iterator[Answer]:
    """What each write does to the version, and who else writes."""
    dataset_id = run.scratch.labelled(PLAIN)
    before = _settled(run, dataset_id, 0)
    first, users = _number(before), set()
    for index in range(1, _WRITES + 1):
        body = _settled(run, dataset_id, index)
        users.add(body.get("updatedUser"))
    steps = _number(body) - first - _WRITES
    good = steps == 0
    seen = f"{_WRITES} writes raised it by {_number(body) - first}"
    yield judged("version-steps", good or (steps > 0 and len(users) > 1), seen)
    every = {"background_every": max(_WRITES // steps, 1)} if steps > 0 else {}
    yield judged(
        "background-writes",
        steps <= 0,
        "nobody else wrote",
        every,
        f"{steps} writes of somebody else in {_WRITES} of ours",
    )


def if_match(run: Run) -> Iterator[Answer]:
    """Writes for a version that is there, and for one that is not."""
    dataset_id = run.scratch.labelled(PLAIN)
    _settled(run, dataset_id, 0)
    old = _etag(needed(run.scratch.get(dataset_id), "a read failed"))
    yield judged("etag", bool(old), "the response to a read has a version", otherwise="no ETag, and no E-Tag")
    # Without one the form that the documentation names is tried: the version itself.
    old = old or str(run.scratch.read(dataset_id).get("version"))
    for attempt in range(3):
        current = patch(run, dataset_id, [_op("add", "probeMatch", [str(attempt)])], If_Match=old)
        if current.status != 412:
            break
        # A service of Adobe's may have written in between.
        old = _etag(run.scratch.get(dataset_id)) or old
    yield judged("if-match-current", current.ok, f"the version that is there: {current.describe()}")
    _settled(run, dataset_id, 1)
    stale = patch(run, dataset_id, [_op("add", "probeMatch", ["stale"])], If_Match=old)
    yield judged(
        "if-match-stale",
        stale.status == 412,
        f"an old version: {stale.describe()}",
        {"if_match": stale.status == 412},
    )


def fields(run: Run) -> Iterator[Answer]:
    """The other dialect: a PATCH of whole fields."""
    dataset_id = run.scratch.labelled(PLAIN)
    before = tags_of(run.scratch.read(dataset_id))
    # What the service needs, and what tells the dataset to be ours, goes along.
    kept = {key: before[key] for key in (*_TABLE, OWNER_TAG) if key in before}
    tags = {**kept, OWNER_TAG: [run.scratch.owner], "probeMerged": ["1"]}
    reply = run.scratch.send("PATCH", dataset_id, {"tags": tags})
    if reply.ok:
        body = shown(run, dataset_id, lambda one: "probeMerged" in tags_of(one), "a PATCH of fields")
        yield judged(
            "merge-tags",
            "probeOne" not in tags_of(body),
            "the other tags are gone",
            otherwise="the other tags are still there",
        )
    else:
        yield judged("merge-tags", False, f"refused: {reply.describe()}")


def properties(run: Run) -> Iterator[Answer]:
    """A read of chosen properties: one that is empty, and two that are not there."""
    empty = _projected(run, {"op": "add", "path": "/description", "value": ""})
    found = _projected(run, {"op": "remove", "path": "/description"})
    good = "name" in found and found.keys() <= {"name", "description", "probeNothing"}
    seen = "only what was asked for"
    yield judged("projection", good, seen, otherwise="other properties as well, or no name")
    kinds = [_form(body, "description") for body in (empty, found)]
    setting = "missing_too" if kinds[1] == "{}" else "object" if kinds[0] == "{}" else "stored"
    words = f"an empty one is {kinds[0]}, a missing one {kinds[1]}"
    yield judged("valueless-property", setting == "object", words, {"empty_properties": setting})


def _projected(run: Run, operation: dict[str, Any]) -> dict[str, Any]:
    """What a read of three properties shows after an operation."""
    dataset_id = run.scratch.labelled(PLAIN)
    run.marks += 1
    value = [f"properties-{run.marks}"]
    reply = patch(run, dataset_id, [operation, _op("add", "probeMark", value)])
    needed(reply, "a description could not be emptied")
    shown(run, dataset_id, lambda body: tags_of(body).get("probeMark") == value, "a patch")
    query = {"properties": "name,description,probeNothing"}
    reply = needed(run.raw.send("GET", f"{DATASETS}/{dataset_id}", query=query), "a read was refused")
    found = reply.object().get(dataset_id)
    return found if isinstance(found, dict) else {}


def _form(body: Mapping[str, Any], key: str) -> str:
    if key not in body:
        return "left out"
    return "{}" if body[key] == {} else "shown as it is"


def several(run: Run) -> Iterator[Answer]:
    """Two datasets in one read, and one of them missing."""
    one = run.scratch.labelled(PLAIN)
    other = run.scratch.create("second")
    shown(run, other, bool, "a new dataset")
    reply = run.raw.send("GET", f"{DATASETS}/{one},{other}")
    yield judged(
        "several-ids",
        reply.ok and set(reply.object()) == {one, other},
        "both",
        otherwise=f"{reply.describe()}, not both",
    )
    missing = run.raw.send("GET", f"{DATASETS}/{one},{run.nobody}")
    yield judged(
        "several-missing",
        missing.ok and set(missing.object()) == {one},
        "the missing one is left out",
        otherwise=missing.describe(),
    )


def _settled(run: Run, dataset_id: str, mark: int) -> dict[str, Any]:
    """Write a mark of its own and read until it shows: what came before has taken effect then too."""
    run.marks += 1
    value = [f"{mark}-{run.marks}"]
    needed(patch(run, dataset_id, [_op("add", "probeMark", value)]), "a JSON Patch was refused")
    return shown(run, dataset_id, lambda body: tags_of(body).get("probeMark") == value, "a patch")


def _number(body: Mapping[str, Any]) -> int:
    last = str(body.get("version")).rpartition(".")[2]
    if not last.isdecimal():
        raise NotAsked("the version is not a number with dots")
    return int(last)


def _etag(reply: Reply) -> str:
    return etag(Response("", reply.status, reply.headers, b""))


def _op(op: str, key: str, values: list[str]) -> dict[str, Any]:
    return {"op": op, "path": f"/tags/{key}", "value": values}


def _holds(tags: Mapping[str, list[Any]], wanted: Mapping[str, list[str] | None]) -> bool:
    return all(tags.get(key) == values for key, values in wanted.items())


def _outcome(belief: str, good: bool) -> Answer:
    return judged(belief, good, "applied", otherwise="refused, or without effect")


STEPS = (
    Step(
        "JSON Patch",
        (
            "patch-reply",
            "patch-add",
            "patch-add-existing",
            "patch-replace",
            "patch-escape",
            "patch-remove",
            "patch-whole",
            "patch-media-type",
        ),
        json_patch,
    ),
    Step("Versions", ("version-steps", "background-writes"), versions),
    Step("If-Match", ("etag", "if-match-current", "if-match-stale"), if_match),
    Step("PATCH of whole fields", ("merge-tags",), fields),
    Step("Chosen properties", ("projection", "valueless-property"), properties),
    Step("Several datasets in one read", ("several-ids", "several-missing"), several),
)
