"""Reading many datasets together: how many requests that takes, and that nothing is ever lost or invented."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from aep_provider.aep import Aep, connect
from aep_provider.aep.bulk import AT_ONCE, LISTED_AFTER, TOGETHER, Bulk
from aep_provider.aep.catalog import Catalog
from aep_provider.aep.shared import shared
from aep_provider.clock import SystemClock
from aep_provider.dataset.observed import Observed
from aep_provider.emulator import Control, Emulator
from aep_provider.emulator.seeds import CLIENT_ID, CLIENT_SECRET, ORG_ID, PROFILE_SCHEMA
from aep_provider.errors import NotFound, RequestRefused, UnreadableResponse
from aep_provider.settings import Settings

CLOCK = SystemClock(threading.Event())


class _Queue(dict[str, None]):
    """Stands in for what waits in a `Bulk`, and says when enough does."""

    def __init__(self, enough: int) -> None:
        super().__init__()
        self.full = threading.Event()
        self._enough = enough

    def __setitem__(self, key: str, value: None) -> None:
        super().__setitem__(key, value)
        if len(self) >= self._enough:
            self.full.set()


class Service(Control):
    """A strict emulator, and a client for its sandbox dev."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.aep: Aep = connect(
            Settings(
                sandbox="dev",
                org_id=ORG_ID,
                client_id=CLIENT_ID,
                client_secret=CLIENT_SECRET,
                endpoint=url,
                ims_endpoint=url,
            ),
            CLOCK,
        )
        self.bulk = Bulk(self.aep.catalog, self.aep.reads.memory())

    def hold(self, count: int, **body: Any) -> list[str]:
        """Put that many datasets into the sandbox; return their ids."""
        datasets = {
            f"{number:024x}": {
                "name": f"dataset {number}",
                "schemaRef": {
                    "id": PROFILE_SCHEMA,
                    "contentType": "application/vnd.adobe.xed+json;version=1",
                },
                "tags": {"unifiedProfile": ["enabled:true"]},
                **body,
            }
            for number in range(count)
        }
        self.seed(datasets=datasets)
        return list(datasets)

    def reads(self) -> list[str]:
        """What was asked of Catalog."""
        log = self.requests()
        return [
            entry["path"].rpartition("/")[2]
            + (f"?start={entry['query']['start']}" if "start" in entry["query"] else "")
            for entry in log
            if "/dataSets" in entry["path"]
        ]

    def read_at_once(self, ids: Sequence[str]) -> list[Future[Observed]]:
        """Read datasets from as many threads, of which all but the first few wait to be read together by id."""
        self.fault({"status": 403, "body": {}}, times=None, method="GET", path="/dataSets$")
        held = self.fault({"hold": "before"}, times=AT_ONCE, method="GET", path="/dataSets/")
        queue = self.bulk._waiting = _Queue(enough=len(ids) - AT_ONCE)
        with ThreadPoolExecutor(len(ids)) as pool:
            read = [pool.submit(self.bulk.get, one) for one in ids]
            assert queue.full.wait(30)
            self.clear_faults(held)
        return read

    def read(self, ids: Sequence[str], threads: int = 16) -> list[Observed]:
        """Read datasets from many threads."""
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(self.bulk.get, ids))


@pytest.fixture
def service() -> Iterator[Service]:
    with Emulator(strict=True) as emulator:
        yield Service(emulator.url)


def test_what_waits_while_requests_are_under_way_goes_into_one(service: Service) -> None:
    ids = service.hold(AT_ONCE + 20)
    assert [one.result().id for one in service.read_at_once(ids)] == ids
    *alone, together = sorted((one for one in service.reads() if "start" not in one), key=len)
    assert len(alone) == AT_ONCE
    assert len(together.split(",")) == 20


def test_a_dataset_is_read_once_until_it_is_written_to(service: Service) -> None:
    first, second = service.hold(2)
    for _ in range(3):
        service.bulk.get(first)
        service.bulk.get(second)
    assert len(service.reads()) == 2
    service.aep.catalog.patch(first, [{"op": "add", "path": "/name", "value": "new"}])
    assert service.bulk.get(first).name == "new"
    service.seed(datasets={first: {"name": "newer"}})
    service.bulk.get(second)
    assert service.bulk.get(first).name == "newer"


