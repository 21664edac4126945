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

from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.plan import Plan, differences, switch_on
from aep_provider.dataset.tags import WindowNote, timestamp
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
from aep_provider.operations.context import Context, describe

if TYPE_CHECKING:
    from aep_provider.aep.gateway import Prepared

TOKEN_LIFE = 600.0
"""Seconds that the token must live when the window opens."""

TRIES = (0.0, 0.2, 0.5, 1.0)
"""Seconds before each try of the enable."""

LATE_DISABLE = (
    "A disable was not answered. Should it still take effect, Profile goes off again: look at the dataset in "
    "a few minutes, or run `pulumi up --refresh`."
)

LONGEST_WAIT = 2.0
"""Seconds; a Retry-After above this is not waited for while Profile is off."""


@dataclass(frozen=True)
class Window:
    """When Profile was off at most: from before the first disable was sent until a read showed it on."""

    opened: datetime
    closed: datetime


def toggle(
    context: Context, observed: Observed, make: Callable[[Observed], Plan], desired: Desired
) -> tuple[Observed, Window]:
    """Switch Profile and Identity off, and on again with the desired setting.

    Args:
        context: where and how.
        observed: the dataset, just read; Profile is on.
        make: makes the plan, with the time of the request in it.
        desired: what the final read must show.

    Returns:
        The dataset as read afterwards, and the window.

    Raises:
        AepProviderError: nothing was switched off (any class but the next three).
        RolledBack: enabling failed; the previous setting is back.
        NotConverged: Profile is on, but the dataset is not as desired.
        ProfileOff: Profile is, or may be, off.
    """
    context.aep.gateway.tokens.ensure(TOKEN_LIFE)
    switch = _Switch(context, observed, desired)
    with context.aep.gateway.slot():
        ready = switch.off(make)
        failure = switch.on(desired.is_upsert, ready)
        if failure is not None:
            raise switch.back(failure)
        now = switch.proved()
    switch.warn_of_doubt()
    return now, Window(switch.opened, context.clock.now())


