"""A dataset as AEP shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from aep_provider.dataset.tags import (
    GAP_TAG,
    OWNER_TAG,
    UNIFIED_IDENTITY,
    UNIFIED_PROFILE,
    Elements,
    Gap,
    Tags,
    UnifiedTag,
    timestamp,
)

DATASET_ID = re.compile(r"[0-9a-f]{24}")
"""The form of a dataset id in every published sample: 24 lower-case hexadecimal characters."""

DEFAULT_CONTENT_TYPE = "application/vnd.adobe.xed+json;version=1"
_TIMES_SERIES = "time-series"


class MalformedDataset(ValueError):
    """A dataset body that cannot be what the documentation describes; says which part."""


def normal_content_type(content_type: str) -> str:
    """A schema content type without spaces, since AEP's replies differ in spacing only."""
    return re.sub(r"\s+", "", content_type)


@dataclass(frozen=True)
class Observed:
    """What one GET said of a dataset, reduced to what decisions need.

    Attributes:
        id: 24 hexadecimal characters.
        name, description: ``""`` where the body has none.
        schema_id, schema_content_type: of ``schemaRef``; ``""`` where the body has none.
        tags: every tag, elements byte for byte.
        created: milliseconds since 1970, or 0.
        created_client: the client id that created it, or ``""``.
        managed_by: ``CUSTOMER``, ``SYSTEM`` or ``""`` (older datasets have no classification).
        behaviour: ``record``, ``time-series`` or ``""``.
    """

    id: str
    name: str
    description: str
    schema_id: str
    schema_content_type: str
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
                part for absent would turn a broken reply into a write.
        """
        whole = _mapping(body, "the dataset")
        schema = _mapping(_or_absent(whole, "schemaRef"), "schemaRef")
        classification = _mapping(_or_absent(whole, "classification"), "classification")
        return cls(
            id=dataset_id,
            name=_text(whole, "name"),
            description=_text(whole, "description"),
            schema_id=_text(schema, "id"),
            schema_content_type=normal_content_type(_text(schema, "contentType")),
            tags=_tags(whole.get("tags", {})),
            created=_milliseconds(whole, "created"),
            created_client=_text(whole, "createdClient"),
            managed_by=_text(classification, "managedBy"),
            behaviour=_text(classification, "dataBehavior"),
        )

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
    def gap(self) -> Gap | None:
        """The gap noted on the dataset, open or closed."""
        return Gap.read(self.tag(GAP_TAG))

    @property
    def open_gap(self) -> Gap | None:
        """The gap noted on the dataset if Profile is off since then."""
        gap = self.gap
        return gap if gap is not None and gap.open and not self.profile.enabled else None

    @property
    def owner(self) -> str:
        """Who manages it, from the owner tag, or ``""``."""
        return "; ".join(self.tag(OWNER_TAG))

    @property
    def time_series(self) -> bool:
        """Whether it holds experience events; False when AEP does not say."""
        return self.behaviour == _TIMES_SERIES

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
        raise MalformedDataset(f"{what} is no JSON object")
    return value


def _or_absent(body: Mapping[str, Any], key: str) -> object:
    value = body.get(key)
    return {} if value is None else value


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedDataset(f"{key} is no string")
    return value


def _milliseconds(body: Mapping[str, Any], key: str) -> int:
    value = body.get(key)
    if value is None:
        return 0
    # A bool is an int to Python; Adobe's times are whole milliseconds below the year 10,000.
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 253_402_300_800_000:
        raise MalformedDataset(f"{key} is no time in milliseconds")
    return value


def _tags(value: object) -> Tags:
    tags: dict[str, Elements] = {}
    for key, elements in _mapping(value, "tags").items():
        if not isinstance(elements, list) or not all(isinstance(element, str) for element in elements):
            raise MalformedDataset(f"tag {key} is no array of strings")
        tags[key] = tuple(elements)
    return tags