def test_what_is_gone_is_told_by_a_request_for_it_alone(service: Service) -> None:
    ids = service.hold(30)
    gone = "f" * 24
    *others, missing = service.read_at_once([*ids, gone])
    assert [one.result().id for one in others] == ids
    with pytest.raises(NotFound):
        missing.result()
    assert service.reads().count(gone) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 400, "body": {}},
        {"status": 404, "body": "<html>"},
        {"body": ["@/dataSets/1"]},
        {"body": {}},
    ],
    ids=["refused", "a gateway's page", "another shape", "nothing"],
)
def test_without_shared_requests_each_is_read_alone(service: Service, fault: dict[str, Any]) -> None:
    ids = service.hold(30)
    shared = service.fault({"status": 200, **fault}, times=None, method="GET", path="/dataSets/.*,")
    assert [one.result().id for one in service.read_at_once(ids)] == ids
    assert service.hits(shared) == 1


def test_a_shared_reply_without_tags_does_not_mean_off(service: Service) -> None:
    ids = service.hold(30)
    empty = {dataset_id: {"name": "x", "schemaRef": {"id": PROFILE_SCHEMA}} for dataset_id in ids}
    shared = service.fault({"status": 200, "body": empty}, times=None, method="GET", path="/dataSets/.*,")
    assert all(one.result().profile.enabled for one in service.read_at_once(ids))
    assert service.hits(shared) == 1


def test_a_shared_reply_shows_nothing_that_it_was_not_asked_for(service: Service) -> None:
    first, second, other = service.hold(3)
    service.fault({"status": 200, "body": service.datasets()}, method="GET", path="/dataSets/.*,")
    assert list(service.aep.catalog.many([second, first])) == [second, first]
    assert other in service.datasets()


def test_an_error_reaches_only_who_asked_for_that_dataset(service: Service) -> None:
    ids = service.hold(30)
    service.fault({"status": 400, "body": {}}, times=None, method="GET", path=f"/dataSets/{ids[7]}$")
    service.fault({"status": 200, "body": {}}, times=None, method="GET", path="/dataSets/.*,")
    errors = [one.exception() for one in service.read_at_once(ids)]
    assert [index for index, error in enumerate(errors) if error is not None] == [7]
    assert isinstance(errors[7], RequestRefused)


def test_a_large_part_of_the_sandbox_is_read_from_its_listing(service: Service) -> None:
    ids = service.hold(800)
    assert [dataset.id for dataset in service.read(ids)] == ids
    reads = service.reads()
    pages = [one for one in reads if "start" in one]
    assert 8 <= len(pages) <= 8 + AT_ONCE
    assert len(reads) - len(pages) <= 60


def test_a_small_part_of_a_large_sandbox_does_not_page_through_it(service: Service) -> None:
    ids = service.hold(3000)[::25]
    assert len(ids) == 120
    assert [dataset.id for dataset in service.read(ids)] == ids
    pages = [one for one in service.reads() if "start" in one]
    assert len(pages) == 1


def test_a_stack_below_the_limit_asks_for_no_page(service: Service) -> None:
    ids = service.hold(LISTED_AFTER - 1)
    service.read(ids)
    assert not [one for one in service.reads() if "start" in one]


def test_what_waits_for_a_turn_is_answered_by_a_page_meanwhile(service: Service) -> None:
    ids = service.hold(AT_ONCE + 20)
    held = service.fault({"hold": "before"}, times=AT_ONCE, method="GET", path="/dataSets/")
    with ThreadPoolExecutor(len(ids)) as pool:
        alone = [pool.submit(service.bulk.get, one) for one in ids[:AT_ONCE]]
        assert service.wait_for_hit(held)
        assert [pool.submit(service.bulk.get, one).result(30).id for one in ids[AT_ONCE:]] == ids[AT_ONCE:]
        assert not any(one.done() for one in alone)
        service.clear_faults(held)
    assert len(service.reads()) == AT_ONCE + 1


def test_a_page_that_is_behind_does_not_replace_what_was_read_by_id(service: Service) -> None:
    *ids, listed = service.hold(AT_ONCE + 1)
    behind = {one: {**body, "name": "old"} for one, body in service.datasets().items()}
    service.fault({"status": 200, "body": behind}, times=None, method="GET", path="/dataSets$")
    service.read(ids, threads=1)
    assert service.bulk.get(listed).name == "old"
    assert [service.bulk.get(one).name for one in ids] == [f"dataset {n}" for n in range(AT_ONCE)]


