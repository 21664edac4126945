"""The provider in this process, with a clock that only its waits move and a list in the engine's place.

Hundreds of runs with faults then take no longer than their requests.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, cast

import pytest
from pulumi.dynamic import Config, ConfigureRequest, CreateResult, ReadResult, UpdateResult
from pulumi.runtime.proto import engine_pb2

from aep_provider.aep import transport
from aep_provider.aep.reads import PLAIN
from aep_provider.announcement import packed
from aep_provider.arguments import PREVIEW, SWITCHES, URN, validated
from aep_provider.plugin import host
from aep_provider.plugin.process import PROCESS
from aep_provider.plugin.provider import UpsertDatasetProvider
from support.clock import FakeClock
from support.settings import config

OWNER = "aep/dev/orders"


def inputs(**given: Any) -> dict[str, Any]:
    """Arguments as `check` hands them on."""
    normal, problems = validated({"owner": OWNER, **given})
    assert not problems
    return {**normal, **SWITCHES}


def previewed(declared: Sequence[dict[str, Any]] = (), *, name: str = "orders") -> dict[str, Any]:
    """What the constructor adds to the arguments in a preview, with a logical name where what is declared has none."""
    urn = f"urn:pulumi:dev::aep::pulumi-python:dynamic/aep:UpsertDataset::{name}"
    told = [{"resource": f"declared-{place}", **one} for place, one in enumerate(declared)]
    return {PREVIEW: {"preview": True, "declared": [packed(json.dumps(told))]}, URN: urn}


class _Listener:
    """Takes messages in the engine's place, as strictly as protobuf does."""

    LogRequest = staticmethod(engine_pb2.LogRequest)
    severities = {"INFO": engine_pb2.INFO, "WARNING": engine_pb2.WARNING}  # noqa: RUF012

    def __init__(self) -> None:
        self.stub = self
        self.messages: list[str] = []

    def Log(self, request: Any, timeout: float) -> None:
        """Take one message."""
        self.messages.append(request.message)


class Created(CreateResult):
    """What `create` answers, its outputs always there."""

    outs: dict[str, Any]


class Updated(UpdateResult):
    """What `update` answers, its outputs always there."""

    outs: dict[str, Any]


class Read(ReadResult):
    """What `read` answers of a dataset that exists, its outputs always there."""

    outs: dict[str, Any]


class Provider(UpsertDatasetProvider):
    """The provider, for type checkers: the SDK's types call every output optional."""

    def create(self, props: dict[str, Any]) -> Created:
        return cast(Created, super().create(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> Updated:
        return cast(Updated, super().update(_id, _olds, _news))

    def read(self, id_: str, props: dict[str, Any]) -> Read:
        return cast(Read, super().read(id_, props))


class Local:
    """The provider in this process, as a plugin that starts anew with every `start`.

    Args:
        patch: undone by whoever made it.

    Attributes:
        said: what the last provider told the engine.
        on_wait: called with the seconds of each wait of a provider that is started from now on; with
            ``aep.tick`` the emulator's time goes along, for example for ``read_lag_seconds``.
        ahead: by how much the clock of such a provider is ahead of the machine's.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch
        self.said: list[str] = []
        self.on_wait: Callable[[float], None] | None = None
        self.ahead = timedelta(0)
        for name in [name for name in os.environ if name.startswith("AEP_") and name != PLAIN]:
            patch.delenv(name)

    def start(self, url: str, **settings: Any) -> Provider:
        """A provider that knows nothing of earlier runs."""
        listener = _Listener()
        self.said = listener.messages
        start = datetime.now(timezone.utc) + self.ahead if self.ahead else None
        self.patch.setattr(host, "CLOCK", FakeClock(start, self.on_wait))
        self.patch.setattr(host, "_engine", lambda: listener)
        self.patch.setattr(host.EngineReporter, "_said", set())
        self.patch.setattr(PROCESS, "_config", None)
        provider = Provider()
        provider.configure(ConfigureRequest(Config(config(url) | settings, "aep")))
        return provider

    def hurry(self, seconds: float | None) -> None:
        """Shorten the client's time-outs, or put the real ones back with None."""
        self.patch.setattr(transport, "READ_TIMEOUT", seconds or 65.0)
        self.patch.setattr(transport, "URGENT_TIMEOUT", seconds or 4.0)
