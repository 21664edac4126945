"""Colours, names and roles, widths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.by import By

if TYPE_CHECKING:
    from .conftest import Page

ON = ["enabled:true"]
CONTRASTS = (Path(__file__).parent / "contrasts.js").read_text(encoding="utf-8")
FITTED = """
const charts = [...document.querySelectorAll(".chart")];
return charts.every((one) => one.firstChild.clientWidth === one.clientWidth);
"""
TOO_WIDE = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_signs_stand_out_in_both_colour_schemes(
    open_page: Callable[[], Page], switched: dict[str, str], create: Callable[..., str], scheme: str
) -> None:
    """4.5 to 1 is what WCAG 2 asks of normal text, 3 to 1 of signs."""
    create("never on")
    page = open_page()
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    contrasts: dict[str, dict[str, float]] = page.browser.execute_script(CONTRASTS)

    assert min(len(contrasts["texts"]) / 40, len(contrasts["signs"]) / 7) > 1
    assert {text: ratio for text, ratio in contrasts["texts"].items() if ratio < 4.5} == {}
    assert {sign: ratio for sign, ratio in contrasts["signs"].items() if ratio < 3} == {}
    back = page.browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (back == "rgb(244, 246, 248)") is (scheme == "light")


def test_every_control_has_a_name_and_every_part_a_role(
    open_page: Callable[[], Page], switched: dict[str, str]
) -> None:
    browser = open_page().browser

    controls = browser.find_elements(By.CSS_SELECTOR, "select, input, [tabindex], button, summary")
    names = [control.accessible_name for control in controls if control.is_displayed()]
    assert all(names)
    assert {"Sandbox", "Service", "Name contains", "Keep up to date", "Reset…", "Zoom in"} <= set(names)
    assert [name for name in names if name.startswith("Time axis of Customers:")]
    [article] = browser.find_elements(By.TAG_NAME, "article")
    image = article.find_element(By.CSS_SELECTOR, ".chart svg")
    assert (article.accessible_name, image.aria_role) == ("Customers", "image")
    assert image.accessible_name.startswith("Profile was on 2,")


@pytest.mark.parametrize("width", [320, 390, 1000, 1600])
def test_window_of_any_width_scrolls_downwards_only(
    open_page: Callable[[], Page], switched: dict[str, str], create: Callable[..., str], width: int
) -> None:
    create("A" * 200, tags={"unifiedProfile": ON, "pulumiManagedBy": ["b" * 200]})
    page = open_page()
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    try:
        page.wait(lambda: page.browser.execute_script(FITTED))
        page.browser.execute_script("document.querySelectorAll('details').forEach((one) => one.open = true)")
        too_wide = page.browser.execute_script(TOO_WIDE)
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    assert too_wide == 0
