"""Two ways to run the provider: the plugin process that Pulumi starts, over gRPC; and its class, in process.

In process, `Local` puts a clock that only its waits move in the place of `plugin.host.CLOCK`, and a
list in the place of the engine: hundreds of runs with faults then take no longer than their requests.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.dynamic import Config, ConfigureRequest
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from aep_provider._entry import Reference
from aep_provider.aep import transport
from aep_provider.arguments import SWITCHES, validated
from aep_provider.emulator import Emulator
from aep_provider.emulator.seeds import CLIENT_ID, CLIENT_SECRET, ORG_ID, PROFILE_SCHEMA
from aep_provider.plugin import host
from aep_provider.plugin.provider import UpsertDatasetProvider

OWNER = "aep/dev/orders"
CONTENT_TYPE = "application/vnd.adobe.xed+json;version=1"


def config(url: str) -> dict[str, Any]:
    """The configuration that the engine would send."""
    return {
        "aep:endpoint": url,
        "aep:imsEndpoint": url,
        "aep:sandbox": "dev",
        "aep:orgId": ORG_ID,
        "aep:clientId": CLIENT_ID,
        "aep:clientSecret": CLIENT_SECRET,
    }


def inputs(**given: Any) -> dict[str, Any]:
    """Arguments as `check` hands them on."""
    normal, problems = validated({"owner": OWNER, **given})
    assert not problems
    return {**normal, **SWITCHES}


@contextlib.contextmanager
def serving() -> Iterator[Aep]:
    """A strict emulator."""
    with Emulator(strict=True) as emulator:
        yield Aep(emulator.url)


class Aep:
    """The emulator's control routes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Call a control route."""
        reply = self._session.request(method, f"{self.url}/_emulator/{path}", json=body, timeout=90)
        assert reply.ok, reply.text
        return reply.json()

    def fault(self, action: dict[str, Any], nth: int = 1, times: int | None = 1, **match: str) -> str:
        """Order a fault."""
        order = {"match": match, "nth": nth, "times": times, "action": action}
        return str(self.control("POST", "faults", order)["id"])

    def hits(self, fault: str) -> int:
        """How many requests a fault has hit."""
        return int(self.control("GET", f"faults/{fault}")["hits"])

    def dataset(self, dataset_id: str, tags: dict[str, list[str]], **fields: Any) -> None:
        """Put a raw dataset into sandbox dev."""
        schema = {"id": PROFILE_SCHEMA, "contentType": CONTENT_TYPE}
        body = {"name": f"dataset {dataset_id[:4]}", "schemaRef": schema, "tags": tags, **fields}
        self.control("POST", "seed", {"sandbox": "dev", "datasets": {dataset_id: body}})

    def datasets(self) -> dict[str, Any]:
        """Everything in sandbox dev."""
        held: dict[str, Any] = self.control("GET", "datasets?sandbox=dev")
        return held

    def log(self) -> list[dict[str, Any]]:
        """The request log."""
        entries: list[dict[str, Any]] = self.control("GET", "requests")["requests"]
        return entries

    def writes(self) -> list[dict[str, Any]]:
        """The requests that change something; the token request is none."""
        return [entry for entry in self.log() if entry["write"] and entry["service"] != "ims"]


class FakeClock:
    """A clock that only its waits move."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        """The time of day."""
        return datetime.now(timezone.utc) + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        """Seconds waited so far."""
        return self.passed

    def wait(self, seconds: float) -> bool:
        """Let the time pass at once."""
        self.passed += seconds
        return False


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


class Local:
    """The provider in this process, as a plugin that starts anew with every `start`.

    Args:
        patch: undone by whoever made it.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch
        self.said: list[str] = []
        for name in [name for name in os.environ if name.startswith("AEP_")]:
            patch.delenv(name)

    def start(self, url: str, **settings: Any) -> UpsertDatasetProvider:
        """A provider that knows nothing of earlier runs."""
        listener = _Listener()
        self.said = listener.messages
        self.patch.setattr(host, "CLOCK", FakeClock())
        self.patch.setattr(host, "_engine", lambda: listener)
        self.patch.setattr(host.EngineReporter, "_said", set())
        provider = UpsertDatasetProvider()
        provider.configure(ConfigureRequest(Config(config(url) | settings, "aep")))
        return provider

    def hurry(self, seconds: float | None) -> None:
        """Shorten the client's time-outs, or put the real ones back with None."""
        self.patch.setattr(transport, "READ_TIMEOUT", seconds or 65.0)
        self.patch.setattr(transport, "URGENT_TIMEOUT", seconds or 4.0)


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> Local:
    return Local(monkeypatch)


@pytest.fixture
def aep() -> Iterator[Aep]:
    with serving() as running:
        yield running


@pytest.fixture
def given() -> Callable[..., dict[str, Any]]:
    return inputs


