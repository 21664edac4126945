"""The script of a replay, run by a real shell with curl and jq against the emulator."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aep_provider.cli.console import CLOCK
from aep_provider.emulator import Emulator
from aep_provider.emulator.seeds import CLIENT_SECRET, EVENTS_SCHEMA
from aep_provider.errors import RolledBack
from aep_provider.operations import replay_plan
from aep_provider.operations.context import Context
from support.replayed import ANN, BOB, ON, UPSERT, Orders, person, run

ROWS = st.lists(
    st.builds(
        lambda address, fields: person(address, **fields),
        st.sampled_from([ANN, BOB]),
        st.dictionaries(st.sampled_from(["city", "street", "plan"]), st.sampled_from("ABC"), min_size=1),
    ),
    min_size=1,
    max_size=3,
)
SEVERAL = st.lists(ROWS, max_size=2)
WHOLE = st.lists(
    st.builds(
        lambda address, city, plan: person(address, city=city, plan=plan),
        *(st.sampled_from(of) for of in ([ANN, BOB], "ABC", "ABC")),
    ),
    min_size=1,
    max_size=3,
)
COMMON: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.generate],  # An example takes seconds, and a smaller one tells no more.
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An emulator that every test empties."""
    with Emulator(strict=True) as emulator:
        yield emulator.url


@pytest.fixture
def orders(url: str) -> Orders:
    return Orders(url)


def check(url: str, upsert: bool, first: Any, inside: Any, after: Any) -> None:
    """Compare the Profile store of a run with a window and a replay with that of a run without a window."""
    tags = ON if upsert else UPSERT
    ideal = Orders(url, tags)
    for rows in first:
        ideal.batch(*rows)
    ideal.change_without_a_window(upsert=upsert)
    for rows in [*inside, *after]:
        ideal.batch(*rows)
    expected = ideal.store()
    orders = Orders(url, tags)
    for rows in first:
        orders.batch(*rows)
    orders.change(upsert=upsert, inside=lambda: [orders.batch(*rows) for rows in inside])
    for rows in after:
        orders.batch(*rows)
    with TemporaryDirectory() as folder:
        done = run(orders.script(), Path(folder))
    assert done.returncode == 0, done.stderr
    assert orders.store() == expected


@settings(max_examples=3, **COMMON)
@given(upsert=st.booleans(), first=SEVERAL, inside=st.lists(ROWS, min_size=1, max_size=2), after=SEVERAL)
def test_profile_after_the_script_is_as_without_a_window(
    url: str, upsert: bool, first: Any, inside: Any, after: Any
) -> None:
    check(url, upsert, first, inside, after)


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(max_examples=60, **COMMON)
@given(upsert=st.booleans(), first=SEVERAL, inside=SEVERAL, after=SEVERAL)
def test_profile_after_the_script_is_as_without_a_window_many_times(
    url: str, upsert: bool, first: Any, inside: Any, after: Any
) -> None:
    check(url, upsert, first, inside, after)


@pytest.mark.parametrize("back", [True, False], ids=["changed back", "rolled back"])
@settings(max_examples=1, **COMMON)
@given(data=st.data())
def test_one_script_makes_up_for_two_windows(url: str, back: bool, data: st.DataObject) -> None:
    """Where upsert is changed back, whole records only: fields that a batch does not bring would come back."""
    rows = WHOLE if back else ROWS
    first, inside, between, second, after = (
        data.draw(st.lists(rows, min_size=1, max_size=2)) for _ in range(5)
    )
    ideal = Orders(url, UPSERT if back else ON)
    for one in first:
        ideal.batch(*one)
    ideal.change_without_a_window(upsert=not back)
    for one in [*inside, *between]:
        ideal.batch(*one)
    ideal.change_without_a_window(upsert=True)
    for one in [*second, *after]:
        ideal.batch(*one)
    expected = ideal.store()
    orders = Orders(url, UPSERT if back else ON)
    for one in first:
        orders.batch(*one)
    orders.change(upsert=not back, inside=lambda: [orders.batch(*one) for one in inside])
    for one in between:
        orders.batch(*one)
    missed = lambda: [orders.batch(*one) for one in second]  # noqa: E731
    if back:
        orders.change(upsert=True, inside=missed)
    else:
        orders.control.fault({"status": 400, "body": {}}, nth=2, method="PATCH", path="/dataSets/")
        with pytest.raises(RolledBack):
            orders.change(upsert=False, inside=missed)
    for one in after:
        orders.batch(*one)
    with TemporaryDirectory() as folder:
        done = run(orders.script(), Path(folder))
    assert done.returncode == 0, done.stderr
    assert orders.store() == expected
    assert "Nothing has to be ingested again" in orders.replay().stdout


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_script_replaces_each_batch_in_its_order(orders: Orders, tmp_path: Path, shell: str) -> None:
    old = orders.lost(after=[person(ANN, city="Paris")])
    done = run(orders.script(), tmp_path, shell)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(" replaces ") == 3
    statuses = orders.statuses()
    assert [statuses[one] for one in old] == ["deleted"] * 3
    assert list(statuses.values())[3:] == ["success"] * 3
    assert orders.store() == {ANN: [person(ANN, city="Paris")], BOB: [person(BOB, city="Bonn")]}


