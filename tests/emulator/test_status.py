"""What the status page gets: datasets with the times of Profile on and off, batches, the last requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from aep_provider.emulator import status
from aep_provider.emulator.seeds import PROFILE_SCHEMA

OFF, ON, UPSERT = ["enabled:false"], ["enabled:true"], ["enabled:true", "isUpsert:true"]
Overview = Callable[..., "dict[str, Any]"]
Promote = Callable[..., None]


@pytest.fixture
def overview(control: requests.Session) -> Overview:
    def get(**query: str) -> dict[str, Any]:
        reply = control.get("/status", params=query)
        assert reply.status_code == 200, reply.text
        body: dict[str, Any] = reply.json()
        return body

    return get


@pytest.fixture
def promote(control: requests.Session, seed: Callable[..., None]) -> Promote:
    """Make a batch and bring it to an end."""

    def end(batch: str, *datasets: str, status: str = "success") -> None:
        related = [{"type": "dataSet", "id": key} for key in datasets]
        seed(batches={batch: {"status": "loading", "relatedObjects": related}})
        assert control.patch(f"/batches/{batch}", json={"status": status}).ok

    return end


def windows(overview: dict[str, Any], dataset_id: str) -> list[tuple[bool, bool, list[str]]]:
    """Return of each window: whether Profile was on, whether with upsert, and the batches."""
    [dataset] = [one for one in overview["datasets"] if one["id"] == dataset_id]
    return [
        (span["enabled"], span["upsert"], [batch["id"] for batch in span["batches"]])
        for span in dataset["windows"]
    ]


def test_batches_are_in_the_window_in_which_they_were_promoted(
    create: Callable[..., str],
    patch: Callable[..., requests.Response],
    promote: Promote,
    overview: Overview,
) -> None:
    dataset_id = create()
    for number, values in enumerate((ON, OFF, UPSERT)):
        patch(dataset_id, ("add", "/tags/unifiedProfile", values))
        promote(f"B{number}", dataset_id)

    assert windows(overview(), dataset_id) == [
        (False, False, []),
        (True, False, ["B0"]),
        (False, False, ["B1"]),
        (True, True, ["B2"]),
    ]


def test_windows_join_without_a_gap_and_the_last_is_open(
    create: Callable[..., str], patch: Callable[..., requests.Response], overview: Overview
) -> None:
    dataset_id = create(tags={"unifiedProfile": ON})
    patch(dataset_id, ("add", "/description", "no change of Profile"))
    patch(dataset_id, ("add", "/tags/unifiedProfile", OFF))

    first, second = overview()["datasets"][0]["windows"]
    assert (first["until"], second["until"]) == (second["at"], None)


def test_batch_into_two_datasets_is_judged_for_each(
    create: Callable[..., str], promote: Promote, overview: Overview
) -> None:
    on, off = create("on", tags={"unifiedProfile": ON}), create("off")
    promote("B", on, off)

    told = {
        one["id"]: one["windows"][0]["batches"][0]["reached"]["enabled"] for one in overview()["datasets"]
    }
    assert told == {on: True, off: False}


def test_batch_on_its_way_is_in_the_open_window_and_not_judged(
    create: Callable[..., str],
    patch: Callable[..., requests.Response],
    seed: Callable[..., None],
    overview: Overview,
) -> None:
    dataset_id = create(tags={"unifiedProfile": ON})
    related = [{"type": "dataSet", "id": dataset_id}]
    seed(batches={"B": {"status": "loading", "relatedObjects": related}})
    patch(dataset_id, ("add", "/tags/unifiedProfile", OFF))

    [on, off] = overview()["datasets"][0]["windows"]
    [batch] = off["batches"]
    assert on["batches"] == []
    assert (batch["id"], batch["status"], batch["reached"], batch["ended"]) == ("B", "loading", None, None)


def test_batch_that_ended_without_promotion_is_where_its_end_falls(
    seed: Callable[..., None],
    create: Callable[..., str],
    control: requests.Session,
    patch: Callable[..., requests.Response],
    promote: Promote,
    overview: Overview,
) -> None:
    dataset_id = create(tags={"unifiedProfile": ON})
    promote("FAILED", dataset_id, status="failed")
    control.post("/tick", json={"seconds": 60})
    patch(dataset_id, ("add", "/tags/unifiedProfile", OFF))

    assert windows(overview(), dataset_id) == [(True, False, ["FAILED"]), (False, False, [])]


def test_dataset_seeded_anew_has_another_window(
    seed: Callable[..., None], patch: Callable[..., requests.Response], overview: Overview
) -> None:
    key = "a" * 24
    for values in (ON, OFF, OFF):
        seed(datasets={key: {"name": "Mine", "tags": {"unifiedProfile": values}}})

    assert [on for on, _, _ in windows(overview(), key)] == [True, False]


def test_tags_are_told_as_they_are_and_as_they_count(create: Callable[..., str], overview: Overview) -> None:
    create(tags={"unifiedProfile": ["enabled: true"], "unifiedIdentity": OFF})

    [dataset] = overview()["datasets"]
    assert dataset["tags"]["unifiedProfile"][0] == "enabled: true"
    assert dataset["tags"]["unifiedIdentity"] == OFF
    assert dataset["on"] == {"unifiedProfile": True, "unifiedIdentity": False}


def test_the_hundred_datasets_that_changed_last_are_shown(
    seed: Callable[..., None], patch: Callable[..., requests.Response], overview: Overview
) -> None:
    ids = [f"{number:024x}" for number in range(101)]
    seed(datasets={key: {"name": key, "updated": 1000, "schemaRef": {"id": PROFILE_SCHEMA}} for key in ids})
    patch(ids[50], ("add", "/description", "x"))

    told = overview()

    assert (told["total"], len(told["datasets"])) == (101, 100)
    assert told["datasets"][0]["id"] == ids[50]


def test_search_by_part_of_the_name_or_by_id(create: Callable[..., str], overview: Overview) -> None:
    first, second = create("Loyalty members"), create("Orders")

    assert [one["id"] for one in overview(name="LOYAL")["datasets"]] == [first]
    assert [one["id"] for one in overview(name=second)["datasets"]] == [second]


def test_last_requests_come_newest_first_with_their_marks(
    platform: requests.Session, fault: Callable[..., str], overview: Overview
) -> None:
    fault_id = fault({"status": 503})
    platform.get("/data/foundation/catalog/dataSets")
    platform.get("/data/foundation/catalog/dataSets", params={"nonsense": "1"})

    newest, before, *_ = overview()["requests"]
    assert (newest["status"], newest["unknown"]) == (400, ["query:nonsense"])
    assert (before["status"], before["fault"]) == (503, fault_id)
    assert newest["seq"] == before["seq"] + 1


def test_sandbox_is_the_one_asked_for_else_the_one_that_changed_last(
    create: Callable[..., str], overview: Overview
) -> None:
    create()

    assert (overview()["sandbox"], overview()["total"]) == ("dev", 1)
    assert (overview(sandbox="prod")["sandbox"], overview(sandbox="prod")["total"]) == ("prod", 0)


def test_unknown_sandbox(control: requests.Session) -> None:
    reply = control.get("/status", params={"sandbox": "none"})

    assert (reply.status_code, reply.json()) == (404, {"error": "no sandbox none"})


FILES = ["", "/", *(f"/{name}" for name in status._FILES)]


def test_only_off_after_on_is_a_gap(
    create: Callable[..., str], patch: Callable[..., requests.Response], overview: Overview
) -> None:
    dataset_id = create()
    for values in (UPSERT, OFF):
        patch(dataset_id, ("add", "/tags/unifiedProfile", values))

    assert [span["gap"] for span in overview()["datasets"][0]["windows"]] == [False, False, True]


def test_owner_and_title_of_the_schema_are_told(create: Callable[..., str], overview: Overview) -> None:
    create(tags={"pulumiManagedBy": ["claim:1f0c", "shop/dev/members"]})

    [dataset] = overview()["datasets"]
    assert (dataset["owner"], dataset["schema"]) == ("shop/dev/members", "Customers")


def test_unknown_schema_is_told_by_its_id(seed: Callable[..., None], overview: Overview) -> None:
    seed(datasets={"a" * 24: {"name": "Mine", "schemaRef": {"id": "https://ns.adobe.com/none"}}})

    [dataset] = overview()["datasets"]
    assert (dataset["owner"], dataset["schema"]) == (None, "https://ns.adobe.com/none")


def test_end_of_a_batch_is_the_moment_of_its_promotion(
    create: Callable[..., str], promote: Promote, overview: Overview, control: requests.Session
) -> None:
    dataset_id = create(tags={"unifiedProfile": ON})
    promote("B", dataset_id)
    control.post("/tick", json={"seconds": 3600})

    told = overview()
    [batch] = told["datasets"][0]["windows"][0]["batches"]
    assert 3_600_000 <= told["now"] - batch["ended"] < 3_700_000


def test_person_who_asks_for_the_root_is_led_to_the_page(bare: requests.Session) -> None:
    reply = bare.get("/")

    assert [one.status_code for one in reply.history] == [307]
    assert "<title>AEP emulator</title>" in reply.text


@pytest.mark.parametrize("path", FILES)
def test_page_lets_the_browser_run_nothing_but_its_own_files(control: requests.Session, path: str) -> None:
    reply = control.get(path)

    assert reply.status_code == 200
    policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_page_needs_nothing_from_elsewhere(control: requests.Session) -> None:
    text = "".join(control.get(path).text for path in FILES)

    assert "http://" not in text
    assert "https://" not in text
