"""The enables of one window: sending them, and what is known of each kind of them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from aep_provider.dataset.evidence import Effect, Word, Writes, word
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.plan import switch_on
from aep_provider.dataset.tags import SENT, WindowNote, timestamp
from aep_provider.errors import (
    AepProviderError,
    ApiError,
    Conflict,
    RequestRefused,
    StatusError,
    Throttled,
    TokenRejected,
)
from aep_provider.operations.context import Context
from aep_provider.operations.outcome import glance, typed

if TYPE_CHECKING:
    from aep_provider.aep.gateway import Prepared

TRIES = (0.0, 0.2, 0.5, 1.0)
"""Seconds before each try of a PATCH."""

LONGEST_WAIT = 2.0
"""Seconds; a Retry-After above this is not waited for while Profile is off."""

_PLACE = f"to:{SENT}".encode()
"""Where the time of its sending goes into the enable that is made ready before the disable."""


class Enables:
    """Sends enables with the wanted setting, or with the one of before, and keeps what is known of them.

    Args:
        context: where and how.
        observed: the dataset as read before the disable.
        upsert: the wanted setting.

    Attributes:
        writes: what is known, for `aep_provider.dataset.evidence.word`.
        lost: whether an enable with the wanted setting was not answered, so that it may still take effect.
        closed: when the last one was sent.
        oddities: what went wrong on the way and was not foreseen.
    """

    def __init__(self, context: Context, observed: Observed, upsert: bool) -> None:
        self.writes = Writes(observed, upsert)
        self.lost = False
        self.closed: datetime | None = None
        self.oddities: list[str] = []
        self._context = context
        self._observed = observed

    def noted(self, note: WindowNote | None) -> None:
        """Take the note that the disable writes."""
        self.writes = self.writes._replace(note=note)

    def send(self, upsert: bool, ready: Prepared | None = None) -> AepProviderError | None:
        """Send an enable until it has worked; return what stopped it otherwise. Raises nothing."""
        failure: AepProviderError | None = None
        conflicts, wait = 0, 0.0
        for pause in TRIES:
            # A shutdown ends this wait at once, and the enable goes out: that is what matters now.
            if failure is not None and not (isinstance(failure, Conflict) and conflicts == 1):
                self._context.clock.wait(max(pause, wait))
            try:
                request = ready or self._prepared(upsert)
            except Exception as error:
                # Without a token, say: nothing was sent.
                failure, ready = typed(error), None
                if isinstance(error, ApiError) and _final(error):
                    return failure
                continue
            try:
                self._sent(request, fill=ready is not None)
                self._know(upsert, Effect.ANSWERED)
                return None
            except ApiError as error:
                failure = error
                if error.effect_unknown and self._settled_by_a_read(upsert):
                    return None
                if _final(error):
                    return failure
                conflicts += isinstance(error, Conflict)
                asked = error.retry_after if isinstance(error, StatusError) else None
                wait = asked if asked is not None and asked <= LONGEST_WAIT else 0.0
            except Exception as error:
                # Whatever it is, Profile is off, and it may have been sent.
                failure = typed(error)
                self.oddities.append(failure.message)
                self._know(upsert, Effect.UNKNOWN)
            ready = None
        return failure

    def _settled_by_a_read(self, upsert: bool) -> bool:
        """Whether one read shows what an enable that was not answered has made."""
        self._know(upsert, Effect.UNKNOWN)
        found = word(self.writes, glance(self._context, self._observed.id))
        shown = found in ((Word.BACK_ON,) if upsert == self._observed.upsert else (Word.AS_WANTED,))
        if shown:
            self._know(upsert, Effect.ANSWERED)
        return shown

    def _know(self, upsert: bool, effect: Effect) -> None:
        """Note what is known of an enable; what one try was answered stands, whatever a later one brings."""
        wanted = upsert == self.writes.upsert
        self.lost = self.lost or (wanted and effect is Effect.UNKNOWN)
        if wanted and self.writes.enable is not Effect.ANSWERED:
            self.writes = self.writes._replace(enable=effect)
        elif not wanted and self.writes.restore is not Effect.ANSWERED:
            self.writes = self.writes._replace(restore=effect)

    def _sent(self, request: Prepared, *, fill: bool) -> None:
        """Send an enable; the one that was made ready before the disable with the time of now."""
        if not fill:
            request.send()
            return
        self.closed = self._context.now()
        request.send({_PLACE: f"to:{timestamp(self.closed)}".encode()} if self.writes.note else None)

    def _prepared(self, upsert: bool) -> Prepared:
        self.closed = self._context.now()
        note = self.writes.note
        steps = switch_on(self._observed, upsert=upsert, note=note and note.closed(timestamp(self.closed)))
        return self._context.aep.catalog.prepare_patch(self._observed.id, steps, urgent=True)


def _final(error: ApiError) -> bool:
    """Whether trying again is pointless. A 422 may pass: a union not propagated yet (seen once)."""
    if isinstance(error, TokenRejected | Throttled | Conflict):
        return False
    if isinstance(error, RequestRefused):
        return error.status != 422
    return not error.effect_unknown
