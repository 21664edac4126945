"""Raw objects put into the state: what seeds hold and what ``POST /_emulator/seed`` takes."""

from __future__ import annotations

import json
import uuid
from typing import Any

from aep_provider.emulator import flows, registry, sandboxes, shapes
from aep_provider.emulator.catalog import batches, datasets, fragments, windows
from aep_provider.emulator.catalog import dataset as model
from aep_provider.emulator.errors import Refused
from aep_provider.emulator.ims import DEFAULT_LIFETIME
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

MAPS = ("clients", "datasets", "batches")
LISTS = {"sandboxes": "name", "schemas": "$id", "descriptors": "@id", **dict.fromkeys(flows.KINDS, "id")}
"""The key that each object of a list must have."""

_DEFAULT_SANDBOX = "dev"


def check(world: World, order: Any) -> None:
    """Check an order before anything of it is stored.

    Raises:
        ValueError: it is not one.
    """
    if not isinstance(order, dict):
        raise ValueError("the body must be a JSON object")
    unknown = sorted(set(order) - {"sandbox", *MAPS, *LISTS})
    if unknown:
        raise ValueError(f"unknown keys: {', '.join(unknown)}")
    for name in MAPS:
        objects = order.get(name, {})
        if not isinstance(objects, dict):
            raise ValueError(f"{name} must be an object keyed by id")
        for key, body in objects.items():
            if not isinstance(body, dict) and not (name == "clients" and isinstance(body, str)):
                raise ValueError(f"{name}.{key} must be an object")
            if isinstance(body, dict):
                shapes.check(name, key, body)
    for client_id, client in order.get("clients", {}).items():
        known = world.client(client_id) or {}
        if isinstance(client, dict) and not isinstance({**known, **client}.get("secret"), str):
            raise ValueError(f"clients.{client_id} must have a 'secret'")
    for name, key in LISTS.items():
        objects = order.get(name, [])
        if not isinstance(objects, list) or not all(isinstance(body, dict) for body in objects):
            raise ValueError(f"{name} must be a list of objects")
        if not all(isinstance(body.get(key), str) for body in objects):
            raise ValueError(f"each of {name} must have {key!r}")
        for body in objects:
            shapes.check(name, body[key], body)
    for dataset_id, body in order.get("datasets", {}).items():
        _check_dataset(dataset_id, body)
    _check_sandbox(world, order)


def _check_dataset(key: str, body: Json) -> None:
    """Check the types of a dataset's fields, as Catalog does. A tag may be nonsense, for a client to meet.

    Raises:
        ValueError: a field has another.
    """
    try:
        model.check_types(body)
    except Refused as refusal:
        raise ValueError(f"datasets.{key}: {json.loads(bytes(refusal.response.body))['detail']}") from None


def _check_sandbox(world: World, order: Json) -> None:
    sandbox = order.get("sandbox", _DEFAULT_SANDBOX)
    if not isinstance(sandbox, str):
        raise ValueError("sandbox must be a string")
    known = {*world.store.all("sandbox"), *(body["name"] for body in order.get("sandboxes", []))}
    if any(order.get(name) for name in ("datasets", "batches", *flows.KINDS)) and sandbox not in known:
        raise ValueError(f"unknown sandbox {sandbox!r}; known: {', '.join(sorted(known))}")


def merge(world: World, order: Json) -> None:
    """Store the objects of a checked order as they are, with the server's fields added where missing."""
    store = world.store
    sandbox = str(order.get("sandbox", _DEFAULT_SANDBOX))
    for client_id, given in order.get("clients", {}).items():
        client = {"secret": given} if isinstance(given, str) else given
        defaults = {"org": model.org_of(world, ""), "expires_in": DEFAULT_LIFETIME}
        store.put("client", client_id, {**defaults, **(store.get("client", client_id) or {}), **client})
    for body in order.get("sandboxes", []):
        defaults = {"id": str(uuid.uuid4()), **sandboxes.defaults(world)}
        store.put("sandbox", body["name"], {**defaults, "title": body["name"], **body})
    for body in order.get("schemas", []):
        store.put(registry.KIND, body["$id"], registry.complete(world, body))
    for body in order.get("descriptors", []):
        store.put(fragments.DESCRIPTOR, body["@id"], body)
    for dataset_id, body in order.get("datasets", {}).items():
        complete = model.complete(world, sandbox, dataset_id, body, _creator(world, body))
        known = store.get(datasets.KIND, dataset_id, sandbox)
        store.put(datasets.KIND, dataset_id, complete, sandbox)
        if known is not None:
            windows.note(world, sandbox, dataset_id, known, complete)
    for batch_id, body in order.get("batches", {}).items():
        complete = batches.complete(world, sandbox, body, _creator(world, body))
        store.put(batches.KIND, batch_id, complete, sandbox)
    for kind in flows.KINDS:
        for body in order.get(kind, []):
            store.put(kind, body["id"], flows.complete(world, sandbox, kind, body), sandbox)


def _creator(world: World, body: Json) -> str:
    return str(body.get("createdClient") or next(iter(world.store.all("client")), ""))
