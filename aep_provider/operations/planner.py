"""Plans for one dataset, made anew from whatever was read last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.plan import Plan, plan
from aep_provider.dataset.tags import timestamp
from aep_provider.operations import kept_windows
from aep_provider.operations.change import Change, Policy
from aep_provider.operations.context import Context
from aep_provider.operations.gap_report import GapReport
from aep_provider.operations.location import existing
from aep_provider.operations.ownership import check_claim, check_owner


class OnRecord(NamedTuple):
    """What state says of a dataset that is updated.

    Attributes:
        owner, claim: whose it was, by whose creation.
        created: when the dataset was created, where that is known.
        windows: the windows on record, the newest first.
    """

    owner: str
    claim: str = ""
    created: datetime | None = None
    windows: Sequence[GapReport] = ()


class Planner:
    """Plans for whatever was observed last; what has to be asked again after a wait is kept with it.

    Args:
        context: for the time that is noted on the dataset.
        desired: what the program wants.
        policy: how it wants a disable to be treated.
        recorded: what state says; ``None`` for a dataset that is adopted or taken over.
        adopting: whether the dataset comes under the program's care.

    Attributes:
        seen: the dataset as it was read again, if it was.
        off: the dataset as it was read again when Profile was off, if it was: with the note of that time.
        enabling: whether an enable outside a window may have taken effect, or may still do so.
        read_at: when the dataset was read, by the clock that counts waits.
        asked_at: when the guards were asked.
    """

    def __init__(
        self,
        context: Context,
        desired: Desired,
        policy: Policy,
        recorded: OnRecord | None = None,
        *,
        adopting: bool = False,
    ) -> None:
        self.context = context
        self.desired = desired
        self.policy = policy
        self.recorded = recorded
        self.adopting = adopting
        self.seen: Observed | None = None
        self.off: Observed | None = None
        self.enabling = False
        self.read_at = self.asked_at = context.clock.monotonic()

    def plan(self, observed: Observed) -> Plan:
        """The plan for a dataset as it was read last."""
        earlier = kept_windows.to_note(self.context, observed, *self._on_record())
        return plan(observed, self.desired, timestamp(self.context.now()), earlier)

    def change(self, observed: Observed) -> Change:
        """The same for the guards."""
        owner = self.recorded.owner if self.recorded else ""
        return Change(self.desired, self.policy, observed, self.plan(observed), owner, adopting=self.adopting)

    def saw(self, observed: Observed) -> Observed:
        """Keep the dataset as it was read again."""
        self.seen = observed
        if not observed.profile.enabled:
            self.off = observed
        return observed

    def again(self, dataset_id: str) -> Observed:
        """Read the dataset once more, and refuse if it has become somebody else's."""
        observed = self.saw(existing(self.context, dataset_id))
        self.read_at = self.context.clock.monotonic()
        self.check_claim(observed)
        check_owner(self.context, self.change(observed))
        return observed

    def unreported(self, observed: Observed) -> list[GapReport]:
        """The reports on windows of this resource that nobody has reported; the newest first."""
        return kept_windows.unreported(self.context, observed, *self._on_record())

    def _on_record(self) -> tuple[Sequence[GapReport], set[str]]:
        """The windows on record, and the owners whose windows would be."""
        if self.recorded is None:
            return (), {self.desired.owner}
        return self.recorded.windows, {self.desired.owner, self.recorded.owner}

    def check_claim(self, observed: Observed) -> None:
        """Refuse a dataset on record that a later create holds."""
        if self.recorded is not None:
            check_claim(self.context, observed, self.recorded.owner, self.recorded.claim)
