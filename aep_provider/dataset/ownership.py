"""Whose a dataset is: the owner that a URN names, and what a dataset's owner tag says about a resource.

Names are not unique in AEP, and the plugin never knows the state, so every answer here rests on what the
dataset itself carries: who owns it, which creation it comes from, and whether it has been used since.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from aep_provider.dataset.observed import Observed

RESOURCE_TYPE = "pulumi-python:dynamic/aep:UpsertDataset"
_STACK_TYPE = "pulumi:pulumi:Stack"

INTERRUPTED_FOR = timedelta(days=1)
"""A dataset older than this does not come from a run that was interrupted a moment ago."""


class Standing(Enum):
    """What a dataset is to a resource."""

    MINE = "it carries the owner and the claim on record"
    ANOTHER_CLAIM = "it carries the owner, and the claim of another creation"
    INTERRUPTED = "an interrupted create of this resource left it behind"
    ALIVE = "it carries the owner and has been used since its creation"
    SOMEBODY_ELSES = "it carries another owner"
    UNOWNED = "it carries no owner"


def owner_of(urn: str, prefix: str) -> str:
    """The owner that a URN names: two resources that Pulumi tells apart never share one.

    Args:
        urn: ``urn:pulumi:<stack>::<project>::<parent types>$<type>::<logical name>``.
        prefix: the value of ``aep:owner`` instead of project and stack, or ``""``.

    Raises:
        ValueError: the text is not a URN.
    """
    parts = urn.split("::", 3)
    if len(parts) != 4 or not parts[0].startswith("urn:pulumi:"):
        raise ValueError(f"{urn!r} is not a URN")
    stack, project, types, name = parts[0].removeprefix("urn:pulumi:"), *parts[1:]
    *parents, own = (one for one in types.split("$") if one != _STACK_TYPE)
    # A type is never empty: the gap after an own type tells it from a parent of that type.
    kept = parents if own == RESOURCE_TYPE else [*parents, own, ""]
    escaped = name.replace("%", "%25").replace("$", "%24")
    return f"{prefix or f'{project}/{stack}'}/{'$'.join((*kept, escaped))}"


def urn_of(owner: str) -> str:
    """The URN that an owner names whose prefix is ``<project>/<stack>``."""
    project, stack, rest = owner.split("/", 2)
    kept, _, name = rest.rpartition("$")
    # The gap after an own type, see `owner_of`.
    types = kept[:-1] if kept.endswith("$") else f"{kept}${RESOURCE_TYPE}" if kept else RESOURCE_TYPE
    return f"urn:pulumi:{stack}::{project}::{types}::{logical_name(name)}"


def logical_name(owner: str) -> str:
    """The logical name in an owner without its prefix."""
    return owner.rpartition("$")[2].replace("%24", "$").replace("%25", "%")


def on_record(observed: Observed, owner: str, claim: str) -> Standing:
    """What a dataset is to a resource that is in state.

    Args:
        observed: the dataset, just read.
        owner: the owner on record.
        claim: the claim on record, or ``""``.
    """
    tag = observed.ownership
    if not tag.owner:
        return Standing.UNOWNED
    if tag.owner != owner:
        return Standing.SOMEBODY_ELSES
    return Standing.MINE if tag.claim == claim else Standing.ANOTHER_CLAIM


def before_creation(
    observed: Observed, owner: str, *, client_id: str, schema_id: str, batches: bool, now: datetime
) -> tuple[Standing, str]:
    """What a dataset is to a resource that is about to be created, and what shows it.

    An interrupted run is proven, never assumed: whatever speaks for the dataset being in use decides.

    Args:
        observed: the dataset, just read.
        owner: the owner of the new resource.
        client_id: the client id of our credential.
        schema_id: the schema declared.
        batches: whether a batch was ever ingested into it.
        now: the time of the service.
    """
    tag = observed.ownership
    if not tag.owner:
        return Standing.UNOWNED, ""
    if tag.owner != owner:
        return Standing.SOMEBODY_ELSES, ""
    age = now.timestamp() - observed.created / 1000
    if tag.kept:
        return Standing.ALIVE, "it was changed after its creation"
    if not observed.created or age > INTERRUPTED_FOR.total_seconds():
        return Standing.ALIVE, f"it was created at {observed.created_at or 'an unknown time'}"
    if observed.created_client != client_id:
        return Standing.ALIVE, f"another credential created it ({observed.created_client or 'unknown'})"
    if observed.schema_id != schema_id:
        return Standing.ALIVE, f"it has schema {observed.schema_id!r}"
    if batches:
        return Standing.ALIVE, "batches were ingested into it"
    return Standing.INTERRUPTED, f"created at {observed.created_at}"
