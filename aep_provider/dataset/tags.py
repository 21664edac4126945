"""The tags of a dataset: the two that switch Profile on, and the two of our own.

``unifiedProfile`` and ``unifiedIdentity`` hold elements such as ``enabled:true`` and ``isUpsert:true``.
Adobe's pages and real tenants differ in spacing (``enabled: true``), and the service adds elements of its
own (``enabledAt:…``), so reading is tolerant and writing is exact: the tight spelling, the known elements
first, unknown elements kept in their order, ``enabledAt`` left to the service.
Source: Adobe's *Enable upsert* tutorial; real replies published in Adobe's tutorials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

UNIFIED_PROFILE = "unifiedProfile"
UNIFIED_IDENTITY = "unifiedIdentity"
OWNER_TAG = "pulumiManagedBy"
GAP_TAG = "pulumiProfileGap"

OWN_TAGS = frozenset({UNIFIED_PROFILE, UNIFIED_IDENTITY, OWNER_TAG, GAP_TAG})
"""Tag keys that this package writes itself; a program cannot declare them."""

Elements = tuple[str, ...]
Tags = Mapping[str, Elements]


def split_element(element: str) -> tuple[str, str]:
    """Split ``"enabled: true"`` into ``("enabled", "true")``, at the first colon, without spaces."""
    key, _, value = element.partition(":")
    return key.strip(), value.strip()


@dataclass(frozen=True)
class UnifiedTag:
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
                values[key].add(value)
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


@dataclass(frozen=True)
class Gap:
    """A stretch of time in which this provider had Profile switched off, as noted on the dataset.

    Attributes:
        start: when the disable was sent, UTC, as written (``2026-01-31T09:00:00.000Z``).
        owner: who sent it.
        end: when the enable was made ready, or ``""`` while the gap is open. That is before the disable is
            sent: after a window without trouble it equals `start`.
    """

    start: str
    owner: str
    end: str = ""

    @classmethod
    def read(cls, elements: Sequence[str]) -> Gap | None:
        """Read the gap tag; ``None`` when it is absent or says nothing of a start."""
        values = dict(split_element(element) for element in elements)
        if not values.get("from"):
            return None
        return cls(start=values["from"], owner=values.get("by", ""), end=values.get("to", ""))

    @property
    def started(self) -> datetime | None:
        """When it began; ``None`` when what is written is no such time."""
        try:
            moment = datetime.fromisoformat(self.start.replace("Z", "+00:00"))
        except ValueError:
            return None
        return moment if moment.tzinfo else None

    @property
    def open(self) -> bool:
        """Whether no enable has closed it."""
        return not self.end

    def closed(self, end: str) -> Gap:
        """The same gap, closed at `end`."""
        return Gap(self.start, self.owner, end)

    def elements(self) -> Elements:
        """The elements to write."""
        return (f"from:{self.start}", f"by:{self.owner}", *((f"to:{self.end}",) if self.end else ()))


def timestamp(moment: datetime) -> str:
    """Write a moment as UTC with milliseconds, ``2026-01-31T09:00:00.000Z``."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
