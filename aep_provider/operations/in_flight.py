"""Guard 4: no batch is on its way into the dataset while Profile would be off.

What is promoted to Profile in that time never reaches it, so batches in flight are waited for, refused or, if
the program says so, ignored.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from aep_provider.errors import ApiError, Interrupted, Refused
from aep_provider.operations.context import Context

if TYPE_CHECKING:
    from aep_provider.aep.batches import Batch

STUCK_AFTER = timedelta(hours=24)
LOOKS = (2.0, 4.0, 10.0)
"""Seconds between two looks at the batches that are waited for; the last one repeats."""

WAITS_AT_ONCE = 2
"""Each keeps one of the calls that the plugin answers at a time, which are four where they cannot be more;
more waits would block the other resources."""

_waits = threading.BoundedSemaphore(WAITS_AT_ONCE)


def in_flight(context: Context, dataset_id: str) -> list[Batch]:
    """The batches that are on their way; those stuck for more than a day are only warned about.

    Raises:
        Refused: they could not be listed.
    """
    try:
        return look_for_batches(context, dataset_id)
    except ApiError as error:
        raise Refused(
            f"Whether batches are in flight for dataset {dataset_id} could not be found out: {error.message}",
            error.remedy,
        ) from error


def look_for_batches(context: Context, dataset_id: str) -> list[Batch]:
    """As `in_flight`, for a preview, which does not refuse what waiting can cure.

    Raises:
        ApiError: they could not be listed.
    """
    batches = [batch for batch in context.aep.batches.recent(dataset_id) if batch.in_flight]
    limit = context.clock.now() - STUCK_AFTER
    stuck = [batch for batch in batches if batch.created < limit]
    if stuck:
        context.report.warn(
            f"Batches older than a day are not waited for, dataset {dataset_id} in sandbox "
            f"{context.sandbox}: {listed(stuck)}"
        )
    return [batch for batch in batches if batch not in stuck]


def await_batches(context: Context, dataset_id: str, mode: str, timeout: float) -> bool:
    """Guard 4: let batches in flight pass.

    Args:
        context: where and how.
        dataset_id: the dataset.
        mode: ``wait``, ``fail`` or ``ignore``.
        timeout: seconds to wait at most.

    Returns:
        Whether there was anything to wait for, so that what was read before may be stale.

    Raises:
        Refused: batches are in flight and may not be ignored, or did not end in time.
        Interrupted: the process shuts down.
    """
    batches = in_flight(context, dataset_id)
    if not batches:
        return False
    title = f"dataset {dataset_id} in sandbox {context.sandbox}"
    if mode == "ignore":
        context.report.warn(f"Batches in flight may not reach Profile, {title}: {listed(batches)}")
        return False
    if mode == "fail":
        raise Refused(
            f"{len(batches)} batches are in flight for {title}: {listed(batches)}",
            "Run again when they have ended, or set in_flight_batches='wait'.",
        )
    if not _waits.acquire(blocking=False):
        raise Refused(
            f"Batches are in flight for {title}, and {WAITS_AT_ONCE} other datasets are waited for already",
            "Run `pulumi up` again: the others will have ended.",
        )
    try:
        _wait(context, dataset_id, batches, timeout)
    finally:
        _waits.release()
    return True


def _wait(context: Context, dataset_id: str, batches: Sequence[Batch], timeout: float) -> None:
    start = context.clock.monotonic()
    looks = itertools.chain(LOOKS, itertools.repeat(LOOKS[-1]))
    while batches:
        passed = context.clock.monotonic() - start
        if passed >= timeout:
            raise Refused(
                f"Batches are still in flight for dataset {dataset_id} in sandbox {context.sandbox} after "
                f"{timeout:.0f} s: {listed(batches)}; Profile was not switched off",
                "Run again later, raise wait_timeout, or set in_flight_batches='ignore'.",
            )
        context.report.progress(
            f"waiting for {len(batches)} batches in flight ({passed:.0f} of {timeout:.0f} s): "
            f"{listed(batches)}. Profile is still on; a second Ctrl-C is safe."
        )
        if context.clock.wait(min(next(looks), timeout - passed)):
            raise Interrupted(
                f"Stopped while waiting for batches of dataset {dataset_id}; Profile was not switched off",
                "Run `pulumi up` again.",
            )
        batches = in_flight(context, dataset_id)


def listed(batches: Sequence[Batch]) -> str:
    """The first few batches with their status, for a message."""
    shown = ", ".join(f"{batch.id} ({batch.status})" for batch in batches[:5])
    return shown + (f" and {len(batches) - 5} more" if len(batches) > 5 else "")
