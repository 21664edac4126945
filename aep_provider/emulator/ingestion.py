"""Batch Ingestion (``/data/foundation/import``): create a batch, upload files into it, finish it.

JSON rows are read, Parquet is taken as it is.
"""

from __future__ import annotations

import base64
import secrets
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from aep_provider.emulator import errors
from aep_provider.emulator.call import Call, route
from aep_provider.emulator.catalog import batches, datasets, promotion
from aep_provider.emulator.request_log import parsed
from aep_provider.emulator.store import Json

_BASE = "/data/foundation/import"
_FIELDS = frozenset(
    {
        "datasetId", "inputFormat", "externalId", "replay", "tags", "enableErrorDiagnostics",
        "partialIngestionPercentage",
    }
)  # fmt: skip
_FORMATS = ("json", "parquet", "csv")
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_REPLAY = frozenset({"predecessors", "predecessorsByExternalId", "reason"})
_EMPTY: Json = {
    "code": "106",
    "description": "Dataset file is empty. Please upload file with data.",
    "rows": [],
}
"""Documented: batch troubleshooting."""
_MOVES: dict[str, tuple[tuple[str, ...], Json]] = {
    "ABORT": (("loading",), {"status": "aborted"}),
    "FAIL": (("loading",), {"status": "failed"}),
    # success -> inactive -> deleted: live 2026-08.
    "REVERT": (("success", "active"), batches.DELETED),
}
"""By action: the statuses that it may start from, and what it changes."""
_NOT_LOADING = "The batch is not in a state that allows this"


def routes() -> list[BaseRoute]:
    """Return the routes of the service. ``GET /batches`` is none: 405 (live 2026-08)."""
    one = f"{_BASE}/batches/{{id}}"
    return [
        route("POST", f"{_BASE}/batches", create),
        route("POST", one, signal),
        route("PUT", f"{one}/datasets/{{dataset}}/files/{{path:path}}", upload),
    ]


def create(call: Call) -> Response:
    """``POST /batches`` (spec): 201 and the batch, which is ``loading``."""
    call.expect_query()
    if call.content_type != "application/json":
        raise errors.ingestion(415, "ERR-BI-415", "The content type must be application/json")
    fields = call.json()
    if not isinstance(fields, dict):
        raise errors.ingestion(400, "ERR-BI-400", "The request body must be a JSON object")
    call.expect_fields(fields, _FIELDS)
    dataset_id = fields.get("datasetId")
    if not isinstance(dataset_id, str) or not call.world.store.get(datasets.KIND, dataset_id, call.sandbox):
        raise errors.ingestion(400, "ERR-BI-400", f"The dataset {dataset_id} is not found")
    input_format = fields.get("inputFormat", {"format": "parquet"})
    # The spec writes JSON|Parquet|CSV, documentation and practice write it in lower case.
    name = input_format.get("format") if isinstance(input_format, dict) else None
    if str(name).lower() not in _FORMATS:
        raise errors.ingestion(400, "ERR-BI-400", "inputFormat.format must be json, parquet or csv")
    if not isinstance(fields.get("tags", {}), dict):
        raise errors.ingestion(400, "ERR-BI-400", "tags must be an object")
    replay = {"replay": _replay(call, fields["replay"])} if "replay" in fields else {}
    batch_id = _new_id(call)
    batch = batches.complete(
        call.world,
        call.sandbox,
        {
            "relatedObjects": [{"type": "dataSet", "id": dataset_id}],
            "inputFormat": input_format,
            **replay,
            **{key: fields[key] for key in ("externalId", "tags") if key in fields},
        },
        call.client_id,
    )
    batches.add(call.world, call.sandbox, batch_id, batch)
    return JSONResponse({"id": batch_id, **batches.shown(batch)}, status_code=201)


def upload(call: Call) -> Response:
    """``PUT /batches/{id}/datasets/{dataset}/files/{path}`` (spec): 201, and 200 where it replaces."""
    call.expect_query()
    batch_id, dataset_id = call.path_params["id"], call.path_params["dataset"]
    batch = _found(call)
    if dataset_id not in batches.datasets_of(batch):
        raise errors.ingestion(404, "ERR-BI-404", f"The batch {batch_id} does not go into {dataset_id}")
    if call.content_type != "application/octet-stream":
        raise errors.ingestion(415, "ERR-BI-415", "The content type must be application/octet-stream")
    if batch["status"] != "loading":
        raise errors.ingestion(428, "ERR-BI-104", _NOT_LOADING)
    key = f"{batch_id}/{dataset_id}/{call.path_params['path']}"
    known = call.world.store.get(promotion.FILE, key, call.sandbox) is not None
    rows, flaw = _rows(call.body, batch["inputFormat"])
    body = {
        "batch": batch_id,
        "dataset": dataset_id,
        "size": len(call.body),
        "content": base64.b64encode(call.body).decode(),
        "rows": rows,
        "flaw": flaw,
    }
    call.world.store.put(promotion.FILE, key, body, call.sandbox)
    return Response(status_code=200 if known else 201)


