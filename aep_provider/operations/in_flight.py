"""Batches in flight, and the wait for them: none may be on its way while Profile is off.

What is promoted to Profile in that time never reaches it, so batches in flight are waited for, refused or, if
the program says so, ignored.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from aep_provider.errors import Interrupted, Refused
from aep_provider.operations.context import Context
from aep_provider.words import plural

if TYPE_CHECKING:
    from aep_provider.aep.batches import Batch

STUCK_AFTER = timedelta(hours=24)
LOOKS = (2.0, 4.0, 10.0)
"""Seconds between two looks at the batches that are waited for; the last one repeats."""

WAITS_AT_ONCE = 2
"""Each keeps one of the calls that the plugin answers at a time, which are four where they cannot be more;
more waits would block the other resources."""

_waits = threading.BoundedSemaphore(WAITS_AT_ONCE)


def batches_in_flight(context: Context, dataset_id: str) -> list[Batch]:
    """The batches that are on their way; those stuck for more than a day are only warned about.

    Raises:
        ApiError: they could not be listed.
    """
    batches = [batch for batch in context.aep.batches.recent(dataset_id) if batch.in_flight]
    # Those that are not waited for may end while Profile is off.
    context.run.in_flight[dataset_id] = frozenset(batch.id for batch in batches)
    limit = context.now() - STUCK_AFTER
    stuck = [batch for batch in batches if batch.created < limit]
    if stuck:
        context.report.warn(
            f"Not waiting for batches of dataset {dataset_id} in sandbox {context.sandbox} that are older than a day: "
            f"{listed(stuck)}"
        )
    return [batch for batch in batches if batch not in stuck]


def await_batches(context: Context, dataset_id: str, timeout: float) -> None:
    """Wait until no batch is in flight.

    Args:
        context: where and how.
        dataset_id: the dataset.
        timeout: seconds to wait at most.

    Raises:
        Refused: they did not end in time, or this run waits for two other datasets already.
        ApiError: they could not be listed.
        Interrupted: the process shuts down, or nobody listens any more.
    """
    batches = batches_in_flight(context, dataset_id)
    if not batches:
        return
    if not _waits.acquire(blocking=False):
        raise Refused(
            f"Batches are in flight for dataset {dataset_id} in sandbox {context.sandbox}, and this run waits for "
            f"those of {WAITS_AT_ONCE} other datasets already",
            "Run `pulumi up` again when those have ended.",
        )
    try:
        _wait(context, dataset_id, batches, timeout)
    finally:
        _waits.release()


def _wait(context: Context, dataset_id: str, batches: Sequence[Batch], timeout: float) -> None:
    start = context.clock.monotonic()

    def tell(state: str) -> None:
        passed, ids = context.clock.monotonic() - start, [batch.id for batch in batches]
        said = {"state": state, "seconds": round(passed, 3), "timeout": timeout, "batches": ids}
        context.report.event("wait", dataset_id, said)

    tell("begun")
    looks = itertools.chain(LOOKS, itertools.repeat(LOOKS[-1]))
    while batches:
        passed = context.clock.monotonic() - start
        if passed >= timeout:
            tell("too_long")
            raise Refused(
                f"Batches are still in flight for dataset {dataset_id} in sandbox {context.sandbox} after "
                f"{timeout:.0f} s: {listed(batches)}; Profile was not switched off",
                "Run again later, raise wait_timeout, or set in_flight_batches='ignore'.",
            )
        context.report.progress(
            f"waiting for {plural(len(batches), 'batch', 'batches')} in flight ({passed:.0f} of {timeout:.0f} s): "
            f"{listed(batches)}. Profile is still on; a second Ctrl-C is safe."
        )
        if context.clock.wait(min(next(looks), timeout - passed)):
            raise Interrupted(
                f"Stopped while waiting for batches of dataset {dataset_id}; Profile was not switched off",
                "Run `pulumi up` again.",
            )
        context.require_listener(f"Waiting for batches of dataset {dataset_id} in sandbox {context.sandbox}")
        batches = batches_in_flight(context, dataset_id)
    tell("over")


def listed(batches: Sequence[Batch]) -> str:
    """The first few batches with their status, for a message."""
    shown = ", ".join(f"{batch.id} ({batch.status})" for batch in batches[:5])
    return shown + (f" and {len(batches) - 5} more" if len(batches) > 5 else "")
