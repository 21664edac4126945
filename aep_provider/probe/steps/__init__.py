"""The measurements, in their order. Each is a small function that looks at one thing and says what it saw."""

from __future__ import annotations

from aep_provider.probe.steps import access, datasets, ends, listings, names, services, switches, writes
from aep_provider.probe.steps.batches import BATCHES
from aep_provider.probe.steps.step import Run, Step

__all__ = ["Run", "Step", "steps"]

_ALWAYS: tuple[Step, ...] = (
    *access.STEPS,
    *services.STEPS,
    *datasets.STEPS,
    *writes.STEPS,
    *names.STEPS,
    *switches.STEPS,
    *listings.STEPS,
    *ends.STEPS,
)
_WITH_BATCHES: tuple[Step, ...] = (BATCHES,)


def steps(*, batches: bool) -> tuple[Step, ...]:
    """The steps of a run.

    Args:
        batches: whether small batches are ingested as well.
    """
    return (*_ALWAYS, *(_WITH_BATCHES if batches else ()))
