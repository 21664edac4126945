"""What the provider assumes of AEP, and what the probe saw of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from aep_provider.measured import Answer, Verdict

__all__ = ["Answer", "Belief", "Level", "NotAsked", "Verdict"]


class Level(Enum):
    """How well a belief is founded, best first."""

    SPECIFIED = "specified"
    DOCUMENTED = "documented"
    LIVE = "seen live"
    CODE = "code"
    INFERRED = "inferred"
    ASSUMED = "assumed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Belief:
    """One thing that the provider, or a decision of its user, rests on.

    Attributes:
        id: short, lower case, with hyphens; it never changes, since reports hold it.
        statement: what is taken for true, in one sentence.
        level: how well that is founded.
        source: where it is said, or what it was concluded from.
        rests: the modules of the provider that rest on it.
        if_false: what goes wrong then.
        how: how the probe asks; where it cannot be asked, why.
        probed: whether the probe asks at all.
        switch: the emulator's switch for it, or ``""``.
    """

    id: str
    statement: str
    level: Level
    source: str
    rests: str
    if_false: str
    how: str
    probed: bool = True
    switch: str = ""


class NotAsked(Exception):
    """A step could not find out: the text says why, as `Answer.seen` does."""
