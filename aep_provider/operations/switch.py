"""One toggle: the disable, the enable, and getting Profile back whatever happens between them.

What is said of Profile afterwards is judged by `aep_provider.dataset.evidence`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from aep_provider.dataset.desired import Desired
from aep_provider.dataset.evidence import Effect, Word, word
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.plan import Plan, differences, unowned
from aep_provider.dataset.tags import timestamp
from aep_provider.errors import (
    AepProviderError,
    ApiError,
    Conflict,
    Interrupted,
    NotConverged,
    PreconditionFailed,
    ProfileOff,
    RolledBack,
    Throttled,
    TokenRejected,
)
from aep_provider.operations.context import Context, describe
from aep_provider.operations.enables import TRIES, Enables
from aep_provider.operations.outcome import glance, looks, off_error, typed

if TYPE_CHECKING:
    from aep_provider.aep.gateway import Prepared

LATE_DISABLE = (
    "A disable was not answered. If it still takes effect, Profile goes off again: look at the dataset in "
    "a few minutes, or run `pulumi up --refresh`."
)


class Switch:
    """One toggle: what was there before, what is desired, what was sent and what is known of it.

    Args:
        context: where and how.
        observed: the dataset, just read.
        desired: what the final read must show.
        version: sent as ``If-Match`` with the disable, or ``""``.
        ask: refuses what may not be done any more.
        refused: an earlier one, whose disable was refused for its version and may have landed all the same.

    Attributes:
        failure: what became of the last disable, if it was not answered with success.
    """

    def __init__(
        self,
        context: Context,
        observed: Observed,
        desired: Desired,
        version: str,
        ask: Callable[[Observed], None],
        refused: Switch | None,
    ) -> None:
        self.opened = context.now()
        self.failure: ApiError | None = None
        self._context = context
        self._observed = observed
        self._desired = desired
        self._version = version
        self._ask = ask
        self._enables = Enables(context, observed, desired.is_upsert)
        self._steps: Plan | None = None
        self._disable_sent = refused is not None
        self._in_doubt = False
        self._unanswered = 0
        self._title = describe(context, observed)

    def off(self, plan_for: Callable[[Observed], Plan]) -> Prepared:
        """Send the disable; return the enable, made ready before. Profile is off afterwards.

        A failure leaves Profile on. A refusal is only believed when a read shows Profile on; after a disable
        whose outcome is unknown, an enable is sent whatever else is known.

        Raises:
            PreconditionFailed: the version has changed since the read: somebody else has written, or the disable has
                landed all the same.
        """
        try:
            return self._disabled(plan_for)
        except Exception as error:
            if isinstance(error, PreconditionFailed) and self._version and not self._in_doubt:
                # It is read again before the next one.
                raise
            if self._disable_sent and not self._in_doubt:
                now = glance(self._context, self._observed.id)
                self._in_doubt = now is None or not now.profile.enabled
            if not self._in_doubt:
                raise
            raise self._back(typed(error)) from error

    def maybe_off(self, error: AepProviderError) -> ProfileOff:
        """What to say where the disable was refused for its version, and no read shows whether it has landed."""
        since, upsert = timestamp(self.opened), self._desired.is_upsert
        return off_error(self._context, self._observed, since, error.message, upsert=upsert, sure=False)

    def _disabled(self, plan_for: Callable[[Observed], Plan]) -> Prepared:
        for pause in TRIES:
            # After a 412 Profile may be off already.
            urgent = isinstance(self.failure, PreconditionFailed)
            if not urgent and self._context.clock.wait(pause):
                raise Interrupted(
                    f"{self._title}: stopped before the disable; Profile was not switched off",
                    "Run `pulumi up` again.",
                )
            if not self._in_doubt:
                self._ask(self._observed)
                self._context.require_listener(f"{self._title}: switching Profile off")
            disable, enable = self._both_prepared(plan_for)
            self._disable_sent = True
            try:
                disable.send()
                return enable
            except PreconditionFailed as refused:
                self.failure = refused
                if not (self._in_doubt and self._version):
                    raise
                # The one that was not answered has landed, or somebody else wrote. One for whatever is there is
                # right in both cases, while an enable without a disable would be right in the first alone.
                self._version, self._unanswered = "", 0
            except (TokenRejected, Throttled, Conflict) as error:
                self.failure = error
            except ApiError as error:
                self.failure = error
                if not error.effect_unknown:
                    raise
                self._in_doubt = True
                self._unanswered += 1
                now = glance(self._context, self._observed.id)
                if now is None:
                    raise
                if not now.profile.enabled:
                    self._unanswered -= 1
                    return enable
        raise self.failure or NotConverged(f"{self._title}: the disable was never sent")

    def _both_prepared(self, plan_for: Callable[[Observed], Plan]) -> tuple[Prepared, Prepared]:
        """Disable and enable, ready to be sent; one that is sent again after no answer is the same as before."""
        if self._steps is None or not self._in_doubt:
            self._steps = plan_for(self._observed)
            note = self._steps.note
            self.opened = (note.started if note else None) or self._context.now()
            self._enables.noted(note)
        prepare, dataset_id = self._context.aep.catalog.prepare_patch, self._observed.id
        enable = prepare(dataset_id, self._steps.enable, urgent=True)
        disable = prepare(dataset_id, self._steps.disable, urgent=False, if_match=self._version)
        return disable, enable

    def on(self, ready: Prepared) -> Observed:
        """Send the enable; return the dataset as a read shows it afterwards, as desired.

        Raises:
            AepProviderError: see `toggle`.
        """
        failure = self._enables.send(self._desired.is_upsert, ready)
        if failure is not None and self._enables.writes.enable is Effect.NONE:
            raise self._back(failure)
        last, problem, sent_again = None, failure, failure is not None
        for now, error in looks(self._context, self._observed.id):
            if now is None:
                problem = failure or error
                continue
            last, found = now, word(self._enables.writes, now)
            if found.settled:
                return self._checked(now, found, problem)
            if not (now.profile.enabled or sent_again):
                # Answered with success, and not there: it has had no effect, or the read is old.
                sent_again = True
                failure = self._enables.send(self._desired.is_upsert)
        if failure is not None and not self._enables.lost:
            # Nothing has come of the one that was answered, and another one is refused.
            raise self._back(failure)
        reason = problem.message if problem else "no read shows it"
        raise self._told(NotConverged(f"the enable could not be proved: {reason}"), last)

    def _checked(self, now: Observed, found: Word, problem: AepProviderError | None) -> Observed:
        """The dataset, if a read that shows our write also shows everything else as desired."""
        left = differences(now, self._desired) + unowned(now, self._desired)
        if not left:
            return now
        if found is Word.AS_WANTED or found is Word.IDENTITY_OFF:
            self.tell_event(NotConverged.__name__, self.closed(now))
            raise NotConverged(
                f"{self._title} was written with success, but {'; '.join(left)}",
                f"{self._span(now)}\nSomething else may write to it. Run `pulumi up --refresh`.",
            )
        raise self._told(problem or NotConverged(f"something else wrote to it: {'; '.join(left)}"), now)

    def _back(self, failure: AepProviderError) -> AepProviderError:
        """Restore what was there, and say whether that worked.

        Not while an enable with the wanted setting may still take effect: whichever came last would win.
        """
        refused = self._enables.send(self._observed.upsert)
        if refused is not None:
            message = f"{failure.message}; and restoring failed: {refused.message}"
            failure = NotConverged(message, failure.remedy)
        last = None
        for now, _ in looks(self._context, self._observed.id):
            last = now or last
            # Where no enable was taken, there is nothing to wait for.
            if word(self._enables.writes, now).settled or (
                now is not None and not self._enables.writes.pending
            ):
                break
        return self._told(failure, last)

    def _told(self, failure: AepProviderError, now: Observed | None) -> AepProviderError:
        """What to tell after a failure inside the window, judged by the last read and nothing else."""
        found = word(self._enables.writes, now)
        error = self._named(failure, now, found)
        self.tell_event(type(error).__name__, self.closed(now) if now and found.settled else None)
        return error

    def _named(self, failure: AepProviderError, now: Observed | None, found: Word) -> AepProviderError:
        context = self._context
        if not found.settled:
            return off_error(
                context,
                self._observed,
                timestamp(self.opened),
                failure.message,
                upsert=self._desired.is_upsert,
                sure=found is Word.OFF,
            )
        late = self._unanswered > 0
        remedy = self._span(now) + (f"\n{LATE_DISABLE}" if late else "")
        remedy = f"{remedy}\n{failure.remedy}".rstrip()
        again = " (it may go off again)" if late else ""
        if found in (Word.BACK_ON, Word.READS_AS_ON):
            identity = "" if self._observed.identity.enabled else ", and Identity, which was off, is ON"
            return RolledBack(
                f"{self._title}: Profile {found.told} as it was{again}{identity}; changing upsert failed: "
                f"{failure.message}",
                remedy,
            )
        return NotConverged(
            f"{self._title}: Profile {found.told}{again}, but on the way: {failure.message}", remedy
        )

    def tell_event(self, outcome: str, closed: datetime | None) -> None:
        """Tell machines of the window, once Profile is back on or all was tried."""
        said = {
            "from": timestamp(self.opened),
            "to": timestamp(closed) if closed else "",
            "seconds": round((closed - self.opened).total_seconds(), 3) if closed else None,
            "upsert": self._desired.is_upsert,
            "outcome": outcome,
        }
        self._context.report.event("window", self._observed.id, said)

    def closed(self, now: Observed) -> datetime:
        """When the enable was sent that took effect, from the note if there is one."""
        note = now.note if self._enables.writes.note is not None else None
        return (note.ended if note else None) or self._enables.closed or self._context.now()

    def tell_of_oddities(self) -> None:
        """After a success: say that a disable which was not answered may still take effect, and what went wrong."""
        if self._unanswered:
            self._context.report.warn(f"{self._title}: {LATE_DISABLE}")
        if self._enables.oddities:
            self._context.report.warn(
                f"{self._title}: Profile is ON as wanted, but on the way: {self._enables.oddities[0]}"
            )

    def _span(self, now: Observed | None) -> str:
        closed = self.closed(now) if now is not None else self._context.now()
        return (
            f"Profile was off from {timestamp(self.opened)} to {timestamp(closed)} at most: "
            "batches that ended then did not reach Profile, ingest them again."
        )
