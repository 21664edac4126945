"""What is about to be done to one dataset: what `up` and preview both ask the guards about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aep_provider.arguments import OWNER_TAG
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.plan import Plan
from aep_provider.errors import NotFound
from aep_provider.operations.context import Context
from aep_provider.operations.location import says_missing


@dataclass(frozen=True)
class Policy:
    """How the program wants a disable to be treated.

    Attributes:
        allow_profile_gap: consent to it in production.
        in_flight_batches: ``wait``, ``fail`` or ``ignore``.
        wait_timeout: seconds.
        may_disable: whether there may be a disable at all.
    """

    allow_profile_gap: bool = False
    in_flight_batches: str = "wait"
    wait_timeout: int = 600
    may_disable: bool = True

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Policy:
        """Take the policy from validated inputs."""
        return cls(inputs["allow_profile_gap"], inputs["in_flight_batches"], int(inputs["wait_timeout"]))


@dataclass(frozen=True)
class Found:
    """The datasets that a create has to know of.

    Attributes:
        own: those that carry its owner.
        others: those that carry its name and not its owner.
    """

    own: tuple[Observed, ...]
    others: tuple[Observed, ...]


class LookUp:
    """Looks for what an earlier create left behind, and for namesakes; once, when first asked."""

    def __init__(self, desired: Desired) -> None:
        self._desired = desired
        self._found: Found | None = None

    def found(self, context: Context) -> Found:
        """What there is.

        Raises:
            ApiError: it could not be listed or read.
        """
        if self._found is None:
            self._found = self._look(context)
        return self._found

    def _look(self, context: Context) -> Found:
        owner, catalog = self._desired.owner, context.aep.catalog
        namesakes = catalog.named(self._desired.name)
        own = [dataset for dataset in namesakes if owner and dataset.owner == owner]
        others = [dataset for dataset in namesakes if dataset not in own]
        if not own and owner and self._desired.own_tags:
            # The name may have been edited since the interrupted run; the tag was not.
            own = [dataset for dataset in catalog.tagged(OWNER_TAG) if dataset.owner == owner]
        if len(own) == 1:
            own = _still_there(context, own[0])
        return Found(tuple(own), tuple(others))


def _still_there(context: Context, listed: Observed) -> list[Observed]:
    """The dataset as it is now: a listing may be older than a delete, or a write, of this very run."""
    try:
        return [context.aep.catalog.get(listed.id)]
    except NotFound as error:
        if says_missing(error):
            return []
        raise


@dataclass(frozen=True)
class Change:
    """What is about to be done to one dataset.

    Attributes:
        desired: what the program wants.
        policy: how it wants a disable to be treated.
        observed: the dataset as read last; ``None`` = it is to be created.
        steps: what would be written to it.
        recorded_owner: the owner in state; it authorises moving the dataset to another owner.
        adopting: whether an existing dataset comes under the program's care.
        look_up: for a create.
    """

    desired: Desired
    policy: Policy
    observed: Observed | None = None
    steps: Plan = field(default_factory=Plan)
    recorded_owner: str = ""
    adopting: bool = False
    look_up: LookUp | None = None

    @property
    def writes(self) -> bool:
        """Whether anything is written."""
        return self.observed is None or not self.steps.empty
