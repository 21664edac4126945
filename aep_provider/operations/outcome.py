"""What came of a write: looking at it, and the errors that say what Profile is."""

from __future__ import annotations

from collections.abc import Iterator

from aep_provider.dataset.observed import Observed
from aep_provider.errors import AepProviderError, NotConverged, ProfileOff
from aep_provider.operations.context import Context

LOOKS = (0.0, 0.25, 0.5, 1.0, 1.25, 2.0, 2.0, 3.0)
"""Seconds before each look at the outcome of a write; ten in all."""


def looks(context: Context, dataset_id: str) -> Iterator[tuple[Observed | None, AepProviderError | None]]:
    """Read a dataset again and again, for ten seconds or until a shutdown; the first read is at once.

    Args:
        context: where and how.
        dataset_id: the dataset.

    Yields:
        What a read showed, or why it failed.
    """
    until = context.clock.monotonic() + sum(LOOKS)
    for pause in LOOKS:
        if pause and (context.clock.wait(pause) or context.clock.monotonic() > until):
            return
        try:
            yield context.aep.catalog.get(dataset_id, urgent=True), None
        except Exception as error:
            # Whatever it is, what counts is that nothing could be read.
            yield None, typed(error)


def glance(context: Context, dataset_id: str) -> Observed | None:
    """Read a dataset once, at once; ``None`` if it cannot be read."""
    return next(looks(context, dataset_id))[0]


def last_seen(context: Context, dataset_id: str, *, wait: bool) -> Observed | None:
    """The dataset as the last read shows it; after an enable that may have taken effect, looked at for a while."""
    last = None
    for now, _ in looks(context, dataset_id):
        last = now or last
        if now is not None and (now.profile.enabled or not wait):
            break
    return last


def off_error(
    context: Context, observed: Observed, since: str, reason: str, *, upsert: bool, sure: bool = True
) -> ProfileOff:
    """The error that says first of all that Profile is, or may be, off.

    Args:
        context: where.
        observed: the dataset.
        since: when it went off, for the message.
        reason: what keeps it off.
        upsert: the setting to switch it on with.
        sure: whether a read has shown it off.
    """
    return ProfileOff(
        f"Profile {'is' if sure else 'may be'} OFF for dataset {observed.name!r} ({observed.id}) in sandbox "
        f"{context.sandbox} since {since}: {reason}",
        "Run `pulumi up --refresh` as soon as you can: it reads the dataset and switches Profile on. Or run\n"
        f"`aep-provider enable {observed.id}{' --upsert' if upsert else ''}`.\n"
        "What is ingested until then does not reach Profile and has to be ingested again.",
    )


def typed(error: Exception) -> AepProviderError:
    """The error itself if it is one of ours, else one of ours about it."""
    if isinstance(error, AepProviderError):
        return error
    return NotConverged(f"unexpected error: {type(error).__name__}: {error}")
