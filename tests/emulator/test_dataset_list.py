"""Listing datasets: pages, order, projection and Catalog's filters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from aep_provider.emulator.seeds import EVENTS_SCHEMA, PROFILE_SCHEMA

NAMES = {"Alpha", "Beta", "Gamma", "Gamma ray", "x*y", "xay"}


@pytest.fixture
def many(seed: Callable[..., None]) -> int:
    """205 datasets, oldest first."""
    schema = {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json;version=1"}
    seed(datasets={f"{n:024x}": {"name": f"n{n:03}", "schemaRef": schema} for n in range(205)})
    return 205


@pytest.fixture
def names(catalog: requests.Session) -> Callable[..., set[str]]:
    """Return the names that a listing with these parameters shows."""

    def listed(**params: Any) -> set[str]:
        reply = catalog.get("/dataSets", params=params)
        assert reply.status_code == 200, reply.text
        return {body["name"] for body in reply.json().values()}

    return listed


@pytest.fixture
def named(create: Callable[..., str]) -> None:
    for name in sorted(NAMES):
        create(name)


@pytest.mark.usefixtures("many")
def test_default_page_is_twenty(catalog: requests.Session) -> None:
    assert len(catalog.get("/dataSets").json()) == 20


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("limit", [1, 100])
def test_limits_of_the_limit(catalog: requests.Session, limit: int) -> None:
    assert len(catalog.get("/dataSets", params={"limit": limit}).json()) == limit


@pytest.mark.parametrize("limit", ["0", "101", "-1", "many"])
def test_limit_out_of_range(catalog: requests.Session, limit: str) -> None:
    reply = catalog.get("/dataSets", params={"limit": limit})

    assert reply.status_code == 400
    assert "Please supply a valid query limit: (1 - 100)" in reply.text


def test_limit_is_twenty_at_most_with_observable_schema(catalog: requests.Session) -> None:
    wanted: dict[str, Any] = {"properties": "observableSchema"}

    assert catalog.get("/dataSets", params={**wanted, "limit": 20}).status_code == 200
    assert catalog.get("/dataSets", params={**wanted, "limit": 21}).status_code == 400


@pytest.mark.usefixtures("many")
def test_start_is_a_zero_based_offset(names: Callable[..., set[str]]) -> None:
    everything: dict[str, Any] = {"limit": 2, "orderBy": "asc:name"}

    assert names(**everything) == names(**everything, start=0) == {"n000", "n001"}
    assert names(**everything, start=1) == {"n001", "n002"}


def test_pages_of_a_hundred_give_each_dataset_once(names: Callable[..., set[str]], many: int) -> None:
    pages = [names(limit=100, start=start) for start in (0, 100, 200)]

    assert [len(page) for page in pages] == [100, 100, 5]
    assert len(set.union(*pages)) == many


def test_past_the_end_is_an_empty_object(catalog: requests.Session, many: int) -> None:
    reply = catalog.get("/dataSets", params={"start": many})

    assert (reply.status_code, reply.json()) == (200, {})


def test_empty_sandbox_is_an_empty_object(catalog: requests.Session) -> None:
    reply = catalog.get("/dataSets")

    assert (reply.status_code, reply.json()) == (200, {})


def test_properties_choose_top_level_fields(catalog: requests.Session, create: Callable[..., str]) -> None:
    dataset_id = create("Alpha")

    reply = catalog.get("/dataSets", params={"properties": "name,version,nothing"})

    assert reply.json() == {dataset_id: {"name": "Alpha", "version": "1.0.0"}}


def test_object_without_the_properties_is_empty(
    catalog: requests.Session, create: Callable[..., str]
) -> None:
    dataset_id = create()

    assert catalog.get("/dataSets", params={"properties": "nothing"}).json() == {dataset_id: {}}


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        ("object", {"name": "Alpha", "description": {}}),
        ("stored", {"name": "Alpha", "description": ""}),
        ("missing_too", {"name": "Alpha", "description": {}, "dataSourceId": {}}),
    ],
)
def test_property_without_a_value_may_be_an_empty_object(
    catalog: requests.Session,
    control: requests.Session,
    create: Callable[..., str],
    setting: str,
    shown: dict[str, Any],
) -> None:
    """The third and the second dataset of the sample in catalog/api/filter-data."""
    dataset_id = create("Alpha", description="")
    control.post("/settings", json={"empty_properties": setting})
    wanted = {"properties": "name,description,dataSourceId"}

    for path in ("/dataSets", f"/dataSets/{dataset_id}"):
        assert catalog.get(path, params=wanted).json() == {dataset_id: shown}
    assert catalog.get(f"/dataSets/{dataset_id}").json()[dataset_id]["description"] == ""


def test_properties_work_on_one_object(catalog: requests.Session, create: Callable[..., str]) -> None:
    dataset_id = create("Alpha")

    reply = catalog.get(f"/dataSets/{dataset_id}", params={"properties": "name"})

    assert reply.json() == {dataset_id: {"name": "Alpha"}}


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize("direction", ["name", "asc:name", "desc:name"])
def test_order(catalog: requests.Session, direction: str) -> None:
    reply = catalog.get("/dataSets", params={"orderBy": direction})

    listed = [body["name"] for body in reply.json().values()]
    assert listed == sorted(NAMES, reverse=direction.startswith("desc"))


def test_order_by_several_fields(catalog: requests.Session, create: Callable[..., str]) -> None:
    for name, text in [("b", "1"), ("a", "1"), ("a", "2")]:
        create(name, description=text)

    reply = catalog.get("/dataSets", params={"orderBy": "name,desc:description"})

    listed = [(body["name"], body["description"]) for body in reply.json().values()]
    assert listed == [("a", "2"), ("a", "1"), ("b", "1")]


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Gamma", {"Gamma"}),
        ("gamma", set()),
        ("Alpha,Beta", {"Alpha", "Beta"}),
        ("!Alpha", NAMES - {"Alpha"}),
        ("!Alpha,Beta", NAMES - {"Alpha", "Beta"}),
        ("Gam*", {"Gamma", "Gamma ray"}),
        ("*a", {"Alpha", "Beta", "Gamma"}),
        ("x*y", {"x*y", "xay"}),
        ("x**y", {"x*y"}),
    ],
)
def test_name_filter(names: Callable[..., set[str]], value: str, expected: set[str]) -> None:
    assert names(name=value) == expected


@pytest.mark.usefixtures("named")
def test_filter_comes_before_the_page(names: Callable[..., set[str]]) -> None:
    assert names(name="Gam*", orderBy="name", limit=1, start=1) == {"Gamma ray"}


@pytest.mark.usefixtures("named")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("name==Alpha", {"Alpha"}),
        ("name~^Gam", {"Gamma", "Gamma ray"}),
        ("description", set()),
        ("!name", set()),
    ],
)
def test_property_expression(names: Callable[..., set[str]], value: str, expected: set[str]) -> None:
    assert names(property=value) == expected


def test_property_expressions_all_have_to_hold(
    catalog: requests.Session, create: Callable[..., str], names: Callable[..., set[str]]
) -> None:
    create("a", description="x")
    create("b", description="x")

    assert names(property=["description==x", "name!=a"]) == {"b"}


def test_schema_filter(create: Callable[..., str], names: Callable[..., set[str]]) -> None:
    create("record")
    create("events", EVENTS_SCHEMA)

    assert names(**{"schemaRef.id": EVENTS_SCHEMA}) == {"events"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("team:red", {"red", "both"}),
        ("team:red,stage:test", {"both"}),
        ("team:r*", {"red", "both"}),
        ("stage:*", {"both"}),
        ("team:green", set()),
        ("ratio:1:2", {"both"}),
    ],
)
def test_tags_filter(
    create: Callable[..., str], names: Callable[..., set[str]], value: str, expected: set[str]
) -> None:
    create("red", tags={"team": ["blue", "red"]})
    create("both", tags={"team": ["red"], "stage": ["test"], "ratio": ["1:2"]})
    create("none")

    assert names(tags=value) == expected
