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
from selenium.webdriver.support.ui import WebDriverWait

from aep_provider.emulator import Emulator

WAIT = 20
OFF, ON, UPSERT = ["enabled:false"], ["enabled:true"], ["enabled:true", "isUpsert:true"]
CONTRASTS = """
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgb = (colour) => {
  canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const light = (colour) => {
  const [r, g, b] = rgb(colour).map((part) => part / 255).map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (node) => {
  for (let at = node; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (rgb(colour)[3] === 255) return colour;
  }
  return "white";
};
const found = {};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || node.closest("noscript, select, script")) continue;
  const pair = [getComputedStyle(node).color, behind(node)].map(light).sort((a, b) => b - a);
  const text = `${node.tagName} ${node.className} ${node.textContent.slice(0, 20)}`;
  found[text] = (pair[0] + 0.05) / (pair[1] + 0.05);
}
return found;
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    """One browser for this module, because its start takes a second; each test has a server of its own."""
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
        script = "return [...document.querySelectorAll(arguments[0])].map((node) => node.innerText)"
        found: list[str] = self.browser.execute_script(script, selector)
        return found

    def text(self, selector: str) -> str:
        [found] = self.texts(selector)
        return found

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


def test_timeline_shows_which_batches_reached_profile(
    open_page: Callable[[], Page],
    create: Callable[..., str],
    patch: Callable[..., requests.Response],
    ingest: Callable[[str], str],
) -> None:
    dataset_id = create("Customers", tags={"unifiedProfile": ON, "unifiedIdentity": ON})
    first = ingest(dataset_id)
    patch(dataset_id, ("add", "/tags/unifiedProfile", OFF))
    second = ingest(dataset_id)
    patch(dataset_id, ("add", "/tags/unifiedProfile", UPSERT))

    page = open_page()

    assert page.texts("article h3") == ["Customers"]
    windows = page.texts(f"[data-dataset='{dataset_id}'] [data-window]")
    assert [text.splitlines()[0] for text in windows] == ["Profile on", "Profile off", "Profile on, upsert"]
    assert windows[2].endswith("to now")
    assert page.text("[data-window='on'] [data-batch]") == f"{first} success: 1 row taken into Profile"
    assert (
        page.text("[data-window='off'] [data-batch]")
        == f"{second} success: not in Profile, and never will be"
    )


def test_two_tags_are_badges(open_page: Callable[[], Page], create: Callable[..., str]) -> None:
    create(tags={"unifiedProfile": UPSERT, "unifiedIdentity": OFF})

    page = open_page()

    assert page.texts(".badges li") == ["unifiedProfile: on, upsert", "unifiedIdentity: off"]
    title = page.browser.find_element(By.CSS_SELECTOR, "[data-tag=unifiedProfile]").get_attribute("title")
    assert str(title).startswith("enabled:true, isUpsert:true, enabledAt:")


def test_markup_in_a_name_is_text(
    open_page: Callable[[], Page], create: Callable[..., str], bare: requests.Session
) -> None:
    name = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>&amp;"
    create(name)
    bare.get("/<b>nothing</b>")

    page = open_page()

    assert page.text("article h3") == name
    assert page.browser.find_elements(By.CSS_SELECTOR, "main img, main script, main b") == []
    assert page.browser.title == "AEP emulator"
    assert page.complaints() == []


def test_last_requests_show_status_and_fault(
    open_page: Callable[[], Page], catalog: requests.Session, fault: Callable[..., str]
) -> None:
    fault_id = fault({"status": 503})
    catalog.get("/dataSets")

    [newest, *_] = open_page().texts("#requests tr")

    assert newest.split("\t")[1:] == [
        "catalog",
        "GET",
        "/data/foundation/catalog/dataSets",
        "503",
        f"hit by {fault_id}",
    ]


def test_page_follows_what_happens(open_page: Callable[[], Page], create: Callable[..., str]) -> None:
    page = open_page()
    assert page.texts("article h3") == []

    create("Late")

    page.wait(lambda: page.texts("article h3") == ["Late"])


def test_sandbox_and_search_select_the_datasets(
    open_page: Callable[[], Page], seed: Callable[..., None], create: Callable[..., str]
) -> None:
    create("Orders")
    create("Members")
    seed(sandbox="prod", datasets={"a" * 24: {"name": "Productive", "updated": 1}})
    page = open_page()

    page.browser.find_element(By.ID, "name").send_keys("memb")
    page.wait(lambda: page.texts("article h3") == ["Members"])

    page.browser.find_element(By.ID, "name").clear()
    page.browser.find_element(By.CSS_SELECTOR, "#sandbox option[value=prod]").click()
    page.wait(lambda: page.texts("article h3") == ["Productive"])


def test_page_says_that_the_emulator_is_gone(open_page: Callable[[], Page], aep: Emulator) -> None:
    page = open_page()

    aep.stop()

    page.wait(lambda: page.text("#state").startswith("The emulator does not answer"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_colour_schemes(
    open_page: Callable[[], Page], create: Callable[..., str], bare: requests.Session, scheme: str
) -> None:
    """4.5 to 1 is what WCAG 2 asks of normal text."""
    for values in (ON, OFF, UPSERT):
        create(tags={"unifiedProfile": values})
    bare.get("/nothing")
    page = open_page()
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    contrasts: dict[str, float] = page.browser.execute_script(CONTRASTS)

    assert len(contrasts) > 20
    assert {text: ratio for text, ratio in contrasts.items() if ratio < 4.5} == {}
    back = page.browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (back == "rgb(255, 255, 255)") is (scheme == "light")


def test_keyboard_and_screen_reader_find_their_way(
    open_page: Callable[[], Page], create: Callable[..., str]
) -> None:
    create("Customers")
    browser = open_page().browser

    controls = browser.find_elements(By.CSS_SELECTOR, "select, input, [tabindex]")
    assert [control.accessible_name for control in controls] == [
        "Sandbox",
        "Name contains",
        "Keep up to date",
        "Customers",
        "Last requests",
    ]
    assert [one.aria_role for one in browser.find_elements(By.CSS_SELECTOR, "main, article, ol, table")] == [
        "main",
        "article",
        "list",
        "table",
    ]
    assert browser.find_element(By.TAG_NAME, "article").accessible_name == "Customers"


def test_narrow_window_scrolls_in_its_parts_only(
    open_page: Callable[[], Page], create: Callable[..., str], patch: Callable[..., requests.Response]
) -> None:
    dataset_id = create("A" * 200, tags={"unifiedProfile": ON})
    for values in (OFF, ON, OFF):
        patch(dataset_id, ("add", "/tags/unifiedProfile", values))
    page = open_page()
    metrics = {"width": 320, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    try:
        script = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
        too_wide = page.browser.execute_script(script)
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    assert too_wide == 0
