"""Switches for the behaviours on which the sources disagree or say nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

CHOICES: dict[str, tuple[str, ...]] = {
    "union_check": ("refuse", "accept"),
    "tag_filter": ("honoured", "ignored"),
    "name_filter": ("honoured", "ignored"),
    "missing_delete": ("404", "empty200"),
    "patch_without_disable": ("warn", "refuse"),
    "profile_on_disable": ("keep", "remove"),
    "profile_on_revert": ("keep", "remove"),
    "granular_flags": ("ignored", "honoured"),
    "lagging": ("all", "datasets", "batches", "schemas"),
    "retention_reply": ("reference", "configuration"),
    "empty_properties": ("object", "stored", "missing_too"),
    "unknown_path": ("json", "html"),
}
"""The values that each textual switch takes."""

_MOST_SKEW = 366 * 86400
"""Seconds, about a year."""


@dataclass
class Settings:
    """The switches and their defaults; ``docs/emulator.md`` says what each one does."""

    background_every: int = 0
    batch_readings: int = 2
    sub_batch_seconds: int = 0
    delayed_delete: int = 0
    read_lag: int = 0
    read_lag_seconds: int = 0
    list_lag: int = 0
    list_lag_seconds: int = 0
    write_lag: int = 0
    write_lag_seconds: int = 0
    create_lag: int = 0
    lagging: str = "all"
    page_cap: int = 0
    clock_skew: int = 0
    union_propagation: int = 0
    union_check: str = "refuse"
    if_match: bool = True
    tag_filter: str = "honoured"
    name_filter: str = "honoured"
    missing_delete: str = "404"
    patch_without_disable: str = "warn"
    profile_on_disable: str = "keep"
    profile_on_revert: str = "keep"
    granular_flags: str = "ignored"
    retention_reply: str = "reference"
    empty_properties: str = "object"
    unknown_path: str = "json"

    def change(self, values: Mapping[str, Any]) -> None:
        """Set several switches at once.

        Raises:
            ValueError: a name is unknown or a value is not one that the switch takes; nothing is changed.
        """
        for name, value in values.items():
            _check(name, value)
        for name, value in values.items():
            setattr(self, name, value)

    def as_json(self) -> dict[str, Any]:
        """Return every switch by name."""
        return asdict(self)


def _check(name: str, value: object) -> None:
    known = {field.name for field in fields(Settings)}
    if name not in known:
        raise ValueError(f"unknown setting {name!r}; known: {', '.join(sorted(known))}")
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise ValueError(f"{name} must be one of {', '.join(CHOICES[name])}, not {value!r}")
    elif name == "if_match":
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be true or false, not {value!r}")
    elif name == "clock_skew":
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _MOST_SKEW:
            raise ValueError(
                f"{name} must be a whole number from -{_MOST_SKEW} to {_MOST_SKEW}, not {value!r}"
            )
    elif not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} must be a whole number from 0, not {value!r}")
