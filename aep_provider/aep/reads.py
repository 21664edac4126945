"""How a process reads: fast, or plainly, so that what is fast can be ruled out when something is wrong.

Everything that exists for speed alone hangs on `Reads`: answers that are remembered and shared by threads,
datasets that are read together, questions asked ahead, and more calls at a time than Pulumi's host allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from aep_provider.aep.single_flight import EachTime, Memory, SingleFlight

if TYPE_CHECKING:
    from aep_provider.aep import Aep

PLAIN = "AEP_PLAIN_READS"
"""The environment variable that chooses `PlainReads`, with ``1``."""


class Reads(Protocol):
    """How a process reads.

    Attributes:
        looks_ahead: whether a preview asks about what is declared next while it waits.
        widens: whether the plugin answers more calls at a time than Pulumi's host does.
    """

    looks_ahead: bool
    widens: bool

    def memory(self) -> Memory[Any]:
        """What keeps the answers that one process need not ask for again."""
        ...

    def for_refreshes(self, aep: Aep) -> Aep:
        """The API that refreshes and previews read with. Nothing that writes uses it.

        Args:
            aep: the API that the same process writes with.
        """
        ...


class FastReads:
    """Reads are shared, remembered and asked ahead."""

    looks_ahead = True
    widens = True

    def memory(self) -> Memory[Any]:
        """One request for what many threads ask for."""
        return SingleFlight()

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

    def for_refreshes(self, aep: Aep) -> Aep:
        """The same API as for writes."""
        return aep


def chosen(environ: Mapping[str, str]) -> Reads:
    """The way to read that the environment chooses."""
    return PlainReads() if environ.get(PLAIN) == "1" else FastReads()
