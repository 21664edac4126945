"""Asks the guards: of one list, for `up`, for a preview, and each for itself.

If a check cannot be completed, the change is refused; advice alone never refuses. What waiting can cure is a
warning at preview, everything else fails it as it would fail `up`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aep_provider.errors import (
    AepProviderError,
    ApiError,
    BadCredentials,
    BatchesInFlight,
    PermissionDenied,
    ProfileOff,
    TokenRejected,
)
from aep_provider.operations import guards
from aep_provider.operations.change import Change
from aep_provider.operations.context import Context
from aep_provider.operations.guards import Guard
from aep_provider.operations.outcome import off_error


def ahead(context: Context, change: Change, *, preview: bool = False) -> None:
    """Have what the guards need asked side by side, before they are asked one after another; does not wait.

    What goes wrong is heard by the guard that needs the answer.

    Args:
        context: where.
        change: what is about to be done.
        preview: whether it is for a preview.
    """
    for guard in _applying(change):
        if preview or not guard.preview_only:
            guard.ahead(context, change)


def before_read(context: Context, *, schema_id: str = "", toggles: bool = False) -> None:
    """The same before the dataset is read, for what does not depend on it.

    Args:
        context: where.
        schema_id: the schema that the guards will ask about, where that is known.
        toggles: whether upsert is to be changed, as far as the record tells.
    """
    context.aep.sandboxes.ahead()
    if schema_id:
        context.aep.schemas.ahead(schema_id)
    if toggles:
        context.aep.flows.ahead()
        context.aep.batches.sandbox_ahead()


def ask(context: Context, change: Change, *, again: bool = False) -> None:
    """Ask every guard that applies, in order; the first refusal ends it.

    Args:
        context: where, and to whom warnings go.
        change: what is about to be done.
        again: only those that are asked once more right before the disable or the POST.

    Raises:
        BatchesInFlight: the last guard; waiting cures it.
        AepProviderError: any other refusal, or a question that could not be answered.
    """
    if not again:
        ahead(context, change)
    for guard in _applying(change):
        if not guard.preview_only and (guard.again or not again):
            guard.check(context, change)


def ask_at_disable(context: Context, change: Change) -> None:
    """Ask, right before a disable is sent, what may have another answer by then and costs no request.

    Args:
        context: where, and to whom warnings go.
        change: what is about to be done.

    Raises:
        AepProviderError: the refusal.
    """
    for guard in _applying(change):
        if guard.each_disable:
            guard.check(context, change)


def problems(context: Context, change: Change) -> list[str]:
    """Ask the same guards for a preview; what waiting cures, and trouble of the network, are warnings.

    Args:
        context: where, and to whom warnings go.
        change: what `up` would do.

    Returns:
        What would refuse the change, for the user.
    """
    ahead(context, change, preview=True)
    for guard in _applying(change):
        try:
            guard.check(context, change)
        except AepProviderError as error:
            if not passes(error):
                return [str(error)]
            context.report.warn(_at_preview(context, error, change))
            if isinstance(error, ApiError):
                return []
    return []


def answers(context: Context, change: Change) -> Iterator[tuple[Guard, AepProviderError | None]]:
    """Ask every guard that applies, whatever the others say: for `doctor`.

    Args:
        context: where, and to whom warnings go.
        change: what `up` would do.

    Returns:
        Each guard, with what it refuses the change for.
    """
    for guard in _applying(change):
        try:
            guard.check(context, change)
            yield guard, None
        except AepProviderError as error:
            yield guard, error


def passes(error: AepProviderError) -> bool:
    """Whether an error may be over by the time of `up`, so that a preview need not fail."""
    if isinstance(error, BatchesInFlight):
        return True
    cause = error.__cause__ if isinstance(error, ProfileOff) else error
    return isinstance(cause, ApiError) and not isinstance(
        cause, PermissionDenied | BadCredentials | TokenRejected
    )


def _at_preview(context: Context, error: AepProviderError, change: Change) -> str:
    if isinstance(error, BatchesInFlight):
        would = "wait for them" if change.policy.in_flight_batches == "wait" else "refuse"
        return f"{error.message}; `up` would {would}"
    if not isinstance(error, ApiError):
        return str(error)
    left_open = change.observed.open_note if change.observed else None
    if change.observed is None or left_open is None:
        return unasked(error)
    upsert = change.desired.is_upsert
    return str(off_error(context, change.observed, left_open.start, unasked(error), upsert=upsert))


def unasked(error: AepProviderError) -> str:
    """What a preview says of an error that passes by itself."""
    return f"The preview could not check everything in AEP: {error.message}"


def _applying(change: Change) -> Iterable[Guard]:
    return (guard for guard in guards.GUARDS if guard.applies(change))
