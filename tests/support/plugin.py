"""The plugin process that Pulumi starts, and the calls that the engine makes to it over gRPC."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from aep_provider._entry import Reference
from aep_provider.aep.reads import PLAIN
from support.settings import config


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


def started(running: ExitStack, folder: Path, url: str, more: dict[str, Any]) -> Plugin:
    engine = Engine()
    with_threads = running.enter_context(ThreadPoolExecutor(4))
    listener = grpc.server(with_threads)
    engine_pb2_grpc.add_EngineServicer_to_server(engine, listener)
    port = listener.add_insecure_port("127.0.0.1:0")
    listener.start()
    running.callback(lambda: listener.stop(None).wait())
    environ = {
        key: value
        for key, value in os.environ.items()
        if key == PLAIN or not key.startswith(("AEP_", "PULUMI_"))
    }
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
