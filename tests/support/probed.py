"""A run of the probe in this process, against an emulator, with a clock that only its waits move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aep_provider.aep import Aep, connect
from aep_provider.aep.reads import PlainReads
from aep_provider.emulator.seeds import CLIENT_ID, PROFILE_SCHEMA
from aep_provider.probe.belief import Answer
from aep_provider.probe.beliefs import BELIEFS
from aep_provider.probe.cleanup import CleanUp, Left
from aep_provider.probe.runner import Order, Outcome, run
from aep_provider.probe.steps import Step, steps
from aep_provider.settings import Settings
from support.aep import BareAep
from support.clock import FakeClock
from support.settings import config

SHORT = 60.0


@dataclass
class Probed:
    """What came of a run.

    Attributes:
        outcome: as the command gets it.
        said: the lines about what was under way.
        clock: what was waited.
    """

    outcome: Outcome
    said: list[str]
    clock: FakeClock

    def __getitem__(self, belief: str) -> Answer:
        return next(one for one in self.outcome.answers if one.belief == belief)

    @property
    def differs(self) -> set[str]:
        """The beliefs that differ."""
        return {one.belief for one in self.outcome.answers if one.verdict == "differs"}

    @property
    def switches(self) -> dict[str, object]:
        """Every switch of the emulator that an answer names."""
        found: dict[str, object] = {}
        for one in self.outcome.answers:
            found |= one.switch
        return found


def connected(aep: BareAep, clock: FakeClock) -> tuple[Settings, Aep]:
    """A client that remembers nothing, and its settings."""
    settings = Settings.load(config(aep.url), {})
    return settings, connect(settings, clock, PlainReads())


def ticking(aep: BareAep) -> FakeClock:
    """A clock whose waits move the emulator's time too."""
    return FakeClock(on_wait=lambda seconds: aep.tick(seconds=seconds) if seconds else None)


def probed(
    aep: BareAep, *, wait: float = SHORT, only: Sequence[Step] | None = None, batches: bool = False
) -> Probed:
    """Run the probe.

    Args:
        aep: the emulator.
        wait: for each thing that lags.
        only: these steps instead of all.
        batches: whether all steps include those.
    """
    clock, said = ticking(aep), list[str]()
    settings, api = connected(aep, clock)
    order = Order(PROFILE_SCHEMA, wait, ("", ""))
    taken = steps(batches=batches) if only is None else only
    return Probed(run(api, settings, clock, order, taken, BELIEFS, said.append), said, clock)


def cleaned(aep: BareAep, client_id: str = CLIENT_ID) -> tuple[int, list[Left]]:
    """What `--clean` does."""
    clock = ticking(aep)
    _, api = connected(aep, clock)
    return CleanUp(api, client_id, clock, wait=SHORT, say=lambda _: None).everything()


def two_batches(aep: BareAep, dataset_id: str) -> None:
    """Finished batches of another client, for what only a sandbox with batches can tell."""
    related = [{"type": "dataSet", "id": dataset_id}]
    batches: dict[str, Any] = {
        f"01JD0Q6Z5X8T4N2B7C9E1F3G5{letter}": {
            "status": "success",
            "created": 1730810034023 + age,
            "relatedObjects": related,
        }
        for age, letter in enumerate("HJ")
    }
    aep.seed(batches=batches)
