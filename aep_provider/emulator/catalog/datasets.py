"""The calls on ``/dataSets``."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from starlette.responses import JSONResponse, Response

from aep_provider.emulator import errors, filters, unions
from aep_provider.emulator.call import Call
from aep_provider.emulator.catalog import dataset as model
from aep_provider.emulator.catalog import effects, lag, patches, profile, retention
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

KIND = effects.KIND

_PAGING = ("limit", "start", "orderBy", "properties", "property", "tags")
_SIMPLE = (
    "version", "created", "updated", "createdClient", "createdUser", "updatedUser", "name", "description",
    "enableErrorDiagnostics", "schemaRef.id",
)  # fmt: skip
_MOST_WITH_OBSERVABLE_SCHEMA = 20


def create(call: Call) -> Response:
    """``POST /dataSets`` (spec): 201, ``Location``, ``["@/dataSets/{id}"]``."""
    call.expect_query("requestDataSource")
    _require_json(call)
    fields = _object(call)
    model.check(call, fields)
    if "schemaRef" in fields:
        _check_schema_ref(call.world, fields["schemaRef"])
    dataset_id = model.new_id(call.world)
    dataset = model.complete(call.world, call.sandbox, dataset_id, fields, call.client_id)
    tags = fields.get("tags", {})
    dataset["tags"] = {**model.server_tags(str(fields.get("name", dataset_id))), **tags}
    if model.TABLE_NAME not in tags:
        model.name_table(call.world, dataset, lag.everything(call.world, call.sandbox))
    model.check_table_format(dataset)
    if not _store(call, dataset_id, None, dataset):
        return JSONResponse([])
    location = f"/data/foundation/catalog/dataSets/{dataset_id}"
    return JSONResponse([f"@/dataSets/{dataset_id}"], status_code=201, headers={"Location": location})


def list_all(call: Call) -> Response:
    """``GET /dataSets`` (spec; doc: filter-data): an object keyed by id, ``{}`` past the end."""
    call.expect_query(*_PAGING, *_SIMPLE, "requestDataSource")
    query, settings = call.query, call.world.settings
    properties = query.get("properties")
    observable = properties is not None and "observableSchema" in properties.split(",")
    limit, start = filters.page_bounds(
        query.get("limit"),
        query.get("start"),
        _MOST_WITH_OBSERVABLE_SCHEMA if observable else filters.MAX_LIMIT,
    )
    tests = [filters.expression(text) for text in query.getlist("property")]
    if settings.tag_filter == "honoured":
        tests += [filters.tags(text) for text in query.getlist("tags")]
    tests += [
        filters.simple(name, text)
        for name, text in query.multi_items()
        if name in _SIMPLE and not (name == "name" and settings.name_filter == "ignored")
    ]
    rows = filters.keep(lag.listed(call.world, KIND, call.sandbox), tests)
    if "orderBy" in query:
        rows = filters.order(rows, query["orderBy"])
    page = filters.page(rows, start, limit, settings.page_cap)
    empty = settings.empty_properties
    return JSONResponse({dataset_id: filters.project(body, properties, empty) for dataset_id, body in page})


def look_up(call: Call) -> Response:
    """``GET /dataSets/{id}`` and ``/dataSets/{id1},{id2}``: an object keyed by id, also for one.

    One missing id is a 404; of several, those that are missing are left out (assumed).
    """
    call.expect_query("properties", "requestDataSource")
    wanted = call.path_params["ids"].split(",")
    found = {dataset_id: body for dataset_id in wanted if (body := _read(call, dataset_id)) is not None}
    if not found and len(wanted) == 1:
        raise _not_found()
    properties, settings = call.query.get("properties"), call.world.settings
    empty = settings.empty_properties
    reply = JSONResponse({key: filters.project(body, properties, empty) for key, body in found.items()})
    if len(wanted) == 1 and settings.if_match:
        # The documentation writes E-Tag (catalog/api/appendix), HTTP writes ETag with quotes: both are there.
        reply.headers["E-Tag"] = version = str(found[wanted[0]]["version"])
        reply.headers["ETag"] = f'"{version}"'
    return reply


def patch(call: Call) -> Response:
    """``PATCH /dataSets/{id}``: JSON Patch or field merge, by content type (doc: update-object)."""
    call.expect_query("requestDataSource")
    before = _current(call)
    if call.content_type == patches.JSON_PATCH:
        after = patches.json_patch(call, before)
    else:
        _require_json(call)
        after = patches.field_merge(call, before)
    return _update(call, before, after, protect_format=True)


def patch_v2(call: Call) -> Response:
    """``PATCH /v2/dataSets/{id}``: deep merge (doc: update-object, v2)."""
    call.expect_query()
    before = _current(call)
    _require_json(call)
    after = patches.deep_merge(call, before)
    reply = _update(call, before, after, protect_format=True)
    if retention.of(call.json()) is not None and call.world.settings.retention_reply == "configuration":
        dataset_id = call.path_params["id"]
        return JSONResponse({dataset_id: lag.newest(call.world, call.sandbox, dataset_id)})
    return reply


def put(call: Call) -> Response:
    """``PUT /dataSets/{id}``: the body replaces everything that clients may write (doc: replace-object)."""
    call.expect_query()
    before = _current(call)
    _require_json(call)
    fields = _object(call)
    # The sample of the page sends it along (doc: replace-object); that it changes nothing is assumed.
    fields.pop("files", None)
    model.check(call, fields)
    kept = {name: value for name, value in before.items() if name in model.READ_ONLY}
    server: Json = {
        name: before[name]
        for name in ("state", "classification", "extensions", "schemaRef")
        if name in before
    }
    return _update(call, before, {"tags": {}, **server, **fields, **kept}, protect_format=False)


def delete(call: Call) -> Response:
    """``DELETE /dataSets/{id}`` (spec). A missing one: 404 (live) or 200 ``[]`` (doc), by setting."""
    call.expect_query()
    world, dataset_id = call.world, call.path_params["id"]
    dataset = lag.newest(world, call.sandbox, dataset_id)
    if dataset is None:
        if world.settings.missing_delete == "empty200":
            return JSONResponse([])
        raise _not_found()
    _check_if_match(call, dataset)
    if dataset.get("classification", {}).get("managedBy") == "SYSTEM":
        raise errors.catalog(403, "ForbiddenError", "Datasets managed by the system cannot be deleted.")
    if world.settings.delayed_delete > 0:
        world.store.put(effects.DELETING, dataset_id, {"reads": world.settings.delayed_delete}, call.sandbox)
    else:
        _remove(call, dataset_id)
    return JSONResponse([f"@/dataSets/{dataset_id}"])


def _update(call: Call, before: Json, after: Json, protect_format: bool) -> Response:
    model.check_types(after)
    model.check_tags(after)
    model.check_table_format(after)
    # Catalog refuses a PATCH that loses the table format (live 2026-05): the result counts, not the patch.
    had_format = model.TABLE_FORMAT in before.get("tags", {})
    if protect_format and had_format and model.TABLE_FORMAT not in after.get("tags", {}):
        raise model.no_table_format()
    if after.get("schemaRef") != before.get("schemaRef"):
        _check_schema_ref(call.world, after.get("schemaRef"))
    after = deepcopy(after)
    retention.stamp(call.world, before, after)
    model.touch(call.world, after, call.user)
    dataset_id = call.path_params["id"]
    _store(call, dataset_id, before, after)
    return JSONResponse([f"@/dataSets/{dataset_id}"])


def _store(call: Call, dataset_id: str, before: Json | None, after: Json) -> bool:
    """Save a dataset that may be as it is wanted; return False if it was only to be validated."""
    world = call.world
    doubtful = profile.warnings(world, before, after)
    profile.stamp(world, before, after)
    if _validates_only(call):
        return False
    with world.store.transaction():
        effects.write(world, call.sandbox, dataset_id, after)
        effects.note_doubtful(world, call.sandbox, dataset_id, doubtful)
        effects.count_write(world, call.sandbox, dataset_id)
    return True


def _read(call: Call, dataset_id: str) -> Json | None:
    """Return a dataset; each read of one that is being deleted brings its end nearer."""
    store = call.world.store
    deleting = store.get(effects.DELETING, dataset_id, call.sandbox)
    if deleting is not None:
        if deleting["reads"] == 0:
            _remove(call, dataset_id)
        else:
            store.put(effects.DELETING, dataset_id, {"reads": deleting["reads"] - 1}, call.sandbox)
    return lag.read(call.world, KIND, call.sandbox, dataset_id)


def _remove(call: Call, dataset_id: str) -> None:
    with call.world.store.transaction():
        effects.write(call.world, call.sandbox, dataset_id, None)


def _validates_only(call: Call) -> bool:
    """Say whether nothing is to be saved: for POST and PUT (doc: catalog/api/appendix); the reply is assumed."""
    wanted = call.headers.get("pragma", "").strip().lower() == "validate-only"
    if wanted and call.method not in ("POST", "PUT"):
        call.doubt("header:pragma")
        return False
    return wanted


def _current(call: Call) -> Json:
    dataset = lag.newest(call.world, call.sandbox, call.path_params["id"])
    if dataset is None:
        raise _not_found()
    _check_if_match(call, dataset)
    return dataset


def _check_if_match(call: Call, dataset: Json) -> None:
    """Honour ``If-Match`` with the version (doc: catalog/api/appendix), unless switched off."""
    wanted = call.headers.get("if-match")
    if wanted is None or not call.world.settings.if_match:
        return
    versions = [part.strip().removeprefix("W/").strip('"') for part in wanted.split(",")]
    if "*" not in versions and dataset["version"] not in versions:
        raise errors.catalog(412, "PreconditionFailedError", "The version does not match the If-Match header")


def _check_schema_ref(world: World, schema_ref: Any) -> None:
    schema_id = schema_ref.get("id") if isinstance(schema_ref, dict) else None
    if not isinstance(schema_id, str) or not (
        world.store.get("schema", schema_id) or schema_id in unions.made(world)
    ):
        raise errors.bad_request(f"The schema {schema_id} could not be found")


def _require_json(call: Call) -> None:
    if call.content_type != patches.JSON:
        raise errors.bad_content_type()


def _object(call: Call) -> Json:
    body = call.json()
    if not isinstance(body, dict):
        raise errors.bad_request("The request body must be a JSON object")
    return body


def _not_found() -> errors.Refused:
    return errors.catalog(404, "NotFoundError", "DataSet not found.")
