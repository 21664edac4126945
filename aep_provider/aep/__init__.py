"""Adobe's API over HTTP, as far as this provider needs it.

`connect` is the one way in. Importing this package imports the HTTP library, so the provider does it when
the first request is due, not before.
"""

from __future__ import annotations

from typing import NamedTuple

from aep_provider.aep.auth import TokenSource
from aep_provider.aep.batches import Batches
from aep_provider.aep.catalog import Catalog
from aep_provider.aep.flows import Flows
from aep_provider.aep.gateway import Gateway
from aep_provider.aep.reads import FastReads, Reads
from aep_provider.aep.sandboxes import Sandboxes
from aep_provider.aep.schemas import Schemas
from aep_provider.aep.transport import Transport
from aep_provider.aep.watch import Watch
from aep_provider.clock import Clock
from aep_provider.settings import Settings

__all__ = ["Aep", "connect"]


class Aep(NamedTuple):
    """One organisation and sandbox of AEP, with what this process has already learnt of it.

    Attributes:
        reads: how it reads.
        gateway: headers, token, errors; and the slot among the requests at once (`Gateway.slot`).
        catalog, batches: datasets and batches of the Catalog service.
        schemas, sandboxes, flows: Schema Registry, Sandbox Management, Flow Service; each asks only once.
    """

    reads: Reads
    gateway: Gateway
    catalog: Catalog
    batches: Batches
    schemas: Schemas
    sandboxes: Sandboxes
    flows: Flows


def connect(settings: Settings, clock: Clock, reads: Reads | None = None, watch: Watch | None = None) -> Aep:
    """Make a client; no request is sent yet.

    Args:
        settings: where to, and as whom.
        clock: time and waits.
        reads: how it reads; `FastReads` unless given.
        watch: told of each request; nobody is unless given.
    """
    reads = reads or FastReads(clock, settings.parallel)
    transport = Transport(clock, at_once=settings.parallel, watch=watch)
    gateway = Gateway(settings, transport, TokenSource(settings, transport, clock), clock)
    return Aep(
        reads=reads,
        gateway=gateway,
        catalog=Catalog(gateway, reads.memory()),
        batches=Batches(gateway),
        schemas=Schemas(gateway, reads.memory(), reads.memory()),
        sandboxes=Sandboxes(gateway, reads.memory()),
        flows=Flows(gateway, reads.memory(), reads.memory()),
    )
