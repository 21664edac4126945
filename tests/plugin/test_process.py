"""The real plugin process, asked over gRPC as the engine asks it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import engine_pb2
from pulumi.runtime.rpc import UNKNOWN

from aep_provider.emulator.seeds import PLAIN_SCHEMA, PROFILE_SCHEMA
from aep_provider.plugin import host
from support.aep import BareAep
from support.local import previewed
from support.plugin import Engine, Plugin

ID = "5b020a27e7040801dedbf46e"
UPSERT = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}

Given = Callable[..., dict[str, Any]]


def test_check_completes_the_arguments_and_asks_nothing(plugin: Plugin, aep: BareAep) -> None:
    inputs, failures = plugin.check({}, {"dataset_id": ID, "wait_timeout": 30})
    assert failures == []
    assert inputs["is_upsert"] is inputs["profile_enabled"] is inputs["identity_enabled"] is True
    assert inputs["wait_timeout"] == 30
    assert aep.requests() == []


def test_check_of_an_import_passes_in_silence(plugin: Plugin) -> None:
    assert plugin.check({}, {}) == ({}, [])


def test_check_reports_every_problem(plugin: Plugin) -> None:
    _, failures = plugin.check({}, {"name": "", "schema_id": "x", "wait_timeout": -1})
    assert len(failures) == 3


def test_unknown_values_pass_check_and_never_replace(plugin: Plugin, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, UPSERT)
    news = given(dataset_id=ID)
    _, outputs = plugin.create(news)
    inputs, failures = plugin.check(news, news | {"dataset_id": UNKNOWN, "name": UNKNOWN})
    assert failures == []
    diff = plugin.diff(ID, outputs, inputs | {"dataset_id": UNKNOWN, "name": UNKNOWN})
    assert list(diff.replaces) == []
    assert diff.changes == diff.DIFF_SOME


def test_diff_is_explicit_and_asks_nothing(plugin: Plugin, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, UPSERT)
    news = given(dataset_id=ID)
    _, outputs = plugin.create(news)
    aep.clear_requests()
    same = plugin.diff(ID, outputs, news)
    assert same.changes == same.DIFF_NONE
    other = plugin.diff(ID, outputs, news | {"dataset_id": "65f1c0a2b3d4e5f60718293a"})
    assert list(other.replaces) == ["dataset_id"]
    assert other.deleteBeforeReplace
    assert aep.requests() == []


def test_an_error_of_ours_is_short(plugin: Plugin, given: Given) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        plugin.create(given(name="Members", schema_id=PLAIN_SCHEMA))
    details = caught.value.details()
    assert details.splitlines()[0].endswith("is not enabled for Profile")
    assert "Traceback" not in details


def test_a_preview_is_red_where_up_would_be_refused(plugin: Plugin, aep: BareAep, given: Given) -> None:
    _, failures = plugin.check({}, given(name="Members", schema_id=PLAIN_SCHEMA) | previewed())
    assert "is not enabled for Profile" in failures[0]
    assert aep.writes() == []


def test_read_shapes(plugin: Plugin, aep: BareAep, given: Given) -> None:
    aep.dataset(ID, UPSERT, name="Orders")
    _, outputs = plugin.create(given(dataset_id=ID))
    refreshed = plugin.read(ID, outputs)
    assert refreshed[0] == ID
    canonical = plugin.read(ID, {})
    assert canonical[0] == ID
    assert canonical[1]["adopted"] is True
    assert (canonical[2]["name"], canonical[2]["schema_id"]) == ("Orders", PROFILE_SCHEMA)
    with pytest.raises(grpc.RpcError, match="does not exist"):
        plugin.read("65f1c0a2b3d4e5f60718293a", {})


def test_eight_creates_at_once_do_not_mix(plugin: Plugin, aep: BareAep, given: Given) -> None:
    def create(number: int) -> tuple[str, str]:
        name = f"Dataset {number}"
        arguments = given(name=name, schema_id=PROFILE_SCHEMA) | {"owner": f"aep/dev/d{number}"}
        return plugin.create(arguments)[0], name

    with ThreadPoolExecutor(8) as threads:
        made = dict(threads.map(create, range(8)))
    assert {dataset_id: body["name"] for dataset_id, body in aep.datasets().items()} == made


def test_the_pool_is_left_alone_where_it_cannot_be_reached() -> None:
    assert host.widen(9) is False


def test_the_pool_has_the_threads_at_once() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert pool.submit(host.widen, 9).result() is True
        together = threading.Barrier(9)
        # Nine that wait for each other end only if nine threads serve them.
        assert len({future.result() for future in [pool.submit(together.wait, 20) for _ in range(9)]}) == 9


@pytest.mark.parametrize(
    ("happens", "left"),
    [("pass", True), ("host.tell_kind('Refused')", False), ("host._ShortTraceback.format_exc()", False)],
    ids=["nothing", "an argument is refused", "a call fails"],
)
def test_a_plugin_that_ends_looks_for_no_garbage_where_nothing_has_failed(happens: str, left: bool) -> None:
    # What is registered first runs last.
    code = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 10_000))"
    ended = subprocess.run(
        [sys.executable, "-c", f"{code}; from aep_provider.plugin import host, provider; {happens}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == f"{left}\n"


def test_what_is_waited_for_is_shown_for_a_moment_and_a_warning_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = Engine()
    stub = SimpleNamespace(Log=lambda request, timeout: engine.Log(request, None))
    severities = {"INFO": engine_pb2.INFO, "WARNING": engine_pb2.WARNING}
    known = SimpleNamespace(LogRequest=engine_pb2.LogRequest, severities=severities, stub=stub)
    monkeypatch.setattr(host, "_engine", lambda: known)
    monkeypatch.setattr(host.EngineReporter, "_said", set())
    host.EngineReporter().progress("waiting for 1 batch")
    host.EngineReporter().warn("one batch may be lost")
    assert [one.ephemeral for one in engine.messages] == [True, False]