class _Switch:
    """One toggle: what was there before, what is desired, and since when Profile is off."""

    def __init__(self, context: Context, observed: Observed, desired: Desired) -> None:
        self.opened = context.clock.now()
        self._context = context
        self._observed = observed
        self._desired = desired
        self._note: WindowNote | None = None
        self._sent = False
        self._in_doubt = False
        self._title = describe(context, observed)

    def off(self, make: Callable[[Observed], Plan]) -> Prepared:
        """Send the disable; return the enable, made ready before. Profile is off afterwards.

        A failure leaves Profile on. A refusal is only believed when a read shows Profile on; after a disable
        whose outcome is unknown, an enable is sent whatever else is known.
        """
        try:
            return self._disabled(make)
        except Exception as error:
            if self._sent and not self._in_doubt:
                now = look(self._context, self._observed.id)
                self._in_doubt = now is None or not now.profile.enabled
            if not self._in_doubt:
                raise
            raise self.back(typed(error)) from error

    def _disabled(self, make: Callable[[Observed], Plan]) -> Prepared:
        catalog, clock = self._context.aep.catalog, self._context.clock
        failure: ApiError | None = None
        for pause in TRIES:
            if clock.wait(pause):
                raise Interrupted(
                    f"{self._title}: stopped before the disable; Profile was not switched off",
                    "Run `pulumi up` again.",
                )
            steps = make(self._observed)
            ready = catalog.prepare_patch(self._observed.id, steps.enable, urgent=True)
            request = catalog.prepare_patch(self._observed.id, steps.disable, urgent=False)
            self._note = steps.note
            if not self._in_doubt:
                self.opened = clock.now()
            self._sent = True
            try:
                request.send()
                return ready
            except (TokenRejected, Throttled) as error:
                failure = error
            except ApiError as error:
                if not error.effect_unknown:
                    raise
                failure, self._in_doubt = error, True
                now = look(self._context, self._observed.id)
                if now is None:
                    raise
                if not now.profile.enabled:
                    return ready
        raise failure or NotConverged(f"{self._title}: the disable was never sent")

    def on(self, upsert: bool, first: Prepared | None = None) -> AepProviderError | None:
        """Send an enable until it has worked; return what stopped it otherwise. Raises no API error."""
        context, dataset_id = self._context, self._observed.id
        failure: AepProviderError | None = None
        wait = 0.0
        for pause in TRIES:
            # A shutdown ends this wait at once, and the enable goes out: that is what matters now.
            if failure is not None:
                context.clock.wait(max(pause, wait))
            try:
                (first or self._prepared(upsert)).send()
                return None
            except ApiError as error:
                failure = error
                if error.effect_unknown and _is_on(look(context, dataset_id), upsert):
                    return None
                if _final(error):
                    return failure
                asked = error.retry_after if isinstance(error, StatusError) else None
                wait = asked if asked is not None and asked <= LONGEST_WAIT else 0.0
            except Exception as error:
                # Whatever it is, Profile is off: it must not leave before the restore and the report.
                return typed(error)
            first = None
        return failure

    def back(self, failure: AepProviderError) -> AepProviderError:
        """Restore what was there, and say what came of it."""
        return self._outcome(failure, self.on(self._observed.upsert))

    def proved(self) -> Observed:
        """Read what came of it; an enable answered with success that is not there is sent once more."""
        for attempt in (1, 2):
            try:
                now = self._context.aep.catalog.get(self._observed.id)
            except Exception as error:
                reason = (
                    f"the enable was answered with success, but could not be proved: {typed(error).message}"
                )
                raise self._outcome(NotConverged(reason), None) from error
            left = differences(now, self._desired)
            if not left:
                return now
            if now.profile.enabled:
                raise NotConverged(
                    f"{self._title} was answered with success, but {'; '.join(left)}",
                    f"{self._span()}\nSomething else may write to it. Run `pulumi up --refresh`.",
                )
            failure = self.on(self._desired.is_upsert) if attempt == 1 else None
            if failure is not None:
                raise self.back(failure)
        raise self.back(NotConverged("the enable is answered with success but has no effect"))

    def warn_of_doubt(self) -> None:
        """After a success: say that a disable which was not answered may still take effect."""
        if self._in_doubt:
            self._context.report.warn(f"{self._title}: {LATE_DISABLE}")

    def _span(self) -> str:
        closed = timestamp(self._context.clock.now())
        return (
            f"Profile was off from {timestamp(self.opened)} to {closed} at most: "
            "batches that ended then did not reach Profile, ingest them again."
        )

    def _prepared(self, upsert: bool) -> Prepared:
        closed = self._note and self._note.closed(timestamp(self._context.clock.now()))
        steps = switch_on(self._observed, upsert=upsert, note=closed)
        return self._context.aep.catalog.prepare_patch(self._observed.id, steps, urgent=True)

    def _outcome(self, failure: AepProviderError, back: AepProviderError | None) -> AepProviderError:
        """What to tell after a failure inside the window, judged by a read and nothing else."""
        observed, opened = self._observed, timestamp(self.opened)
        now = look(self._context, observed.id)
        reason = (
            failure.message if back is None else f"{failure.message}; and restoring failed: {back.message}"
        )
        if now is None or not now.profile.enabled:
            return off_error(
                self._context, observed, opened, reason, upsert=self._desired.is_upsert, sure=now is not None
            )
        remedy = self._span() + (f"\n{LATE_DISABLE}" if self._in_doubt else "")
        remedy = f"{remedy}\n{failure.remedy}".rstrip()
        again = " (it may go off again)" if self._in_doubt else ""
        if _is_on(now, self._desired.is_upsert):
            return NotConverged(
                f"{self._title}: Profile is ON as desired{again}, but on the way: {reason}", remedy
            )
        if not _is_on(now, observed.upsert):
            return NotConverged(f"{self._title}: Profile is ON{again}, but Identity is OFF: {reason}", remedy)
        identity = "" if observed.identity.enabled else ", and Identity, which was off, is ON"
        return RolledBack(
            f"{self._title}: Profile is back ON as it was{again}{identity}; changing upsert failed: "
            f"{failure.message}",
            remedy,
        )


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
    return NotConverged(f"an error that was not foreseen: {type(error).__name__}: {error}")


def _final(error: ApiError) -> bool:
    """Whether trying again is pointless. A 422 may pass: a union not propagated yet (seen once)."""
    if isinstance(error, TokenRejected | Throttled):
        return False
    if isinstance(error, RequestRefused):
        return error.status != 422
    return not error.effect_unknown


def look(context: Context, dataset_id: str) -> Observed | None:
    """Read the dataset, quickly; ``None`` if it cannot be read."""
    for pause in TRIES[:3]:
        context.clock.wait(pause)
        try:
            return context.aep.catalog.get(dataset_id, urgent=True)
        except Exception:  # noqa: S112 - whatever it is, what counts is that nothing could be read
            continue
    return None


def _is_on(observed: Observed | None, upsert: bool) -> bool:
    return (
        observed is not None
        and observed.profile.enabled
        and observed.identity.enabled
        and observed.profile.upsert == upsert
    )
