"""A listing of one tag is looked through once, however many resources look for theirs among it."""

from __future__ import annotations

from typing import Any

import pytest

from aep_provider.dataset.carriers import Carriers
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import Ownership


def dataset(
    number: int, *, owner: str = "", name: str = "", events: bool = False, on: bool = False
) -> Observed:
    """One as Catalog shows it."""
    tags: dict[str, Any] = {"pulumiManagedBy": [owner]} if owner else {}
    tags["unifiedProfile"] = [f"enabled:{str(on).lower()}"]
    behaviour = "time-series" if events else "record"
    body = {"name": name, "schemaRef": {}, "tags": tags, "classification": {"dataBehavior": behaviour}}
    return Observed.read(f"{number:024x}", body)


def test_datasets_are_found_by_owner_and_by_name() -> None:
    one, twin, other = (
        dataset(1, owner="a/b/orders", name="Orders"),
        dataset(2, owner="a/b/orders", name="Other"),
        dataset(3, owner="a/b/returns", name="Orders"),
    )
    listed = Carriers([one, twin, other])
    assert listed.by_owner == {"a/b/orders": [one, twin], "a/b/returns": [other]}
    assert listed.by_name == {"Orders": [one, other], "Other": [twin]}


def test_those_in_profile_are_counted_by_what_they_hold() -> None:
    listed = Carriers(
        [dataset(1, on=True), dataset(2, on=True, events=True), dataset(3), dataset(4, on=True)]
    )
    assert listed.in_profile == {False: 2, True: 1}


def test_many_look_ups_read_each_owner_once(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = Carriers(dataset(number, owner=f"a/b/d{number}") for number in range(100))
    read, ask = [], Ownership.read

    def counted(tags: Any) -> Ownership:
        read.append(tags)
        return ask(tags)

    monkeypatch.setattr(Ownership, "read", counted)
    for number in range(100):
        assert len(listed.by_owner[f"a/b/d{number}"]) == 1
    assert len(read) == 100
