"""The time axis of a dataset: what it shows, zoom, keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
import requests
from selenium.webdriver.common.keys import Keys

if TYPE_CHECKING:
    from .conftest import Page

OFF, ON = ["enabled:false"], ["enabled:true"]
DAY = 24 * 60


def test_axis_of_time_shows_on_off_and_upsert_with_the_newest_at_the_right(
    open_page: Callable[[], Page], switched: dict[str, str]
) -> None:
    page = open_page()

    names, lefts, rights = zip(*sorted(page.bands(), key=lambda band: band[1]), strict=True)
    assert names == ("on", "off", "on, upsert")
    assert list(lefts[1:]) == pytest.approx(list(rights[:2]), abs=0.01)
    assert rights[2] == pytest.approx(1, abs=0.01)
    labels = page.texts(".tick")
    assert len(labels) >= 3
    assert all(re.fullmatch(r"[\d:]+", label) for label in labels)
    minutes = [int(hour) * 60 + int(minute) for hour, minute in (label.split(":") for label in labels)]
    steps = {(later - earlier) % DAY for earlier, later in pairwise(minutes)}
    assert len(steps) == 1, labels
    assert steps.pop() <= 60, labels


def test_window_tells_its_length_in_milliseconds(
    open_page: Callable[[], Page], switched: dict[str, str], control: requests.Session
) -> None:
    [dataset] = control.get("/status").json()["datasets"]
    length = dataset["windows"][1]["until"] - dataset["windows"][1]["at"]

    page = open_page()

    told = page.text("[data-window=off]")
    assert told.startswith(f"off {length:,} ms, 1 batch missed Profile")
    assert page.texts(".chart .above") == [f"off {length:,} ms"]


def test_long_window_tells_its_milliseconds_too(
    open_page: Callable[[], Page],
    create: Callable[..., str],
    patch: Callable[..., requests.Response],
    control: requests.Session,
) -> None:
    dataset_id = create(tags={"unifiedProfile": ON})
    patch(dataset_id, ("add", "/tags/unifiedProfile", OFF))
    control.post("/tick", json={"seconds": 3675})
    patch(dataset_id, ("add", "/tags/unifiedProfile", ON))

    told = open_page().text("[data-window=off]")

    assert re.match(r"off 3,67\d,\d{3} ms \(1 h 1 min\)", told)


def test_marks_show_which_batches_reached_profile(
    open_page: Callable[[], Page], switched: dict[str, str], seed: Callable[..., None]
) -> None:
    related = [{"type": "dataSet", "id": switched["dataset"]}]
    seed(batches={name: {"status": name, "relatedObjects": related} for name in ("loading", "failed")})

    page = open_page()

    script = (
        "return [...document.querySelectorAll('.mark')].map((one) => [one.dataset.mark, one.classList[1]])"
    )
    assert dict(page.browser.execute_script(script)) == {
        switched["on"]: "reached",
        switched["off"]: "missed",
        switched["upsert"]: "reached",
        "loading": "open",
        "failed": "neither",
    }
    page.press(".fold-batches summary")
    lines = page.texts("[data-batch]")
    assert any(
        line.startswith(f"{switched['off']} success: not in Profile, and never will be") for line in lines
    )
    assert any(line.startswith(f"{switched['on']} success: 1 row taken into Profile") for line in lines)


def test_newest_windows_are_listed_and_the_others_on_demand(
    open_page: Callable[[], Page], create: Callable[..., str], patch: Callable[..., requests.Response]
) -> None:
    dataset_id = create(tags={"unifiedProfile": ON})
    for values in (OFF, ON, OFF, ON, OFF, ON, OFF):
        patch(dataset_id, ("add", "/tags/unifiedProfile", values))
    page = open_page()
    script = "return [...document.querySelectorAll('.windows li')].map((one) => one.checkVisibility())"
    assert page.browser.execute_script(script) == [True] * 6 + [False] * 2

    page.find(".more").click()

    assert page.browser.execute_script(script) == [True] * 8
    assert not page.find(".more").is_displayed()


def test_zoom_to_a_window_and_back_keeps_the_newest_in_view(
    open_page: Callable[[], Page], switched: dict[str, str]
) -> None:
    page = open_page()
    before = {name: right - left for name, left, right in page.bands()}

    page.press("[data-window=off]")

    after = {name: right - left for name, left, right in page.bands()}
    assert before["off"] < 0.05 < 0.4 < after["off"]
    assert page.find("[data-window=off]").get_attribute("aria-pressed") == "true"
    newest = max(page.bands(".story .segment"), key=lambda band: band[2])
    assert newest[0] == "on, upsert"
    assert newest[2] == pytest.approx(1, abs=0.01)
    page.press("[data-move=End]")
    assert {name: right - left for name, left, right in page.bands()}["off"] < 0.05


def test_keyboard_moves_and_zooms_the_chart(open_page: Callable[[], Page], switched: dict[str, str]) -> None:
    page = open_page()
    chart = page.find(".chart")
    ranges = [page.text(".range")]
    page.press("#live")

    for key in ("+", Keys.ARROW_LEFT, "-", Keys.HOME, Keys.END):
        chart.send_keys(key)
        ranges.append(page.text(".range"))

    assert all(one != other for one, other in pairwise(ranges))
    outline = page.browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert (page.browser.switch_to.active_element, outline) == (chart, "solid")
