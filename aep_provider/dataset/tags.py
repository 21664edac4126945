"""The tags of a dataset: the two that switch Profile on, and the two of our own.

``unifiedProfile`` and ``unifiedIdentity`` hold elements such as ``enabled:true`` and ``isUpsert:true``.
Adobe's pages and real tenants differ in spacing (``enabled: true``), and the service adds elements of its
own (``enabledAt:…``), so reading is tolerant and writing is exact: the tight spelling, the known elements
first, unknown elements kept in their order, ``enabledAt`` left to the service.
Source: Adobe's *Enable upsert* tutorial; real replies published in Adobe's tutorials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import NamedTuple

from aep_provider.arguments import CLAIM_TAG, GAP_TAG, OWN_TAGS, OWNER_TAG, UNIFIED_IDENTITY, UNIFIED_PROFILE

__all__ = [
    "CLAIM_TAG",
    "GAP_TAG",
    "OWNER_TAG",
    "OWN_TAGS",
    "SENT",
    "UNIFIED_IDENTITY",
    "UNIFIED_PROFILE",
    "WINDOWS_KEPT",
    "Elements",
    "Ownership",
    "Tags",
    "UnifiedTag",
    "WindowNote",
    "moment",
    "timestamp",
]

SENT = "9999-12-31T23:59:59.999Z"
"""Stands for the time at which a request is sent, and is as long as it; filled in at that moment."""

WINDOWS_KEPT = 10
"""Windows that state, and the note on a dataset, hold at most; so a tag of ours stays about a kilobyte."""

Elements = tuple[str, ...]
Tags = Mapping[str, Elements]


def split_element(element: str) -> tuple[str, str]:
    """Split ``"enabled: true"`` into ``("enabled", "true")``, at the first colon, without spaces."""
    key, _, value = element.partition(":")
    return key.strip(), value.strip()


class UnifiedTag(NamedTuple):
    """One of the two unified tags, as read.

    Attributes:
        enabled: whether it says ``enabled:true`` and nowhere ``enabled:false``.
        upsert: whether it says ``isUpsert:true`` and nowhere ``isUpsert:false``.
        enabled_at: the value of ``enabledAt``, written by the service, or ``""``.
        foreign: every other element, in order, byte for byte.
    """

    enabled: bool
    upsert: bool
    enabled_at: str
    foreign: Elements

    @classmethod
    def read(cls, elements: Sequence[str]) -> UnifiedTag:
        """Read the elements of a tag; an absent tag is the empty sequence."""
        values: dict[str, set[str]] = {"enabled": set(), "isUpsert": set(), "enabledAt": set()}
        foreign: list[str] = []
        for element in elements:
            key, value = split_element(element)
            if key in values:
                # `True` for `true`: an unusual spelling is read as meant, and rewritten only by a real change.
                values[key].add(value if key == "enabledAt" else value.lower())
            else:
                foreign.append(element)
        return cls(
            enabled=values["enabled"] == {"true"},
            upsert=values["isUpsert"] == {"true"},
            enabled_at=max(values["enabledAt"], default=""),
            foreign=tuple(foreign),
        )

    def switched_on(self, *, upsert: bool) -> Elements:
        """The elements to write to enable, with or without upsert."""
        return ("enabled:true", *(("isUpsert:true",) if upsert else ()), *self.foreign)

    def switched_off(self) -> Elements:
        """The elements to write to disable."""
        return ("enabled:false", *self.foreign)


class Ownership(NamedTuple):
    """Our tags ``pulumiManagedBy`` and ``pulumiClaim``: who manages a dataset, and which creation it comes from.

    Two tags, so that the first one stays what every version of this package reads.

    Attributes:
        owner: ``<project>/<stack>/<name>``, or ``""``.
        claim: the random word that the creation wrote, or ``""``: a dataset that was adopted has none.
        kept: whether a resource has written to it since, so that it cannot be an interrupted create.
    """

    owner: str = ""
    claim: str = ""
    kept: bool = False

    @classmethod
    def read(cls, tags: Tags) -> Ownership:
        """Read the two tags."""
        claim = tags.get(CLAIM_TAG, ())
        return cls(
            "; ".join(tags.get(OWNER_TAG, ())),
            "; ".join(one for one in claim if one != _KEPT),
            _KEPT in claim,
        )

    def tags(self) -> dict[str, Elements]:
        """The tags to write."""
        claim = {CLAIM_TAG: (self.claim, *((_KEPT,) if self.kept else ()))} if self.claim else {}
        return {OWNER_TAG: (self.owner,), **claim}


_KEPT = "kept"


class WindowNote(NamedTuple):
    """Our tag ``pulumiProfileGap``: the last window, in which this provider had Profile switched off, and earlier ones.

    The earlier ones are an element each, which a version that knows of one window only passes over.

    Attributes:
        start: when the disable was sent, UTC, as written (``2026-01-31T09:00:00.000Z``).
        owner: who sent it.
        upsert: the setting before; ``None`` where the note does not say (written by an older version).
        end: when the enable was sent, or ``""`` while Profile is off.
        earlier: the windows before it, the newest first; they have none of their own.
    """

    start: str
    owner: str
    upsert: bool | None = None
    end: str = ""
    earlier: tuple[WindowNote, ...] = ()

    @classmethod
    def read(cls, elements: Sequence[str]) -> WindowNote | None:
        """Read the tag; ``None`` when it is absent or says nothing of a start."""
        pairs = [split_element(element) for element in elements]
        values = dict(pairs)
        if not values.get("from"):
            return None
        before = [cls._of_line(value) for key, value in pairs if key == _EARLIER]
        known = [one for one in before if one.started is not None]
        return cls(
            start=values["from"],
            owner=values.get("by", ""),
            upsert=_SETTINGS.get(values.get("was", "")),
            end=values.get("to", ""),
            earlier=tuple(sorted(known, key=lambda one: one.start, reverse=True)),
        )

    @property
    def every(self) -> tuple[WindowNote, ...]:
        """This window and the earlier ones, the newest first."""
        return (self._replace(earlier=()), *self.earlier)

    @property
    def started(self) -> datetime | None:
        """When it began; ``None`` when what is written is not a time."""
        return moment(self.start)

    @property
    def ended(self) -> datetime | None:
        """When it ended; ``None`` while Profile is off, or when what is written is not a time."""
        return moment(self.end)

    @property
    def open(self) -> bool:
        """Whether no enable has closed it."""
        return not self.end

    def closed(self, end: str) -> WindowNote:
        """The same window, closed at `end`."""
        return self._replace(end=end)

    def elements(self) -> Elements:
        """The elements to write."""
        was = (f"was:{self._was()}",) if self.upsert is not None else ()
        to = (f"to:{self.end}",) if self.end else (_ROOM,)
        earlier = (f"{_EARLIER}:{one._line()}" for one in self.earlier)
        return (f"from:{self.start}", f"by:{self.owner}", *was, *to, *earlier)

    def _was(self) -> str:
        return next((word for word, upsert in _SETTINGS.items() if upsert is self.upsert), "")

    def _line(self) -> str:
        # Last what may hold anything.
        return "/".join((self.start, self.end, self._was(), self.owner))

    @classmethod
    def _of_line(cls, line: str) -> WindowNote:
        start, end, was, owner = (*line.split("/", 3), "", "", "", "")[:4]
        return cls(start, owner, _SETTINGS.get(was), end)


_EARLIER = "earlier"
_ROOM = f"room:{'-' * 50}"
"""In a note that is open, the place of its end: whatever limit AEP has, what the enable writes is no longer than what
the disable wrote, so a note that is too long is refused while Profile is still on."""
_SETTINGS = {"upsert": True, "plain": False}


def moment(text: str) -> datetime | None:
    """Read a time as `timestamp` writes it; ``None`` for anything else, and for what leaves no room to count from."""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo and datetime.min.year < found.year < datetime.max.year else None


def timestamp(moment: datetime) -> str:
    """Write a moment as UTC with milliseconds, ``2026-01-31T09:00:00.000Z``."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
