"""Sandboxes, schemas, dataflows and batches: what the provider only reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from aep_provider.aep.batches import LAST, datasets_of
from aep_provider.aep.batches import PATH as BATCHES
from aep_provider.aep.flows import PATH as FLOWS
from aep_provider.aep.sandboxes import PATH as SANDBOXES
from aep_provider.aep.schemas import ACCEPT
from aep_provider.aep.schemas import PATH as REGISTRY
from aep_provider.probe.belief import Answer, NotAsked
from aep_provider.probe.raw import Reply
from aep_provider.probe.steps.look import judged, needed
from aep_provider.probe.steps.step import Run, Step

RECORD = "https://ns.adobe.com/xdm/data/record"
TIME_SERIES = "https://ns.adobe.com/xdm/data/time-series"
_LIST = "application/vnd.adobe.xed+json"
_NOBODY = "000000000000000000000000"


def sandboxes(run: Run) -> Iterator[Answer]:
    """The list of sandboxes."""
    reply = run.raw.send("GET", SANDBOXES, query={"limit": 50, "offset": 0}, headers={"x-sandbox-name": None})
    entries = _objects(reply.object().get("sandboxes"))
    mine = next((one for one in entries if one.get("name") == run.settings.sandbox), {})
    whole = all(isinstance(mine.get(key), str) for key in ("name", "type", "state"))
    yield judged(
        "sandbox-list",
        reply.ok and whole,
        f"{reply.describe()}, with type and state",
        otherwise=f"{reply.describe()}, without this sandbox, its type or state",
    )
    yield judged(
        "sandbox-id", "id" not in mine, "no id", otherwise="an id, which foreign responses are told by"
    )
    alone = run.raw.send("GET", SANDBOXES, query={"limit": 1}, headers={"x-sandbox-name": None})
    yield judged("sandbox-paging", alone.status == 400, f"limit without offset: {alone.describe()}")


def schemas(run: Run) -> Iterator[Answer]:
    """The schema of the run, and one that does not exist."""
    reply = _schema(run, run.schema_id, ACCEPT)
    body = reply.object()
    yield judged("schema-look-up", reply.ok and body.get("$id") == run.schema_id, reply.describe())
    union = "union" in _list(body.get("meta:immutableTags"))
    yield judged("schema-union", union, "meta:immutableTags holds union", otherwise="it does not hold union")
    extends = _list(body.get("meta:extends"))
    yield judged(
        "schema-behaviour",
        RECORD in extends,
        "meta:extends names record data",
        otherwise="meta:extends does not name record data",
    )
    unknown = _schema(run, f"{run.schema_id}-aep-provider-probe", ACCEPT)
    code = str(unknown.object().get("type", "")).rpartition("/")[2][:20]
    yield judged("schema-unknown", unknown.status == 404, f"{unknown.describe()} {code}".strip())
    bare = _schema(run, run.schema_id, None)
    yield judged("schema-accept", bare.status in (400, 406), f"look-up without Accept: {bare.describe()}")


def flows(run: Run) -> Iterator[Answer]:
    """The list of dataflows."""
    reply = run.raw.send("GET", f"{FLOWS}/flows", query={"limit": 1})
    yield judged("flow-rights", reply.ok, reply.describe())
    needed(reply, "dataflows cannot be listed")
    body = reply.object()
    link = body.get("_links") if isinstance(body.get("_links"), dict) else None
    good = isinstance(body.get("items"), list) and link is not None
    yield judged("flow-envelope", good, "items and _links", otherwise="no items, or no _links")


def batches(run: Run) -> Iterator[Answer]:
    """The listing of batches: its filters and its order."""
    none = run.raw.send("GET", BATCHES, query={"dataSet": _NOBODY, "limit": 1})
    newest = run.raw.send("GET", BATCHES, query={"orderBy": "desc:created", "limit": 5})
    last = run.raw.send("GET", LAST, query={"dataSetId": _NOBODY})
    yield judged(
        "last-batches",
        last.status == 200 and last.json() == {},
        f"{last.describe()}, for a dataset without any",
    )
    times = [body.get("created") for body in newest.object().values() if isinstance(body, dict)]
    numbers = [value for value in times if isinstance(value, int)]
    if not newest.ok or not numbers:
        raise NotAsked("there is no batch in the sandbox to tell by")
    yield judged(
        "batch-filter",
        none.status == 200 and none.json() == {},
        "other datasets' batches are left out",
        otherwise=f"{none.describe()}, with other datasets' batches",
    )
    named = [
        datasets_of(body.get("relatedObjects")) for body in newest.object().values() if isinstance(body, dict)
    ]
    yield judged(
        "batch-sandbox",
        all(named),
        "each of the newest names its dataset",
        otherwise="not all of the newest name a dataset",
    )
    after = run.raw.send("GET", BATCHES, query={"createdAfter": max(numbers) + 1, "limit": 5})
    late = [body.get("created") for body in after.object().values() if isinstance(body, dict)]
    honoured = after.ok and all(isinstance(value, int) and value > max(numbers) for value in late)
    yield judged(
        "batch-created-after",
        honoured,
        "older batches are left out",
        otherwise=f"{after.describe()}, with older batches",
    )
    if len(numbers) < 2:
        raise NotAsked("there is only one batch in the sandbox")
    yield judged(
        "batch-order", numbers == sorted(numbers, reverse=True), "newest first", otherwise="not newest first"
    )


def others(run: Run, *, union: bool, time_series: bool) -> str:
    """The id of a schema of the sandbox that is in the union or not, for records or events.

    Raises:
        NotAsked: there is none, or schemas cannot be listed.
    """
    reply = run.raw.send(
        "GET",
        f"{REGISTRY}/tenant/schemas",
        query={"orderby": "title", "limit": 300},
        headers={"Accept": _LIST},
    )
    needed(reply, "schemas cannot be listed")
    for body in _objects(reply.object().get("results")):
        in_union = "union" in _list(body.get("meta:immutableTags"))
        behaviour = TIME_SERIES if time_series else RECORD
        found = body.get("$id")
        if in_union is union and behaviour in _list(body.get("meta:extends")) and isinstance(found, str):
            return found
    kind = "time-series" if time_series else "record"
    raise NotAsked(f"no {kind} schema {'in' if union else 'outside'} the union in this sandbox")


def _schema(run: Run, schema_id: str, accept: str | None) -> Reply:
    path = f"{REGISTRY}/tenant/schemas/{quote(schema_id, safe='')}"
    return run.raw.send("GET", path, headers={"Accept": accept})


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


STEPS = (
    Step("Sandbox list", ("sandbox-list", "sandbox-id", "sandbox-paging"), sandboxes),
    Step(
        "Schema Registry",
        ("schema-look-up", "schema-union", "schema-behaviour", "schema-unknown", "schema-accept"),
        schemas,
    ),
    Step("Dataflows", ("flow-rights", "flow-envelope"), flows),
    Step(
        "Batch listing",
        ("batch-filter", "batch-sandbox", "batch-created-after", "batch-order", "last-batches"),
        batches,
    ),
)
