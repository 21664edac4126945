"""How many datasets of a class are in Profile, against the number that Adobe names: advice, never a refusal."""

from __future__ import annotations

import pytest

from aep_provider.dataset.observed import Observed
from aep_provider.emulator.seeds import EVENTS_SCHEMA, PROFILE_SCHEMA
from aep_provider.operations.advice import at_limit, in_profile
from support.aep import BareAep, raw_dataset
from support.local import Local, inputs, previewed

ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
NEW = {"name": "Members", "schema_id": PROFILE_SCHEMA}


def fill(aep: BareAep, count: int, schema_id: str = PROFILE_SCHEMA, **fields: object) -> None:
    body = raw_dataset("d", schema_id, ON, **fields)
    aep.seed(datasets={f"{number:024x}": {**body, "name": f"d{number}"} for number in range(count)})


def said(local: Local, aep: BareAep, *names: str, **given: object) -> list[str]:
    """What one process says of these new datasets, of the count."""
    provider = local.start(aep.url)
    for name in names:
        result = provider.check({}, inputs(**{**NEW, **given, "name": name}) | previewed(name=name))
        assert result.failures == []
    return [text for text in local.said if "as the limit" in text]


@pytest.mark.parametrize(("held", "warned"), [(19, 0), (20, 1)])
def test_the_twenty_first_dataset_is_said_at_preview(
    local: Local, aep: BareAep, held: int, warned: int
) -> None:
    fill(aep, held)
    assert len(said(local, aep, "Members")) == warned


def test_what_one_preview_adds_counts_together(local: Local, aep: BareAep) -> None:
    fill(aep, 18)
    (text,) = said(local, aep, "a", "b", "c", "c")[:1]
    assert text.startswith(
        "Sandbox dev has 18 record datasets in Profile, and this run adds 3; Adobe names 20"
    )


def test_classes_are_counted_apart(local: Local, aep: BareAep) -> None:
    fill(aep, 20, EVENTS_SCHEMA, classification={"managedBy": "CUSTOMER", "dataBehavior": "time-series"})
    assert said(local, aep, "Members") == []
    (text,) = said(local, aep, "Events", schema_id=EVENTS_SCHEMA, is_upsert=False)
    assert "has 20 event datasets" in text


def test_datasets_of_adobes_count_as_well(local: Local, aep: BareAep) -> None:
    fill(aep, 20, classification={"managedBy": "SYSTEM", "dataBehavior": "record"})
    assert len(said(local, aep, "Members")) == 1


def test_a_dataset_without_profile_does_not_count() -> None:
    body = {"name": "d", "schemaRef": {"id": PROFILE_SCHEMA}, "tags": {"unifiedProfile": ["enabled:false"]}}
    assert in_profile([Observed.read("5b02", body)]) == {"record": 0, "event": 0}


@pytest.mark.parametrize(
    ("count", "joining", "told"), [(19, 0, False), (20, 0, True), (20, 1, True), (19, 1, False)]
)
def test_a_full_sandbox_is_told_and_a_change_when_it_passes(count: int, joining: int, *, told: bool) -> None:
    assert bool(at_limit("dev", "record", count, joining)) is told
