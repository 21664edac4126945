"""A dataset as a program wants it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from aep_provider.arguments import Kind, texts
from aep_provider.dataset.tags import Tags


class Desired(NamedTuple):
    """What the program asks for one dataset.

    Attributes:
        is_upsert: whether Profile is to merge partial records.
        managed: by argument, the texts to keep as declared; what is left out is not managed.
        asserted: by argument, the texts that must be as declared and are never changed.
        tags: the tag keys that the program owns, with the elements wanted.
        released_tags: keys that it owned before and does not any more: to be removed.
        owner: the value of our owner tag, or ``""`` when nobody owns the dataset.
        own_tags: whether our own three tags (owner, claim, window) are written.
        claim: the claim to write, by a create or a take-over; ``None`` = leave it, and mark the dataset as kept.
    """

    is_upsert: bool
    managed: Mapping[str, str] = MappingProxyType({})
    asserted: Mapping[str, str] = MappingProxyType({})
    tags: Tags = MappingProxyType({})
    released_tags: frozenset[str] = frozenset()
    owner: str = ""
    own_tags: bool = True
    claim: str | None = None

    @classmethod
    def of(
        cls,
        inputs: Mapping[str, Any],
        *,
        own_tags: bool,
        owned_before: Mapping[str, Any] | None = None,
    ) -> Desired:
        """Take it from validated arguments.

        Args:
            inputs: the arguments with defaults, and ``owner``.
            own_tags: whether our own three tags are written.
            owned_before: the tags on record; those that the program no longer declares are removed.
        """
        tags = {key: tuple(elements) for key, elements in (inputs.get("tags") or {}).items()}
        return cls(
            is_upsert=inputs["is_upsert"],
            managed=_given(inputs, Kind.MANAGED),
            asserted=_given(inputs, Kind.ASSERTED),
            tags=tags,
            released_tags=frozenset(owned_before or ()) - frozenset(tags),
            owner=inputs.get("owner", ""),
            own_tags=own_tags,
        )

    @property
    def name(self) -> str:
        """The name that the program declares, or ``""``."""
        return self.managed.get("name", "")

    @property
    def schema_id(self) -> str:
        """The schema that the program declares, or ``""``."""
        return self.asserted.get("schema_id", "")


def _given(inputs: Mapping[str, Any], kind: Kind) -> dict[str, str]:
    return {
        one.name: one.compared_as(inputs[one.name]) for one in texts(kind) if inputs.get(one.name) is not None
    }
