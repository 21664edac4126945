"""What a step is, and what it is given."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aep_provider.aep import Aep
from aep_provider.clock import Clock
from aep_provider.probe.belief import Answer
from aep_provider.probe.raw import Raw
from aep_provider.probe.scratch import Scratch
from aep_provider.settings import Settings


@dataclass(frozen=True)
class Lag:
    """How late something showed.

    Attributes:
        behind: how many looks did not show it.
        seconds: from the first look to the one that showed it.
        paused: whether there were pauses between looks, so that the time counts and not the number.
        shown: whether it showed at all.
        last: what the last look gave.
    """

    behind: int
    seconds: float
    paused: bool
    shown: bool
    last: Any

    @property
    def late(self) -> bool:
        """Whether the first look did not show it."""
        return self.behind > 0

    def words(self) -> str:
        """``after 3 reads (0.2 s)``, ``at the first look``."""
        if not self.shown:
            return f"not within {self.seconds:.0f} s and {self.behind} looks"
        if not self.late:
            return "at the first look"
        return f"at look {self.behind + 1}, after {self.seconds:.1f} s"

    def switch(self, name: str) -> dict[str, object]:
        """The emulator's switch of this name, or that of its seconds; empty if nothing is late."""
        if not self.late or not self.shown:
            return {}
        return {f"{name}_seconds": math.ceil(self.seconds)} if self.paused else {name: self.behind}


@dataclass
class Run:
    """One run of the probe.

    Attributes:
        aep, settings, clock: where to, as whom, and the time.
        raw: requests of any kind.
        scratch: the datasets of this run.
        schema_id: the schema that the user gave: record data, in the union.
        wait: seconds that a step waits at most for something that lags.
        identity: namespace and value of the identity that batches hold.
        say: prints a line about what is under way.
        figures: what is measured in numbers, by name, such as ``round_trip_ms``.
        nobody: an id that no dataset has.
        lags: what a step found late, for those after it.
        marks: how many marks steps have written so far, so that none is written twice.
    """

    aep: Aep
    settings: Settings
    clock: Clock
    raw: Raw
    scratch: Scratch
    schema_id: str
    wait: float
    identity: tuple[str, str]
    say: Callable[[str], None]
    figures: dict[str, float] = field(default_factory=dict)
    nobody: str = field(default_factory=lambda: secrets.token_hex(12))
    lags: dict[str, Lag] = field(default_factory=dict)
    marks: int = 0


@dataclass(frozen=True)
class Step:
    """One measurement.

    Attributes:
        title: the progress line.
        beliefs: the ids that it answers; what it leaves out is "not asked".
        ask: finds out. It raises `NotAsked` where it cannot, with the reason; its answers so far count.
    """

    title: str
    beliefs: tuple[str, ...]
    ask: Callable[[Run], Iterator[Answer]]
