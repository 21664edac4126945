"""Who is told of each request as it goes out, and of its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Watch(Protocol):
    """Told in the thread that sends, one attempt after another. It raises nothing and takes no time to speak of.

    A window is open while it is told of a disable and of the enable after it.
    """

    def sent(self, method: str, url: str, secrets: tuple[str, ...]) -> None:
        """A request goes out for the first time.

        Args:
            method: of HTTP.
            url: with its query.
            secrets: what must not be kept of it, or of the response.
        """
        ...

    def repeated(self) -> None:
        """The same request goes out once more."""
        ...

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """A response has come."""
        ...

    def lost(self, kind: str) -> None:
        """No response has come.

        Args:
            kind: the class of the error.
        """
        ...


class Unwatched:
    """Nobody is told."""

    def sent(self, method: str, url: str, secrets: tuple[str, ...]) -> None:
        """Drop it."""

    def repeated(self) -> None:
        """Drop it."""

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """Drop it."""

    def lost(self, kind: str) -> None:
        """Drop it."""
