"""A listing whose length can be guessed: its end is asked for beside its first page, and nothing is ever lost by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aep_provider.aep import connect
from aep_provider.aep.bulk import AT_ONCE
from aep_provider.aep.catalog import Catalog
from aep_provider.aep.paginate import Page, next_offset, paginate, with_end
from aep_provider.aep.shared import _PagesAhead, shared
from aep_provider.aep.single_flight import SingleFlight
from aep_provider.aep.transport import Response
from aep_provider.emulator import Control, Emulator
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from aep_provider.errors import ConnectionFailed
from aep_provider.settings import Settings
from support.clock import FakeClock
from support.settings import environment

TAG = "pulumiManagedBy"
RESPONSE = Response("GET things", 200, {}, b"")


class Sandbox(Control):
    """An emulator with datasets that carry a tag, and what previews and refreshes read of them."""

    def __init__(self, url: str, count: int) -> None:
        super().__init__(url)
        self.hold(count)
        self.catalog: Catalog = shared(connect(Settings.load({}, environment(url)), FakeClock())).catalog

    def hold(self, count: int) -> None:
        """Put datasets into the sandbox, those that are there among them."""
        schema = {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}
        body = {"schemaRef": schema, "tags": {TAG: ["a/b/c"]}}
        self.seed(datasets={f"{number:024x}": {"name": f"d{number}", **body} for number in range(count)})

    def starts(self) -> list[str]:
        """Where the pages began that were asked for."""
        listings = [entry for entry in self.requests() if "tags" in entry["query"]]
        return [entry["query"]["start"][0] for entry in listings]


@pytest.fixture
def sandbox() -> Iterator[Callable[[int], Sandbox]]:
    with Emulator(strict=True) as emulator:
        yield lambda count: Sandbox(emulator.url, count)


@pytest.mark.parametrize("expected", [30, 40])
def test_the_end_is_asked_for_beside_the_first_page(sandbox: Any, expected: int) -> None:
    aep = sandbox(40)
    second = aep.fault({"hold": "before"}, nth=2, times=None, path="/dataSets$")
    aep.fault({"hold": "before"}, times=None, path="/dataSets$")
    aep.catalog.tagged_ahead(TAG, expected=expected)
    with ThreadPoolExecutor(1) as pool:
        listed = pool.submit(aep.catalog.tagged, TAG)
        came = aep.wait_for_hit(second, 30)
        aep.clear_faults()
        assert len(listed.result(60)) == 40
    assert came, "the second page waited for the first one"
    assert sorted(aep.starts()) == ["0", str(expected)]


@pytest.mark.parametrize(
    ("expected", "starts"),
    [(0, ["0", "40"]), (19, ["0", "40"]), (20, ["0", "20", "40"]), (60, ["0", "40", "60"])],
)
def test_a_guess_that_is_wrong_loses_nothing(sandbox: Any, expected: int, starts: list[str]) -> None:
    aep = sandbox(40)
    aep.catalog.tagged_ahead(TAG, expected=expected)
    assert len(aep.catalog.tagged(TAG)) == 40
    assert sorted(aep.starts()) == starts


def test_an_end_that_cannot_be_read_is_asked_for_again_in_its_turn(
    sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep, refused = sandbox(40), iter([True])
    ask = aep.catalog._listing

    def listing(query: dict[str, str], start: int) -> Response:
        if start and next(refused, False):
            raise ConnectionFailed("GET datasets", "lost")
        return cast(Response, ask(query, start))

    monkeypatch.setattr(aep.catalog, "_listing", listing)
    aep.catalog.tagged_ahead(TAG, expected=40)
    assert len(aep.catalog.tagged(TAG)) == 40
    assert next(refused, False) is False


def test_an_end_from_before_a_failure_is_no_part_of_the_next_listing(
    sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep, came = sandbox(105), Event()
    ask = aep.catalog._listing

    def listing(query: dict[str, str], start: int) -> Response:
        if start:
            end = cast(Response, ask(query, start))
            came.set()
            return end
        assert came.wait(30)
        raise ConnectionFailed("GET datasets", "lost")

    with monkeypatch.context() as failing:
        failing.setattr(aep.catalog, "_listing", listing)
        aep.catalog.tagged_ahead(TAG, expected=90)
        with pytest.raises(ConnectionFailed):
            aep.catalog.tagged(TAG)
    aep.hold(130)
    assert len(aep.catalog.tagged(TAG)) == 130


def test_what_follows_a_full_page_is_asked_for_side_by_side(sandbox: Any) -> None:
    aep = sandbox(330)
    fifth = aep.fault({"hold": "before"}, nth=AT_ONCE + 1, times=None, path="/dataSets$")
    aep.fault({"hold": "before"}, nth=2, times=None, path="/dataSets$")
    with ThreadPoolExecutor(1) as pool:
        listed = pool.submit(aep.catalog.tagged, TAG)
        came = aep.wait_for_hit(fifth, 30)
        aep.clear_faults()
        assert len(listed.result(60)) == 330
    assert came, "a page waited for the one before"
    assert set(aep.starts()) >= {"0", "100", "200", "300", "400"}


def test_a_small_stack_asks_for_one_page(sandbox: Any) -> None:
    aep = sandbox(3)
    aep.catalog.tagged_ahead(TAG, expected=3)
    assert len(aep.catalog.tagged(TAG)) == 3
    assert aep.starts() == ["0"]


def page(start: int, most: int, count: int) -> Page[int, int]:
    """A page of a listing of `count` numbers, of which a service gives `most` at a time."""
    numbers = range(start, min(start + most, count))
    return Page(RESPONSE, {number: number for number in numbers}, next_offset(start, len(numbers)))


def joined(count: int, most: int, start: int, others: int) -> list[int]:
    """The listing, where the page that begins at `start` comes of a replica that holds `others` numbers."""

    def fetch(at: int) -> Page[int, int]:
        if at:
            return page(at, most, count)
        return with_end(page(0, most, count), start, page(start, most, others))

    return list(paginate(fetch, 0))


class Remembered:
    """Stands in for `Reads`: what is asked ahead is asked at once."""

    def memory(self) -> SingleFlight[Any]:
        """A memory of its own."""
        return SingleFlight(lambda ask: ask())


@given(count=st.integers(0, 520), most=st.integers(20, 100), guess=st.integers(0, 520))
def test_pages_that_are_asked_for_ahead_hold_the_whole_listing_once(
    count: int, most: int, guess: int
) -> None:
    pages = _PagesAhead(
        lambda start: cast(Any, page(start, most, count)), cast(Any, Remembered()), lambda: guess
    )
    assert sorted(cast(Any, paginate(pages, 0))) == list(range(count))


@given(count=st.integers(0, 150), most=st.integers(20, 100), start=st.integers(20, 150))
def test_joined_pages_hold_the_whole_listing_once(count: int, most: int, start: int) -> None:
    assert sorted(joined(count, most, start, count)) == list(range(count))


@given(
    count=st.integers(0, 150),
    most=st.integers(20, 100),
    start=st.integers(20, 150),
    others=st.integers(0, 150),
)
def test_of_two_replicas_everything_is_listed_that_both_know(
    count: int, most: int, start: int, others: int
) -> None:
    found = joined(count, most, start, others)
    assert len(found) == len(set(found))
    assert set(range(min(count, others))) <= set(found) <= set(range(max(count, others)))
