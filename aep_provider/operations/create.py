"""Creating a dataset, exactly one, whatever interrupts it.

Names are not unique in AEP, a POST has no idempotency key, and the engine keeps nothing of a create that
fails. So the POST carries our owner tag, and a create first looks for what an earlier one left behind.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import DEFAULT_CONTENT_TYPE, Observed
from aep_provider.dataset.plan import creation_tags
from aep_provider.dataset.tags import OWNER_TAG
from aep_provider.errors import ApiError, NotConverged, NotFound, Refused, RequestRefused
from aep_provider.operations import guards
from aep_provider.operations.context import Context, describe
from aep_provider.operations.reconcile import UNION_TRIES, Outcome, Policy, proved, take_over

LOOK_UPS = (0.0, 1.0, 3.0)
"""Seconds before each look-up after a POST whose outcome is unknown."""


def create(context: Context, wanted: Desired, policy: Policy) -> Outcome:
    """Create a dataset with both tags in its POST, or take over the one that an interrupted run created.

    Raises:
        Refused: a guard, another owner, or a namesake.
        AepProviderError: it could not be created, or not proved.
    """
    guards.sandbox(context)
    guards.schema(context, wanted.schema_id or "", upsert=wanted.is_upsert)
    mine = find_own(context, wanted)
    if mine is None or not _there(context, mine):
        created = _post(context, wanted)
        if isinstance(created, str):
            return Outcome(proved(context, _fresh(context, created), wanted))
        mine = created
    context.report.warn(
        f"{describe(context, mine)} was created by an interrupted run of this resource; it is taken over."
    )
    return take_over(context, mine, wanted, policy)


def _there(context: Context, mine: Observed) -> bool:
    """Whether it still exists: a listing may be older than a delete of this very run."""
    try:
        context.aep.catalog.get(mine.id)
    except NotFound as error:
        if guards.gone(context, error):
            return False
        raise
    return True


def find_own(context: Context, wanted: Desired) -> Observed | None:
    """Find the dataset that an earlier, interrupted create of this resource left behind.

    Raises:
        Refused: the name, or our tag, belongs to something else.
    """
    namesakes = context.aep.catalog.named(wanted.name or "")
    mine = [dataset for dataset in namesakes if wanted.owner and dataset.owner == wanted.owner]
    others = [dataset for dataset in namesakes if dataset not in mine]
    if not mine and wanted.own_tags:
        # The name may have been edited since the interrupted run; the tag was not.
        mine = [dataset for dataset in context.aep.catalog.tagged(OWNER_TAG) if dataset.owner == wanted.owner]
    if others and not mine:
        for dataset in others:
            if dataset.owner:
                guards.customers(context, dataset, wanted)
        ids = ", ".join(dataset.id for dataset in others)
        raise Refused(
            f"Sandbox {context.sandbox} already has a dataset named {wanted.name!r}: {ids}",
            f"To manage that one, give its id: dataset_id={others[0].id!r}. To create another, "
            "choose another name.",
        )
    if len(mine) > 1:
        ids = ", ".join(dataset.id for dataset in mine)
        raise Refused(
            f"Several datasets carry the owner tag {wanted.owner!r} in sandbox {context.sandbox}: {ids}",
            "Keep one: give its id as dataset_id, and delete the others in AEP.",
        )
    if not mine:
        return None
    guards.customers(context, mine[0], wanted)
    if mine[0].created_client != context.settings.client_id:
        raise Refused(
            f"{describe(context, mine[0])} carries the owner tag {wanted.owner!r}, but another credential "
            f"created it ({mine[0].created_client or 'unknown'})",
            "Two teams seem to use the same project and stack names: set aep:owner to tell them apart.",
        )
    return mine[0]


def _post(context: Context, wanted: Desired) -> str | Observed:
    """Send the POST once. Returns the new id, or the dataset found after an unknown outcome."""
    body: dict[str, Any] = {
        "name": wanted.name,
        "schemaRef": {
            "id": wanted.schema_id,
            "contentType": wanted.schema_content_type or DEFAULT_CONTENT_TYPE,
        },
        "fileDescription": {"format": "parquet"},
        "tags": creation_tags(wanted),
    }
    if wanted.description is not None:
        body["description"] = wanted.description
    sent = context.clock.now()
    unions = iter(UNION_TRIES)
    while True:
        try:
            return context.aep.catalog.create(body)
        except RequestRefused as error:
            # A refused POST created nothing, so this one may be repeated.
            pause = next(unions, None) if error.status == 422 else None
            if pause is None or context.clock.wait(pause):
                raise
        except ApiError as error:
            if not error.effect_unknown:
                raise
            return _after_unknown_post(context, wanted, sent, error)


def _after_unknown_post(context: Context, wanted: Desired, sent: datetime, error: ApiError) -> Observed:
    for pause in LOOK_UPS:
        context.clock.wait(pause)
        found = [
            dataset
            for dataset in context.aep.catalog.named(wanted.name or "")
            if dataset.created_client == context.settings.client_id
            and dataset.schema_id == wanted.schema_id
            and (dataset.owner == wanted.owner if wanted.own_tags else _since(dataset, sent))
        ]
        if len(found) == 1:
            return found[0]
    raise NotConverged(
        f"Whether a dataset named {wanted.name!r} was created in sandbox {context.sandbox} is unknown: "
        f"{error.message}",
        "Run `pulumi up` again: it looks for its own dataset before it creates one.",
    ) from error


def _since(dataset: Observed, sent: datetime) -> bool:
    # Clocks differ; a minute is far less than the age of any dataset that was there before.
    return dataset.created / 1000 >= (sent - timedelta(minutes=1)).timestamp()


def _fresh(context: Context, dataset_id: str) -> Observed:
    """Read a dataset just created; AEP may show it with a short lag."""
    for pause in (0.5, 1.5, 3.0):
        try:
            return context.aep.catalog.get(dataset_id)
        except NotFound:
            context.clock.wait(pause)
    return context.aep.catalog.get(dataset_id)
