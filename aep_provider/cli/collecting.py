"""What the guards say about a change, each for itself: for `doctor` and `card`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from aep_provider.errors import AepProviderError
from aep_provider.operations import asking
from aep_provider.operations.change import Change
from aep_provider.operations.context import Context, Silent


@dataclass(frozen=True)
class Answer:
    """What one guard says.

    Attributes:
        guard: its name.
        error: what it refuses the change for, or ``None``.
        advice: what it has to say about this change.
        for_all: what it has to say that is the same for every change.
    """

    guard: str
    error: AepProviderError | None
    advice: Sequence[str]
    for_all: Sequence[str]

    @property
    def refuses(self) -> bool:
        """Whether `up` would be refused; what waiting cures does not count."""
        return self.error is not None and not asking.passes(self.error)


class _Collector(Silent):
    """Takes what guards say."""

    def __init__(self) -> None:
        self.advice: list[str] = []
        self.for_all: list[str] = []

    def warn(self, message: str) -> None:
        """Keep it."""
        self.advice.append(message)

    def once(self, message: str) -> None:
        """Keep it apart."""
        self.for_all.append(message)

    def info(self, message: str) -> None:
        """Keep it."""
        self.advice.append(message)


def answers(context: Context, change: Change) -> Iterator[Answer]:
    """Ask every guard that applies, whatever the others say.

    Args:
        context: where and how; nothing is said to its reporter.
        change: what `up` would do.
    """
    collector = _Collector()
    # Each explicit provider of a program has a run of its own, so that two sandboxes may share a name. Two resources
    # of one provider the preview, or the entries, have refused already.
    run = replace(context.run, creators={})
    for guard, error in asking.answers(replace(context, report=collector, run=run), change):
        yield Answer(guard.name, error, collector.advice, collector.for_all)
        collector.advice, collector.for_all = [], []
