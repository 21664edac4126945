"""`pulumi up --otel-traces`: the plugin's operations and requests are part of Pulumi's own trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from aep_provider.emulator.seeds import CLIENT_ID, CLIENT_SECRET, ORG_ID, PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project
from support.traces import OURS, Trace

ID = "5b020a27e7040801dedbf46e"
ADOPT = f'UpsertDataset("orders", dataset_id="{ID}")'
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
CATALOG = "/data/foundation/catalog"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "traces.json"


def test_operations_and_requests_are_part_of_the_trace_of_the_engine(
    project: Project, aep: Aep, file: Path
) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON, name="Orders")
    project.program(ADOPT)
    project.up(f"--otel-traces=file://{file}")
    trace = Trace(file)
    (created,) = trace.named("aep create")
    assert created["attributes"] == {
        "aep.resource": "orders",
        "aep.sandbox": "dev",
        "aep.dataset.id": ID,
        "aep.outcome": "ok",
    }
    assert next(iter(trace.above(created))) == "pulumirpc.ResourceProvider/Create"
    assert list(trace.above(created))[-1] == "pulumi"
    patches = trace.named(f"PATCH {CATALOG}/dataSets/{{id}}")
    assert len(patches) == 2
    for patch in patches:
        assert next(iter(trace.above(patch))) == "aep create"
        known = dict(patch["attributes"])
        assert known.pop("aep.request_id")
        assert known == {
            "http.request.method": "PATCH",
            "url.template": f"{CATALOG}/dataSets/{{id}}",
            "server.address": "127.0.0.1",
            "http.request.resend_count": "0",
            "http.response.status_code": "200",
        }
    # Every request that AEP had is a span, and nothing of ours stands beside the trace.
    requests = [one for one in trace.spans.values() if "url.template" in one["attributes"]]
    assert len(requests) == len(aep.requests())
    assert {one["traceId"] for one in trace.spans.values() if one["service"] == OURS} == {created["traceId"]}


def test_each_attempt_is_a_span_of_its_own_and_a_refusal_is_named(
    project: Project, aep: Aep, file: Path
) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {**ON, "pulumiManagedBy": ["other/dev/orders"]})
    aep.fault({"status": 503, "body": {"title": "later"}}, method="GET", path=f"dataSets/{ID}")
    aep.fault({"reset": "before"}, method="GET", path=f"dataSets/{ID}", nth=2)
    project.program(ADOPT)
    project.up(f"--otel-traces=file://{file}", expect=1)
    trace = Trace(file)
    attempts = [one["attributes"] for one in trace.named(f"GET {CATALOG}/dataSets/{{id}}")]
    seen = [
        (one["http.request.resend_count"], one.get("http.response.status_code"), "error.type" in one)
        for one in attempts[:3]
    ]
    assert seen == [("0", "503", False), ("1", None, True), ("2", "200", False)]
    (created,) = trace.named("aep create")
    assert created["attributes"]["aep.outcome"] == "Refused"
    assert created["status"] == {"code": 2}


def test_what_a_preview_asks_ahead_is_part_of_the_same_trace(project: Project, aep: Aep, file: Path) -> None:
    project.program(
        "for n in range(6):",
        f'    UpsertDataset(f"d{{n}}", name=f"data {{n}}", schema_id={PROFILE_SCHEMA!r})',
    )
    project.preview(f"--otel-traces=file://{file}")
    trace = Trace(file)
    asked = trace.named(f"GET {CATALOG}/dataSets")
    assert len(asked) == aep.calls().count("GET catalog/dataSets") >= 6
    assert {next(iter(trace.above(one))) for one in asked} == {"aep check"}


def test_spans_hold_no_secret_no_person_no_query_and_no_body(project: Project, aep: Aep, file: Path) -> None:
    del project.environment["AEP_CLIENT_SECRET"]
    project.config("aep:clientSecret", CLIENT_SECRET, "--secret")
    aep.dataset(ID, PROFILE_SCHEMA, ON, name="Orders", createdUser="ann@example.com")
    # A response that echoes the secret where its id should be.
    aep.fault({"headers": {"x-request-id": CLIENT_SECRET}}, service="ims", method="POST")
    project.program(ADOPT)
    project.up(f"--otel-traces=file://{file}")
    ours = Trace(file).ours
    hidden = {CLIENT_SECRET, CLIENT_ID, ORG_ID, "ann@example.com", "unifiedProfile", "?", "Bearer"}
    assert [text for text in hidden if text in ours] == []
    # Nor does the engine write the secret of the stack into the rest of the file.
    assert CLIENT_SECRET not in file.read_text()


def test_a_collector_that_is_gone_fails_nothing(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, ON)
    project.program(ADOPT)
    # What the engine sets, with nobody behind it.
    project.up(PULUMI_OTEL_EXPORTER_OTLP_ENDPOINT="127.0.0.1:1")
    assert aep.datasets()[ID]["tags"]["unifiedProfile"][:2] == ["enabled:true", "isUpsert:true"]
