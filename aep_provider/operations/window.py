"""The window: the disable PATCH, the enable PATCH, and for which version of the dataset the disable is sent.

While the window is open, what is ingested never reaches Profile and nothing backfills it. So everything that
can be done before is done before, nothing is logged, parsed or waited for in between, and after a failure
the first concern is that Profile comes back on (`aep_provider.operations.switch`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.plan import Plan
from aep_provider.dataset.tags import GAP_TAG
from aep_provider.errors import AepProviderError, RequestRefused
from aep_provider.operations.context import Context
from aep_provider.operations.gap_report import Window
from aep_provider.operations.switch import Switch

if TYPE_CHECKING:
    from aep_provider.aep.catalog import Read

TOKEN_LIFE = 600.0
"""Seconds that the token must live when the window opens."""


def toggle(
    context: Context,
    observed: Observed,
    plan_for: Callable[[Observed], Plan],
    desired: Desired,
    ask: Callable[[Observed], None],
    ask_late: Callable[[], None],
) -> tuple[Observed, Window | None]:
    """Switch Profile and Identity off, and on again with the desired setting.

    The dataset is read right before the disable, which is sent for exactly that version: it is refused if somebody
    else has written since. That is tried twice, since Adobe's background services write as well, and then the
    disable is sent for whatever is there; also where AEP refuses it as malformed (400), which the version may be.

    Args:
        context: where and how.
        observed: the dataset as the guards were asked about it; Profile is on.
        plan_for: makes the plan, with the time of the request in it.
        desired: what the final read must show.
        ask: refuses, right before each disable is sent and without a request, what may not be done any more.
        ask_late: asks again what takes requests, if the slot came late; before the read, which is to be young.

    Returns:
        The dataset as read afterwards, and the window; or the dataset as read right before and ``None``, if it has
        changed so that the guards have to be asked about it. No disable was answered with success then.

    Raises:
        AepProviderError: nothing was switched off (any class but the next three).
        RolledBack: enabling failed; the previous setting is back.
        NotConverged: Profile is on, but the dataset is not as desired.
        ProfileOff: Profile is, or may be, off.
    """
    context.aep.gateway.tokens.ensure(TOKEN_LIFE)
    with context.aep.gateway.slot():
        tries, refused = [True, True, False], None
        while tries:
            versioned = tries.pop(0)
            read = _read(context, observed.id, refused, ask_late)
            if _basis(read.observed, plan_for) != _basis(observed, plan_for):
                return read.observed, None
            version = read.etag if versioned else ""
            switch = Switch(context, read.observed, desired, version, ask, refused)
            try:
                ready = switch.off(plan_for)
            except RequestRefused as error:
                # What is asked before a disable may be refused as well; that says nothing of the version.
                if not version or error is not switch.failure or error.status not in (400, 412):
                    raise
                if error.status == 400:
                    # Adobe's sources disagree on the header: the version may be what is malformed.
                    tries = [False]
                else:
                    refused = refused or switch
                continue
            now = switch.on(ready)
            break
    switch.tell_of_oddities()
    closed = switch.closed(now)
    switch.tell_event("changed", closed)
    return now, Window(switch.opened, closed, context.now())


def _read(context: Context, dataset_id: str, refused: Switch | None, ask_late: Callable[[], None]) -> Read:
    """The dataset right before a disable; after a refused one, which may have landed, nothing else is asked."""
    if refused is None:
        ask_late()
        return context.aep.catalog.read_for_write(dataset_id)
    try:
        return context.aep.catalog.read_for_write(dataset_id)
    except AepProviderError as error:
        raise refused.maybe_off(error) from error


def _basis(observed: Observed, plan_for: Callable[[Observed], Plan]) -> tuple[object, ...]:
    """What a plan, and the answers of the guards, rest on; without the note, which holds the time."""
    steps = plan_for(observed)
    without_note = [
        tuple(one for one in patch if one["path"] != f"/tags/{GAP_TAG}")
        for patch in (steps.edit, steps.disable, steps.enable)
    ]
    return without_note, observed.ownership, observed.schema_id, observed.system_sign
