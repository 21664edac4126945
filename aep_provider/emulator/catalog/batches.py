"""The calls on ``/batches`` and ``/lastBatches``: reading only. Batch Ingestion makes and moves them."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from starlette.responses import JSONResponse, Response

from aep_provider.emulator import errors, filters
from aep_provider.emulator.call import Call
from aep_provider.emulator.catalog import dataset as model
from aep_provider.emulator.catalog import fragments, lag, promotion
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

KIND = lag.BATCH
SCRIPT = "_script"
"""A seeded batch may hold the statuses that its next readings show, one each; clients never see the list."""

DELETED: Json = {"status": "inactive", SCRIPT: ["deleted"]}
"""What becomes of a batch that is deleted by ``REVERT`` or replaced: first inactive, later deleted (doc, live)."""

_SUB = "sub_batch"
"""By the id of a batch that Profile made of another one: until when it is ``loaded``."""

ENDED = frozenset(
    {
        "success",
        "active",
        "failed",
        "failure",
        "aborted",
        "abandoned",
        "inactive",
        "deleted",
        "archived",
        "retained",
    }
)
_SUCCEEDED = ("success", "active")
_FAILED = ("failed", "failure")
_SIMPLE = (
    "created", "createdClient", "createdUser", "updated", "updatedUser", "version", "recordCount",
    "failedRecordCount", "size", "started", "completed", "externalId",
)  # fmt: skip
_KNOWN = ("limit", "start", "orderBy", "property", "properties", "tags", "dataSet", "status", "batch")
_PERIODS = {
    "createdAfter": "created>",
    "createdBefore": "created<",
    "startAfter": "availableDates.startDate>",
    "startBefore": "availableDates.startDate<",
    "endAfter": "availableDates.endDate>",
    "endBefore": "availableDates.endDate<",
}
"""What the filters by time compare (spec)."""

_LAST = (
    "lastBatchId", "lastBatchStatus", "lastSuccessfulBatchId", "lastFailedBatchId", "created", "updated",
)  # fmt: skip
"""What of a last batch can be filtered (spec)."""


def list_all(call: Call) -> Response:
    """``GET /batches`` (spec): an object keyed by id."""
    call.expect_query(*_KNOWN, *_PERIODS, *_SIMPLE)
    query, world = call.query, call.world
    limit, start = filters.page_bounds(query.get("limit"), query.get("start"))
    tests = [filters.expression(text) for text in query.getlist("property")]
    tests += [filters.tags(text) for text in query.getlist("tags")]
    tests += [filters.simple(name, text) for name, text in query.multi_items() if name in _SIMPLE]
    if "dataSet" in query:
        wanted = query["dataSet"].split(",")
        tests.append(lambda body: any(key in wanted for key in datasets_of(body)))
    for name, comparison in _PERIODS.items():
        if name in query:
            moment = filters.millis(name, query[name])
            tests.append(filters.expression(f"{comparison}{moment}", dotted=True))
    ids = query["batch"].split(",") if "batch" in query else None

    def selected(rows: Iterable[filters.Row]) -> list[filters.Row]:
        return filters.keep((row for row in rows if ids is None or row[0] in ids), tests)

    if start == 0:
        # One listing is one reading, however many pages it takes.
        for batch_id, _ in selected(world.store.all(KIND, call.sandbox).items()):
            advance(world, call.sandbox, batch_id)
    rows = selected(lag.listed(world, KIND, call.sandbox))
    if "status" in query:
        rows = filters.keep(rows, [filters.simple("status", query["status"])])
    if "orderBy" in query:
        rows = filters.order(rows, query["orderBy"])
    properties = query.get("properties")
    page = filters.page(rows, start, limit, world.settings.page_cap)
    return JSONResponse({batch_id: filters.project(shown(body), properties) for batch_id, body in page})


def look_up(call: Call) -> Response:
    """``GET /batches/{id}`` (spec) and ``/batches/{id1},{id2}`` (doc: look-up-multiple-objects).

    The reply is keyed by id, also for one. One missing id is a 404; of several, those that are missing are left
    out (assumed).
    """
    call.expect_query("properties", "aggregate")
    wanted = call.path_params["ids"].split(",")
    found = {batch_id: body for batch_id in wanted if (body := _read(call, batch_id)) is not None}
    if not found and len(wanted) == 1:
        raise errors.catalog(404, "NotFoundError", "Batch not found.")
    properties = call.query.get("properties")
    return JSONResponse({key: filters.project(shown(body), properties) for key, body in found.items()})


def last(call: Call) -> Response:
    """``GET /lastBatches?dataSetId=a,b`` (spec): the newest batch of each dataset."""
    query = call.query
    call.expect_query("dataSetId", "limit", "start", "orderBy", "properties", *_LAST)
    limit, start = filters.page_bounds(query.get("limit"), query.get("start"))
    wanted = query["dataSetId"].split(",") if "dataSetId" in query else None
    batches: dict[str, list[filters.Row]] = {}
    for key, body in sorted(lag.listed(call.world, KIND, call.sandbox), key=_created):
        for dataset_id in datasets_of(body):
            if wanted is None or dataset_id in wanted:
                batches.setdefault(dataset_id, []).append((key, body))
    rows = [(dataset_id, _last_of(found)) for dataset_id, found in batches.items()]
    tests = [filters.simple(name, text) for name, text in query.multi_items() if name in _LAST]
    rows = filters.keep(rows, tests)
    if "orderBy" in query:
        rows = filters.order(rows, query["orderBy"])
    page = rows[start : start + limit]
    return JSONResponse({key: filters.project(body, query.get("properties")) for key, body in page})


def datasets_of(batch: Json) -> list[str]:
    """Return the ids of the datasets that a batch goes into."""
    related = batch.get("relatedObjects", [])
    return [str(item.get("id")) for item in related if item.get("type") == "dataSet"]


def advance(world: World, sandbox: str, batch_id: str) -> Json:
    """Take the next step of a batch's script, if it has one, and return the batch."""
    batch = world.store.all(KIND, sandbox)[batch_id]
    script = batch.get(SCRIPT)
    if not script:
        return batch
    return change(world, sandbox, batch_id, {"status": script[0], SCRIPT: script[1:]})


