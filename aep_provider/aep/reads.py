"""How a process reads: fast, or plainly, so that what is fast can be ruled out when something is wrong.

Everything that exists for speed alone hangs on `Reads`: answers that are remembered and shared by threads,
datasets that are read together, questions asked ahead, and more calls at a time than Pulumi's host allows.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakSet

from aep_provider.aep.single_flight import EachTime, Memory, SingleFlight
from aep_provider.clock import Clock

if TYPE_CHECKING:
    from aep_provider.aep import Aep

PLAIN = "AEP_PLAIN_READS"
"""The environment variable that chooses `PlainReads`, with ``1``."""


class Reads(Protocol):
    """How a process reads.

    Attributes:
        looks_ahead: whether questions are asked ahead, and one listing instead of many look-ups.
        widens: whether the plugin answers more calls at a time than Pulumi's host does.
    """

    looks_ahead: bool
    widens: bool

    def memory(self) -> Memory[Any]:
        """What keeps answers that need not be asked for again, for as long as somebody holds it."""
        ...

    def start(self, ask: Callable[[], None]) -> None:
        """Have a question asked ahead, beside what the thread does; it must not raise.

        Args:
            ask: asks it, so that the answer is in a memory.
        """
        ...

    def forget_failures(self) -> None:
        """Forget what failed when it was asked ahead: no operation that writes hears of trouble from before it."""
        ...

    def for_refreshes(self, aep: Aep) -> Aep:
        """The API that refreshes and previews read with. Nothing that writes uses it.

        Args:
            aep: the API that the same process writes with.
        """
        ...


class FastReads:
    """Reads are shared, remembered and asked ahead.

    Args:
        clock: tells of a shutdown.
        at_once: how many questions may be asked ahead at a time.
    """

    looks_ahead = True
    widens = True

    def __init__(self, clock: Clock, at_once: int) -> None:
        self._clock = clock
        self._at_once = at_once
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._memories: WeakSet[SingleFlight[Any]] = WeakSet()

    def memory(self) -> Memory[Any]:
        """One request for what many threads ask for."""
        made: SingleFlight[Any] = SingleFlight(self.start)
        with self._lock:
            self._memories.add(made)
        return made

    def forget_failures(self) -> None:
        """In every memory."""
        with self._lock:
            memories = list(self._memories)
        for one in memories:
            one.forget_failures()

    def start(self, ask: Callable[[], None]) -> None:
        """Ask in a thread of a pool, unless the process shuts down before its turn comes."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._at_once, "aep-ahead")
        # With the context of this thread, which says to what a trace of its requests belongs.
        self._pool.submit(copy_context().run, self._unless_stopped, ask)

    def _unless_stopped(self, ask: Callable[[], None]) -> None:
        # A shutdown must not wait for what nobody will ask any more.
        if not self._clock.wait(0):
            ask()

    def for_refreshes(self, aep: Aep) -> Aep:
        """Datasets are read together, names and batches once."""
        from aep_provider.aep.shared import shared

        return shared(aep)


class PlainReads:
    """Each question is one request, by whoever has it, when it comes up."""

    looks_ahead = False
    widens = False

    def memory(self) -> Memory[Any]:
        """None: each question is asked anew."""
        return EachTime()

    def start(self, ask: Callable[[], None]) -> None:
        """Ask nothing ahead."""

    def forget_failures(self) -> None:
        """There are none."""

    def for_refreshes(self, aep: Aep) -> Aep:
        """The same API as for writes."""
        return aep


def chosen(environ: Mapping[str, str], clock: Clock, at_once: int) -> Reads:
    """The way to read that the environment chooses.

    Args:
        environ: the environment.
        clock: tells of a shutdown.
        at_once: how many questions may be asked ahead at a time.
    """
    return PlainReads() if environ.get(PLAIN) == "1" else FastReads(clock, at_once)
