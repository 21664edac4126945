"""Where messages to the user go, as an argument, so that the core does not know the engine."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """Takes messages about one resource."""

    def warn(self, message: str) -> None:
        """Something the user should know or do; said once per process."""
        ...

    def info(self, message: str) -> None:
        """Something that happened."""
        ...

    def progress(self, message: str) -> None:
        """What is being waited for; only the newest matters."""
        ...


class Silent:
    """Takes messages to nobody, for questions asked ahead of their time."""

    def warn(self, message: str) -> None:
        """Drop it."""

    def info(self, message: str) -> None:
        """Drop it."""

    def progress(self, message: str) -> None:
        """Drop it."""
