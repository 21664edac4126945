"""Datasets that carry an owner of a stack although the stack does not hold them."""

from __future__ import annotations

from collections.abc import Iterable

from aep_provider.dataset.observed import Observed


def forgotten(
    datasets: Iterable[Observed], prefix: str, known_ids: Iterable[str], known_owners: Iterable[str]
) -> list[Observed]:
    """The datasets that carry an owner of this stack and that the stack does not hold.

    Args:
        datasets: those with an owner tag, or all.
        prefix: the stack's owner name, without the logical name.
        known_ids: the ids in state and stack file.
        known_owners: owners of resources that the stack file declares; `pulumi up` deals with theirs.
    """
    ids, owners = set(known_ids), set(known_owners)
    return [
        dataset
        for dataset in datasets
        if dataset.id not in ids and (owner := dataset.owner).startswith(f"{prefix}/") and owner not in owners
    ]
