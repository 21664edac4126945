"""Following a run changes nothing of it, and costs nothing where nobody follows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from aep_provider.errors import Refused
from aep_provider.plugin import event_log, spans
from aep_provider.plugin.event_log import EventLog
from aep_provider.plugin.followed import FollowedProvider
from aep_provider.plugin.process import PROCESS
from aep_provider.plugin.spans import Spans
from support.aep import BareAep
from support.clock import FakeClock
from support.local import Local

ID = "5b020a27e7040801dedbf46e"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}

Given = Callable[..., dict[str, Any]]


class Down(SpanExporter):
    """A collector that is not there."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        raise ConnectionError("no collector")


@pytest.fixture
def follow(monkeypatch: pytest.MonkeyPatch, local: Local, aep: BareAep) -> Callable[..., FollowedProvider]:
    """A provider in this process that is followed: ``follow(spans=…, log=…)``."""

    def start(spans: Spans | None = None, log: EventLog | None = None) -> FollowedProvider:
        monkeypatch.setattr(PROCESS, "spans", spans)
        monkeypatch.setattr(PROCESS, "log", log)
        local.start(aep.url)
        return FollowedProvider()

    return start


@pytest.fixture
def kept() -> Iterator[tuple[Spans, Callable[[], tuple[ReadableSpan, ...]]]]:
    """Spans, and those that were made so far."""
    exporter = InMemorySpanExporter()
    made = Spans(exporter)

    def finished() -> tuple[ReadableSpan, ...]:
        made._provider.force_flush()
        return exporter.get_finished_spans()

    yield made, finished
    made._provider.shutdown()


def changed(aep: BareAep) -> bool:
    tags: list[str] = aep.datasets()[ID]["tags"]["unifiedProfile"]
    return tags[:2] == ["enabled:true", "isUpsert:true"]


def test_no_span_is_made_while_a_window_is_open(
    follow: Callable[..., FollowedProvider],
    aep: BareAep,
    given: Given,
    monkeypatch: pytest.MonkeyPatch,
    kept: tuple[Spans, Callable[[], tuple[ReadableSpan, ...]]],
) -> None:
    aep.dataset(ID, ON)
    made, finished = kept
    writes: list[tuple[str, int]] = []
    start = made._tracer.start_span

    def noted(name: str, *more: Any, **named: Any) -> Any:
        writes.append((name.partition(" ")[0], len(aep.writes())))
        return start(name, *more, **named)

    monkeypatch.setattr(made._tracer, "start_span", noted)
    follow(spans=made).create(given(dataset_id=ID))
    assert writes[0] == ("aep", 0)
    # What is asked ahead gets its spans before; nothing comes between the two PATCHes.
    assert {count for _, count in writes[1:]} <= {0, 2}
    patches = [one for one in finished() if one.name.startswith("PATCH")]
    assert len(patches) == 2
    assert patches[0].end_time is not None
    assert patches[1].start_time is not None
    assert patches[0].end_time <= patches[1].start_time


@pytest.mark.parametrize("broken", ["exporter", "tracer", "routes", "redaction"])
def test_what_is_broken_in_tracing_fails_no_operation(
    follow: Callable[..., FollowedProvider],
    aep: BareAep,
    given: Given,
    monkeypatch: pytest.MonkeyPatch,
    broken: str,
) -> None:
    aep.dataset(ID, ON)
    made = Spans(Down())

    def fails(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a defect")

    if broken == "tracer":
        monkeypatch.setattr(made._tracer, "start_span", fails)
    elif broken == "routes":
        monkeypatch.setattr(spans, "route", fails)
    elif broken == "redaction":
        monkeypatch.setattr(spans, "shown", fails)
    assert follow(spans=made).create(given(dataset_id=ID)).id == ID
    assert changed(aep)


def test_an_error_of_an_operation_stays_what_it_is(
    follow: Callable[..., FollowedProvider],
    aep: BareAep,
    given: Given,
    kept: tuple[Spans, Callable[[], tuple[ReadableSpan, ...]]],
) -> None:
    aep.dataset(ID, {**ON, "pulumiManagedBy": ["other/dev/orders"]})
    made, finished = kept
    with pytest.raises(Refused):
        follow(spans=made).create(given(dataset_id=ID))
    (operation,) = [one for one in finished() if one.name == "aep create"]
    assert operation.attributes is not None
    assert operation.attributes["aep.outcome"] == "Refused"
    # Its text may quote who wrote to the dataset.
    assert operation.status.description is None
    assert operation.events == ()


def test_a_log_that_cannot_be_written_is_told_once_and_fails_nothing(
    follow: Callable[..., FollowedProvider], local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset(ID, ON)

    def full(_: bytes) -> None:
        raise OSError(28, "No space left on device")

    follow(log=EventLog(full, FakeClock().now)).create(given(dataset_id=ID))
    assert changed(aep)
    assert [text for text in local.said if "No space left" in text] == [
        "Some events are missing in the log that AEP_LOG asks for: No space left on device"
    ]


def test_a_run_that_nobody_follows_loads_nothing_for_it() -> None:
    code = (
        "import sys, pulumi.dynamic; before = set(sys.modules);"
        "from aep_provider._entry import provider_v1; made = provider_v1(); import aep_provider.aep;"
        "new = set(sys.modules) - before;"
        "print(type(made).__name__, *sorted(new))"
    )
    kind, *new = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PATH": ""}
    ).stdout.split()
    assert kind == "UpsertDatasetProvider"
    assert [name for name in new if name.startswith("opentelemetry")] == []
    assert {"aep_provider.plugin.spans", "aep_provider.plugin.followed"}.isdisjoint(new)
    assert event_log.__name__ not in new


def test_events_are_one_line_each_and_take_any_text() -> None:
    lines: list[bytes] = []
    log = EventLog(lines.append, FakeClock().now)
    with log.about("update", "urn:pulumi:dev::aep::a:b:C::or::ders\n", "dev"):
        log.event("refusal", ID, {"error": "Refused", "message": "ü\n\u2028\ud800"})
    (line,) = lines
    assert line.count(b"\n") == 1
    assert b'"resource": "or::ders\\n"' in line
    assert line.decode().splitlines() == [line.decode().rstrip("\n")]
