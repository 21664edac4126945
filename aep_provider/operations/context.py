"""What every operation works with: the API, the settings, a reporter, a clock, and what this run has learnt."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from aep_provider.clock import Clock
from aep_provider.dataset.observed import Observed
from aep_provider.errors import Interrupted
from aep_provider.settings import Settings

if TYPE_CHECKING:
    from aep_provider.aep import Aep


class Reporter(Protocol):
    """Takes messages about one resource."""

    def warn(self, message: str) -> None:
        """Something the user should know or do; said once per process."""
        ...

    def once(self, message: str) -> None:
        """What is the same for every resource; said once a run."""
        ...

    def info(self, message: str) -> None:
        """Something that happened."""
        ...

    def progress(self, message: str) -> None:
        """What is being waited for; only the newest matters."""
        ...

    def event(self, name: str, dataset_id: str, fields: Mapping[str, Any]) -> None:
        """What machines may want to know, as `aep_provider.plugin.event_log` names it; never told inside a window."""
        ...

    def listening(self) -> bool:
        """Whether whoever started the operation is still there."""
        ...


class Silent:
    """Takes messages to nobody, for questions asked ahead of their time."""

    def warn(self, message: str) -> None:
        """Drop it."""

    def once(self, message: str) -> None:
        """Drop it."""

    def info(self, message: str) -> None:
        """Drop it."""

    def progress(self, message: str) -> None:
        """Drop it."""

    def event(self, name: str, dataset_id: str, fields: Mapping[str, Any]) -> None:
        """Drop it."""

    def listening(self) -> bool:
        """Nobody has to."""
        return True


READ_LASTS = 3.0
"""Seconds from a read of a dataset, or a look-up, to the write that rests on it, after which it is made again: a guard
may have waited long, or its slot have come late."""

NOT_KNOWN = ""
"""Stands for the id of a dataset that the program does not tell: it is an output, or the one on record stays."""


@dataclass
class Run:
    """What one process has learnt while it carries out a run. Only adds caution: no rule rests on it alone.

    Attributes:
        refused: ids of datasets that a call refused as somebody else's; no other call deletes them.
        held: ids of datasets that a call created, took over or adopted; no other call lets go of them.
        declared: by logical name, the ``dataset_id``s that the program declares for it, `NOT_KNOWN` among them.
        sought: by logical name, the names of datasets that it declares instead of their ids.
        newcomers: by dataset name or ``dataset_id``, the owners of those resources that the program declares and the
            state does not have.
        continued: the owners on record of those that it has.
        refreshed: ids of datasets on record that a refresh in this process has read.
        named: by logical name, what a preview has said of names instead of ids.
        joining: by class, the datasets that a preview of this run would bring into Profile: an id, or a name.
        creating: by name, held while a dataset of that name is created.
        creators: by name, the owner of the resource that was the first to ask for a dataset of that name.
        adopters: by ``dataset_id``, the owner of the resource that was the first to declare it.
        in_flight: by dataset, ids of the batches that were in flight when they were last looked at.
        windows: of each window, its seconds and how many batches have to be ingested again.
        lock: guards `windows`, `declared`, `sought` and `joining`.
    """

    refused: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    declared: Mapping[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    sought: Mapping[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    newcomers: Mapping[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    continued: set[str] = field(default_factory=set)
    refreshed: set[str] = field(default_factory=set)
    named: set[tuple[str, str]] = field(default_factory=set)
    joining: Mapping[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    creating: Mapping[str, threading.Lock] = field(default_factory=lambda: defaultdict(threading.Lock))
    creators: dict[str, str] = field(default_factory=dict)
    adopters: dict[str, str] = field(default_factory=dict)
    in_flight: dict[str, frozenset[str]] = field(default_factory=dict)
    windows: list[tuple[float, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Context:
    """What every operation works with.

    Attributes:
        aep: the API.
        settings: where, and as whom.
        report: to the user.
        clock: time and waits.
        run: what this process has learnt so far.
    """

    aep: Aep
    settings: Settings
    report: Reporter
    clock: Clock
    run: Run = field(default_factory=Run)

    @property
    def sandbox(self) -> str:
        """The sandbox, for messages."""
        return self.settings.sandbox

    def now(self) -> datetime:
        """The service's time, as far as its responses have told it."""
        return self.aep.gateway.server_clock.now()

    def outdated(self, read_at: float) -> bool:
        """Whether what was read then (`clock.monotonic`) is too old for a write to rest on it."""
        return self.clock.monotonic() - read_at > READ_LASTS

    def require_listener(self, what: str) -> None:
        """Stop before a write of a run that nobody watches any more: its engine was killed, or its terminal closed.

        Asked once the write has its slot, and what it rests on was read again there: both may take long.

        Args:
            what: what is about to be written, for the message.

        Raises:
            Interrupted: nobody listens.
        """
        if not self.report.listening():
            raise Interrupted(
                f"{what}: not done, because the `pulumi` that started this run is gone",
                "Run `pulumi up` again.",
            )


def describe(context: Context, observed: Observed) -> str:
    """How messages name a dataset."""
    return f"Dataset {observed.name!r} ({observed.id}) in sandbox {context.sandbox}"
