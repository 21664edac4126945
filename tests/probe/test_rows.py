"""A row for a schema that is not known: where the identity goes, and which fields take any text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

import pytest

from aep_provider.probe.belief import NotAsked
from aep_provider.probe.raw import Raw, Reply
from aep_provider.probe.rows import Shape, shape_of

SCHEMA = "https://ns.adobe.com/oddtenant/schemas/1"
TEXT = {"type": "string"}


class Registry:
    """Answers for the Registry."""

    def __init__(self, descriptors: Any, properties: Any, *, status: int = 200) -> None:
        self._descriptors, self._properties, self._status = descriptors, properties, status

    def send(self, _method: str, path: str, **_: Any) -> Reply:
        """A listing of descriptors, or the schema."""
        body = self._descriptors if path.endswith("/descriptors") else {"properties": self._properties}
        return Reply(self._status, {}, json.dumps(body).encode())


def identity(path: str, *, primary: bool = True, schema: str = SCHEMA) -> dict[str, Any]:
    return {
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceSchema": schema,
        "xdm:sourceProperty": path,
        "xdm:namespace": "CRMID",
        "xdm:isPrimary": primary,
    }


@pytest.fixture
def shape() -> Callable[..., Shape]:
    def of(properties: Any, *descriptors: Any, namespace: str = "", **more: Any) -> Shape:
        listing = {"xdm:descriptorIdentity": list(descriptors), "xdm:descriptorLabel": [{"@type": "x"}]}
        return shape_of(cast(Raw, Registry(listing, properties, **more)), SCHEMA, namespace)

    return of


def nested(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def test_the_value_goes_where_the_primary_identity_is(shape: Callable[..., Shape]) -> None:
    made = shape(
        {"_odd": nested(id=TEXT, a=TEXT, b=TEXT)}, identity("/_odd/id"), identity("/_odd/b", primary=False)
    )
    assert made.texts == (("_odd", "a"),)
    assert made.row("7", "x") == {"_odd": {"id": "7", "a": "x"}}
    assert made.row("7", None) == {"_odd": {"id": "7"}}
    assert made.text({"_odd": {"a": "x"}}, 0) == "x"
    assert made.text({"_odd": {"a": 1}}, 0) is None
    assert made.text({"_odd": 3}, 0) is None


def test_adobes_name_fields_come_before_the_tenants_and_those_before_others(
    shape: Callable[..., Shape],
) -> None:
    known = {"person": nested(name=nested(firstName=TEXT, lastName=TEXT)), "id": TEXT, "aa": TEXT}
    assert shape(known, identity("/id")).texts == (
        ("person", "name", "firstName"),
        ("person", "name", "lastName"),
    )
    assert shape({"id": TEXT, "aa": TEXT, "_odd": nested(z=TEXT)}, identity("/id")).texts == (
        ("_odd", "z"),
        ("aa",),
    )


@pytest.mark.parametrize(
    "said",
    [
        {"type": "integer"},
        {"type": "array", "items": TEXT},
        {**TEXT, "enum": ["a"]},
        {**TEXT, "meta:enum": {"a": "A"}},
        {**TEXT, "format": "date-time"},
        {**TEXT, "pattern": "^x"},
        {**TEXT, "maxLength": 2},
        "nonsense",
        None,
    ],
)
def test_a_field_that_does_not_take_any_text_is_left_alone(shape: Callable[..., Shape], said: Any) -> None:
    assert shape({"id": TEXT, "field": said}, identity("/id")).texts == ()


@pytest.mark.parametrize("name", ["identityMap", "_id", "personID", "createdByBatchID"])
def test_a_field_that_adobe_fills_is_left_alone(shape: Callable[..., Shape], name: str) -> None:
    assert shape({"id": TEXT, name: TEXT}, identity("/id")).texts == ()


@pytest.mark.parametrize(
    ("descriptors", "namespace", "why"),
    [
        ([], "", "no primary identity"),
        ([identity("/id", primary=False)], "", "no primary identity"),
        ([identity("/id", schema="https://ns.adobe.com/other")], "", "no primary identity"),
        ([identity("")], "", "is in a list"),
        ([identity("/ids[*]/id")], "", "is in a list"),
        ([identity("/number")], "", "is not a text"),
        ([identity("/id")], "Email", "another namespace than --namespace names"),
    ],
)
def test_what_no_row_can_be_made_for_is_refused(
    shape: Callable[..., Shape], descriptors: list[Any], namespace: str, why: str
) -> None:
    with pytest.raises(NotAsked, match=why):
        shape({"id": TEXT, "number": {"type": "integer"}}, *descriptors, namespace=namespace)


def test_the_namespace_may_be_written_in_any_case(shape: Callable[..., Shape]) -> None:
    assert shape({"id": TEXT}, identity("/id"), namespace="crmid").namespace == "CRMID"


def test_a_registry_that_refuses_is_the_reason(shape: Callable[..., Shape]) -> None:
    with pytest.raises(NotAsked, match="could not be read: 403"):
        shape({}, identity("/id"), status=403)


@pytest.mark.parametrize("listing", [[], {"a": 1}, {"xdm:descriptorIdentity": [1, None]}, "x"])
def test_a_listing_that_is_nonsense_holds_no_identity(listing: Any) -> None:
    with pytest.raises(NotAsked, match="no primary identity"):
        shape_of(cast(Raw, Registry(listing, {})), SCHEMA, "")
