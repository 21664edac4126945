"""Carries plans out: read, ask the guards, write, read again.

Nothing here trusts what was recorded before: every operation reads the dataset first, plans from what it
saw, and is judged by a read at the end. So running one twice, or after dying anywhere, ends the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aep_provider import guards, window
from aep_provider.dataset.plan import Operation, Plan, differences, plan
from aep_provider.dataset.state import Desired, Observed
from aep_provider.dataset.tags import timestamp
from aep_provider.errors import ApiError, NotConverged, NotFound, Refused, RequestRefused, Throttled
from aep_provider.gap import report_gap
from aep_provider.guards import Context, describe

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
    """

    allow_profile_gap: bool
    in_flight_batches: str
    wait_timeout: int

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
        AepProviderError: see `aep_provider.window.toggle`.
    """
    observed = existing(context, dataset_id)
    guards.customers(context, observed, wanted)
    guards.schema(context, observed.schema_id, upsert=wanted.is_upsert)
    return _apply(context, observed, wanted, policy, _Planner(context, wanted))


def update(
    context: Context, dataset_id: str, wanted: Desired, policy: Policy, recorded_owner: str
) -> Outcome:
    """Bring a managed dataset to the wanted state.

    Raises:
        AepProviderError: as `configure`.
    """
    observed = existing(context, dataset_id)
    guards.customers(context, observed, wanted, recorded_owner)
    make = _Planner(context, wanted, recorded_owner)
    if make(observed).enable:
        guards.schema(context, observed.schema_id, upsert=wanted.is_upsert)
    return _apply(context, observed, wanted, policy, make)


def take_over(context: Context, observed: Observed, wanted: Desired, policy: Policy) -> Outcome:
    """Bring the dataset that an interrupted create left behind to the wanted state."""
    return _apply(context, observed, wanted, policy, _Planner(context, wanted))


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


def planner_preview(context: Context, observed: Observed, wanted: Desired) -> Plan:
    """The plan for what was observed, for a preview."""
    return plan(observed, wanted, timestamp(context.clock.now()))


@dataclass(frozen=True)
class _Planner:
    """Plans for whatever was observed last; what has to be asked again after a wait is kept with it."""

    context: Context
    wanted: Desired
    recorded_owner: str = ""

    def __call__(self, observed: Observed) -> Plan:
        return planner_preview(self.context, observed, self.wanted)


def _apply(context: Context, observed: Observed, wanted: Desired, policy: Policy, make: _Planner) -> Outcome:
    """Carry out what `make` plans for the dataset just read."""
    steps = make(observed)
    if steps.empty:
        return Outcome(observed)
    guards.sandbox(context)
    if steps.opens_gap:
        observed = _ready_for_gap(context, observed, policy, make)
        steps = make(observed)
    if steps.opens_gap:
        if steps.edit:
            observed = _patched(context, observed, steps.edit, _with(observed, wanted))
        observed, gap = window.toggle(context, observed, make, wanted)
        return Outcome(observed, report_gap(context, observed.id, gap))
    for operations in (steps.enable, steps.edit):
        if operations:
            _send(context, observed, operations)
    if steps.empty:
        return Outcome(observed)
    return Outcome(proved(context, existing(context, observed.id), wanted))


def _ready_for_gap(context: Context, observed: Observed, policy: Policy, make: _Planner) -> Observed:
    """Ask guards 4 and 5 and for consent; return the dataset as read after any wait."""
    guards.consent(context, observed, allowed=policy.allow_profile_gap)
    guards.streaming(context, observed.id, upsert=make.wanted.is_upsert)
    deadline = context.clock.monotonic() + policy.wait_timeout
    while make(observed).opens_gap:
        left = max(deadline - context.clock.monotonic(), 0.0)
        if guards.await_batches(context, observed.id, policy.in_flight_batches, left):
            observed = existing(context, observed.id)
            guards.customers(context, observed, make.wanted, make.recorded_owner)
            continue
        # Asked again immediately before the disable; a batch that came meanwhile starts another round.
        if policy.in_flight_batches == "ignore" or not guards.in_flight(context, observed.id):
            break
    return observed


def _with(observed: Observed, wanted: Desired) -> Desired:
    """What an edit alone must show: the wanted fields, the switches as they are."""
    return Desired(
        is_upsert=observed.profile.upsert,
        name=wanted.name,
        description=wanted.description,
        tags=wanted.tags,
        released_tags=wanted.released_tags,
        owner=wanted.owner,
        notes=wanted.notes,
    )


def _patched(
    context: Context, observed: Observed, operations: Sequence[Operation], wanted: Desired
) -> Observed:
    _send(context, observed, operations)
    now = existing(context, observed.id)
    left = [text for text in differences(now, wanted) if text != "Identity is off"]
    if left:
        raise NotConverged(f"{describe(context, now)} was answered with success, but {'; '.join(left)}")
    return now


def _send(context: Context, observed: Observed, operations: Sequence[Operation]) -> None:
    """Send a PATCH outside a window. Repeating is safe: each operation sets or removes a whole key."""
    pauses = iter(TRIES[1:])
    unions = iter(UNION_TRIES)
    while True:
        try:
            context.aep.catalog.patch(observed.id, operations)
            return
        except ApiError as error:
            union = isinstance(error, RequestRefused) and error.status == 422
            passing = error.effect_unknown or isinstance(error, Throttled)
            pause = next(unions if union else pauses, None) if union or passing else None
            if pause is None:
                raise
            asked = error.retry_after if isinstance(error, Throttled) else None
            if context.clock.wait(min(asked, 60) if asked is not None else pause):
                raise
            if error.effect_unknown and not _still_needed(context, observed.id, operations):
                return


def _still_needed(context: Context, dataset_id: str, operations: Iterable[Operation]) -> bool:
    """Whether a PATCH of unknown outcome has to be sent again: removing a key twice would be an error."""
    if not any(operation["op"] == "remove" for operation in operations):
        return True
    now = existing(context, dataset_id)
    removed = {operation["path"] for operation in operations if operation["op"] == "remove"}
    present = {"/tags/" + key.replace("~", "~0").replace("/", "~1") for key in now.tags}
    return bool(removed & present)


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