def test_no_token_and_no_secret_in_the_script_nor_among_arguments(orders: Orders, tmp_path: Path) -> None:
    orders.lost()
    script = orders.script()
    told = tmp_path / "arguments"
    curl = tmp_path / "bin" / "curl"
    curl.parent.mkdir()
    path = os.environ["PATH"]
    curl.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >>"{told}"\nPATH="{path}" exec curl "$@"\n')
    curl.chmod(curl.stat().st_mode | stat.S_IXUSR)
    assert run(script, tmp_path, PATH=f"{curl.parent}:{path}").returncode == 0
    assert CLIENT_SECRET not in script
    assert "Bearer" in script, "it comes from standard input"
    assert len(told.read_text().splitlines()) > 10
    assert "Bearer" not in told.read_text()
    assert CLIENT_SECRET not in told.read_text()


@pytest.mark.parametrize(("method", "path"), [("POST", "/batches$"), ("PUT", "/files/"), ("GET", "/export/")])
def test_a_failure_stops_it_and_run_again_it_goes_on(
    orders: Orders, tmp_path: Path, method: str, path: str
) -> None:
    orders.lost(after=[person(ANN, city="Paris")])
    script = orders.script()
    orders.control.fault({"status": 403, "body": {"message": "no"}}, nth=2, method=method, path=path)
    stopped = run(script, tmp_path)
    assert stopped.returncode == 1
    assert "Stopped: at batch 2 of 3" in stopped.stderr
    assert "Run the script again in this folder" in stopped.stderr
    done = run(script, tmp_path)
    assert (done.returncode, done.stderr.count(" replaces ")) == (0, 2)
    assert orders.store()[ANN] == [person(ANN, city="Paris")]
    assert len(orders.statuses()) == 6, "each batch was ingested again once"


@pytest.mark.parametrize("effect", ["before", "after"])
def test_a_lost_reply_to_complete_ingests_nothing_twice(orders: Orders, tmp_path: Path, effect: str) -> None:
    orders.lost()
    script = orders.script()
    orders.control.fault({"reset": effect}, method="POST", path="/batches/[^/]*$")
    assert run(script, tmp_path).returncode == 1
    assert run(script, tmp_path).returncode == 0
    assert len(orders.statuses()) == 4
    assert orders.store()[BOB] == [person(BOB, city="Bonn")]


@pytest.mark.parametrize(("looks", "code"), [(3, 0), (None, 1)])
def test_a_batch_that_is_not_shown_yet_is_looked_for_a_while(
    orders: Orders, tmp_path: Path, looks: int | None, code: int
) -> None:
    orders.lost()
    script = orders.script()
    orders.control.fault({"status": 403, "body": {}}, method="PUT", path="/files/")
    assert run(script, tmp_path).returncode == 1
    orders.control.fault({"status": 200, "body": {}}, 1, looks, method="GET", path="/catalog/batches/")
    again = run(script, tmp_path)
    assert again.returncode == code
    assert ("which an earlier run began" in again.stderr) is (code == 1)


def test_a_batch_that_fails_ends_it_and_keeps_the_old_one(orders: Orders, tmp_path: Path) -> None:
    old, _ = orders.lost()
    script = orders.script()
    orders.control.fault({"status": 200}, method="PUT")
    stopped = run(script, tmp_path)
    assert (stopped.returncode, "is failed" in stopped.stderr) == (1, True)
    assert orders.statuses()[old] == "success"
    assert run(script, tmp_path).returncode == 0, "a new batch is begun for the one that failed"


def test_a_batch_after_the_plan_stops_it_before_the_first(orders: Orders, tmp_path: Path) -> None:
    orders.lost()
    script = orders.script()
    newer = orders.batch(person(ANN, city="Paris"))
    stopped = run(script, tmp_path)
    assert stopped.returncode == 3
    assert newer in stopped.stderr
    assert "make a new plan. Stopped before batch 1 of 2" in stopped.stderr
    assert len(orders.statuses()) == 3


