"""The report of a run: nothing in it says who was probed, and its table fits."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from click.testing import CliRunner

from aep_provider import measured
from aep_provider.cli.probe_table import show
from aep_provider.probe.belief import Answer
from aep_provider.probe.report import made, region_of
from aep_provider.settings import Settings
from support.reports import AVOIDABLE, KEPT, UNASKED, body

ORG = "0DD0DD0DD0DD0DD0DD0DD0DD@AdobeOrg"
SETTINGS = Settings(
    sandbox="odd-sandbox",
    org_id=ORG,
    client_id="0ddc11e4t",
    client_secret="p8e-0ddsecret",
    endpoint="https://aep.odd.example.com:8443",
    ims_endpoint="https://ims.odd.example.com",
    owner="oddowner",
)
SCHEMA = "https://ns.adobe.com/oddtenant/schemas/4edc0a4b7d9c4b8e9f1a2b3c4d5e6f708192a3b4c5d6e7f8"
PRIVATE = [
    "odd-sandbox",
    ORG,
    "0DD0DD0DD0DD0DD0DD0DD0DD",
    "0ddc11e4t",
    "p8e-0ddsecret",
    "aep.odd.example.com",
    "https://aep.odd.example.com:8443/data",
    "ims.odd.example.com",
    "oddowner",
    SCHEMA,
    "oddtenant",
    "_oddtenant.schemas.4edc0a4b7d9c4b8e",
    "ann@example.com",
    "5b020a27e7040801dedbf46e",
    "01JD0Q6Z5X8T4N2B7C9E1F3G5H",
    "0f2b6c1e-6a2c-4b0f-9a1d-7d3b5e9c0a01",
    "0DDC0FFEE@techacct.adobe.com",
    "eyJhbGciOiJIUzI1NiJ9.odd",
]


def report(*answers: Answer, **more: Any) -> measured.Report:
    given: dict[str, Any] = {
        "date": datetime(2026, 11, 27, 11, 20, tzinfo=timezone.utc),
        "sandbox_type": "development",
        "batches": True,
        "figures": {"round_trip_ms": 12.5, "profile_lag_seconds": 3},
        "leftovers": 0,
        "secrets": [SCHEMA, "ann@example.com"],
    }
    return made(SETTINGS, answers, **(given | more))


@pytest.mark.parametrize("value", PRIVATE)
def test_whatever_names_somebody_is_cleaned_out_of_every_text(value: str) -> None:
    text = json.dumps(report(Answer("x", "differs", f"seen {value} there")).as_json(), ensure_ascii=False)
    assert value not in text
    assert "oddtenant" not in text
    assert "there" in text


def test_a_switch_keeps_numbers_and_words_and_nothing_else() -> None:
    switch = {
        "read_lag": 3,
        "if_match": False,
        "missing_delete": "empty200",
        "a": "two words",
        "b": [1],
        "c": None,
    }
    (answer,) = report(Answer("x", "differs", "s", switch)).answers
    assert answer.switch == {"read_lag": 3, "if_match": False, "missing_delete": "empty200"}


def test_a_word_that_holds_a_short_name_stays_readable() -> None:
    settings = Settings(sandbox="on", org_id=ORG, client_id="c", client_secret="hush")
    (answer,) = made(
        settings,
        [Answer("x", "agrees", "one upon, on 200")],
        date=datetime.now(timezone.utc),
        sandbox_type="development",
        batches=False,
        figures={},
        leftovers=0,
    ).answers
    assert answer.seen == "one upon, … 200"


@pytest.mark.parametrize(
    ("endpoint", "region"),
    [
        ("https://platform.adobe.io", "global"),
        ("https://platform-va7.adobe.io", "va7"),
        ("https://platform-stage.adobe.io", "other"),
        ("https://platform-va7.adobe.io.example.com", "other"),
        ("https://aep.example.com", "other"),
        ("http://127.0.0.1:4321", "local"),
        ("http://aep.localhost", "local"),
    ],
)
def test_of_the_endpoint_only_its_region_is_told(endpoint: str, region: str) -> None:
    assert region_of(endpoint) == region


def test_a_report_that_was_made_can_be_read() -> None:
    whole = report(Answer("x", "not asked", "403"))
    assert measured.parsed(json.dumps(whole.as_json()).encode(), "r") == whole
    assert whole.region == "other"


def shown(monkeypatch: pytest.MonkeyPatch, width: int = 1000) -> str:
    answers = [KEPT, AVOIDABLE, UNASKED, {**KEPT, "belief": "a" * 30, "seen": "long words " * 20}]
    whole = measured.parsed(json.dumps(body(*answers, leftovers=1)).encode(), "r")
    monkeypatch.setattr("aep_provider.cli.console.UNLIMITED", width)
    with CliRunner().isolation() as (out, *_):
        show(whole)
        return out.getvalue().decode()


@pytest.mark.parametrize("width", [80, 100, 140])
def test_the_table_fits_and_breaks_no_id(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    text = shown(monkeypatch, width)
    assert max(map(len, text.splitlines())) <= width
    for belief in ("disabling-keeps-records", "upsert-needs-window", "a" * 30):
        assert belief in text


def test_what_differs_comes_first_and_the_counts_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch)
    assert (
        text.index("upsert-needs-window") < text.index("disabling-keeps-records") < text.index("flows-list")
    )
    assert "2 agree, 1 differ, 1 not asked" in text
    assert "1 scratch dataset could not be deleted: aep-provider probe --clean" in text
    assert "window 120 ms" in text
    assert "\x1b" not in text
