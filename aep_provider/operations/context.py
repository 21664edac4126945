"""What every operation works with: the API, the settings, a reporter and a clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from aep_provider.clock import Clock
from aep_provider.dataset.observed import Observed
from aep_provider.settings import Settings

if TYPE_CHECKING:
    from aep_provider.aep import Aep


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


@dataclass(frozen=True)
class Context:
    """What every operation works with.

    Attributes:
        aep: the API.
        settings: where, and as whom.
        report: to the user.
        clock: time and waits.
    """

    aep: Aep
    settings: Settings
    report: Reporter
    clock: Clock

    @property
    def sandbox(self) -> str:
        """The sandbox, for messages."""
        return self.settings.sandbox


def describe(context: Context, observed: Observed) -> str:
    """How messages name a dataset."""
    return f"Dataset {observed.name!r} ({observed.id}) in sandbox {context.sandbox}"
