"""Carries plans out: read, ask the guards, write, read again.

Nothing here trusts what was recorded before: every operation reads the dataset first, plans from what it
saw, and is judged by a read at the end. So running one twice, or after dying anywhere, ends the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.plan import Patch, Plan, differences, plan, unedited
from aep_provider.dataset.tags import timestamp
from aep_provider.errors import (
    ApiError,
    NotConverged,
    NotFound,
    ProfileOff,
    Refused,
    RequestRefused,
    Throttled,
)
from aep_provider.operations import gap_report, guards, in_flight, window
from aep_provider.operations.context import Context, describe

TRIES = (0.0, 0.5, 1.5, 4.0)
"""Seconds before each try of a PATCH outside a window."""

UNION_TRIES = (1.0, 3.0, 10.0, 30.0)
"""Seconds between tries at 422: a union that was just enabled propagates (seen once, 3 x 30 s)."""


@dataclass(frozen=True)
class Policy:
    """How the program wants a disable to be treated.

    Attributes:
        allow_profile_gap: consent to it in production.
        in_flight_batches: ``wait``, ``fail`` or ``ignore``.
        wait_timeout: seconds.
        may_disable: whether there may be a disable at all.
    """

    allow_profile_gap: bool
    in_flight_batches: str
    wait_timeout: int
    may_disable: bool = True

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Policy:
        """Take the policy from validated inputs."""
        return cls(inputs["allow_profile_gap"], inputs["in_flight_batches"], int(inputs["wait_timeout"]))


@dataclass(frozen=True)
class Outcome:
    """A dataset as read at the end, and the gap that was made on the way, if one was."""

    observed: Observed
    profile_gap: dict[str, Any] | None = None


def configure(context: Context, dataset_id: str, wanted: Desired, policy: Policy) -> Outcome:
    """Bring an existing dataset to the wanted state (adoption).

    Raises:
        Refused: it does not exist, or a guard said no.
        AepProviderError: see `aep_provider.operations.window.toggle`.
    """
    observed = existing(context, dataset_id)
    make = Planner(context, wanted)
    with off_first(context, observed, wanted):
        if not make(observed).empty:
            guards.sandbox(context)
        guards.customers(context, observed, wanted)
        guards.schema(context, observed.schema_id, upsert=wanted.is_upsert)
        return _apply(context, observed, policy, make)


def update(
    context: Context, dataset_id: str, wanted: Desired, policy: Policy, recorded_owner: str
) -> Outcome:
    """Bring a managed dataset to the wanted state.

    Raises:
        AepProviderError: as `configure`.
    """
    observed = existing(context, dataset_id)
    make = Planner(context, wanted, recorded_owner)
    with off_first(context, observed, wanted, recorded=True):
        steps = make(observed)
        if not steps.empty:
            guards.sandbox(context)
        guards.customers(context, observed, wanted, recorded_owner)
        if steps.enable:
            guards.schema(context, observed.schema_id, upsert=wanted.is_upsert)
        return _apply(context, observed, policy, make)


def take_over(context: Context, observed: Observed, wanted: Desired, policy: Policy) -> Outcome:
    """Bring the dataset that an interrupted create left behind to the wanted state; the guards were asked."""
    make = Planner(context, wanted)
    with off_first(context, observed, wanted):
        return _apply(context, make.again(observed.id), policy, make)


def existing(context: Context, dataset_id: str) -> Observed:
    """Read a dataset that has to be there.

    Raises:
        Refused: it is not.
        ApiError: it could not be read.
    """
    try:
        return context.aep.catalog.get(dataset_id)
    except NotFound as error:
        if not guards.gone(context, error):
            raise
        raise Refused(
            f"Dataset {dataset_id} does not exist in sandbox {context.sandbox}",
            "Check dataset_id and aep:sandbox. If it was deleted, run `pulumi refresh`.",
        ) from error


@contextlib.contextmanager
def off_first(
    context: Context, observed: Observed, wanted: Desired, *, recorded: bool = False
) -> Iterator[None]:
    """While Profile is off since an earlier run, no error leaves without saying so first.

    Args:
        context: where.
        observed: the dataset, just read.
        wanted: the setting that Profile is to come back with.
        recorded: whether it is in state, and so was on; otherwise only a gap noted on it counts.

    Raises:
        ProfileOff: in the place of any error, if Profile still is, or may be, off.
    """
    try:
        yield
    except ProfileOff:
        raise
    except Exception as error:
        left_open = observed.open_gap
        if left_open is None and (observed.profile.enabled or not recorded):
            raise
        now = window.look(context, observed.id)
        if now is not None and now.profile.enabled:
            # The enable closed the gap before the failure, so no later run would report it.
            if left_open is not None:
                gap_report.report(context, observed.id, left_open.started, context.clock.now())
            raise
        since = left_open.start if left_open else "an unknown time"
        reason = window.typed(error)
        off = window.off_error(
            context, observed, since, reason.message, upsert=wanted.is_upsert, sure=now is not None
        )
        off.remedy = f"{reason.remedy}\n{off.remedy}".lstrip()
        raise off from error


@dataclass(frozen=True)
class Planner:
    """Plans for whatever was observed last; what has to be asked again after a wait is kept with it.

    Attributes:
        context: for the time that is noted on the dataset.
        wanted: what the program wants.
        recorded_owner: the owner in state.
    """

    context: Context
    wanted: Desired
    recorded_owner: str = ""

    def __call__(self, observed: Observed) -> Plan:
        """The plan for a dataset as it was read last."""
        return plan(observed, self.wanted, timestamp(self.context.clock.now()))

    def again(self, dataset_id: str) -> Observed:
        """Read the dataset once more, and refuse if it has become somebody else's."""
        observed = existing(self.context, dataset_id)
        guards.customers(self.context, observed, self.wanted, self.recorded_owner)
        return observed