def signal(call: Call) -> Response:
    """``POST /batches/{id}?action=…`` (spec); the documentation also writes the action in lower case."""
    call.expect_query("action")
    action = call.query.get("action", "").upper()
    if action not in ("COMPLETE", *_MOVES):
        raise errors.ingestion(400, "ERR-BI-400", f"action must be COMPLETE, {', '.join(_MOVES)}")
    batch = _found(call)
    change = _completed(call, batch) if action == "COMPLETE" else _moved(action, batch)
    if change:
        batch = batches.change(call.world, call.sandbox, call.path_params["id"], change)
    return JSONResponse({"id": call.path_params["id"], **batches.shown(batch)})


def _replay(call: Call, given: Any) -> Json:
    """Return which batches a new one replaces, by their ids (spec; doc: api-overview, "Replay a batch").

    The spec wants a ``$`` before each id, the documentation's sample has ``${id}``; its reply shows the bare ids.

    Raises:
        Refused: it is not an object with lists of ids.
    """
    if not isinstance(given, dict):
        raise errors.ingestion(400, "ERR-BI-400", "replay must be an object")
    call.expect_fields(given, _REPLAY, "replay.")
    replay = dict(given)
    for name in sorted(_REPLAY - {"reason"} & given.keys()):
        ids = given[name]
        if not isinstance(ids, list) or not all(isinstance(item, str) for item in ids):
            raise errors.ingestion(400, "ERR-BI-400", f"replay.{name} must be an array of strings")
        replay[name] = [item.removeprefix("$").removeprefix("{").removesuffix("}") for item in ids]
    known = call.world.store.all(batches.KIND, call.sandbox)
    wanted = replay.get("predecessorsByExternalId", [])
    found = [key for key, body in known.items() if body.get("externalId") in wanted]
    if found:
        replay["predecessors"] = [*replay.get("predecessors", []), *found]
    # What AEP says of an id that it does not know is not published.
    call.doubt(
        *(f"body:replay.predecessors ({key})" for key in replay.get("predecessors", []) if key not in known)
    )
    return replay


def _completed(call: Call, batch: Json) -> Json:
    """Hand the batch over; its readings then take it to its end. A repetition is harmless (doc)."""
    if batch["status"] != "loading":
        if batch["status"] in ("aborted", "failed", "inactive", "deleted"):
            raise errors.ingestion(428, "ERR-BI-104", _NOT_LOADING)
        return {}
    uploads = promotion.files_of(call.world, call.sandbox, call.path_params["id"])
    flaws = [upload["flaw"] for upload in uploads if upload["flaw"]]
    if not uploads:
        flaws = [_EMPTY]
    change: Json = {"status": "loaded", "started": call.world.clock.millis()}
    if flaws:
        return {**change, batches.SCRIPT: _script(call, "failed"), "errors": flaws}
    return {**change, batches.SCRIPT: _script(call, "success")}


def _moved(action: str, batch: Json) -> Json:
    statuses, change = _MOVES[action]
    if batch["status"] not in statuses:
        # Live for REVERT of an aborted batch; assumed for the others.
        raise errors.ingestion(428, "ERR-BI-104", _NOT_LOADING)
    return change


def _script(call: Call, end: str) -> list[str]:
    """Return the statuses of the readings to come."""
    readings = call.world.settings.batch_readings
    return [*["staged"][:readings], *["processing"] * (readings - 1), end]


def _found(call: Call) -> Json:
    batch = call.world.store.get(batches.KIND, call.path_params["id"], call.sandbox)
    if batch is None:
        raise errors.ingestion(404, "ERR-BI-404", f"The batch {call.path_params['id']} is not found")
    return batch


def _new_id(call: Call) -> str:
    """Return a fresh id in the manner of a ULID: ten characters of time, sixteen of chance."""
    stamp = call.world.clock.millis()
    time = "".join(_LETTERS[stamp >> shift & 31] for shift in range(45, -1, -5))
    return time + "".join(secrets.choice(_LETTERS) for _ in range(16))


def _rows(body: bytes, input_format: Json) -> tuple[list[Json], Json | None]:
    """Return the rows of an upload and what is wrong with it: one JSON object a line, or an array of them."""
    if str(input_format["format"]).lower() != "json":
        return [], None if body else _EMPTY
    try:
        rows, unreadable = _objects(body, input_format.get("isMultiLineJson") is True)
    except ValueError as error:
        return [], _flaw(f"The JSON cannot be read: {error}", [])
    if unreadable:
        return [], _flaw("The row is not a JSON object", unreadable)
    return rows, None if rows else _EMPTY


def _objects(body: bytes, is_array: bool) -> tuple[list[Json], list[int]]:
    """Return the JSON objects of an upload, and the numbers of the rows that are none, from 1.

    Raises:
        ValueError: an array was announced and cannot be read as a whole.
    """
    items: list[Any]
    if is_array:
        given = parsed(body)
        items = given if isinstance(given, list) else [None]
    else:
        items = [_line(line) for line in body.splitlines() if line.strip()]
    unreadable = [number for number, item in enumerate(items, 1) if not isinstance(item, dict)]
    return [item for item in items if isinstance(item, dict)], unreadable


def _line(line: bytes) -> Any:
    try:
        return parsed(line)
    except ValueError:
        return None


def _flaw(description: str, rows: list[int]) -> Json:
    """Return what is wrong with rows that cannot be read; the code, and that rows count from 1, are assumed."""
    return {"code": "200", "description": description, "rows": _ranges(rows)}


def _ranges(numbers: list[int]) -> list[str]:
    """Return numbers as the spec writes them: one alone, or the first and the last with a hyphen between."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