@pytest.fixture
def configured() -> Callable[[str], dict[str, Any]]:
    return config


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask a module that generates its cases for them, with the means to run the provider."""
    if "case" not in metafunc.fixturenames:
        return
    with pytest.MonkeyPatch.context() as patch, serving() as running:
        try:
            cases = metafunc.module.cases(Local(patch), running, inputs)
        except Exception as error:
            # One broken operation must not keep every other test from being collected.
            cases = [pytest.param(error, id="the cases could not be recorded")]
    metafunc.parametrize("case", cases)


@dataclass
class Engine(engine_pb2_grpc.EngineServicer):
    """The engine's log service."""

    messages: list[Any] = field(default_factory=list)

    def Log(self, request: Any, context: Any) -> Any:
        """Keep one message."""
        self.messages.append(request)
        return empty_pb2.Empty()


@dataclass
class Plugin:
    """A plugin process and the calls that the engine makes to it.

    Attributes:
        url: the AEP that it is configured for.
        messages: what it has logged to the engine.
    """

    url: str
    stub: Any
    messages: list[Any]
    urn: str = "urn:pulumi:dev::aep::pulumi-python:dynamic/aep:UpsertDataset::orders"

    def struct(self, props: dict[str, Any]) -> struct_pb2.Struct:
        """Properties on the wire, with the provider as the real resource serialises it."""
        blob = serialize_provider(Reference())
        wire = struct_pb2.Struct()
        wire.update({**props, "__provider": blob})
        return wire

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Check; the inputs and the reasons of the failures."""
        request = provider_pb2.CheckRequest(urn=self.urn, olds=self.struct(olds), news=self.struct(news))
        reply = self.stub.Check(request, timeout=60)
        return plain(reply.inputs), [f"{failure.property}: {failure.reason}" for failure in reply.failures]

    def diff(self, dataset_id: str, olds: dict[str, Any], news: dict[str, Any]) -> Any:
        """Diff."""
        return self.stub.Diff(
            provider_pb2.DiffRequest(
                id=dataset_id, urn=self.urn, olds=self.struct(olds), news=self.struct(news)
            ),
            timeout=60,
        )

    def create(self, props: dict[str, Any], urn: str = "") -> tuple[str, dict[str, Any]]:
        """Create; the id and the outputs."""
        request = provider_pb2.CreateRequest(urn=urn or self.urn, properties=self.struct(props))
        reply = self.stub.Create(request, timeout=120)
        return reply.id, plain(reply.properties)

    def update(self, dataset_id: str, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        """Update; the outputs."""
        request = provider_pb2.UpdateRequest(
            id=dataset_id, urn=self.urn, olds=self.struct(olds), news=self.struct(news)
        )
        return plain(self.stub.Update(request, timeout=120).properties)

    def read(
        self, dataset_id: str, props: dict[str, Any] | None, given: dict[str, Any] | None = None
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Read; the id, the outputs and the inputs."""
        request = provider_pb2.ReadRequest(
            id=dataset_id,
            urn=self.urn,
            properties=None if props is None else self.struct(props),
            inputs=None if given is None else self.struct(given),
        )
        reply = self.stub.Read(request, timeout=60)
        return reply.id, plain(reply.properties), plain(reply.inputs)

    def delete(self, dataset_id: str, props: dict[str, Any]) -> None:
        """Delete."""
        request = provider_pb2.DeleteRequest(id=dataset_id, urn=self.urn, properties=self.struct(props))
        self.stub.Delete(request, timeout=60)


def plain(wire: struct_pb2.Struct) -> dict[str, Any]:
    """Properties without what only the wire needs."""
    return {key: value for key, value in json_format.MessageToDict(wire).items() if not key.startswith("__")}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Plugin]]:
    """Start plugin processes: ``start(url)``; all of them end with the test."""
    with ExitStack() as running:
        yield lambda url, **more: _started(running, tmp_path, url, more)


def _started(running: ExitStack, folder: Path, url: str, more: dict[str, Any]) -> Plugin:
    engine = Engine()
    with_threads = running.enter_context(ThreadPoolExecutor(4))
    listener = grpc.server(with_threads)
    engine_pb2_grpc.add_EngineServicer_to_server(engine, listener)
    port = listener.add_insecure_port("127.0.0.1:0")
    listener.start()
    running.callback(lambda: listener.stop(None).wait())
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("AEP_", "PULUMI_"))}
    errors = running.enter_context((folder / "plugin.err").open("ab"))
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.dynamic", f"127.0.0.1:{port}"],
        cwd=folder,
        env=environ | {"PULUMI_PROJECT": "aep", "PULUMI_STACK": "dev"},
        stdout=subprocess.PIPE,
        stderr=errors,
    )
    running.callback(_end, process)
    assert process.stdout is not None
    address = f"127.0.0.1:{int(process.stdout.readline())}"
    channel = running.enter_context(grpc.insecure_channel(address))
    stub = provider_pb2_grpc.ResourceProviderStub(channel)
    args = struct_pb2.Struct()
    args.update(config(url) | more)
    stub.Configure(provider_pb2.ConfigureRequest(args=args), timeout=30)
    return Plugin(url, stub, engine.messages)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


@pytest.fixture
def plugin(aep: Aep, start: Callable[..., Plugin]) -> Plugin:
    return start(aep.url)
