"""Which datasets a stack can take in, as what, and the import file that brings them into its state."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aep_provider import arguments
from aep_provider.cli.declared import former_names
from aep_provider.cli.files import FileFailed
from aep_provider.cli.inventory import TIME_SERIES, Item
from aep_provider.cli.stack import RESOURCE_TYPE, Recorded
from aep_provider.entries import OVERRIDES, name_of
from aep_provider.validators import blank_at_an_end

PROVIDER = base64.b64encode(
    b"\x80\x04\x95*\x00\x00\x00\x00\x00\x00\x00\x8c\x13aep_provider._entry\x94\x8c\x0bprovider_v1\x94\x93\x94)R\x94."
).decode()
"""What Pulumi writes as `__provider`: the name of `aep_provider._entry.provider_v1`, pickled.

A constant, since the command does not load Pulumi; a test compares it with what Pulumi would write.
"""

_MANAGED_BY = "is managed by "
ELSEWHERE = (
    "is managed by another stack (`aep-provider release ID` there takes its tag off, if that stack forgot it)"
)

_FEW = 3
"""Datasets of one reason that are named."""


@dataclass(frozen=True)
class Adoption:
    """A dataset that is taken in.

    Attributes:
        entry: its entry in the stack file.
        id, name, schema_id: of the dataset.
        change: what the next `up` will change of it, or ``""``.
    """

    entry: Mapping[str, str | bool]
    id: str
    name: str
    schema_id: str
    change: str = ""

    @property
    def references(self) -> dict[str, str | bool]:
        """The names that its entry gives instead of ids."""
        return {key: self.entry[key] for key in arguments.references() if key in self.entry}


@dataclass(frozen=True)
class Names:
    """What tells whether a name stands for one thing in the sandbox.

    Attributes:
        datasets: how many datasets that Adobe does not manage have a name.
        titles: how many schemas have a title.
    """

    datasets: Mapping[str, int]
    titles: Mapping[str, int]

    def obstacle(self, item: Item) -> str:
        """Why a dataset cannot be declared by name, or ``""``."""
        if self.datasets.get(item.dataset.name) != 1:
            return f"shares its name with another dataset; declare it by its dataset_id in {OVERRIDES}"
        if item.schema is None or self.titles.get(item.schema.title) != 1:
            return f"has a schema without a title of its own; declare it by its ids in {OVERRIDES}"
        return ""


@dataclass(frozen=True)
class Skipped:
    """A dataset that is not taken in.

    Attributes:
        id, name: of the dataset.
        reason: why, as the end of a sentence.
        obstacle: False for one that the stack has already.
    """

    id: str
    name: str
    reason: str
    obstacle: bool = True


@dataclass(frozen=True)
class Held:
    """What the stack has already, in its state or its entries.

    Attributes:
        names: logical names.
        ids: of datasets.
        dataset_names: names that are managed.
        references: names by which entries say which existing dataset they mean.
    """

    names: frozenset[str]
    ids: frozenset[str]
    dataset_names: frozenset[str] = frozenset()
    references: frozenset[str] = frozenset()

    @classmethod
    def of(cls, recorded: Iterable[Recorded], entries: Sequence[Mapping[str, Any]]) -> Held:
        """Put state and stack file together."""
        own = [one for one in recorded if not one.external]
        names = [one.resource for one in own]
        names += [name for entry in entries for name in (name_of(entry), *former_names(entry))]
        ids = [one.id for one in own] + [str(entry.get("dataset_id") or "") for entry in entries]
        managed = [one.inputs.get("name") for one in own] + [entry.get("name") for entry in entries]
        meant = [str(entry["dataset"]) for entry in entries if entry.get("dataset")]
        managed += meant
        return cls(
            frozenset(names), frozenset(ids), frozenset(str(one) for one in managed if one), frozenset(meant)
        )


def choose(
    items: Sequence[Item], held: Held, owner: str, *, enable: bool, by_name: Names | None = None
) -> tuple[list[Adoption], list[Skipped]]:
    """Decide for each dataset.

    Args:
        items: the candidates.
        held: what the stack has.
        owner: the stack's owner name, ``<project>/<stack>`` unless configured.
        enable: whether datasets outside Profile are taken in, to be enabled.
        by_name: for entries that other sandboxes share: names take the place of ids.
    """
    adoptions: list[Adoption] = []
    skipped: list[Skipped] = []
    taken = set(held.names)
    names = Counter(held.dataset_names)
    names.update(item.dataset.name for item in items if item.dataset.id not in held.ids)
    for item in items:
        dataset = item.dataset
        if dataset.id in held.ids or (dataset.name in held.references and not dataset.system_sign):
            skipped.append(Skipped(dataset.id, dataset.name, "is in this stack already", obstacle=False))
            continue
        reason = _obstacle(item, owner, enable=enable) or (by_name.obstacle(item) if by_name else "")
        if reason:
            skipped.append(Skipped(dataset.id, dataset.name, reason))
            continue
        name = _logical_name(item, owner, taken)
        if name in taken:
            skipped.append(
                Skipped(
                    dataset.id,
                    dataset.name,
                    f"carries the owner tag of {name!r}, which is another dataset in this stack "
                    f"(`aep-provider release {dataset.id}` takes the tag off)",
                )
            )
            continue
        taken.add(name)
        enabled = dataset.profile.enabled
        entry: dict[str, str | bool] = {"resource": name}
        if by_name is not None and item.schema is not None:
            entry |= {"dataset": dataset.name, "schema": item.schema.title}
        else:
            entry["dataset_id"] = dataset.id
            # A name that two datasets have stays out: two resources of a program cannot manage one name.
            entry |= {"name": dataset.name} if names[dataset.name] == 1 else {}
            entry["schema_id"] = dataset.schema_id
        entry["is_upsert"] = dataset.upsert if enabled else item.behaviour != TIME_SERIES
        change = ""
        if not enabled:
            change = f"Profile is enabled, {'with' if entry['is_upsert'] else 'without'} upsert"
        elif not dataset.identity.enabled:
            change = "Identity is enabled"
        adoptions.append(Adoption(entry, dataset.id, dataset.name, dataset.schema_id, change))
    return adoptions, skipped


def import_file(adoptions: Iterable[Adoption], owner: str, location: Mapping[str, str]) -> dict[str, Any]:
    """The content of the file for `pulumi import --file`.

    Inputs hold nothing but the provider, so that the refresh fills in what AEP holds. The outputs say what
    must be true even where that refresh is left out: an adopted dataset is never deleted, its schema is
    fixed, and it keeps its location.
    """
    return {
        "resources": [
            {
                "type": RESOURCE_TYPE,
                "name": one.entry["resource"],
                "id": one.id,
                "inputs": {"__provider": PROVIDER},
                "outputs": {
                    "__provider": PROVIDER,
                    "owner": f"{owner}/{one.entry['resource']}",
                    "adopted": True,
                    "schema_id": one.schema_id,
                    **one.references,
                    **location,
                },
            }
            for one in adoptions
        ]
    }


def merged(file: Path, content: dict[str, Any], owner: str, known_ids: Collection[str]) -> dict[str, Any]:
    """Add to an import file that is there already what it holds and no `pulumi import` has used yet.

    Args:
        file: where it goes.
        content: the new one.
        owner: the stack's owner name.
        known_ids: what the state has: imported already.

    Raises:
        FileFailed: it is not an import file of this stack, so it must not be overwritten.
    """
    if not file.exists():
        return content
    try:
        held = json.loads(file.read_text(encoding="utf-8"))["resources"]
        imported = [one for one in held if not one.get("component")]
        foreign = [one for one in imported if not one["outputs"]["owner"].startswith(f"{owner}/")]
        new = {one["name"] for one in content["resources"]}
        unused = [one for one in imported if one["id"] not in known_ids and one["name"] not in new]
        lost = [one["name"] for one in unused if one.get("parent")]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileFailed(
            f"{file} exists and is not an import file; nothing was changed", "Choose another with --file."
        ) from error
    if lost:
        raise FileFailed(
            f"{file} is not used yet and holds {lost[0]!r}, a child of a component; nothing was changed",
            f"Run `pulumi import --file {file}` first, or choose another with --file.",
        )
    if foreign:
        raise FileFailed(
            f"{file} is for {foreign[0]['outputs']['owner']}, in another stack; nothing was changed",
            "Choose another with --file, or delete it if it was used.",
        )
    return {**content, "resources": [*unused, *content["resources"]]}


def left_out(skipped: Iterable[Skipped], *, named: bool) -> list[str]:
    """What to say of the datasets that are not taken in: one line for each reason.

    Args:
        skipped: they.
        named: whether each is named with its id; otherwise the first few are.
    """
    if named:
        return [f"left out: {one.name!r} ({one.id}) {one.reason}" for one in skipped]
    groups: dict[str, list[Skipped]] = {}
    for one in skipped:
        groups.setdefault(ELSEWHERE if one.reason.startswith(_MANAGED_BY) else one.reason, []).append(one)
    lines = []
    for reason, group in groups.items():
        names = ", ".join(f"{one.name!r} ({one.id})" for one in group[:_FEW])
        more = f" and {len(group) - _FEW} more (--json lists all)" if group[_FEW:] else ""
        lines.append(f"left out: {names}{more}: {reason}")
    return lines


def _obstacle(item: Item, owner: str, *, enable: bool) -> str:
    dataset = item.dataset
    if dataset.system_sign:
        return f"belongs to Adobe: {dataset.system_sign}"
    found = dataset.owner
    if found and not found.startswith(f"{owner}/"):
        return f"{_MANAGED_BY}{found}"
    if blank_at_an_end(dataset.name):
        return "has a name that is empty, or begins or ends with a blank; rename it in AEP first"
    if not dataset.schema_id or item.schema_missing:
        return "has no schema"
    if dataset.profile.enabled:
        return ""
    if item.schema is not None and not item.schema.in_union:
        return "is not enabled for Profile, and neither is its schema; enable the schema in AEP first"
    if not enable:
        return "is not enabled for Profile (--enable takes it in)"
    if item.schema is None:
        return "has a schema that could not be read, so it may not be possible to enable it"
    return ""


def _logical_name(item: Item, owner: str, taken: set[str]) -> str:
    dataset = item.dataset
    if found := dataset.owner:
        # The tag names the resource that managed it; another name would be refused as another owner.
        return found.removeprefix(f"{owner}/")
    slug = re.sub(r"[^a-z0-9]+", "-", dataset.name.lower()).strip("-")
    if not re.search(r"[a-z]", slug):
        # Of a name in another script little is left, or a mere number: that names nothing.
        slug = "-".join(filter(None, ("dataset", slug)))
    unique = slug != "dataset" and slug not in taken
    return slug if unique else f"{slug}-{dataset.id[-6:]}"