def test_a_batch_in_between_stops_it_before_the_next_one(orders: Orders, tmp_path: Path) -> None:
    orders.lost(after=[person(ANN, city="Paris")])
    script = orders.script()
    orders.control.fault({"status": 403, "body": {}}, nth=2, method="POST", path="/batches$")
    assert run(script, tmp_path).returncode == 1
    newer = orders.batch(person(BOB, city="Paris"))
    done = run(script, tmp_path)
    assert (done.returncode, newer in done.stderr) == (3, True)
    assert "Stopped before batch 2 of 3" in done.stderr
    assert orders.store()[BOB] == [person(BOB, city="Paris")], "no older batch came after it"
    assert run(orders.script(), tmp_path).returncode == 0
    assert orders.store() == {ANN: [person(ANN, city="Paris")], BOB: [person(BOB, city="Paris")]}


def test_a_new_plan_of_the_same_second_does_not_go_on_in_the_folder_of_the_old_one(
    orders: Orders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders.lost()
    now = CLOCK.now()
    monkeypatch.setattr(Context, "now", lambda _: now)
    first = orders.script()
    orders.control.fault({"status": 403, "body": {}}, nth=2, method="POST", path="/batches$")
    assert run(first, tmp_path).returncode == 1
    newer = orders.batch(person(BOB, city="Paris"))
    done = run(orders.script(), tmp_path)
    assert (done.returncode, newer in done.stderr) == (0, True)
    assert done.stderr.count(" replaces ") == 2


def test_a_batch_that_was_begun_is_ended_before_it_stops_for_others(orders: Orders, tmp_path: Path) -> None:
    orders.lost(after=[person(ANN, city="Paris")])
    script = orders.script()
    orders.control.fault({"status": 403, "body": {}}, nth=2, method="PUT", path="/files/")
    assert run(script, tmp_path).returncode == 1
    orders.batch(person(BOB, city="Paris"))
    done = run(script, tmp_path)
    assert (done.returncode, "Stopped before batch 3 of 3" in done.stderr) == (3, True)
    assert "loading" not in orders.statuses().values(), "so a new plan can be made"
    assert run(orders.script(), tmp_path).returncode == 0
    assert orders.store()[BOB] == [person(BOB, city="Paris")]


def test_a_batch_during_the_last_one_asks_for_a_new_plan_which_is_that_batch(
    orders: Orders, tmp_path: Path
) -> None:
    orders.lost()
    script = orders.script()
    orders.control.fault({"reset": "after"}, nth=2, method="POST", path="/batches/[^/]*$")
    assert run(script, tmp_path).returncode == 1
    newer = orders.batch(person(BOB, city="Paris"))
    done = run(script, tmp_path)
    assert (done.returncode, newer in done.stderr) == (3, True)
    assert "older ones were ingested after them" in done.stderr
    assert run(orders.script(), tmp_path).returncode == 0
    assert orders.store()[BOB] == [person(BOB, city="Paris")]


@pytest.mark.parametrize("others", [False, True], ids=["alone", "with others"])
def test_the_share_of_a_day_ends_it_and_the_next_day_it_goes_on(
    orders: Orders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: bool
) -> None:
    orders.lost(after=[person(ANN, city="Paris")])
    monkeypatch.setattr(replay_plan, "PER_DAY", 5)
    script = orders.script()
    today = run(script, tmp_path)
    assert (today.returncode, today.stderr.count(" replaces ")) == (4, 2)
    assert "it goes on with batch 3 of 3" in today.stderr
    newer = orders.batch(person(BOB, city="Paris")) if others else ""
    if others:
        stopped = run(script, tmp_path)
        assert (stopped.returncode, newer in stopped.stderr) == (3, True)
        monkeypatch.undo()
        script = orders.script()
    assert run(script, tmp_path).returncode == 0
    assert orders.store()[ANN] == [person(ANN, city="Paris")]
    assert orders.store()[BOB] == [person(BOB, city="Paris" if others else "Bonn")]


def test_names_cannot_be_mistaken_for_commands(url: str, tmp_path: Path) -> None:
    odd = "a '$(touch owned)' \"`touch owned`\" ; touch owned\n # ü [1-9] {x,y} &path=.parquet"
    orders = Orders(url, name=f"Orders{odd}")
    orders.change(upsert=True, inside=lambda: orders.files(odd, "-o.parquet", content=b"PAR1"))
    done = run(orders.script(), tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "owned").exists()
    assert list(orders.statuses().values()) == ["deleted", "success"]


def test_events_are_ingested_again_alone(url: str, tmp_path: Path) -> None:
    orders = Orders(url, UPSERT, schema=EVENTS_SCHEMA, classification={"dataBehavior": "time-series"})
    event = person(ANN, _id="1", timestamp="2026-01-01T00:00:00Z")
    orders.change(upsert=False, inside=lambda: orders.batch(event))
    later = orders.batch(person(ANN, _id="2", timestamp="2026-01-02T00:00:00Z"))
    assert run(orders.script(), tmp_path).returncode == 0
    assert orders.statuses()[later] == "success"
    assert len(orders.statuses()) == 3
