"""Data Access (``/data/foundation/export``): the files of a batch, and what is in them.

Adobe's description of this service is *Data Access API*; its documentation is data-access/api and
data-access/tutorials/dataset-data. What is given back is what was uploaded: nothing is converted to Parquet.
"""

from __future__ import annotations

import base64
import re
from urllib.parse import quote, urlencode

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from aep_provider.emulator import errors
from aep_provider.emulator.call import Call, route
from aep_provider.emulator.catalog import batches, datasets, promotion
from aep_provider.emulator.store import Json

_BASE = "/data/foundation/export"
_MOST = 100
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})")
_SUCCEEDED = ("success", "active")
_FAILED = ("failed", "failure")
_Files = list[tuple[str, Json]]
"""Name and upload of each file of a batch, in the order of the uploads."""


def routes() -> list[BaseRoute]:
    """Return the routes of the service."""
    return [
        route("GET", f"{_BASE}/batches/{{id}}/files", list_files),
        route("GET", f"{_BASE}/batches/{{id}}/failed", failed),
        route("GET", f"{_BASE}/files/{{id}}", file),
    ]


def list_files(call: Call) -> Response:
    """``GET /batches/{id}/files`` (spec): the files of a batch that succeeded; none of another (assumed)."""
    call.expect_query("start", "limit")
    batch_id, batch = call.path_params["id"], _batch(call)
    found = _files(call, batch_id) if batch.get("status") in _SUCCEEDED else []
    entries = [
        {
            "dataSetFileId": file_id,
            "dataSetViewId": _view(call, upload["dataset"]),
            "version": "1.0.0",
            "created": str(batch.get("completed", batch["created"])),
            "updated": str(batch.get("completed", batch["created"])),
            "records": str(len(upload["rows"])),
            "size": str(upload["size"]),
            "isValid": True,
            "_links": {"self": {"href": f"{_origin(call)}{_BASE}/files/{file_id}"}},
        }
        for file_id, (_, upload) in _numbered(batch_id, found)
    ]
    return _page(call, entries)


def failed(call: Call) -> Response:
    """``GET /batches/{id}/failed`` (spec): the files of a batch that failed, or one of them by ``path``."""
    call.expect_query("start", "limit", "path")
    batch_id = call.path_params["id"]
    found = _files(call, batch_id) if _batch(call).get("status") in _FAILED else []
    if "path" in call.query:
        return _contents(call, found)
    return _page(call, _entries(call, f"{_BASE}/batches/{quote(batch_id, safe='')}/failed", found))


def file(call: Call) -> Response:
    """``GET /files/{id}`` (spec): name, size and link of a file; what is in it, or a part of it, by ``path``."""
    call.expect_query("start", "limit", "path")
    file_id = call.path_params["id"]
    batch_id = file_id.rpartition("-")[0]
    batch = call.world.store.get(batches.KIND, batch_id, call.sandbox) or {}
    known = _files(call, batch_id) if batch.get("status") in _SUCCEEDED else []
    found = [item for key, item in _numbered(batch_id, known) if key == file_id]
    if not found:
        raise errors.catalog(404, "NotFoundError", f"The file {file_id} is not found")
    if "path" in call.query:
        return _contents(call, found)
    return _page(call, _entries(call, f"{_BASE}/files/{quote(file_id, safe='')}", found))


def _batch(call: Call) -> Json:
    """Return the batch that the path names.

    Raises:
        Refused: there is none; the spec describes no reply to that.
    """
    batch = call.world.store.get(batches.KIND, call.path_params["id"], call.sandbox)
    if batch is None:
        raise errors.catalog(404, "NotFoundError", f"The batch {call.path_params['id']} is not found")
    return batch


def _files(call: Call, batch_id: str) -> _Files:
    uploads = call.world.store.all(promotion.FILE, call.sandbox).items()
    # The key is batch, dataset and path, with a slash between.
    return [(key.split("/", 2)[2], body) for key, body in uploads if body["batch"] == batch_id]


def _numbered(batch_id: str, files: _Files) -> list[tuple[str, tuple[str, Json]]]:
    """Return the id of each file: the batch's with a number, as the documentation's samples look."""
    return [(f"{batch_id}-{number}", item) for number, item in enumerate(files, 1)]


def _entries(call: Call, path: str, files: _Files) -> list[Json]:
    return [
        {
            "name": name,
            "length": str(upload["size"]),
            "_links": {"self": {"href": f"{_origin(call)}{path}?path={quote(name, safe='')}"}},
        }
        for name, upload in files
    ]


def _view(call: Call, dataset_id: str) -> str:
    dataset = call.world.store.get(datasets.KIND, dataset_id, call.sandbox) or {}
    return str(dataset.get("viewId", dataset_id))


def _page(call: Call, entries: list[Json]) -> Response:
    """Return a page: 100 entries at most and by default; ``start`` is an offset (doc)."""
    start, limit = _whole(call, "start", 0), _whole(call, "limit", _MOST)
    if not 1 <= limit <= _MOST:
        raise errors.bad_request(f"limit must be 1 to {_MOST}")
    page = entries[start : start + limit]
    body: Json = {"data": page, "_page": {"limit": limit, "count": len(page)}}
    if start + limit < len(entries):
        query = urlencode({"start": start + limit, "limit": limit})
        body["_links"] = {"next": {"href": f"{_origin(call)}{call.path}?{query}"}}
    return JSONResponse(body)


def _contents(call: Call, files: _Files) -> Response:
    """Return the contents of a file, or the range that is asked for."""
    name = call.query["path"]
    upload = next((body for key, body in files if key == name), None)
    # A state file of an earlier version has the rows of an upload and not its bytes.
    if upload is None or "content" not in upload:
        raise errors.catalog(404, "NotFoundError", f"The file {name} is not found")
    content = base64.b64decode(upload["content"])
    headers = {"Accept-Ranges": "bytes"}
    status = 200
    wanted = _RANGE.fullmatch(call.headers.get("range", ""))
    first = int(wanted[1]) if wanted else 0
    last = min(int((wanted and wanted[2]) or len(content)), len(content) - 1)
    if wanted and first <= last:
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        content, status = content[first : last + 1], 206
    return Response(content, status, headers, media_type="application/octet-stream")


def _whole(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise errors.bad_request(f"{name} must be a whole number")
    return int(text)


def _origin(call: Call) -> str:
    """Return where the emulator is, as the client names it: the links of a reply can be followed."""
    return f"http://{call.headers.get('host', '')}"
