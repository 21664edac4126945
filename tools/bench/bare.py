"""The floor: a dynamic provider that makes the same calls, without guards, plan or recovery."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

CATALOG = "/data/foundation/catalog"
CONTENT_TYPE = "application/vnd.adobe.xed+json;version=1"
SAME_INPUTS: dict[str, Any] = {
    "allow_profile_gap": False,
    "in_flight_batches": "wait",
    "wait_timeout": 600,
    "profile_enabled": True,
    "identity_enabled": True,
}
SAME_OUTPUTS: dict[str, Any] = {
    "dataset_id": "5b020a27e7040801dedbf46e",
    "description": "",
    "schema_content_type": CONTENT_TYPE,
    "tags": {},
    "enabled_at": "2026-11-25 12:00:00",
    "created": "2026-11-25T12:00:00.000Z",
    "adopted": False,
    "managed": ["name", "schema_id"],
    "sandbox": "dev",
    "org_id": "0123456789ABCDEF01234567@AdobeOrg",
    "endpoint": "http://127.0.0.1:41141",
    "profile_gap": None,
    "earlier_gaps": [],
    "claim": "0123456789abcdef",
    "schema": None,
    "dataset": None,
    "spec_version": 1,
}
_threads = threading.local()
_widened = threading.Event()


def provider() -> ResourceProvider:
    """By reference in state, as ours is."""
    return Bare()


class Bare(ResourceProvider):
    """Create, toggle or rename, read and delete with the documented calls."""

    serialize_as_secret_always = False

    def __reduce__(self) -> Any:
        return provider, ()

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare two arguments."""
        return DiffResult(changes=any(_olds.get(key) != _news[key] for key in ("name", "is_upsert")))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Look up the name, create, read."""
        _call("GET", f"dataSets?name={props['name']}&limit=100")
        body = {
            "name": props["name"],
            "schemaRef": {"id": props["schema_id"], "contentType": CONTENT_TYPE},
            "fileDescription": {"format": "parquet"},
            "tags": {"unifiedProfile": _profile(props), "unifiedIdentity": ["enabled:true"]},
        }
        dataset_id = _call("POST", "dataSets", body)[0].rpartition("/")[2]
        _call("GET", f"dataSets/{dataset_id}")
        return CreateResult(dataset_id, _outs(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Read."""
        _call("GET", f"dataSets/{id_}")
        return ReadResult(id_, _outs(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Rename, or switch off and on, with the calls of our update."""
        _call("GET", f"dataSets/{_id}")
        if _olds["name"] != _news["name"]:
            _call("GET", f"dataSets?name={_news['name']}&limit=100")
            _patch(_id, "/name", _news["name"])
        else:
            _call("GET", f"batches?dataSet={_id}")
            _call("GET", f"batches?dataSet={_id}")
            _patch(_id, "/tags/unifiedProfile", ["enabled:false"])
            _patch(_id, "/tags/unifiedProfile", _profile(_news))
            _call("GET", f"batches?dataSet={_id}")
        _call("GET", f"dataSets/{_id}")
        return UpdateResult(_outs(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Read, delete, read."""
        _call("GET", f"dataSets/{_id}")
        _call("DELETE", f"dataSets/{_id}")
        _call("GET", f"dataSets/{_id}", expect=404)


class BareDataset(Resource, module="bench", name="BareDataset"):
    """What the floor's program declares; with BENCH_SAME as many arguments and outputs as ours has."""

    def __init__(self, resource_name: str, **props: Any) -> None:
        if os.environ.get("BENCH_SAME"):
            props.pop("resource", None)
            props = {
                **SAME_INPUTS,
                "owner": f"bench/dev/{resource_name}",
                **props,
                **dict.fromkeys(SAME_OUTPUTS),
            }
        super().__init__(Bare(), resource_name, props)


async def declare(entries: list[dict[str, Any]], window: int = 100) -> None:
    """The same sliding window as ours, so that the SDK costs both the same."""
    made: list[pulumi.Resource] = []
    for entry in entries:
        if len(made) >= window:
            await made[len(made) - window].urn.future()
        made.append(BareDataset(entry["name"] if "resource" not in entry else entry["resource"], **entry))


def _profile(props: dict[str, Any]) -> list[str]:
    return ["enabled:true", *(["isUpsert:true"] if props["is_upsert"] else [])]


def _outs(props: dict[str, Any]) -> dict[str, Any]:
    same = SAME_OUTPUTS if "owner" in props else {}
    return {key: value for key, value in props.items() if not key.startswith("__")} | same


def _patch(dataset_id: str, path: str, value: object) -> None:
    _call("PATCH", f"dataSets/{dataset_id}", [{"op": "add", "path": path, "value": value}])


def _call(method: str, path: str, body: object = None, expect: int = 0) -> Any:
    import requests

    if not _widened.is_set():
        # The same concurrency as ours, so that the ratio shows what ours does, not how many threads it has.
        from aep_provider.plugin import host

        _widened.set()
        host.widen(int(os.environ.get("BENCH_THREADS", "16")))
    session: requests.Session | None = getattr(_threads, "session", None)
    if session is None:
        session = _threads.session = requests.Session()
        session.headers.update(json.loads(os.environ["BENCH_HEADERS"]))
    kind = "application/json-patch+json" if method == "PATCH" else "application/json"
    reply = session.request(
        method,
        f"{os.environ['AEP_ENDPOINT']}{CATALOG}/{path}",
        data=None if body is None else json.dumps(body),
        headers={} if body is None else {"Content-Type": kind},
        timeout=60,
    )
    if reply.status_code != (expect or reply.status_code) or (not expect and not reply.ok):
        raise RuntimeError(f"{method} {path}: {reply.status_code} {reply.text}")
    return reply.json() if reply.content else None
