"""Listings that are paged: where they end, and that none goes on for ever."""

from __future__ import annotations

import collections
import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aep_provider.aep.batches import Batches
from aep_provider.aep.catalog import Catalog
from aep_provider.aep.flows import Flows
from aep_provider.aep.gateway import ApiRequest, Gateway
from aep_provider.aep.paginate import Page, next_offset, paginate
from aep_provider.aep.sandboxes import Sandboxes
from aep_provider.aep.single_flight import SingleFlight
from aep_provider.aep.transport import Response
from aep_provider.clock import SystemClock
from aep_provider.errors import UnreadableResponse

PAGE = Response("GET things", 200, {}, b"")


class Service:
    """A gateway in front of a listing that is answered by a function of the request."""

    sandbox = "dev"
    sandbox_id = ""

    def __init__(self, answer: Callable[[ApiRequest], object]) -> None:
        self._answer = answer
        self.requests = 0

    def send(self, request: ApiRequest, *, urgent: bool = False) -> Response:
        """Answer a request."""
        self.requests += 1
        return Response(f"GET {request.what}", 200, {}, json.dumps(self._answer(request)).encode())

    def check_ours(self, response: Response, body: object) -> None:
        """Let everything pass."""

    def server_time(self) -> Any:
        """The local time."""
        return SystemClock(cast(Any, None)).now()


def start(request: ApiRequest) -> int:
    query = request.query or {}
    return int(query.get("start", query.get("offset", 0)))


def datasets(numbers: range) -> dict[str, object]:
    return {f"{number:024x}": {"name": f"d{number}", "tags": {}} for number in numbers}


def listed(count: int, most: int) -> tuple[list[str], int]:
    """List a sandbox of `count` datasets, `most` at a time; the ids and the number of requests."""
    service = Service(lambda request: datasets(range(start(request), min(start(request) + most, count))))
    return [one.id for one in Catalog(cast(Gateway, service), SingleFlight()).all()], service.requests


@pytest.mark.parametrize("most", [20, 50, 99, 100])
def test_a_page_shorter_than_asked_for_does_not_end_a_listing(most: int) -> None:
    assert listed(130, most)[0] == list(datasets(range(130)))


@pytest.mark.parametrize(
    ("count", "requests"), [(0, 1), (19, 1), (20, 2), (99, 2), (100, 2), (119, 2), (120, 3)]
)
def test_a_small_listing_takes_no_request_more_than_needed(count: int, requests: int) -> None:
    assert listed(count, 100) == (list(datasets(range(count))), requests)


def catalog(service: Service) -> object:
    return list(Catalog(cast(Gateway, service), SingleFlight()).all())


def batches(service: Service) -> object:
    return Batches(cast(Gateway, service)).recent("0" * 24)


def sandboxes(service: Service) -> object:
    return Sandboxes(cast(Gateway, service), SingleFlight()).current_now()


def flows(service: Service) -> object:
    return Flows(cast(Gateway, service), SingleFlight(), SingleFlight()).into("0" * 24)


ENDLESS: dict[str, tuple[Callable[[Service], object], object]] = {
    "catalog": (catalog, datasets(range(100))),
    "batches": (batches, {f"b{number}": {"status": "success", "created": 1} for number in range(100)}),
    "sandboxes": (sandboxes, {"sandboxes": [{"name": f"s{number}"} for number in range(50)]}),
    "flows": (flows, {"items": [{"id": "f"}], "_links": {"next": {"href": "/flows?continuationToken=x"}}}),
}


@pytest.mark.parametrize("service", ENDLESS)
def test_a_listing_that_repeats_itself_ends_with_one_error_everywhere(service: str) -> None:
    use, page = ENDLESS[service]
    asked = Service(lambda _: page)
    with pytest.raises(UnreadableResponse, match="the listing does not end"):
        use(asked)
    assert asked.requests == 2


def test_a_listing_that_invents_new_entries_ends_as_well() -> None:
    def fetch(cursor: int) -> Page[int, int]:
        return Page(PAGE, {cursor: cursor}, cursor + 1)

    with pytest.raises(UnreadableResponse, match="the listing does not end"):
        collections.deque(paginate(fetch, 0), maxlen=0)


def test_an_entry_on_two_pages_counts_once() -> None:
    pages = [Page(PAGE, dict.fromkeys(range(20)), 20), Page(PAGE, dict.fromkeys(range(15, 30)), None)]
    found = [
        *paginate(
            lambda cursor: Page(
                PAGE, {key: key for key in pages[cursor > 0].entries}, pages[cursor > 0].following
            ),
            0,
        )
    ]
    assert found == list(range(30))


@given(start=st.integers(0, 10**6), received=st.integers(0, 200))
def test_an_offset_listing_ends_only_below_the_default_page(start: int, received: int) -> None:
    assert next_offset(start, received) == (start + received if received >= 20 else None)
