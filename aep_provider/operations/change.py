"""What is about to be done to one dataset: what `up` and preview both ask the guards about."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from aep_provider.arguments import OWNER_TAG
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.plan import Plan
from aep_provider.errors import NotFound
from aep_provider.operations.context import Context
from aep_provider.operations.location import says_missing

if TYPE_CHECKING:
    from aep_provider.aep.single_flight import Memory


class Policy(NamedTuple):
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


class Found(NamedTuple):
    """The datasets that a create has to know of.

    Attributes:
        own: those that carry its owner.
        others: those that carry its name and not its owner.
    """

    own: tuple[Observed, ...]
    others: tuple[Observed, ...]


class LookUp:
    """Looks for what an earlier create left behind, and for namesakes; once, when first asked or told to begin.

    Args:
        desired: what is to be created.
        leaving: ids of datasets that do not count, if they are this resource's own: they are deleted before.
        seen: what an earlier look has found; it counts although a listing may not show it this time.
    """

    def __init__(self, desired: Desired, leaving: Collection[str] = (), seen: Observed | None = None) -> None:
        self._desired = desired
        self._leaving = leaving
        self._seen = seen
        self._found: Found | None = None
        self._named: Memory[list[Observed]] | None = None

    def ahead(self, context: Context) -> None:
        """Have the name looked up beside the checks that come first; `found` hears what goes wrong."""
        self._named = context.aep.reads.memory()
        self._named.ahead(self._desired.name, partial(context.aep.catalog.named, self._desired.name))

    def found(self, context: Context) -> Found:
        """What there is.

        Raises:
            ApiError: it could not be listed or read.
        """
        if self._found is None:
            self._found = self._look(context)
        return self._found

    @property
    def left_behind(self) -> Observed | None:
        """The dataset that would be taken over, once it was looked for."""
        own = self._found.own if self._found is not None else ()
        return own[0] if len(own) == 1 else None

    def _look(self, context: Context) -> Found:
        owner, name, catalog = self._desired.owner, self._desired.name, context.aep.catalog
        ask = partial(catalog.named, name)
        namesakes = self._named.get(name, ask) if self._named is not None else ask()
        own = [dataset for dataset in namesakes if owner and dataset.owner == owner]
        others = [dataset for dataset in namesakes if dataset not in own]
        if not own and self._seen is not None:
            own = [self._seen]
        if not own and owner and self._desired.own_tags:
            # The name may have been edited since the interrupted run; the tag was not.
            own = [*catalog.tagged(OWNER_TAG).by_owner.get(owner, ())]
        own = [dataset for dataset in own if dataset.id not in self._leaving]
        if len(own) == 1:
            now = _still_there(context, own[0])
            own = [dataset for dataset in now if dataset.owner == owner]
            # The listing was old: meanwhile it was released, or has become somebody else's.
            others += [dataset for dataset in now if dataset not in own and dataset.name == name]
        return Found(tuple(own), tuple(others))


def _still_there(context: Context, listed: Observed) -> list[Observed]:
    """The dataset as it is now: a listing may be older than a delete, or a write, of this very run."""
    try:
        return [context.aep.catalog.get(listed.id)]
    except NotFound as error:
        if says_missing(error):
            return []
        raise


class Change(NamedTuple):
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
    steps: Plan = Plan()
    recorded_owner: str = ""
    adopting: bool = False
    look_up: LookUp | None = None

    @property
    def schema_id(self) -> str:
        """The schema of the dataset, or of the one that is to be created; ``""`` = none is named."""
        return self.observed.schema_id if self.observed is not None else self.desired.schema_id

    @property
    def writes(self) -> bool:
        """Whether anything is written."""
        return self.observed is None or not self.steps.empty