def finish(world: World, sandbox: str) -> int:
    """Take every batch that has a script to the end of it; return how many."""
    scripted = [key for key, batch in world.store.all(KIND, sandbox).items() if batch.get(SCRIPT)]
    for batch_id in scripted:
        while world.store.all(KIND, sandbox)[batch_id][SCRIPT]:
            advance(world, sandbox, batch_id)
    return len(scripted)


def change(world: World, sandbox: str, batch_id: str, values: Json) -> Json:
    """Set fields of a batch, with the version and the times that follow; success promotes it, once."""
    with world.store.transaction():
        return _change(world, sandbox, batch_id, values)


def add(world: World, sandbox: str, batch_id: str, batch: Json) -> None:
    """Store a new batch."""
    lag.remember(world, KIND, sandbox, batch_id)
    world.store.put(KIND, batch_id, batch, sandbox)


def settle(world: World) -> None:
    """End the batches that Profile made of others, when their time has come."""
    for sandbox in list(world.store.all("sandbox")):
        for batch_id, body in list(world.store.all(_SUB, sandbox).items()):
            if world.clock.seconds() >= body["until"]:
                world.store.delete(_SUB, batch_id, sandbox)
                change(world, sandbox, batch_id, {"status": "success"})


def _read(call: Call, batch_id: str) -> Json | None:
    """Return a batch as a read by id shows it; each reading takes its script one step further."""
    if call.world.store.get(KIND, batch_id, call.sandbox) is not None:
        advance(call.world, call.sandbox, batch_id)
    return lag.read(call.world, KIND, call.sandbox, batch_id)


