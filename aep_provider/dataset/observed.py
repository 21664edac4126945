"""A dataset as AEP shows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from aep_provider.arguments import Kind, texts
from aep_provider.dataset.tags import (
    GAP_TAG,
    OWN_TAGS,
    UNIFIED_IDENTITY,
    UNIFIED_PROFILE,
    Elements,
    Ownership,
    Tags,
    UnifiedTag,
    WindowNote,
    timestamp,
)


class MalformedDataset(ValueError):
    """A dataset body that cannot be what the documentation describes; says which part."""


def properties() -> tuple[str, ...]:
    """The properties that `Observed.read` reads: what every listing and shared read asks for."""
    kept_as_text = (one.path.partition(".")[0] for one in texts(*Kind))
    return tuple(dict.fromkeys((*kept_as_text, "tags", "created", "createdClient", "classification")))


class Observed(NamedTuple):
    """What one GET said of a dataset, reduced to what decisions need.

    Attributes:
        id: 24 hexadecimal characters.
        values: by argument, what Catalog keeps as text; ``""`` where the body has none.
        tags: every tag that is an array of strings, elements byte for byte.
        created: milliseconds since 1970, or 0.
        created_client: the client id that created it, or ``""``.
        managed_by: ``CUSTOMER``, ``SYSTEM`` or ``""`` (older datasets have no classification).
        behaviour: ``record``, ``time-series`` or ``""``.
    """

    id: str
    values: Mapping[str, str]
    tags: Tags
    created: int
    created_client: str
    managed_by: str
    behaviour: str

    @classmethod
    def read(cls, dataset_id: str, body: object) -> Observed:
        """Read a dataset object (without the ``{id: …}`` around it).

        Raises:
            MalformedDataset: a part that decisions rest on has another type than documented. Taking such a
                part for absent would turn a broken response into a write.
        """
        whole = _mapping(body, "the dataset")
        classification = _mapping(_or_absent(whole, "classification"), "classification")
        return cls(
            id=dataset_id,
            values={one.name: one.compared_as(_at(whole, one.path)) for one in texts(*Kind)},
            tags=_tags(_or_absent(whole, "tags")),
            created=_milliseconds(whole, "created"),
            created_client=_text(whole, "createdClient"),
            managed_by=_text(classification, "managedBy"),
            behaviour=_text(classification, "dataBehavior"),
        )

    @property
    def name(self) -> str:
        """The dataset's name, or ``""``."""
        return self.values["name"]

    @property
    def schema_id(self) -> str:
        """The schema's ``$id``, or ``""``."""
        return self.values["schema_id"]

    def tag(self, key: str) -> Elements:
        """The elements of a tag, empty where it is absent."""
        return self.tags.get(key, ())

    @property
    def profile(self) -> UnifiedTag:
        """The ``unifiedProfile`` tag."""
        return UnifiedTag.read(self.tag(UNIFIED_PROFILE))

    @property
    def identity(self) -> UnifiedTag:
        """The ``unifiedIdentity`` tag."""
        return UnifiedTag.read(self.tag(UNIFIED_IDENTITY))

    @property
    def upsert(self) -> bool:
        """Whether upsert is on: it is only while Profile is."""
        return self.profile.enabled and self.profile.upsert

    @property
    def note(self) -> WindowNote | None:
        """The last window as noted on the dataset, open or closed."""
        return WindowNote.read(self.tag(GAP_TAG))

    @property
    def open_note(self) -> WindowNote | None:
        """The window noted on the dataset, if Profile is off since then."""
        note = self.note
        return note if note is not None and note.open and not self.profile.enabled else None

    @property
    def ownership(self) -> Ownership:
        """Who manages it, and which creation it comes from."""
        return Ownership.read(self.tags)

    @property
    def owner(self) -> str:
        """Who manages it, from the owner tag, or ``""``."""
        return self.ownership.owner

    @property
    def time_series(self) -> bool:
        """Whether it holds experience events; False when AEP does not say."""
        return self.behaviour == "time-series"

    @property
    def created_at(self) -> str:
        """When it was created, UTC, or ``""``."""
        if not self.created:
            return ""
        return timestamp(datetime.fromtimestamp(self.created / 1000, timezone.utc))

    @property
    def system_sign(self) -> str:
        """What shows that Adobe manages it, or ``""`` if nothing does.

        Sources: ``classification.managedBy`` (specified); tag ``aep/siphon/managed…``, the leading
        underscore and the Profile snapshot's name (heuristics of another client, inferred).
        """
        if self.managed_by == "SYSTEM":
            return "classification.managedBy is SYSTEM"
        if self.managed_by:
            return ""
        managed = sorted(key for key in self.tags if key.startswith("aep/siphon/managed"))
        if managed:
            return f"it carries the tag {managed[0]}"
        if self.name.startswith("_"):
            return "its name begins with an underscore"
        if "Profile-Snapshot-Export" in self.name:
            return "it is a Profile snapshot export"
        return ""


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise MalformedDataset(f"{what} is not a JSON object")
    return value


def _or_absent(body: Mapping[str, Any], key: str) -> object:
    value = body.get(key)
    return {} if value is None else value


def _absent(value: object) -> bool:
    # Adobe's page on filters shows `{}` for a property without a value.
    return value is None or value == {}


def _at(body: Mapping[str, Any], path: str) -> str:
    *parents, key = path.split(".")
    for parent in parents:
        body = _mapping(_or_absent(body, parent), parent)
    return _text(body, key)


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    if _absent(value):
        return ""
    if not isinstance(value, str):
        raise MalformedDataset(f"{key} is not a string")
    return value


def _milliseconds(body: Mapping[str, Any], key: str) -> int:
    value = body.get(key)
    if _absent(value):
        return 0
    # A bool is an int to Python; Adobe's times are whole milliseconds below the year 10,000.
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 253_402_300_800_000:
        raise MalformedDataset(f"{key} is not a time in milliseconds")
    return value


def _tags(value: object) -> Tags:
    tags: dict[str, Elements] = {}
    for key, elements in _mapping(value, "tags").items():
        if isinstance(elements, list) and all(isinstance(element, str) for element in elements):
            tags[key] = tuple(elements)
        elif key in OWN_TAGS:
            raise MalformedDataset(f"tag {key} is not an array of strings")
        # A malformed tag of somebody else's must not keep Profile from being switched on again.
    return tags
