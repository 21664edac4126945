"""What a read after a write proves, and so which words may be used of a dataset.

A read may come from a replica that is behind. So what it shows counts only if only our own write can have made it:
the wanted setting where it differed before, or the note of this window. A read that shows the state from before
a write is old, or the write had no effect; nothing is concluded from it.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import WindowNote


class Effect(Enum):
    """What is known of a kind of write, over all its tries."""

    NONE = "none"
    """It was never sent, or every try was refused."""

    UNKNOWN = "unknown"
    """A try was not answered: it may have taken effect, or may still do so."""

    ANSWERED = "answered"
    """A try was answered with success, or a read has shown its effect."""


class Word(Enum):
    """What may be said of Profile after a window."""

    AS_WANTED = "ON as wanted"
    BACK_ON = "back ON"
    READS_AS_ON = "reads as ON"
    ON = "ON"
    """On, whichever of the two settings it will end with."""
    IDENTITY_OFF = "ON, but Identity is OFF"
    OFF = "OFF"
    MAY_BE_OFF = "may be OFF"

    @property
    def told(self) -> str:
        """What is said of Profile, as in ``is ON``."""
        return self.value if self is Word.READS_AS_ON else f"is {self.value}"

    @property
    def settled(self) -> bool:
        """Whether Profile is shown on, so that there is no need to look again."""
        return self not in (Word.OFF, Word.MAY_BE_OFF)


class Writes(NamedTuple):
    """What was written to one dataset in a window.

    Attributes:
        before: the dataset as read before the disable; Profile is on, with the other setting.
        upsert: the setting that is wanted.
        note: what the disable notes on the dataset; ``None`` when our tags are off.
        enable: what is known of the enable with the wanted setting.
        restore: what is known of the enable with the setting of before.
    """

    before: Observed
    upsert: bool
    note: WindowNote | None = None
    enable: Effect = Effect.NONE
    restore: Effect = Effect.NONE

    @property
    def pending(self) -> bool:
        """Whether an enable may have taken effect that a read does not show yet."""
        return (self.enable, self.restore) != (Effect.NONE, Effect.NONE)


def word(writes: Writes, now: Observed | None) -> Word:
    """What a read proves of Profile.

    Args:
        writes: what was written before it.
        now: what it showed; ``None`` when nothing could be read.
    """
    if now is None:
        return Word.MAY_BE_OFF
    if not now.profile.enabled:
        # It was on before, so the disable has landed. Only an enable could have changed that since.
        return Word.MAY_BE_OFF if writes.pending else Word.OFF
    noted = writes.note is not None and now.note is not None and now.note.start == writes.note.start
    wanted = now.profile.upsert == writes.upsert
    if not noted and not wanted:
        return _like_before(writes, now)
    if not now.identity.enabled:
        return Word.IDENTITY_OFF
    if wanted:
        return Word.AS_WANTED if writes.restore is Effect.NONE else Word.ON
    closed = now.note is not None and not now.note.open
    # An open note with Profile on: somebody else has switched it on.
    return Word.BACK_ON if closed and writes.restore is not Effect.NONE else Word.ON


def _like_before(writes: Writes, now: Observed) -> Word:
    """A read that shows what was there before: without a note nothing can tell it from an old one."""
    tells = writes.note is None and writes.restore is Effect.ANSWERED and now.identity.enabled
    return Word.READS_AS_ON if tells else Word.MAY_BE_OFF