def test_a_page_that_is_behind_does_not_bring_back_what_is_gone(service: Service) -> None:
    gone, *ids = service.hold(AT_ONCE + 1)
    behind = service.datasets()
    service.fault({"status": 200, "body": behind}, times=None, method="GET", path="/dataSets$")
    absent = {"status": 404, "body": {"title": "NotFoundError", "status": 404}}
    held = service.fault({"hold": "before", **absent}, method="GET", path=f"{gone}$")
    service.fault(absent, times=None, method="GET", path=f"{gone}$")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(service.bulk.get, gone)
        assert service.wait_for_hit(held)
        service.read(ids, threads=1)
        service.release(held)
        assert isinstance(first.exception(30), NotFound)
    with pytest.raises(NotFound):
        service.bulk.get(gone)


def test_a_stack_at_the_limit_asks_for_a_page(service: Service) -> None:
    service.read(service.hold(LISTED_AFTER))
    assert [one for one in service.reads() if "start" in one]


def test_a_listing_that_fails_leaves_reading_by_id(service: Service) -> None:
    ids = service.hold(300)
    failed = service.fault({"status": 403, "body": {}}, times=None, method="GET", path="/dataSets$")
    assert [dataset.id for dataset in service.read(ids)] == ids
    assert service.hits(failed) >= 1


def test_a_listing_that_repeats_itself_ends(service: Service) -> None:
    ids = service.hold(300)
    page = service.datasets()
    always = {dataset_id: page[dataset_id] for dataset_id in ids[:100]}
    repeated = service.fault({"status": 200, "body": always}, times=None, method="GET", path="/dataSets$")
    assert [dataset.id for dataset in service.read(ids)] == ids
    assert 1 <= service.hits(repeated) <= 1 + AT_ONCE


def test_a_listing_that_is_down_is_not_waited_for(service: Service) -> None:
    ids = service.hold(60)
    down = {"status": 503, "body": {}, "headers": {"Retry-After": "30"}}
    failed = service.fault(down, times=None, method="GET", path="/dataSets$")
    assert [dataset.id for dataset in service.read(ids)] == ids
    assert service.hits(failed) == 1


def test_a_page_that_leaves_datasets_out_loses_none(service: Service) -> None:
    ids = service.hold(300)
    empty = service.fault({"status": 200, "body": {}}, times=None, method="GET", path="/dataSets$")
    assert [dataset.id for dataset in service.read(ids)] == ids
    assert service.hits(empty) >= 1


def test_a_malformed_dataset_fails_alone_and_says_why(service: Service) -> None:
    ids = service.hold(300)
    service.seed(datasets={ids[200]: {"tags": {"unifiedProfile": "on"}}})
    with ThreadPoolExecutor(16) as pool:
        read = [pool.submit(service.bulk.get, one) for one in ids]
        errors = {index: error for index, one in enumerate(read) if (error := one.exception()) is not None}
    assert list(errors) == [200]
    assert isinstance(errors[200], UnreadableResponse)


def test_a_preview_shares_answers_that_a_write_asks_for_anew(service: Service) -> None:
    (dataset_id,) = service.hold(1)
    sharing = shared(service.aep)
    for _ in range(3):
        sharing.catalog.named("dataset 0")
        sharing.batches.recent(dataset_id)
    assert len(service.requests()) == 3
    service.aep.catalog.named("dataset 0")
    service.aep.batches.recent(dataset_id)
    assert len(service.requests()) == 5


def test_a_read_inside_a_window_is_never_a_shared_one(service: Service) -> None:
    (dataset_id,) = service.hold(1)
    sharing = shared(service.aep).catalog
    for _ in range(2):
        sharing.get(dataset_id, urgent=True)
    assert len(service.reads()) == 2


def test_catalog_says_what_it_has_written_to(service: Service) -> None:
    (dataset_id,) = service.hold(1)
    catalog: Catalog = service.aep.catalog
    catalog.prepare_patch(dataset_id, [], urgent=True)
    assert catalog.written == {dataset_id}


def test_what_is_read_ahead_is_one_request_until_it_is_written_to(service: Service) -> None:
    ids = service.hold(TOGETHER + 2)
    service.bulk.ahead(ids)
    assert [one.id for one in service.read(ids)] == ids
    assert sorted(len(read.split(",")) for read in service.reads()) == [2, TOGETHER]
    service.aep.catalog.patch(ids[0], [{"op": "add", "path": "/name", "value": "new"}])
    assert service.bulk.get(ids[0]).name == "new"


def test_what_could_not_be_read_ahead_is_read_as_if_nothing_had_been_asked(service: Service) -> None:
    first, second = service.hold(2)
    service.fault({"status": 403, "body": {}}, method="GET", path=f"{first},{second}")
    service.bulk.ahead([first, second])
    assert [service.bulk.get(one).id for one in (first, second)] == [first, second]
    assert service.reads() == [f"{first},{second}", first, second]
