"""A dataset as a program wants it."""

from __future__ import annotations

from dataclasses import dataclass, field

from aep_provider.dataset.tags import Tags


@dataclass(frozen=True)
class Desired:
    """What the program asks for one dataset.

    Attributes:
        is_upsert: whether Profile is to merge partial records.
        name, description: ``None`` = not managed.
        schema_id, schema_content_type: ``None`` = not asserted.
        tags: the tag keys that the program owns, with the elements wanted.
        released_tags: keys that it owned before and does not any more: to be removed.
        owner: the value of our owner tag, or ``""`` when nobody claims the dataset.
        own_tags: whether our own two tags, the owner's and the gap's, are written.
    """

    is_upsert: bool
    name: str | None = None
    description: str | None = None
    schema_id: str | None = None
    schema_content_type: str | None = None
    tags: Tags = field(default_factory=dict)
    released_tags: frozenset[str] = frozenset()
    owner: str = ""
    own_tags: bool = True
