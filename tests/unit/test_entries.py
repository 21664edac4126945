"""What a stack declares as data: one list, or one file and what the stack says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aep_provider.entries import Entry, file_of, merged, read
from aep_provider.errors import InvalidInput

SHARED: list[dict[str, Any]] = [
    {"resource": "orders", "dataset": "Orders", "is_upsert": True, "tags": {"team": ["crm"]}},
    {"resource": "members", "name": "Members", "schema": "Customers"},
]


def test_the_stack_wins_key_by_key() -> None:
    own = [{"resource": "orders", "is_upsert": False, "tags": {"team": ["shop"]}}]
    orders, members = merged(SHARED, own)
    assert orders.given == {**SHARED[0], "is_upsert": False, "tags": {"team": ["shop"]}}
    assert (orders.shared, orders.changed) == (True, ("is_upsert", "tags"))
    assert members == Entry(SHARED[1])


def test_null_takes_a_shared_key_away() -> None:
    (orders, _) = merged(SHARED, [{"resource": "orders", "dataset": None, "dataset_id": "5b02"}])
    assert orders.given == {
        "resource": "orders",
        "is_upsert": True,
        "tags": {"team": ["crm"]},
        "dataset_id": "5b02",
    }


def test_what_only_the_stack_has_comes_last() -> None:
    found = merged(SHARED, [{"resource": "mine", "name": "Mine", "description": None}])
    assert found[2] == Entry({"resource": "mine", "name": "Mine"}, shared=False)
    assert [one.given["resource"] for one in found] == ["orders", "members", "mine"]


def test_an_entry_is_known_by_its_name_where_it_has_no_resource() -> None:
    (found,) = merged([{"name": "Members"}], [{"resource": "Members", "is_upsert": False}])
    assert found.given == {"name": "Members", "resource": "Members", "is_upsert": False}


@pytest.mark.parametrize(
    ("own", "text"),
    [
        ([{"is_upsert": True}], "has no `resource`"),
        ([{"resource": "a"}, {"resource": "a"}], "two entries for 'a'"),
    ],
)
def test_overrides_say_whom_they_are_about_once(own: list[dict[str, Any]], text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        merged(SHARED, own)


@pytest.mark.parametrize(
    ("datasets", "path"),
    [
        (None, ""),
        ([], ""),
        ("", ""),
        (' [{"a": 1}]', ""),
        ("nonsense", ""),
        ("data/sets.yaml", "data/sets.yaml"),
        ("d.YML", "d.YML"),
    ],
)
def test_a_text_that_names_a_yaml_file_is_a_path(datasets: object, path: str) -> None:
    assert file_of(datasets) == path


def test_a_file_and_json_text_hold_the_same(tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text("- resource: a  # ours\n  name: A\n")
    assert read("d.yaml", None, tmp_path) == read('[{"resource": "a", "name": "A"}]', "", tmp_path)
    assert read(None, None, tmp_path) == []


def test_an_empty_file_declares_nothing(tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text("# nothing yet\n")
    assert read("d.yaml", None, tmp_path) == []


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "cannot be read in .*: No such file"),
        ("a: [", "is not YAML"),
        ("orders: {}", "d.yaml is not a list of entries"),
        ("- orders", "d.yaml is not a list of entries"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, content: str | None, text: str) -> None:
    if content is not None:
        (tmp_path / "d.yaml").write_text(content)
    with pytest.raises(InvalidInput, match=text):
        read("d.yaml", None, tmp_path)


def test_a_path_of_one_machine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="names /"):
        read(str(tmp_path / "d.yaml"), None, tmp_path)


@pytest.mark.parametrize("value", ["[", "{}", {"a": 1}, 3])
def test_overrides_that_are_no_list_are_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(InvalidInput, match="aep:overrides is not a list of entries"):
        read([], value, tmp_path)
