"""Creating a dataset, exactly one, whatever interrupts it.

Names are not unique in AEP, a POST has no idempotency key, and the engine keeps nothing of a create that
fails. So the POST carries an owner and a claim, and a create first looks for what an earlier one left behind.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.plan import creation_body
from aep_provider.errors import (
    ApiError,
    Conflict,
    NotConverged,
    NotFound,
    RequestRefused,
    StatusError,
    Throttled,
)
from aep_provider.operations import asking
from aep_provider.operations.change import Change, LookUp, Policy
from aep_provider.operations.context import Context, describe
from aep_provider.operations.ownership import SEVERAL_REMEDY
from aep_provider.operations.reconcile import Outcome, proved, take_over

LOOK_UPS = (0.0, 1.0, 3.0)
"""Seconds before each look-up after a POST whose outcome is unknown."""

FRESH_READS = (0.0, 0.5, 1.5, 3.0, 5.0)
"""Seconds before each look for a dataset that was just created: what is new shows with a lag."""

MOMENT_TRIES = (0.5, 1.5)
"""Seconds between tries of a POST while something else is at work (409, 423, 425), or there are too many requests."""

UNION_TRIES = (1.0, 3.0, 10.0, 30.0, 30.0, 30.0)
"""Seconds between tries of a POST while a union that was just enabled propagates (seen: 3 x 30 s)."""


def creation(
    desired: Desired, policy: Policy, leaving: Collection[str] = (), seen: Observed | None = None
) -> Change:
    """What a create is about to do, for the guards.

    Args:
        desired: what the program wants.
        policy: how it wants a disable to be treated, for a take-over.
        leaving: ids of datasets on record: one of this resource would be deleted before, since it is replaced.
        seen: what an earlier look has found.
    """
    return Change(desired, policy, look_up=LookUp(desired, leaving, seen))


def create(context: Context, desired: Desired, policy: Policy) -> Outcome:
    """Create a dataset with both tags in its POST, or take over the one that an interrupted run created.

    Args:
        context: where and how.
        desired: what the program wants.
        policy: how it wants a disable to be treated, for a take-over.

    Raises:
        Refused: a guard, another owner, a namesake, or a dataset in use.
        AepProviderError: it could not be created, or not proved.
    """
    desired = desired._replace(claim=secrets.token_hex(8) if desired.own_tags and desired.owner else None)
    with context.run.creating[desired.name]:
        looked_at = context.clock.monotonic()
        found = _left_behind(context, desired, policy)
        if context.outdated(looked_at):
            looked_at = context.clock.monotonic()
            found = _left_behind(context, desired, policy, again=True, seen=found)
        if found is not None:
            return _taken_over(context, found, desired, policy, looked_at)
        return _posted(context, desired, policy, looked_at)


def _left_behind(
    context: Context, desired: Desired, policy: Policy, *, again: bool = False, seen: Observed | None = None
) -> Observed | None:
    """Ask the guards; the dataset that an interrupted run left behind.

    Args:
        again: only look once more for what an interrupted run, or somebody else, has created or used meanwhile.
        seen: what an earlier look has found.
    """
    change = creation(desired, policy, seen=seen)
    asking.ask(context, change, again=again)
    own = change.look_up.found(context).own if change.look_up is not None else ()
    return own[0] if own else None


def _taken_over(
    context: Context, observed: Observed, desired: Desired, policy: Policy, looked_at: float
) -> Outcome:
    context.report.warn(
        f"{describe(context, observed)} was created by an interrupted run of this resource; it is taken over."
    )
    context.run.held.add(observed.id)
    return take_over(context, observed, desired, policy, looked_at)


def _posted(context: Context, desired: Desired, policy: Policy, looked_at: float) -> Outcome:
    found = _post(context, desired, policy, looked_at)
    if isinstance(found, Observed):
        return _taken_over(context, found, desired, policy, looked_at)
    context.run.held.add(found)
    try:
        return Outcome(proved(context, _shown(context, found, desired), desired))
    except ApiError as error:
        raise NotConverged(
            f"Dataset {desired.name!r} was created in sandbox {context.sandbox} with the id {found}, but could not be "
            f"read: {error.message}",
            "Run `pulumi up` again: it takes the dataset over."
            if desired.claim
            else f"If it is the one that you want: dataset_id={found!r}. Otherwise delete it in AEP.",
        ) from error


def _shown(context: Context, dataset_id: str, desired: Desired) -> Observed:
    """The dataset just created, as the listing by name shows it; a twin of another creator shows there as well.

    Raises:
        NotConverged: another dataset has the name.
        ApiError: it could not be read.
    """
    listed = {dataset.id: dataset for dataset in context.aep.catalog.named(desired.name)}
    twins = sorted(listed.keys() - {dataset_id})
    if twins:
        raise NotConverged(
            f"Dataset {desired.name!r} was created in sandbox {context.sandbox} with the id {dataset_id}, and "
            f"somebody else created one of the same name at the same time: {', '.join(twins)}",
            f"Nothing was deleted. {SEVERAL_REMEDY}",
        )
    return listed.get(dataset_id) or _fresh(context, dataset_id)


def _fresh(context: Context, dataset_id: str) -> Observed:
    for pause in FRESH_READS:
        context.clock.wait(pause)
        try:
            return context.aep.catalog.get(dataset_id)
        except NotFound:
            continue
    return context.aep.catalog.get(dataset_id)


def _post(context: Context, desired: Desired, policy: Policy, looked_at: float) -> str | Observed:
    """Send the POST once. Returns the new id, or the dataset found after an unknown outcome or a wait."""
    body = creation_body(desired)
    sent = context.now()
    unions, moments = iter(UNION_TRIES), iter(MOMENT_TRIES)
    while True:
        try:
            with context.aep.gateway.slot():
                # By one request of its own: who has a slot must not wait for an answer that others ask for.
                if not (context.outdated(looked_at) and context.aep.catalog.named(desired.name)):
                    context.require_listener(
                        f"Creating dataset {desired.name!r} in sandbox {context.sandbox}"
                    )
                    return context.aep.catalog.create(body)
        except (RequestRefused, Throttled) as error:
            # A refused POST created nothing, so this one may be repeated.
            moment = isinstance(error, Conflict | Throttled)
            pause = next(moments, None) if moment else next(unions, None) if awaits_union(error) else None
            if pause is None or context.clock.wait(min(error.retry_after or pause, 60)):
                raise
        except ApiError as error:
            if not error.effect_unknown:
                raise
            return _after_unknown_post(context, desired, sent, error)
        looked_at = context.clock.monotonic()
        found = _left_behind(context, desired, policy, again=True)
        if found is not None:
            return found


def awaits_union(error: StatusError) -> bool:
    """Whether a refusal may come from a union that was just enabled and is not known everywhere yet.

    The guards have seen the schema in the union. Documented is 400 with this text, seen in practice 422.
    """
    return error.status == 422 or (error.status == 400 and "schema should be valid" in error.problem)


def _after_unknown_post(context: Context, desired: Desired, sent: datetime, error: ApiError) -> Observed:
    for pause in LOOK_UPS:
        context.clock.wait(pause)
        found = [
            dataset
            for dataset in context.aep.catalog.named(desired.name)
            if dataset.created_client == context.settings.client_id
            and dataset.schema_id == desired.schema_id
            and (dataset.ownership.claim == desired.claim if desired.claim else _since(dataset, sent))
        ]
        if len(found) == 1:
            return found[0]
    raise NotConverged(
        f"It is unknown whether a dataset named {desired.name!r} was created in sandbox {context.sandbox}: "
        f"{error.message}",
        "Run `pulumi up` again: it looks for its own dataset before it creates one.",
    ) from error


def _since(dataset: Observed, sent: datetime) -> bool:
    # Clocks differ; a minute is far less than the age of any dataset that was there before.
    return dataset.created / 1000 >= (sent - timedelta(minutes=1)).timestamp()
