"""The calls on ``/batches`` and ``/lastBatches``: reading only. Batch Ingestion makes and moves them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from starlette.responses import JSONResponse, Response

from aep_provider.emulator import errors, filters
from aep_provider.emulator.call import Call
from aep_provider.emulator.catalog import dataset as model
from aep_provider.emulator.catalog import promotion
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

KIND = "batch"
SCRIPT = "_script"
"""A seeded batch may hold the statuses that its next readings show, one each; clients never see the list."""

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
    query, store = call.query, call.world.store
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
    if "batch" in query:
        ids = query["batch"].split(",")
        rows = filters.keep(
            ((key, body) for key, body in store.all(KIND, call.sandbox).items() if key in ids), tests
        )
    else:
        rows = filters.keep(store.all(KIND, call.sandbox).items(), tests)
    if start == 0:
        # One listing is one reading, however many pages it takes.
        rows = [(batch_id, advance(call.world, call.sandbox, batch_id)) for batch_id, _ in rows]
    if "status" in query:
        rows = filters.keep(rows, [filters.simple("status", query["status"])])
    if "orderBy" in query:
        rows = filters.order(rows, query["orderBy"])
    properties = query.get("properties")
    page = filters.page(rows, start, limit, call.world.settings.page_cap)
    return JSONResponse({batch_id: filters.project(shown(body), properties) for batch_id, body in page})


def look_up(call: Call) -> Response:
    """``GET /batches/{id}`` (spec): wrapped in its id."""
    call.expect_query("properties", "aggregate")
    batch_id = call.path_params["id"]
    if call.world.store.get(KIND, batch_id, call.sandbox) is None:
        raise errors.catalog(404, "NotFoundError", "Batch not found.")
    body = shown(advance(call.world, call.sandbox, batch_id))
    return JSONResponse({batch_id: filters.project(body, call.query.get("properties"))})


def last(call: Call) -> Response:
    """``GET /lastBatches?dataSetId=a,b`` (spec): the newest batch of each dataset."""
    query = call.query
    call.expect_query("dataSetId", "limit", "start", "orderBy", "properties", *_LAST)
    limit, start = filters.page_bounds(query.get("limit"), query.get("start"))
    wanted = query["dataSetId"].split(",") if "dataSetId" in query else None
    batches: dict[str, list[filters.Row]] = {}
    for key, body in sorted(call.world.store.all(KIND, call.sandbox).items(), key=_created):
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
    before = world.store.all(KIND, sandbox)[batch_id]
    batch = deepcopy(before)
    moved = "status" in values and values["status"] != batch.get("status")
    batch.update(values)
    with world.store.transaction():
        if moved:
            model.touch(world, batch, str(batch.get("updatedUser", "")))
            if batch["status"] in ENDED:
                batch["completed"] = batch["updated"]
            if batch["status"] in _SUCCEEDED and promotion.REACHED not in before:
                promotion.promote(world, sandbox, batch_id, batch, datasets_of(batch))
        world.store.put(KIND, batch_id, batch, sandbox)
    return batch


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
