"""Buttons that give orders: nothing is sent before it is confirmed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import requests
from selenium.webdriver.common.keys import Keys

if TYPE_CHECKING:
    from .conftest import Page


def test_order_that_is_not_confirmed_is_not_sent(
    open_page: Callable[[], Page], create: Callable[..., str], control: requests.Session
) -> None:
    create("Orders")
    page = open_page()

    for order in ("tick", "fault", "seed", "reset"):
        page.press(f"[data-order={order}]")
        assert page.find("#ask").is_displayed()
        page.find("#ask-no").click()
        page.press(f"[data-order={order}]")
        page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
        page.wait(lambda: not page.find("#ask").is_displayed())

    assert control.get("/status").json()["total"] == 1
    assert control.get("/faults").json() == {"faults": []}


def test_reset_seed_and_tick_are_sent_when_confirmed(
    open_page: Callable[[], Page], control: requests.Session
) -> None:
    page = open_page()

    page.press("[data-order=reset]")
    page.find("#reset-seed").send_keys("demo")
    page.find("#ask-yes").click()
    page.wait(lambda: "Orders" in page.texts("article h3"))
    page.confirm("seed")
    page.wait(lambda: "Batches: 2" in page.texts(".fold-batches summary"))
    page.confirm("tick")

    [dataset] = [one for one in control.get("/status").json()["datasets"] if one["name"] == "Orders"]
    [window] = dataset["windows"]
    assert [batch["status"] for batch in window["batches"]] == ["success", "success"]
    assert window["batches"][1]["reached"]["enabled"]


def test_fault_is_ordered_shown_and_cleared(open_page: Callable[[], Page], catalog: requests.Session) -> None:
    page = open_page()

    page.confirm("fault")
    page.wait(lambda: len(page.texts("#faults li")) == 1)
    assert catalog.get("/dataSets").status_code == 503
    page.wait(lambda: "hit 1" in page.text("#faults li"))
    assert "hit by " in page.texts("#requests [data-request]")[0]

    page.press("#faults button")
    page.find("#ask-yes").click()
    page.wait(lambda: page.texts("#faults li") == [])


def test_refused_order_says_why_and_stays_open(open_page: Callable[[], Page]) -> None:
    page = open_page()
    page.press("[data-order=fault]")
    page.find("#fault-path").send_keys("(")

    page.find("#ask-yes").click()

    page.wait(lambda: "match.path" in page.text("#ask-error"))
    assert page.find("#ask").is_displayed()
