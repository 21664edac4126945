"""The dataset object: what clients may write, what Catalog adds, how it changes with each write."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import timedelta

from aep_provider.emulator import errors, unions
from aep_provider.emulator.call import Call
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

TABLE_FORMAT = "adobe/siphon/table/format"
TABLE_NAME = "adobe/pqs/table"

READ_ONLY = frozenset(
    {
        "id", "version", "created", "updated", "createdClient", "createdUser", "updatedUser", "basePath",
        "imsOrg", "sandboxId", "viewId", "files",
    }
)  # fmt: skip
"""Spec's readOnly flags; the rest inferred. ``files`` is expandable, and those cannot be patched (doc)."""

WRITABLE = frozenset(
    {
        "name", "description", "tags", "enableErrorDiagnostics", "observableSchema", "fileDescription",
        "schema", "schemaRef", "dataSourceId", "unifiedTags", "systemLabels", "extensions", "classification",
        "state",
    }
)  # fmt: skip
"""The spec's request, what the v2 sample of the documentation patches, and what Adobe's own client sends."""

_TYPES: dict[str, type] = {
    "name": str,
    "description": str,
    "tags": dict,
    "enableErrorDiagnostics": bool,
    "observableSchema": dict,
    "fileDescription": dict,
    "schemaRef": dict,
    "extensions": dict,
    "classification": dict,
}


def new_id(world: World) -> str:
    """Return a fresh object id: 24 hexadecimal digits that begin with the time."""
    return f"{int(world.clock.seconds()):08x}{secrets.token_hex(8)}"


def check(call: Call, fields: Json) -> None:
    """Check fields that a client wants to write.

    Raises:
        Refused: a field is read-only, of the wrong type, or (strict) unknown.
    """
    read_only = sorted(READ_ONLY & fields.keys())
    if read_only:
        raise errors.bad_request(f"Read-only properties cannot be set: {', '.join(read_only)}")
    check_types(fields)
    check_tags(fields)
    call.expect_fields(fields, WRITABLE)


def check_table_format(fields: Json) -> None:
    """Check that the format of the table, where it is given, is not nothing (live 2026-05).

    Raises:
        Refused: it is an empty list or blank.
    """
    values = fields.get("tags", {}).get(TABLE_FORMAT)
    if values is not None and not any(value.strip() for value in values):
        raise no_table_format()


def no_table_format() -> errors.Refused:
    """Return the refusal of a dataset that would lose the format of its table (text: code of others)."""
    return errors.catalog(422, "UnprocessableEntityError", f"Field '{TABLE_FORMAT}' cannot be empty or blank")


def check_types(fields: Json) -> None:
    """Check the types that Catalog gives its fields.

    Raises:
        Refused: a field has another.
    """
    for name, kind in _TYPES.items():
        if name in fields and not isinstance(fields[name], kind):
            raise errors.bad_request(f"The property {name} has an invalid type")


def check_tags(fields: Json) -> None:
    """Check that tags are a map from a name to a list of strings (spec).

    Raises:
        Refused: they are another.
    """
    for name, values in fields.get("tags", {}).items():
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise errors.bad_request(f"The values of tag {name} must be an array of strings")


def complete(world: World, sandbox: str, dataset_id: str, fields: Json, client_id: str) -> Json:
    """Return a dataset with everything that Catalog adds (live tutorial, 2024); ``fields`` win.

    Args:
        client_id: who created it.
    """
    now = world.clock.millis()
    user = f"{client_id}@techacct.adobe.com"
    server = {
        "enableErrorDiagnostics": False,
        "tags": server_tags(str(fields.get("name", dataset_id))),
        "state": "ACTIVE",
        "imsOrg": org_of(world, client_id),
        "sandboxId": (world.store.get("sandbox", sandbox) or {}).get("id", ""),
        "extensions": {"adobe_lakeHouse": {}, "adobe_unifiedProfile": {}},
        "version": "1.0.0",
        "created": now,
        "updated": now,
        "createdClient": client_id,
        "createdUser": user,
        "updatedUser": user,
        "classification": {"dataBehavior": behaviour(world, fields), "managedBy": "CUSTOMER"},
        "viewId": f"{int(dataset_id, 16) + 1:024x}"
        if re.fullmatch(r"[0-9a-f]{24}", dataset_id)
        else dataset_id,
        "fileDescription": {"format": "parquet"},
        "files": f"@/dataSetFiles?dataSetId={dataset_id}",
    }
    return {**server, **fields}


def behaviour(world: World, fields: Json) -> str:
    """Return "record" or "time-series", from what the schema extends."""
    schema_id = str((fields.get("schemaRef") or {}).get("id"))
    schema = world.store.get("schema", schema_id) or unions.made(world).get(schema_id)
    time_series = "https://ns.adobe.com/xdm/data/time-series" in (schema or {}).get("meta:extends", [])
    return "time-series" if time_series else "record"


def org_of(world: World, client_id: str) -> str:
    """Return the organisation of a client, or the first that there is if the client is nobody's."""
    client = world.client(client_id)
    return str(client["org"]) if client else min(world.organisations(), default="")


def server_tags(name: str) -> dict[str, list[str]]:
    """Return the tags that a fresh dataset of that name has from Catalog (doc: update-object, v2 sample)."""
    return {TABLE_NAME: [table_name(name)], TABLE_FORMAT: ["delta"]}


def name_table(world: World, dataset: Json, others: Iterable[Json]) -> None:
    """Give a new dataset's table a name of its own: a dated suffix where another has it (doc: retention guide).

    Args:
        dataset: its tags are changed in place.
        others: the datasets of the sandbox.
    """
    taken = [other.get("tags", {}).get(TABLE_NAME) for other in others]
    [name], now = dataset["tags"][TABLE_NAME], world.clock.now()
    while dataset["tags"][TABLE_NAME] in taken:
        dataset["tags"][TABLE_NAME] = [f"{name}_{now:%Y%m%d_%H%M%S}_{now.microsecond // 1000:03}"]
        now += timedelta(milliseconds=1)


def table_name(name: str) -> str:
    """Return the SQL table name that Catalog derives (inferred from one sample)."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def touch(world: World, dataset: Json, user: str) -> None:
    """Count a write: version n+1, who and when."""
    major, _, last = str(dataset.get("version", "1.0.0")).rpartition(".")
    dataset["version"] = f"{major}.{int(last) + 1}"
    dataset["updated"] = world.clock.millis()
    dataset["updatedUser"] = user
