"""Reads, listings and effects that stay behind the writes that were answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from aep_provider.emulator import Control, Emulator

Patch = Callable[..., requests.Response]
Read = Callable[[str], dict[str, Any]]
Create = Callable[..., str]
OFF = ("add", "/tags/unifiedProfile", ["enabled:false"])
ON = ("add", "/tags/unifiedProfile", ["enabled:true"])


def rename(patch: Patch, dataset_id: str, name: str) -> None:
    assert patch(dataset_id, ("replace", "/name", name)).status_code == 200


@pytest.mark.parametrize("behind", [0, 1, 3])
def test_the_first_reads_after_a_write_show_what_was_before(
    create: Create, patch: Patch, read: Read, steer: Control, behind: int
) -> None:
    dataset_id = create("old")
    steer.switch(read_lag=behind)

    rename(patch, dataset_id, "new")

    assert [read(dataset_id)["name"] for _ in range(behind + 2)] == ["old"] * behind + ["new"] * 2


def test_two_writes_without_a_read_between_show_the_state_before_both(
    create: Create, patch: Patch, read: Read, steer: Control
) -> None:
    dataset_id = create("old")
    steer.switch(read_lag=1)

    rename(patch, dataset_id, "middle")
    rename(patch, dataset_id, "new")

    assert [read(dataset_id)["name"] for _ in range(2)] == ["old", "new"]


def test_each_write_has_its_own_reads_behind(
    create: Create, patch: Patch, read: Read, steer: Control
) -> None:
    dataset_id = create("old")
    steer.switch(read_lag=2)

    rename(patch, dataset_id, "middle")
    seen = [read(dataset_id)["name"]]
    rename(patch, dataset_id, "new")
    seen += [read(dataset_id)["name"] for _ in range(3)]

    assert seen == ["old", "old", "middle", "new"]


def test_reads_of_one_dataset_do_not_count_for_another(
    create: Create, patch: Patch, read: Read, steer: Control
) -> None:
    one, other = create("old"), create("old")
    steer.switch(read_lag=1)
    for dataset_id in (one, other):
        rename(patch, dataset_id, "new")

    assert [read(one)["name"] for _ in range(2)] == ["old", "new"]
    assert read(other)["name"] == "old"


def test_a_read_is_behind_until_the_clock_has_moved(
    create: Create, patch: Patch, read: Read, steer: Control
) -> None:
    dataset_id = create("old")
    steer.switch(read_lag_seconds=3600)
    rename(patch, dataset_id, "new")
    seen = [read(dataset_id)["name"] for _ in range(3)]

    steer.tick(3600)

    assert [*seen, read(dataset_id)["name"]] == ["old", "old", "old", "new"]


def test_a_deleted_dataset_is_still_read_for_a_while(
    catalog: requests.Session, create: Create, steer: Control
) -> None:
    path = f"/dataSets/{create()}"
    steer.switch(read_lag=2)

    assert catalog.delete(path).status_code == 200

    assert [catalog.get(path).status_code for _ in range(3)] == [200, 200, 404]


def test_the_etag_of_a_read_that_is_behind_is_refused(
    catalog: requests.Session, create: Create, patch: Patch, steer: Control
) -> None:
    path = f"/dataSets/{(dataset_id := create())}"
    old = catalog.get(path).headers["ETag"]
    steer.switch(read_lag=1)
    rename(patch, dataset_id, "new")

    behind = catalog.get(path).headers["ETag"]

    assert behind == old
    reply = catalog.patch(path, json={"description": "x"}, headers={"If-Match": behind})
    assert reply.status_code == 412


def test_listings_are_current_while_reads_are_behind(
    catalog: requests.Session, create: Create, patch: Patch, steer: Control
) -> None:
    dataset_id = create("old")
    steer.switch(read_lag=5)

    rename(patch, dataset_id, "new")

    assert catalog.get("/dataSets").json()[dataset_id]["name"] == "new"


def names(catalog: requests.Session, **query: str) -> list[str]:
    return [body["name"] for body in catalog.get("/dataSets", params=query).json().values()]


def test_a_new_dataset_is_not_listed_at_first(
    catalog: requests.Session, create: Create, read: Read, steer: Control
) -> None:
    create("first")
    steer.switch(list_lag=2)

    assert read(create("second"))["name"] == "second"

    assert [names(catalog) for _ in range(3)] == [["first"], ["first"], ["first", "second"]]


def test_a_deleted_dataset_is_still_listed_in_its_place(
    catalog: requests.Session, create: Create, steer: Control
) -> None:
    _, middle, _ = create("a"), create("b"), create("c")
    steer.switch(list_lag=1)

    catalog.delete(f"/dataSets/{middle}")

    assert [names(catalog) for _ in range(2)] == [["a", "b", "c"], ["a", "c"]]


def test_several_deleted_datasets_are_still_listed_in_their_places(
    catalog: requests.Session, create: Create, steer: Control
) -> None:
    ids = [create(name) for name in "abcd"]
    steer.switch(list_lag=1)

    for dataset_id in (ids[0], ids[1], ids[3]):
        catalog.delete(f"/dataSets/{dataset_id}")

    assert [names(catalog) for _ in range(2)] == [["a", "b", "c", "d"], ["c"]]


def test_filters_judge_the_state_that_a_listing_shows(
    catalog: requests.Session, create: Create, patch: Patch, steer: Control
) -> None:
    dataset_id = create("old")
    steer.switch(list_lag=1)

    rename(patch, dataset_id, "new")

    assert [names(catalog, name="old"), names(catalog, name="old"), names(catalog, name="new")] == [
        ["old"],
        [],
        ["new"],
    ]


def test_a_listing_is_behind_until_the_clock_has_moved(
    catalog: requests.Session, create: Create, steer: Control
) -> None:
    steer.switch(list_lag_seconds=60)
    create("new")
    before = [names(catalog) for _ in range(2)]

    steer.tick(60)

    assert [*before, names(catalog)] == [[], [], ["new"]]


def test_a_late_write_takes_effect_after_so_many_requests(
    create: Create, patch: Patch, read: Read, steer: Control
) -> None:
    dataset_id = create("old")
    steer.switch(write_lag=2)

    rename(patch, dataset_id, "new")

    assert steer.datasets()[dataset_id]["name"] == "old"
    assert [read(dataset_id)["name"] for _ in range(3)] == ["old", "old", "new"]
    assert steer.datasets()[dataset_id]["name"] == "new"


def test_a_late_write_takes_effect_when_the_clock_has_moved(
    create: Create, patch: Patch, read: Read, steer: Control
) -> None:
    dataset_id = create("old")
    steer.switch(write_lag_seconds=600)
    rename(patch, dataset_id, "new")
    before = read(dataset_id)["name"]

    steer.tick(600)

    assert (before, steer.datasets()[dataset_id]["name"]) == ("old", "new")


def test_late_writes_take_effect_one_after_the_other(
    create: Create, patch: Patch, read: Read, steer: Control
) -> None:
    dataset_id = create(tags={"unifiedProfile": ["enabled:true"]})
    steer.switch(write_lag=2)

    patch(dataset_id, OFF)
    patch(dataset_id, ON)

    seen = [read(dataset_id)["tags"]["unifiedProfile"][0] for _ in range(3)]
    assert seen == ["enabled:true", "enabled:false", "enabled:true"]


def test_a_late_write_keeps_what_the_write_before_it_changed(
    create: Create, patch: Patch, read: Read, steer: Control
) -> None:
    dataset_id = create("old")
    steer.switch(write_lag=1)

    rename(patch, dataset_id, "new")
    patch(dataset_id, ("add", "/tags/team", ["a"]))
    steer.switch(write_lag=0)

    body = read(dataset_id)
    assert (body["name"], body["tags"]["team"], body["version"]) == ("new", ["a"], "1.0.2")


def test_a_background_write_does_not_undo_a_late_one(
    create: Create, patch: Patch, read: Read, steer: Control
) -> None:
    dataset_id = create("old")
    steer.switch(write_lag=9)
    rename(patch, dataset_id, "new")

    steer.tick(background=True)
    steer.switch(write_lag=0)

    assert read(dataset_id)["name"] == "new"
    assert "aep/siphon/cleanup/meta/timestamp" in read(dataset_id)["tags"]


def test_a_late_delete_leaves_the_dataset_for_a_while(
    catalog: requests.Session, create: Create, steer: Control
) -> None:
    path = f"/dataSets/{create()}"
    steer.switch(write_lag=2)

    assert catalog.delete(path).status_code == 200

    assert [catalog.get(path).status_code for _ in range(3)] == [200, 200, 404]


def test_a_late_create_is_nowhere_for_a_while(
    catalog: requests.Session, create: Create, steer: Control
) -> None:
    steer.switch(write_lag=2)
    path = f"/dataSets/{create('new')}"

    assert catalog.get(path).status_code == 404
    assert names(catalog) == []
    assert names(catalog) == ["new"]


def test_late_effect_and_late_read_add_up(create: Create, patch: Patch, read: Read, steer: Control) -> None:
    dataset_id = create("old")
    steer.switch(write_lag=1, read_lag=1)

    rename(patch, dataset_id, "new")

    assert [read(dataset_id)["name"] for _ in range(3)] == ["old", "old", "new"]


def test_a_new_dataset_is_404_to_the_first_reads(
    catalog: requests.Session, create: Create, steer: Control
) -> None:
    steer.switch(create_lag=2)
    path = f"/dataSets/{create('new')}"

    assert names(catalog) == ["new"]
    assert [catalog.get(path).status_code for _ in range(4)] == [404, 404, 200, 200]


def test_a_new_dataset_that_is_404_can_be_changed(create: Create, patch: Patch, steer: Control) -> None:
    steer.switch(create_lag=2)

    rename(patch, create("new"), "newer")


def test_create_lag_hides_no_change_of_an_older_dataset(
    create: Create, patch: Patch, read: Read, steer: Control
) -> None:
    dataset_id = create("old")
    steer.switch(create_lag=5, list_lag=1)

    rename(patch, dataset_id, "new")

    assert read(dataset_id)["name"] == "new"


def test_a_delete_while_lag_is_off_is_remembered_with_the_create(
    catalog: requests.Session, create: Create, steer: Control
) -> None:
    steer.switch(list_lag=1)
    dataset_id = create("new")
    steer.switch(list_lag=0)
    catalog.delete(f"/dataSets/{dataset_id}")
    steer.switch(list_lag=1)

    assert [names(catalog) for _ in range(2)] == [[], []]


def test_a_late_effect_opens_its_window_when_it_comes(
    create: Create, patch: Patch, read: Read, steer: Control
) -> None:
    dataset_id = create("old")
    steer.switch(write_lag_seconds=600)
    patch(dataset_id, ON)
    steer.tick(600)

    [shown] = steer.call("GET", "status")["datasets"]

    assert shown["windows"][-1]["at"] >= read(dataset_id)["updated"] + 600_000


def test_lag_switched_off_shows_everything_at_once(
    create: Create, patch: Patch, read: Read, steer: Control
) -> None:
    dataset_id = create("old")
    steer.switch(read_lag=9, write_lag=9)
    rename(patch, dataset_id, "new")

    steer.switch(read_lag=0, write_lag=0)

    assert read(dataset_id)["name"] == "new"


def test_lag_outlives_a_restart(
    serve: Callable[..., Emulator], connect: Callable[..., requests.Session], tmp_path: Path
) -> None:
    first = serve(state=tmp_path / "aep.db")
    Control(first.url).seed(datasets={"f" * 24: {"name": "old"}})
    Control(first.url).switch(read_lag=1, write_lag=1)
    path = f"/data/foundation/catalog/dataSets/{'f' * 24}"
    assert connect(first.url).patch(path, json={"name": "new"}).ok
    first.stop()

    session = connect(serve(state=tmp_path / "aep.db").url)

    assert [session.get(path).json()["f" * 24]["name"] for _ in range(3)] == ["old", "old", "new"]


def test_a_capped_page_holds_less_than_was_asked_for(
    catalog: requests.Session, create: Create, steer: Control
) -> None:
    for name in "abcde":
        create(name)
    steer.switch(page_cap=2)

    assert [names(catalog, limit="4", start=str(start)) for start in (0, 2, 4)] == [
        ["a", "b"],
        ["c", "d"],
        ["e"],
    ]


def test_a_capped_page_of_batches_holds_less_than_was_asked_for(
    catalog: requests.Session, steer: Control
) -> None:
    steer.seed(batches={name: {"status": "success"} for name in ("B1", "B2", "B3")})
    steer.switch(page_cap=2)

    assert list(catalog.get("/batches", params={"limit": 100}).json()) == ["B1", "B2"]


@pytest.mark.parametrize("skew", [-3600, 0, 3600])
def test_the_date_of_replies_is_off_by_the_skew(
    catalog: requests.Session, create: Create, read: Read, steer: Control, skew: int
) -> None:
    before = time.time() - 1
    steer.switch(clock_skew=skew)

    date = parsedate_to_datetime(catalog.get("/dataSets").headers["Date"]).timestamp()

    assert before <= date - skew <= time.time()
    assert before <= read(create())["created"] / 1000 - skew <= time.time(), "the service's own times too"


def test_a_restart_keeps_the_skew(serve: Callable[..., Emulator], tmp_path: Path) -> None:
    first = serve(state=tmp_path / "aep.db")
    Control(first.url).switch(clock_skew=3600)
    first.stop()

    reply = requests.post(f"{serve(state=tmp_path / 'aep.db').url}/ims/token/v3", timeout=30)

    assert parsedate_to_datetime(reply.headers["Date"]).timestamp() > time.time() + 3000
