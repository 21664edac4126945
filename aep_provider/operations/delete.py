"""The end of a resource: deleting what it created, releasing what it adopted."""

from __future__ import annotations

from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.plan import release
from aep_provider.dataset.tags import OWNER_TAG
from aep_provider.errors import AepProviderError, ApiError, NotConverged, NotFound, Refused
from aep_provider.operations import guards
from aep_provider.operations.context import Context, describe

GONE_READS = (0.0, 0.5, 1.5, 3.0, 5.0)
"""Seconds before each read that waits for a deleted dataset to disappear (practice of another client)."""


def delete(context: Context, dataset_id: str, owner: str) -> None:
    """Delete a dataset that this resource created, and wait until AEP shows it no more.

    Args:
        context: where and how.
        dataset_id: the dataset.
        owner: the owner on record.

    Raises:
        Refused: it is Adobe's, or not this resource's.
        NotConverged: AEP answered, but the dataset is still there.
    """
    try:
        observed = context.aep.catalog.get(dataset_id)
    except NotFound as error:
        if guards.gone(context, error):
            return
        raise
    guards.sandbox(context)
    guards.customers(context, observed, Desired(is_upsert=False))
    _refuse_unless_ours(context, observed, owner)
    failure = ""
    try:
        context.aep.catalog.delete(dataset_id)
    except ApiError as error:
        # A 404 is what we want; after an unknown outcome, and after it alone, the reads below decide.
        if not error.effect_unknown and not isinstance(error, NotFound):
            raise
        failure = error.message
    for pause in GONE_READS:
        context.clock.wait(pause)
        try:
            context.aep.catalog.get(dataset_id)
        except NotFound as error:
            # After a DELETE that was answered with success, the dataset's own 404 is enough.
            if guards.says_missing(error) if not failure else guards.gone(context, error):
                return
            raise
    raise NotConverged(
        f"{describe(context, observed)} is still there after its deletion{failure and f': {failure}'}",
        "Run `pulumi up` again later.",
    )


def let_go(context: Context, dataset_id: str, owner: str) -> None:
    """Release an adopted dataset: take our owner tag off, leave everything else. Failing is a warning."""
    try:
        observed = context.aep.catalog.get(dataset_id)
        if not observed.profile.enabled:
            since = f" since {observed.open_gap.start}" if observed.open_gap else ""
            context.report.warn(
                f"Profile is OFF for dataset {observed.name!r} ({dataset_id}) in sandbox {context.sandbox}"
                f"{since}, and it is released like that. To switch it on: `aep-provider enable "
                f"{dataset_id}`, with --upsert if it had upsert."
            )
        operations = release(observed, owner) if context.settings.ownership_tag else ()
        if operations:
            guards.sandbox(context)
            context.aep.catalog.patch(dataset_id, operations)
    except AepProviderError as error:
        context.report.warn(
            f"Dataset {dataset_id} in sandbox {context.sandbox} is released, but its tag {OWNER_TAG} could "
            f"not be removed: {error.message}"
        )


def _refuse_unless_ours(context: Context, observed: Observed, owner: str) -> None:
    title = describe(context, observed)
    keep = "To keep it and forget it here: `pulumi state delete <urn>`."
    tagged = context.settings.ownership_tag
    if (tagged or observed.owner) and observed.owner != owner:
        found = f"is managed by {observed.owner!r}" if observed.owner else f"carries no tag {OWNER_TAG}"
        raise Refused(f"{title} {found}, not by {owner!r}; it is not deleted", keep)
    if tagged and not owner:
        raise Refused(f"{title} has no owner on record; it is not deleted", keep)
    if not tagged and observed.created_client != context.settings.client_id:
        raise Refused(f"{title} was created by another credential; it is not deleted", keep)