def _change(world: World, sandbox: str, batch_id: str, values: Json) -> Json:
    before = world.store.all(KIND, sandbox)[batch_id]
    batch = deepcopy(before)
    moved = "status" in values and values["status"] != batch.get("status")
    batch.update(values)
    promoted = moved and batch["status"] in _SUCCEEDED and promotion.REACHED not in before
    if moved:
        model.touch(world, batch, str(batch.get("updatedUser", "")))
        if batch["status"] in ENDED:
            batch["completed"] = batch["updated"]
        if batch["status"] == DELETED["status"] and world.settings.profile_on_revert == "remove":
            fragments.forget_events(world, sandbox, batch_id)
    if promoted:
        promotion.promote(world, sandbox, batch_id, batch, datasets_of(batch))
    lag.remember(world, KIND, sandbox, batch_id)
    world.store.put(KIND, batch_id, batch, sandbox)
    if promoted:
        _replace_predecessors(world, sandbox, batch)
        _add_sub_batches(world, sandbox, batch_id, batch)
    return batch


def _replace_predecessors(world: World, sandbox: str, batch: Json) -> None:
    """Delete the batches that a promoted one replaces (doc: api-overview, "Replay a batch").

    The page says that a replay equals deleting the old batch and ingesting a new one; that the old one stays
    until the new one has succeeded is assumed.
    """
    named = (batch.get("replay") or {}).get("predecessors")
    for old in named if isinstance(named, list) else []:
        body = world.store.get(KIND, str(old), sandbox)
        if body is not None and body.get("status") in _SUCCEEDED:
            _change(world, sandbox, str(old), DELETED)


def _add_sub_batches(world: World, sandbox: str, batch_id: str, batch: Json) -> None:
    """Add the batches that Profile makes of one (live notes of a third party), if the settings say so."""
    seconds = world.settings.sub_batch_seconds
    taken = [dataset_id for dataset_id, told in batch[promotion.REACHED].items() if told["enabled"]]
    for dataset_id in taken if seconds else []:
        sandbox_id = (world.store.get("sandbox", sandbox) or {}).get("id", "")
        sub_id = f"{batch_id}-{batch.get('imsOrg', '')}-{sandbox_id}-{dataset_id}-INGEST"
        related = [{"type": "dataSet", "id": dataset_id}, {"type": "batch", "id": batch_id}]
        # Nothing of it goes to Profile a second time.
        fields: Json = {"status": "loaded", "relatedObjects": related, promotion.REACHED: {}}
        add(world, sandbox, sub_id, complete(world, sandbox, fields, str(batch.get("createdClient", ""))))
        world.store.put(_SUB, sub_id, {"until": world.clock.seconds() + seconds}, sandbox)


def complete(world: World, sandbox: str, fields: Json, client_id: str) -> Json:
    """Return a batch with everything that Catalog adds; ``fields`` win."""
    now = world.clock.millis()
    user = f"{client_id}@techacct.adobe.com"
    server: dict[str, Any] = {
        "imsOrg": model.org_of(world, client_id),
        "sandboxId": (world.store.get("sandbox", sandbox) or {}).get("id", ""),
        "created": now,
        "createdClient": client_id,
        "createdUser": user,
        "updatedUser": user,
        "updated": now,
        "status": "loading",
        "version": "1.0.0",
        "availableDates": {},
        "relatedObjects": [],
        "metrics": {},
        "tags": {},
        "inputFormat": {"format": "parquet"},
    }
    return {**server, **fields}


def _created(row: filters.Row) -> int:
    return int(row[1]["created"])


def _last_of(rows: list[tuple[str, Json]]) -> Json:
    batch_id, batch = rows[-1]
    successful = [key for key, body in rows if body.get("status") in _SUCCEEDED]
    failed = [key for key, body in rows if body.get("status") in _FAILED]
    found = {
        "lastBatchId": batch_id,
        "lastBatchStatus": batch.get("status"),
        "lastSuccessfulBatchId": successful[-1] if successful else None,
        "lastFailedBatchId": failed[-1] if failed else None,
    }
    same: Json = {
        name: batch[name] for name in ("imsOrg", "sandboxId", "created", "updated") if name in batch
    }
    return {**{name: value for name, value in found.items() if value is not None}, **same}


def shown(batch: Json) -> Json:
    """Return a batch as clients see it."""
    return {name: value for name, value in batch.items() if not name.startswith("_")}
