"""One table of arguments: an entry is enough, and a property that nobody asks for is missed."""

from __future__ import annotations

import inspect
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from aep_provider import UpsertDataset, arguments
from aep_provider.arguments import ARGUMENTS, Argument, Kind, validated
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed, properties
from aep_provider.dataset.plan import creation_body, differences, plan
from aep_provider.operations.record import Record, differs, outputs, refreshed
from aep_provider.validators import filled, string

ID = "5b020a27e7040801dedbf46e"
ROOT = Path(__file__).resolve().parents[2]
GIVEN = {"name": "Orders", "schema_id": "https://ns.adobe.com/acme/schemas/1", "owner": "p/dev/orders"}
LOCATION = {"sandbox": "dev", "org_id": "A@AdobeOrg", "endpoint": "https://platform.adobe.io"}
ON = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
WHOLE = {
    "name": "Orders",
    "description": "of the shop",
    "schemaRef": {"id": GIVEN["schema_id"], "contentType": "application/vnd.adobe.xed+json;version=1"},
    "tags": ON,
    "created": 1_764_000_000_000,
    "createdClient": "demo-client",
    "classification": {"managedBy": "CUSTOMER", "dataBehavior": "record"},
    "version": "1.0.0",
}


def seen(**changes: Any) -> Observed:
    return Observed.read(ID, {**WHOLE, **changes})


@pytest.fixture
def colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument that only this test knows, as an entry of the table."""
    entry = Argument("colour", "str", "its colour.", string(filled), Kind.MANAGED, path="labels.colour")
    monkeypatch.setattr(arguments, "ARGUMENTS", (*ARGUMENTS, entry))


@pytest.mark.usefixtures("colour")
class TestANewEntryTravelsEverywhere:
    def test_check_takes_and_validates_it(self) -> None:
        normal, problems = validated({**GIVEN, "colour": "red"})
        assert (normal["colour"], problems) == ("red", [])
        assert validated({**GIVEN, "colour": ""})[1][0].property == "colour"

    def test_the_post_sends_it(self) -> None:
        desired = Desired.of(validated({**GIVEN, "colour": "red"})[0], own_tags=True)
        assert creation_body(desired)["labels"] == {"colour": "red"}

    def test_an_edit_is_planned_for_it(self) -> None:
        desired = Desired.of(validated({**GIVEN, "colour": "red"})[0], own_tags=False)
        edit = plan(seen(labels={"colour": "blue"}), desired, "").edit
        assert edit == ({"op": "add", "path": "/labels/colour", "value": "red"},)

    def test_a_difference_names_it(self) -> None:
        desired = Desired.of(validated({**GIVEN, "colour": "red"})[0], own_tags=False)
        assert differences(seen(labels={"colour": "blue"}), desired) == ["colour is 'blue', not 'red'"]

    def test_outputs_hold_it(self) -> None:
        given, _ = validated({**GIVEN, "colour": "red"})
        found = outputs(given, seen(labels={"colour": "red"}), LOCATION, adopted=False, claim="", gaps=())
        assert (found["colour"], "colour" in found["managed"]) == ("red", True)

    def test_a_refresh_shows_its_drift(self) -> None:
        given, _ = validated({**GIVEN, "colour": "red"})
        recorded = outputs(given, seen(labels={"colour": "red"}), LOCATION, adopted=False, claim="", gaps=())
        found, inputs = refreshed(Record(recorded), seen(labels={"colour": "blue"}), LOCATION, ())
        assert (found["colour"], inputs["colour"]) == ("blue", "blue")
        assert differs("colour", found, given)

    def test_listings_ask_for_it(self) -> None:
        assert "labels" in properties()

    def test_the_reference_page_describes_it(self) -> None:
        tool = runpy.run_path(str(ROOT / "tools/reference.py"))
        assert "| `colour` | str | its colour. |" in tool["argument_table"]()


@pytest.mark.parametrize("left_out", properties())
def test_a_property_left_out_of_a_listing_is_noticed(left_out: str) -> None:
    listed = {key: WHOLE[key] for key in properties()}
    assert Observed.read(ID, listed) == seen()
    del listed[left_out]
    assert Observed.read(ID, listed) != seen()


@pytest.mark.parametrize("argument", ARGUMENTS, ids=[one.name for one in ARGUMENTS])
def test_the_constructor_says_what_the_table_says(argument: Argument) -> None:
    assert argument.name in inspect.signature(UpsertDataset.__init__).parameters
    text = re.sub(r"\s+", " ", inspect.getdoc(UpsertDataset.__init__) or "").replace("``", "`")
    assert f"{argument.name}: {argument.description}" in text