def _apply(context: Context, observed: Observed, policy: Policy, make: Planner) -> Outcome:
    """Carry out what `make` plans for the dataset just read."""
    steps = make(observed)
    if steps.empty:
        return Outcome(observed)
    if steps.opens_gap:
        return _toggled(context, observed, policy, make)
    if steps.enable:
        guards.identity_dataset(context, observed)
    before = observed
    observed = _written(context, observed, make, lambda steps: (steps.enable, steps.edit))
    return Outcome(proved(context, observed, make.wanted), _recovered(context, before, make))


def _recovered(context: Context, before: Observed, make: Planner) -> dict[str, Any] | None:
    """The report on a time in which Profile was off, and which this run has ended."""
    left_open = before.open_gap
    # A dataset on record was on; one that is being adopted may never have been.
    if left_open is None and (before.profile.enabled or not make.recorded_owner):
        return None
    return gap_report.report(
        context, before.id, left_open.started if left_open else None, context.clock.now()
    )


def _toggled(context: Context, observed: Observed, policy: Policy, make: Planner) -> Outcome:
    """Ask for consent and guards 5 and 4, write what can be written before, and switch off and on."""
    if not policy.may_disable:
        raise Refused(
            f"{describe(context, observed)} is on with the other upsert setting; it is left as it is",
            "Upsert of an enabled dataset is changed by `pulumi up` only.",
        )
    guards.consent(context, observed, allowed=policy.allow_profile_gap)
    guards.streaming(context, observed, upsert=make.wanted.is_upsert)
    # Before any wait and any write: a token that cannot last would be refused after them.
    context.aep.gateway.tokens.ensure(window.TOKEN_LIFE)
    deadline = context.clock.monotonic() + policy.wait_timeout
    while (steps := make(observed)).opens_gap:
        left = max(deadline - context.clock.monotonic(), 0.0)
        if in_flight.await_batches(context, observed.id, policy.in_flight_batches, left):
            observed = make.again(observed.id)
            continue
        if steps.edit:
            observed = _edited(context, observed, make)
            if not make(observed).opens_gap:
                break
        # Asked again immediately before the disable; a batch that came meanwhile starts another round.
        ahead = in_flight.in_flight(context, observed.id)
        if not ahead or policy.in_flight_batches == "ignore":
            observed, off = window.toggle(context, observed, make, make.wanted)
            known = {batch.id for batch in ahead}
            return Outcome(observed, gap_report.report(context, observed.id, off.opened, off.closed, known))
    return _apply(context, observed, policy, make)


def _edited(context: Context, observed: Observed, make: Planner) -> Observed:
    """Write what a plan edits, without the switches, and prove it."""
    now = _written(context, observed, make, lambda steps: (steps.edit,))
    left = unedited(now, make.wanted)
    if left:
        raise NotConverged(f"{describe(context, now)} was answered with success, but {'; '.join(left)}")
    return now


def _written(
    context: Context, observed: Observed, make: Planner, part: Callable[[Plan], tuple[Patch, ...]]
) -> Observed:
    """Send a part of the plan outside a window, and read the dataset again.

    After a failure that may pass, the dataset is read and planned anew: somebody else may have written, and
    a PATCH whose outcome is unknown may be there already.
    """
    pauses, unions = iter(TRIES[1:]), iter(UNION_TRIES)
    expected = make(observed).opens_gap
    while True:
        try:
            for operations in part(make(observed)):
                if operations:
                    context.aep.catalog.patch(observed.id, operations)
            return existing(context, observed.id)
        except ApiError as error:
            union = isinstance(error, RequestRefused) and error.status == 422
            passing = error.effect_unknown or isinstance(error, Throttled)
            pause = next(unions if union else pauses, None) if union or passing else None
            if pause is None:
                raise
            asked = error.retry_after if isinstance(error, Throttled) else None
            if context.clock.wait(min(asked, 60) if asked is not None else pause):
                raise
            observed = make.again(observed.id)
            if make(observed).opens_gap and not expected:
                raise NotConverged(
                    f"{describe(context, observed)} was switched on with the other upsert setting by "
                    f"somebody else, after: {error.message}",
                    "Run `pulumi up` again.",
                ) from error


def proved(context: Context, observed: Observed, wanted: Desired) -> Observed:
    """The dataset as read after the writes, if it is as wanted.

    Raises:
        NotConverged: it is not.
    """
    left = differences(observed, wanted)
    if left:
        raise NotConverged(
            f"{describe(context, observed)} was answered with success, but {'; '.join(left)}",
            "Something else may write to it. Run `pulumi up` again.",
        )
    return observed
