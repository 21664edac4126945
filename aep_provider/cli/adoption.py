"""Which datasets a stack can take in, as what, and the import file that brings them into its state."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aep_provider.cli.inventory import TIME_SERIES, Item
from aep_provider.cli.stack import RESOURCE_TYPE, Recorded

PROVIDER = base64.b64encode(
    b"\x80\x04\x95*\x00\x00\x00\x00\x00\x00\x00\x8c\x13aep_provider._entry\x94\x8c\x0bprovider_v1\x94\x93\x94)R\x94."
).decode()
"""What Pulumi writes as `__provider`: the name of `aep_provider._entry.provider_v1`, pickled.

A constant, since the command does not load Pulumi; a test compares it with what Pulumi would write.
"""


@dataclass(frozen=True)
class Wish:
    """A dataset that is taken in: its entry in the stack file, and what the next `up` will change of it."""

    entry: Mapping[str, str | bool]
    change: str = ""


@dataclass(frozen=True)
class Skipped:
    """A dataset that is not taken in, and why."""

    id: str
    name: str
    reason: str


@dataclass(frozen=True)
class Held:
    """What the stack holds already: logical names and dataset ids, of its state and its stack file."""

    names: frozenset[str]
    ids: frozenset[str]

    @classmethod
    def of(cls, recorded: Iterable[Recorded], entries: Iterable[Mapping[str, Any]]) -> Held:
        """Put state and stack file together."""
        own = [one for one in recorded if not one.external]
        names = [one.resource for one in own]
        names += [str(entry.get("resource") or entry.get("name") or "") for entry in entries]
        ids = [one.id for one in own] + [str(entry.get("dataset_id") or "") for entry in entries]
        return cls(frozenset(names), frozenset(ids))


def choose(
    items: Sequence[Item], held: Held, owner: str, *, enable: bool
) -> tuple[list[Wish], list[Skipped]]:
    """Decide for each dataset.

    Args:
        items: the candidates.
        held: what the stack has.
        owner: the stack's owner name, ``<project>/<stack>`` unless configured.
        enable: whether datasets outside Profile are taken in, to be enabled.
    """
    wishes: list[Wish] = []
    skipped: list[Skipped] = []
    taken = set(held.names)
    for item in items:
        dataset = item.dataset
        if reason := _obstacle(item, held, owner, enable=enable):
            skipped.append(Skipped(dataset.id, dataset.name, reason))
            continue
        name = _logical_name(item, owner, taken)
        if name in taken:
            skipped.append(
                Skipped(dataset.id, dataset.name, f"would be {name!r}, a resource that exists already")
            )
            continue
        taken.add(name)
        enabled = dataset.profile.enabled
        entry: dict[str, str | bool] = {
            "resource": name,
            "dataset_id": dataset.id,
            "name": dataset.name,
            "schema_id": dataset.schema_id,
            "is_upsert": dataset.upsert if enabled else item.behaviour != TIME_SERIES,
        }
        change = ""
        if not enabled:
            change = f"Profile is enabled, {'with' if entry['is_upsert'] else 'without'} upsert"
        elif not dataset.identity.enabled:
            change = "Identity is enabled"
        wishes.append(Wish(entry, change))
    return wishes, skipped


def import_file(wishes: Iterable[Wish], owner: str, place: Mapping[str, str]) -> dict[str, Any]:
    """The content of the file for `pulumi import --file`.

    Inputs hold nothing but the provider, so that the refresh fills in what AEP holds. The outputs say what
    must be true even where that refresh is left out: an adopted dataset is never deleted, its schema is
    fixed, and it stays in its place.
    """
    return {
        "resources": [
            {
                "type": RESOURCE_TYPE,
                "name": wish.entry["resource"],
                "id": wish.entry["dataset_id"],
                "inputs": {"__provider": PROVIDER},
                "outputs": {
                    "__provider": PROVIDER,
                    "owner": f"{owner}/{wish.entry['resource']}",
                    "adopted": True,
                    "schema_id": wish.entry["schema_id"],
                    **place,
                },
            }
            for wish in wishes
        ]
    }


def _obstacle(item: Item, held: Held, owner: str, *, enable: bool) -> str:
    dataset = item.dataset
    if dataset.id in held.ids:
        return "is in this stack already"
    if dataset.system_sign:
        return f"is managed by Adobe: {dataset.system_sign}"
    if dataset.owner and not dataset.owner.startswith(f"{owner}/"):
        return f"is managed by {dataset.owner}"
    if not dataset.name.strip() or dataset.name != dataset.name.strip():
        return "has a name that is empty, or begins or ends with a space"
    if not dataset.schema_id or item.schema_missing:
        return "has no schema"
    if dataset.profile.enabled:
        return ""
    if not enable:
        return "is not enabled for Profile (--enable takes it in)"
    if item.schema is None:
        return "has a schema that could not be read, so it may not be possible to enable it"
    if not item.schema.in_union:
        return "has a schema that is not enabled for Profile"
    return ""


def _logical_name(item: Item, owner: str, taken: set[str]) -> str:
    dataset = item.dataset
    if dataset.owner:
        # The tag names the resource that managed it; another name would be refused as another owner.
        return dataset.owner.removeprefix(f"{owner}/")
    slug = re.sub(r"[^a-z0-9]+", "-", dataset.name.lower()).strip("-")
    if not re.search(r"[a-z]", slug):
        # Of a name in another script little is left, or a mere number: that names nothing.
        slug = "-".join(filter(None, ("dataset", slug)))
    unique = slug != "dataset" and slug not in taken
    return slug if unique else f"{slug}-{dataset.id[-6:]}"
