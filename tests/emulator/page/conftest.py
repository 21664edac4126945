"""The status page in a real browser: Debian's Chromium without a screen."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from aep_provider.emulator import Emulator

WAIT = 20
OFF, ON, UPSERT = ["enabled:false"], ["enabled:true"], ["enabled:true", "isUpsert:true"]
TEXTS = """
return [...document.querySelectorAll(arguments[0])].map((node) => node.innerText ?? node.textContent);
"""
BANDS = """
const chart = document.querySelector(".chart").getBoundingClientRect();
return [...document.querySelectorAll(arguments[0])].map((node) => {
  const band = node.querySelector("rect").getBoundingClientRect();
  const part = (at) => (at - chart.left) / chart.width;
  return [node.dataset.segment, part(band.left), part(band.right)];
});
"""
"""Name, left and right end of what a selector finds, as parts of the chart's width."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chrome]:
    """One browser for all tests, because its start takes a second; each test has a server of its own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next((path for name in names if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("no Chromium with its driver: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = browser
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in ("--headless=new", "--disable-dev-shm-usage", "--no-proxy-server"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        # Chromium refuses to isolate its processes for root, and containers have no other user.
        options.add_argument("--no-sandbox")
    with Chrome(options=options, service=Service(driver)) as made:
        yield made


class Page:
    """The page as a person sees it."""

    def __init__(self, browser: Chrome, url: str) -> None:
        self.browser = browser
        browser.get("about:blank")
        browser.get_log("browser")  # type: ignore[no-untyped-call]
        browser.set_window_size(1280, 1000)
        browser.get(f"{url}/_emulator/")
        self.wait(lambda: "datasets in" in self.text("#state"))

    def wait(self, condition: Callable[[], object]) -> None:
        WebDriverWait(self.browser, WAIT, poll_frequency=0.05).until(lambda _: condition())

    def texts(self, selector: str) -> list[str]:
        """Return the visible texts, read at one moment: the page may draw itself anew at any time."""
        found: list[str] = self.browser.execute_script(TEXTS, selector)
        return found

    def text(self, selector: str) -> str:
        [found] = self.texts(selector)
        return found

    def find(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def press(self, selector: str) -> None:
        """Click, whatever is drawn anew meanwhile."""
        self.browser.execute_script("document.querySelector(arguments[0]).click()", selector)

    def bands(self, selector: str = ".chart .segment:not(.story *)") -> list[tuple[str, float, float]]:
        found = self.browser.execute_script(BANDS, selector)
        return [(name, left, right) for name, left, right in found]

    def confirm(self, order: str) -> None:
        self.press(f"[data-order={order}]")
        self.find("#ask-yes").click()
        self.wait(lambda: not self.find("#ask").is_displayed())

    def complaints(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.browser.get_log("browser")  # type: ignore[no-untyped-call]
        return found


@pytest.fixture
def open_page(chromium: Chrome, aep: Emulator) -> Callable[[], Page]:
    return lambda: Page(chromium, aep.url)


@pytest.fixture
def ingest(
    aep: Emulator, connect: Callable[..., requests.Session], control: requests.Session
) -> Callable[[str], str]:
    """Ingest one row over HTTP, have its batch promoted, and return the batch's id."""
    session = connect(aep.url, "/data/foundation/import")

    def post(dataset_id: str) -> str:
        order = {"datasetId": dataset_id, "inputFormat": {"format": "json"}}
        batch = str(session.post("/batches", json=order).json()["id"])
        path = f"/batches/{batch}/datasets/{dataset_id}/files/rows.json"
        row = json.dumps({"personalEmail": {"address": "ann@example.com"}})
        session.put(path, data=row, headers={"Content-Type": "application/octet-stream"})
        session.post(f"/batches/{batch}", params={"action": "COMPLETE"})
        control.post("/tick", json={"batches": True})
        return batch

    return post


@pytest.fixture
def switched(
    create: Callable[..., str],
    patch: Callable[..., requests.Response],
    ingest: Callable[[str], str],
    control: requests.Session,
) -> dict[str, str]:
    """A dataset that went on, off and to upsert, with a batch in each: its id, and the ids of the batches."""
    made = {"dataset": create("Customers", tags={"unifiedProfile": ON, "unifiedIdentity": ON})}
    for name, values in (("on", None), ("off", OFF), ("upsert", UPSERT)):
        if values:
            control.post("/tick", json={"seconds": 2})
            patch(made["dataset"], ("add", "/tags/unifiedProfile", values))
        made[name] = ingest(made["dataset"])
    control.post("/tick", json={"seconds": 600})
    return made
