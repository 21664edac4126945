"""What a stack declares, compared with what AEP holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from aep_provider import arguments
from aep_provider.cli import inventory
from aep_provider.cli.console import Progress
from aep_provider.cli.stack import Recorded
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.plan import differences
from aep_provider.errors import NotFound
from aep_provider.operations.context import Context
from aep_provider.operations.location import gone
from aep_provider.validators import DATASET_ID

FEW = 10
"""Up to so many datasets are read one by one; more are picked out of the listing, a hundred a request."""


@dataclass(frozen=True)
class Declared:
    """One dataset of the stack.

    Attributes:
        resource: logical name.
        id: dataset id; ``""`` for one that is still to be created.
        wanted: what is declared, or ``None`` where that is not valid.
        problems: what is wrong with the declaration.
        created: whether the state has it.
    """

    resource: str
    id: str
    wanted: Desired | None
    problems: Sequence[str] = ()
    created: bool = True


@dataclass
class Verdict:
    """A dataset of the stack and what differs; nothing = as declared."""

    declared: Declared
    observed: Observed | None = None
    differences: list[str] = field(default_factory=list)


def declared(
    recorded: Iterable[Recorded], entries: Iterable[Mapping[str, Any]], *, ownership_tag: bool
) -> list[Declared]:
    """What the stack declares: its entries in the stack file, and what only the state knows, by its inputs.

    Args:
        recorded: the datasets in state; those that are only read are left out.
        entries: `aep:datasets`.
        ownership_tag: whether our tags are in use.
    """
    own = {one.resource: one for one in recorded if not one.external}
    found: list[Declared] = []
    seen: set[str] = set()
    for entry in entries:
        given = {key: value for key, value in entry.items() if key != "resource"}
        name = str(entry.get("resource") or entry.get("name") or "")
        if not name or name in seen:
            fault = (
                "another entry has the same logical name" if name else "it has no logical name: `resource`"
            )
            found.append(Declared(name, "", None, [fault], created=False))
            continue
        seen.add(name)
        state = own.pop(name, None)
        dataset_id = state.id if state else str(given.get("dataset_id") or "")
        found.append(_judged(name, dataset_id, given, ownership_tag, created=state is not None))
    for one in own.values():
        given = {
            key: value
            for key, value in one.inputs.items()
            if not key.startswith("__") and key not in (*arguments.SWITCHES, "owner")
        }
        # What an import brought in and no refresh has filled yet declares nothing but the id.
        found.append(_judged(one.resource, one.id, given or {"dataset_id": one.id}, ownership_tag))
    return sorted(found, key=lambda one: one.resource)


def compare(context: Context, wishes: Sequence[Declared], owner: str, progress: Progress) -> list[Verdict]:
    """Read the datasets and judge each.

    Raises:
        ApiError: something could not be read.
    """
    ids = [wish.id for wish in wishes if DATASET_ID.fullmatch(wish.id)]
    live: dict[str, Observed] = {}
    if len(ids) > FEW:
        live = {dataset.id: dataset for dataset in inventory.listed(context.aep, progress)}
    # What a listing does not show need not be gone, so it is asked for by its id.
    missing = [dataset_id for dataset_id in ids if dataset_id not in live]
    with ThreadPoolExecutor(max_workers=context.settings.parallel) as pool:
        for dataset_id, observed in zip(
            missing, pool.map(lambda one: _read(context, one), missing), strict=True
        ):
            if observed is not None:
                live[dataset_id] = observed
    return [_verdict(wish, live.get(wish.id), owner) for wish in wishes]


def _verdict(wish: Declared, observed: Observed | None, owner: str) -> Verdict:
    verdict = Verdict(wish, observed, list(wish.problems))
    if not wish.created and wish.wanted is not None:
        verdict.differences.append(
            "not in the state yet: `pulumi up` " + ("adopts" if wish.id else "creates") + " it"
        )
    if observed is None:
        if wish.id:
            verdict.differences.append("the dataset does not exist")
        return verdict
    if wish.wanted is not None:
        verdict.differences += differences(observed, wish.wanted)
        if wish.wanted.schema_id and wish.wanted.schema_id != observed.schema_id:
            verdict.differences.append(f"the schema is {observed.schema_id}")
        if wish.wanted.own_tags and observed.owner and observed.owner != f"{owner}/{wish.resource}":
            verdict.differences.append(f"the owner is {observed.owner}")
    return verdict


def _judged(
    name: str, dataset_id: str, given: Mapping[str, Any], ownership_tag: bool, *, created: bool = True
) -> Declared:
    normal, problems = arguments.validated(given)
    if problems:
        texts = [f"{problem.property} {problem.reason}" for problem in problems]
        return Declared(name, dataset_id, None, texts, created)
    wanted = Desired.of(normal, own_tags=ownership_tag)
    return Declared(name, dataset_id, wanted, created=created)


def _read(context: Context, dataset_id: str) -> Observed | None:
    try:
        return context.aep.catalog.get(dataset_id)
    except NotFound as error:
        if gone(context, error, None):
            return None
        raise
