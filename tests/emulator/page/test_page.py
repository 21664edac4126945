"""What stands around the chart: facts, requests, filters; and what a name may not do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import requests
from selenium.webdriver.common.by import By

from aep_provider.emulator import Emulator

if TYPE_CHECKING:
    from .conftest import Page

OFF, ON, UPSERT = ["enabled:false"], ["enabled:true"], ["enabled:true", "isUpsert:true"]


def test_request_is_beside_its_dataset_with_time_query_and_body(
    open_page: Callable[[], Page], switched: dict[str, str], catalog: requests.Session
) -> None:
    catalog.get(f"/dataSets/{switched['dataset']}", params={"properties": "name"})
    page = open_page()
    page.press(".fold-requests summary")
    page.browser.execute_script(
        "document.querySelectorAll('article .requests details').forEach((one) => one.open = true)"
    )

    newest, *others = page.texts("article [data-request]")
    assert re.match(r"\d\d:\d\d:\d\d\.\d{3} GET 200 catalog …/catalog/dataSets/", newest)
    assert newest.endswith("Query\nproperties=name")
    assert any("PATCH 200" in text and '"value": [\n      "enabled:false"\n    ]' in text for text in others)
    assert "for Customers" in page.texts("#requests [data-request]")[0]
    script = "return document.querySelectorAll('.line.write').length"
    assert page.browser.execute_script(script) > 0


def test_service_filters_the_requests(open_page: Callable[[], Page], switched: dict[str, str]) -> None:
    page = open_page()

    page.press("#service option[value=import]")
    page.find("#service").send_keys("import")

    page.wait(lambda: all(" import " in text for text in page.texts("#requests [data-request]")))
    assert len(page.texts("#requests [data-request]")) == 9


def test_what_is_unfolded_and_has_the_focus_stays_when_something_happens(
    open_page: Callable[[], Page], switched: dict[str, str], patch: Callable[..., requests.Response]
) -> None:
    page = open_page()
    page.press(".fold-batches summary")
    button = page.find("[data-window=off]")
    button.send_keys("")

    patch(switched["dataset"], ("add", "/tags/unifiedProfile", OFF))

    page.wait(lambda: len(page.texts("[data-window=off]")) == 2)
    assert page.find(".fold-batches").get_attribute("open") is not None
    assert page.browser.switch_to.active_element == button


def test_schema_owner_and_tags_are_told(open_page: Callable[[], Page], create: Callable[..., str]) -> None:
    owner = {"pulumiManagedBy": ["shop/dev/members", "claim:1f0c"]}
    create(tags={"unifiedProfile": UPSERT, "unifiedIdentity": OFF, **owner})

    page = open_page()

    assert (
        page.text(".facts")
        .replace("\n", " ")
        .startswith("Schema Customers Owner shop/dev/members Made by demo-client")
    )
    assert page.texts(".badges li") == ["unifiedProfile: on, upsert", "unifiedIdentity: off"]
    title = page.find("[data-tag=unifiedProfile]").get_attribute("title")
    assert str(title).startswith("enabled:true, isUpsert:true, enabledAt:")


def test_markup_is_text_wherever_it_comes_from(
    open_page: Callable[[], Page],
    create: Callable[..., str],
    seed: Callable[..., None],
    bare: requests.Session,
    fault: Callable[..., str],
) -> None:
    name = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>&amp;"
    dataset_id = create(name, tags={"unifiedProfile": ON, "pulumiManagedBy": [name]})
    related = [{"type": "dataSet", "id": dataset_id}]
    seed(batches={name: {"status": name, "relatedObjects": related}}, sandboxes=[{"name": "<b>q</b>"}])
    fault({"raw_body": name}, path=re.escape(name))
    bare.post(f"/<b>nothing</b>?{name}", data=name.encode(), headers={"x-sandbox-name": "dev"})

    page = open_page()

    assert page.text("article h3") == name
    assert name in page.text(".facts")
    found = page.browser.find_elements(By.CSS_SELECTOR, "main img, main script, #faults img, option b")
    assert (found, page.browser.title) == ([], "AEP emulator")
    assert page.complaints() == []


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
