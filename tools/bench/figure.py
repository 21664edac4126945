"""One line of the table: what was measured, against what, and whether it meets its goal."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Figure:
    """One line of the table.

    Attributes:
        name, floor: what was measured, and against what.
        goal: what it should come to, in words.
        judge: what the samples come to, from the samples of the figure and of its floor.
        unit: of the result; a ratio has ``×``.
        holds: whether a result meets the goal.
    """

    name: str
    floor: str
    goal: str
    holds: Callable[[float], bool]
    judge: Callable[[list[float], list[float]], float]
    unit: str = "×"
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    @property
    def result(self) -> float:
        """The result over all samples."""
        return self.judge(self.ours, self.theirs)


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Time against the floor's time, of medians."""
    return statistics.median(ours) / statistics.median(theirs)


def speed(ours: list[float], theirs: list[float]) -> float:
    """How many times faster than the floor."""
    return statistics.median(theirs) / statistics.median(ours)


def more(ours: list[float], theirs: list[float]) -> float:
    """How much more than the floor."""
    return statistics.median(ours) - statistics.median(theirs)


def alone(ours: list[float], _theirs: list[float]) -> float:
    """The median by itself."""
    return statistics.median(ours)


def at_most(limit: float) -> Callable[[float], bool]:
    """The goal is not to exceed `limit`."""
    return lambda result: result <= limit


def at_least(limit: float) -> Callable[[float], bool]:
    """The goal is to reach `limit`."""
    return lambda result: result >= limit
