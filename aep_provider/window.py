"""The window: the disable PATCH, the enable PATCH, and getting Profile back whatever happens between them.

While the window is open, what is ingested never reaches Profile and nothing backfills it. So everything that
can be done before is done before, nothing is logged, parsed or waited for in between, and after a failure
the first concern is that Profile comes back on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from aep_provider.dataset.plan import Plan, differences
from aep_provider.dataset.state import Desired, Observed
from aep_provider.dataset.tags import timestamp
from aep_provider.errors import (
    AepProviderError,
    ApiError,
    Interrupted,
    NotConverged,
    ProfileOff,
    RequestRefused,
    RolledBack,
    StatusError,
    Throttled,
    TokenRejected,
)
from aep_provider.guards import Context, describe

if TYPE_CHECKING:
    from aep_provider.aep.gateway import Prepared

TOKEN_LIFE = 600.0
"""Seconds that the token must live when the window opens."""

TRIES = (0.0, 0.2, 0.5, 1.0)
"""Seconds before each try of the enable."""

LONGEST_WAIT = 2.0
"""Seconds; a Retry-After above this is not waited for while Profile is off."""


@dataclass(frozen=True)
class Window:
    """When Profile was off at most: from before the disable was sent to after the enable was answered."""

    opened: datetime
    closed: datetime


def toggle(
    context: Context, observed: Observed, make: Callable[[Observed], Plan], wanted: Desired
) -> tuple[Observed, Window]:
    """Switch Profile and Identity off, and on again with the wanted setting.

    Args:
        context: where and how.
        observed: the dataset, just read; Profile is on.
        make: plans again, so that a repeated request carries the time of that request.
        wanted: what the final read must show.

    Returns:
        The dataset as read afterwards, and the window.

    Raises:
        AepProviderError: nothing was switched off (any class but the next three).
        RolledBack: enabling failed; the previous setting is back.
        NotConverged: Profile is on, but the dataset is not as wanted.
        ProfileOff: Profile is, or may be, off.
    """
    catalog = context.aep.catalog
    context.aep.gateway.tokens.ensure(TOKEN_LIFE)

    def enable(restore: bool = False) -> Prepared:
        steps = make(observed)
        return catalog.prepare_patch(observed.id, steps.restore if restore else steps.enable)

    with context.aep.gateway.place():
        first, opened = _disable(context, observed, make, enable)
        failure = _switch_on(context, observed.id, wanted.is_upsert, enable, first)
        closed = context.clock.now()
        if failure is not None:
            raise _roll_back(context, observed, opened, failure, lambda: enable(restore=True))
    return _prove(context, observed, wanted, opened, enable), Window(opened, closed)


def _disable(
    context: Context,
    observed: Observed,
    make: Callable[[Observed], Plan],
    enable: Callable[[], Prepared],
) -> tuple[Prepared, datetime]:
    """Send the disable. Profile is off afterwards; return the enable, made ready before, and since when."""
    failure: ApiError | None = None
    for pause in TRIES:
        if context.clock.wait(pause):
            raise Interrupted(
                f"{describe(context, observed)}: stopped before the disable; nothing was written",
                "Run `pulumi up` again.",
            )
        ready = enable()
        request = context.aep.catalog.prepare_patch(observed.id, make(observed).disable)
        opened = context.clock.now()
        try:
            request.send()
            return ready, opened
        except (TokenRejected, Throttled) as error:
            failure = error
        except ApiError as error:
            if not error.effect_unknown:
                raise
            failure = error
            now = _look(context, observed.id)
            if now is None:
                back = _switch_on(
                    context, observed.id, observed.upsert, lambda: _as_before(context, observed, make)
                )
                raise _outcome(context, observed, opened, error, back) from error
            if not now.profile.enabled:
                return ready, opened
    raise failure or NotConverged(f"{describe(context, observed)}: the disable was never sent")


def _as_before(context: Context, observed: Observed, make: Callable[[Observed], Plan]) -> Prepared:
    return context.aep.catalog.prepare_patch(observed.id, make(observed).restore)


def _switch_on(
    context: Context,
    dataset_id: str,
    upsert: bool,
    prepare: Callable[[], Prepared],
    first: Prepared | None = None,
) -> AepProviderError | None:
    """Send an enable until it has worked; return what stopped it otherwise. Never raises an API error."""
    failure: AepProviderError | None = None
    wait = 0.0
    for pause in TRIES:
        # A shutdown ends this wait at once, and the enable goes out: that is what matters now.
        context.clock.wait(max(pause, wait) if failure else 0)
        try:
            (first or prepare()).send()
            return None
        except ApiError as error:
            failure = error
            if error.effect_unknown and _is_on(_look(context, dataset_id), upsert):
                return None
            if _final(error):
                return failure
            asked = error.retry_after if isinstance(error, StatusError) else None
            wait = asked if asked is not None and asked <= LONGEST_WAIT else 0.0
        except AepProviderError as error:
            return error
        first = None
    return failure


def _final(error: ApiError) -> bool:
    """Whether trying again is pointless. A 422 may pass: a union that is not propagated yet (seen once)."""
    if isinstance(error, TokenRejected | Throttled):
        return False
    if isinstance(error, RequestRefused):
        return error.status != 422
    return not error.effect_unknown


def _roll_back(
    context: Context,
    observed: Observed,
    opened: datetime,
    failure: AepProviderError,
    restore: Callable[[], Prepared],
) -> AepProviderError:
    back = _switch_on(context, observed.id, observed.upsert, restore)
    return _outcome(context, observed, opened, failure, back)


def _outcome(
    context: Context,
    observed: Observed,
    opened: datetime,
    failure: AepProviderError,
    back: AepProviderError | None,
) -> AepProviderError:
    """What to tell after a failure inside the window, judged by a read and nothing else."""
    now = _look(context, observed.id)
    title = describe(context, observed)
    if _is_on(now, observed.upsert):
        return RolledBack(
            f"{title}: Profile is back ON as it was; changing upsert failed: {failure.message}",
            f"Profile was off from {timestamp(opened)} to {timestamp(context.clock.now())} at most: batches "
            f"that ended in that time did not reach Profile, ingest them again.\n{failure.remedy}".rstrip(),
        )
    known = "is OFF" if now is not None and not now.profile.enabled else "may be OFF"
    reason = failure.message if back is None else f"{failure.message}; and restoring failed: {back.message}"
    return ProfileOff(
        f"Profile {known} for dataset {observed.name!r} ({observed.id}) in sandbox {context.sandbox} since "
        f"{timestamp(opened)}: {reason}",
        "Run `pulumi up` again as soon as you can: it reads the dataset and switches Profile on. Or enable "
        "Profile for the dataset in AEP (Datasets > the dataset > Profile).\nWhat is ingested until then "
        "does not reach Profile and has to be ingested again.",
    )


def _prove(
    context: Context,
    observed: Observed,
    wanted: Desired,
    opened: datetime,
    enable: Callable[[], Prepared],
) -> Observed:
    """Read what came of it; an enable that was answered with success but is not there is sent once more."""
    for attempt in (1, 2):
        try:
            now = context.aep.catalog.get(observed.id)
        except ApiError as error:
            raise NotConverged(
                f"{describe(context, observed)}: the enable was answered with success, but could not be "
                f"proved: {error.message}",
                "Run `pulumi up` again: it reads the dataset and finishes what is missing.",
            ) from error
        left = differences(now, wanted)
        if not left:
            return now
        if now.profile.enabled:
            raise NotConverged(
                f"{describe(context, observed)} was answered with success, but {'; '.join(left)}",
                "Something else may write to it. Run `pulumi up` again.",
            )
        if attempt == 1:
            failure = _switch_on(context, observed.id, wanted.is_upsert, enable)
            if failure is not None:
                raise _outcome(context, observed, opened, failure, failure)
    raise _outcome(
        context, observed, opened, NotConverged("the enable is answered with success but has no effect"), None
    )


def _look(context: Context, dataset_id: str) -> Observed | None:
    """Read the dataset, quickly; ``None`` if it cannot be read."""
    for pause in TRIES[:3]:
        context.clock.wait(pause)
        try:
            return context.aep.catalog.get(dataset_id, prompt=True)
        except ApiError:
            continue
    return None


def _is_on(observed: Observed | None, upsert: bool) -> bool:
    return (
        observed is not None
        and observed.profile.enabled
        and observed.identity.enabled
        and observed.profile.upsert == upsert
    )
