"""Carries plans out: read, ask the guards, write, read again.

Nothing here trusts what was recorded before: every operation reads the dataset first, plans from what it
saw, and is judged by a read at the end. So running one twice, or after dying anywhere, ends the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.plan import Patch, Plan, differences, unedited, unowned
from aep_provider.dataset.tags import UNIFIED_PROFILE, timestamp
from aep_provider.errors import (
    ApiError,
    BatchesInFlight,
    Conflict,
    NotConverged,
    ProfileOff,
    RequestRefused,
    Throttled,
)
from aep_provider.operations import asking, gap_report, in_flight, window
from aep_provider.operations.change import Policy
from aep_provider.operations.context import Context, describe
from aep_provider.operations.gap_report import GapReport, Window
from aep_provider.operations.location import existing
from aep_provider.operations.outcome import last_seen, looks, off_error, typed
from aep_provider.operations.planner import OnRecord, Planner

TRIES = (0.0, 0.5, 1.5, 4.0)
"""Seconds before each try of a PATCH outside a window."""

ROUNDS = 3
"""How often a dataset that somebody else changes right before the disable is planned anew."""

UNION_TRIES = (1.0, 3.0, 10.0, 30.0)
"""Seconds between tries at 422: a union that was just enabled propagates (seen once, 3 x 30 s)."""


class Outcome(NamedTuple):
    """A dataset as read at the end, and the reports on windows that this run made, ended or found; newest first."""

    observed: Observed
    gaps: Sequence[GapReport] = ()


def adopt(context: Context, dataset_id: str, desired: Desired, policy: Policy) -> Outcome:
    """Bring an existing dataset to the desired state and under the program's care.

    Args:
        context: where and how.
        dataset_id: the dataset.
        desired: what the program wants.
        policy: how it wants a disable to be treated.

    Raises:
        Refused: it does not exist, or a guard said no.
        AepProviderError: see `aep_provider.operations.window.toggle`.
    """
    observed = existing(context, dataset_id)
    planner = Planner(context, desired, policy, adopting=True)
    with off_first(context, observed, planner):
        outcome = _apply(context, observed, planner)
    context.run.held.add(dataset_id)
    return outcome


def update(
    context: Context, dataset_id: str, desired: Desired, policy: Policy, recorded: OnRecord
) -> Outcome:
    """Bring a managed dataset to the desired state.

    Args:
        context: where and how.
        dataset_id: the dataset.
        desired: what the program wants.
        policy: how it wants a disable to be treated.
        recorded: what state says of it.

    Raises:
        AepProviderError: as `adopt`.
    """
    observed = existing(context, dataset_id, recorded.created)
    planner = Planner(context, desired, policy, recorded)
    with off_first(context, observed, planner):
        planner.check_claim(observed)
        return _apply(context, observed, planner)


def take_over(
    context: Context, observed: Observed, desired: Desired, policy: Policy, read_at: float
) -> Outcome:
    """Bring the dataset that an interrupted create left behind to the desired state.

    Args:
        context: where and how.
        observed: the dataset.
        desired: what the program wants.
        policy: how it wants a disable to be treated.
        read_at: when it was looked for, by the clock that counts waits.

    Raises:
        AepProviderError: as `adopt`.
    """
    planner = Planner(context, desired, policy)
    planner.read_at = read_at
    with off_first(context, observed, planner):
        return _apply(context, observed, planner)


@contextlib.contextmanager
def off_first(context: Context, observed: Observed, planner: Planner) -> Iterator[None]:
    """While Profile is off since an earlier run, no error leaves without saying so first.

    Args:
        context: where.
        observed: the dataset, just read.
        planner: who plans, and has read it again. A dataset on record was on; of another one that is off already only a
            window noted on it counts.

    Raises:
        ProfileOff: instead of any error, if Profile still is, or may be, off.
    """
    try:
        yield
    except ProfileOff:
        raise
    except Exception as error:
        seen = planner.seen or observed
        # Not of the last read: an enable of ours may have ended that time before the failure.
        left_open = (planner.off or observed).open_note
        was_on = observed.profile.enabled or planner.recorded is not None
        if left_open is None and (seen.profile.enabled or not was_on):
            raise
        written = planner.enabling
        now = last_seen(context, observed.id, wait=written)
        opened = left_open.started if left_open else None
        if now is not None and now.profile.enabled:
            # The enable closed the window before the failure, so no later run would report it.
            if left_open is not None:
                gap_report.report(context, observed.id, Window.noted(now, opened, context.now()))
            raise
        since = left_open.start if left_open else "an unknown time"
        reason = typed(error)
        sure = now is not None and not written
        off = off_error(context, observed, since, reason.message, upsert=planner.desired.is_upsert, sure=sure)
        off.remedy = f"{reason.remedy}\n{off.remedy}".lstrip()
        raise off from error


def _apply(context: Context, observed: Observed, planner: Planner) -> Outcome:
    """Ask the guards, and carry out what is planned for the dataset just read."""
    for round_ in range(ROUNDS):
        observed = _ready(context, observed, planner, again=round_ > 0)
        if not planner.plan(observed).opens_window:
            return _without_window(context, observed, planner)
        toggled = _toggled(context, observed, planner)
        if isinstance(toggled, Outcome):
            return toggled
        observed = planner.saw(toggled)
        planner.check_claim(observed)
    raise NotConverged(
        f"{describe(context, observed)} keeps being changed by somebody else; Profile was not switched off",
        "Find out who writes to it, then run `pulumi up` again.",
    )


def _without_window(context: Context, observed: Observed, planner: Planner) -> Outcome:
    """Write what needs no disable: nothing, an edit, or the enable that ends an earlier window."""
    if planner.plan(observed).empty:
        return Outcome(observed, planner.unreported(observed))
    now = _written(context, observed, planner, lambda steps: (steps.enable, steps.edit))
    now = proved(context, now, planner.desired, owned=True)
    # Profile may have been off until here, so what earlier windows lost is only looked up now.
    earlier = planner.unreported(observed)
    return Outcome(now, [*_recovered(context, observed, now, planner, earlier), *earlier])


def _ready(context: Context, observed: Observed, planner: Planner, *, again: bool = False) -> Observed:
    """Ask the guards; where batches in flight are waited for, read the dataset anew and ask again."""
    deadline = context.clock.monotonic() + planner.policy.wait_timeout
    while True:
        try:
            planner.asked_at = context.clock.monotonic()
            asking.ask(context, planner.change(observed), again=again)
            return observed
        except BatchesInFlight:
            if planner.policy.in_flight_batches != "wait":
                raise
            left = max(deadline - context.clock.monotonic(), 0.0)
            in_flight.await_batches(context, observed.id, left)
            observed = planner.again(observed.id)


def _recovered(
    context: Context, before: Observed, now: Observed, planner: Planner, reported: Sequence[GapReport]
) -> list[GapReport]:
    """The report on a time in which Profile was off, and which this run has ended."""
    before = planner.off or before
    left_open = before.open_note
    # A dataset on record was on; one that is being adopted may never have been.
    if left_open is None and (before.profile.enabled or planner.recorded is None):
        return []
    opened = left_open.started if left_open else None
    if opened and timestamp(opened) in {one["from"] for one in reported}:
        return []
    return [gap_report.report(context, before.id, Window.noted(now, opened, context.now()))]


def _toggled(context: Context, observed: Observed, planner: Planner) -> Outcome | Observed:
    """Write what can be written before, and switch Profile off and on.

    Returns:
        What came of it; or the dataset as it is now, if it has changed so that the guards have to be asked again.
    """
    if planner.plan(observed).edit:
        observed = _edited(context, observed, planner)
        observed = _ready(context, observed, planner, again=True)
        if not planner.plan(observed).opens_window:
            return observed
    try:
        now, off = window.toggle(
            context,
            observed,
            planner.plan,
            planner.desired,
            lambda seen: asking.ask_at_disable(context, planner.change(seen)),
            lambda: _ask_late(context, observed, planner),
        )
    except BatchesInFlight:
        # They came while this run waited for its slot; without one they are waited for.
        return planner.again(observed.id)
    if off is None:
        return now
    before = context.run.in_flight.get(observed.id, frozenset())
    earlier = planner.unreported(observed)
    return Outcome(now, [gap_report.report(context, observed.id, off, before), *earlier])


def _ask_late(context: Context, observed: Observed, planner: Planner) -> None:
    """Ask the guards again where the slot came late, the batches among them."""
    if context.outdated(planner.asked_at):
        planner.asked_at = context.clock.monotonic()
        asking.ask(context, planner.change(observed), again=True)


def _edited(context: Context, observed: Observed, planner: Planner) -> Observed:
    """Write what a plan edits, without the switches, and prove it."""
    now = _written(context, observed, planner, lambda steps: (steps.edit,))
    return _shown(context, now, lambda seen: unedited(seen, planner.desired) + unowned(seen, planner.desired))


def _written(
    context: Context, observed: Observed, planner: Planner, part: Callable[[Plan], tuple[Patch, ...]]
) -> Observed:
    """Send a part of the plan outside a window, and read the dataset again.

    After a failure that may pass, the dataset is read and planned anew: somebody else may have written, and
    a PATCH whose outcome is unknown may be there already.
    """
    pauses, unions = iter(TRIES[1:]), iter(UNION_TRIES)
    expected = planner.plan(observed).opens_window
    while True:
        try:
            with context.aep.gateway.slot():
                if context.outdated(planner.read_at):
                    observed = _still(context, observed, planner, expected, "while this run waited")
                context.require_listener(f"Writing to {describe(context, observed)}")
                for operations in part(planner.plan(observed)):
                    if operations:
                        _patched(context, observed.id, operations, planner)
            return planner.saw(existing(context, observed.id))
        except ApiError as error:
            union = isinstance(error, RequestRefused) and error.status == 422
            passing = error.effect_unknown or isinstance(error, Throttled | Conflict)
            pause = next(unions if union else pauses, None) if union or passing else None
            if pause is None:
                raise
            asked = error.retry_after if isinstance(error, Throttled) else None
            if context.clock.wait(min(asked, 60) if asked is not None else pause):
                raise
            observed = _still(context, observed, planner, expected, f"after: {error.message}")


def _still(context: Context, observed: Observed, planner: Planner, expected: bool, when: str) -> Observed:
    """The dataset as it is by now, if it may still be written to as planned."""
    now = planner.again(observed.id)
    if planner.plan(now).opens_window and not expected:
        raise NotConverged(
            f"{describe(context, now)} was switched on by somebody else, with the other upsert setting, {when}",
            "Run `pulumi up` again.",
        )
    return now


def _patched(context: Context, dataset_id: str, operations: Patch, planner: Planner) -> None:
    """Send one PATCH, and note whether an enable may have taken effect."""
    enables = any(one["path"] == f"/tags/{UNIFIED_PROFILE}" for one in operations)
    try:
        context.aep.catalog.patch(dataset_id, operations)
    except ApiError as error:
        planner.enabling = planner.enabling or (enables and error.effect_unknown)
        raise
    planner.enabling = planner.enabling or enables


def proved(context: Context, observed: Observed, desired: Desired, *, owned: bool = False) -> Observed:
    """The dataset as read after the writes, if it is as desired; looked at again while it is not.

    Args:
        context: where and how.
        observed: the dataset as read after the writes.
        desired: what it has to show.
        owned: whether owner and claim were written as well.

    Raises:
        NotConverged: it is not.
    """
    return _shown(
        context,
        observed,
        lambda seen: differences(seen, desired) + (unowned(seen, desired) if owned else []),
    )


def _shown(context: Context, observed: Observed, left: Callable[[Observed], list[str]]) -> Observed:
    """The dataset with nothing left to write. A read that shows the state from before a write may be old."""
    if not left(observed):
        return observed
    for now, _ in looks(context, observed.id):
        observed = now or observed
        if not left(observed):
            return observed
    raise NotConverged(
        f"{describe(context, observed)} was written with success, but {'; '.join(left(observed))}",
        "Something else may write to it, or AEP shows it late. Run `pulumi up` again.",
    )
