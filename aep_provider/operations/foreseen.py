"""What `up` would do about a resource, from its inputs: what a preview, and a card, ask the guards about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aep_provider.arguments import OWNER_TAG
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.errors import ApiError
from aep_provider.operations import create, planner
from aep_provider.operations.change import Change, Policy
from aep_provider.operations.context import Context
from aep_provider.operations.location import existing


def foreseen(context: Context, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Change | None:
    """The change that `up` would make.

    Args:
        context: where and how.
        olds: the inputs on record; empty for a new resource.
        news: validated inputs, all known.

    Returns:
        The change; ``None`` where it cannot be told which dataset it is about.

    Raises:
        AepProviderError: the dataset could not be read.
    """
    desired = Desired.of(
        news, own_tags=context.settings.ownership_tag, owned_before=olds.get("tags") if olds else None
    )
    policy = Policy.of(news)
    if not olds and not news.get("dataset_id"):
        # The engine hides the record of a resource that is replaced. A refresh has shown it, if there was one.
        return create.creation(desired, policy, context.run.refreshed)
    recorded = planner.OnRecord(str(olds.get("owner") or "")) if olds else None
    observed = _observed(context, olds, news)
    if observed is None:
        return None
    return planner.Planner(context, desired, policy, recorded, adopting=not olds).change(observed)


def taken_over(context: Context, change: Change) -> Change | None:
    """The change that a create turns out to be where an interrupted run left a dataset behind: `up` asks about both.

    Args:
        context: where and how.
        change: the create; its guards were asked.
    """
    left = change.look_up.left_behind if change.look_up is not None else None
    return planner.Planner(context, change.desired, change.policy).change(left) if left is not None else None


def switches(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether an update will disable: upsert changes, and Profile is not known to be off already."""
    return olds.get("is_upsert") != news["is_upsert"] and olds.get("profile_enabled") is not False


def _observed(context: Context, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Observed | None:
    """The dataset that a change is about; ``None`` where a preview cannot tell."""
    dataset_id = news.get("dataset_id") or olds.get("dataset_id")
    if dataset_id:
        return existing(context, dataset_id)
    return _created_here(context, olds)


def _created_here(context: Context, olds: Mapping[str, Any]) -> Observed | None:
    """The dataset on record, by owner tag; with our tags off by who created it, if that tells."""
    if listed := _listed(context, str(olds.get("owner") or "")):
        return listed
    found = context.aep.catalog.named(str(olds.get("name")))
    owned = [dataset for dataset in found if dataset.owner and dataset.owner == olds.get("owner")]
    # Another stack may hold it by now; the refresh of this run has read it by its id.
    on_record = owned or [dataset for dataset in found if dataset.id in context.run.refreshed]
    likely = on_record or [
        dataset
        for dataset in found
        if not dataset.owner
        and dataset.created_client == context.settings.client_id
        and dataset.schema_id == olds.get("schema_id")
    ]
    return likely[0] if len(likely) == 1 else None


def _listed(context: Context, owner: str) -> Observed | None:
    """The only dataset that carries an owner, of one listing for all; ``None`` where that does not tell."""
    if not (owner and context.settings.ownership_tag and context.aep.reads.looks_ahead):
        return None
    try:
        owned = context.aep.catalog.tagged(OWNER_TAG).by_owner.get(owner, ())
    except ApiError:
        # Its name is looked up then, which says what is wrong.
        return None
    return owned[0] if len(owned) == 1 else None
