"""What is said of other datasets: what an adoption overwrites, twins, and resources of another stack."""

from __future__ import annotations

import pytest

from aep_provider.arguments import PREVIEW
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from aep_provider.errors import Refused
from support.aep import BareAep
from support.local import OWNER, Local, inputs, previewed

ID, OTHER = "5b020a27e7040801dedbf46e", "5b020a27e7040801dedbf46f"
NEW = {"name": "Members", "schema_id": PROFILE_SCHEMA}
ON = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}


def test_an_adoption_says_what_it_overwrites(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, ON, name="Orders")
    local.start(aep.url).create(inputs(dataset_id=ID, name="Members"))
    (said,) = (line for line in local.said if "adopting it overwrites" in line)
    assert "Orders" in said
    assert "Members" in said


def test_an_adoption_that_overwrites_nothing_says_nothing_of_it(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, ON, name="Members")
    local.start(aep.url).create(inputs(dataset_id=ID, name="Members"))
    assert not [line for line in local.said if "overwrites" in line]


@pytest.mark.parametrize(
    ("owner", "name", "twin"),
    [
        (OWNER, "Another", True),
        ("shop/dev/members", "Members", True),
        ("aep/dev/a", "Another", False),
        ("shop/dev/members", "Another", False),
    ],
)
def test_a_twin_has_the_same_owner_or_name(
    local: Local, aep: BareAep, owner: str, name: str, *, twin: bool
) -> None:
    made = local.start(aep.url).create(inputs(**NEW))
    aep.dataset(OTHER, ON | {"pulumiManagedBy": [owner]}, name=name)
    local.start(aep.url).read(made.id, made.outs)
    assert any("has a twin" in line and OTHER in line for line in local.said) is twin


def test_the_owner_of_another_stack_is_not_a_moved_resource(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, {"pulumiManagedBy": ["aep/dev/orders"]})
    news = inputs(dataset_id=ID) | {"owner": "team/people"}
    with pytest.raises(Refused, match="is managed by 'aep/dev/orders'") as caught:
        local.start(aep.url, **{"aep:owner": "team"}).create(news)
    assert "Only one stack can manage a dataset" in caught.value.remedy


@pytest.mark.parametrize(
    ("found", "renamed"), [("aep/dev/orders", True), ("aep/dev/a:b:Group$orders", False)]
)
def test_a_renamed_entry_is_offered_where_the_type_is_the_same(
    local: Local, aep: BareAep, found: str, *, renamed: bool
) -> None:
    aep.dataset(ID, {"pulumiManagedBy": [found]})
    with pytest.raises(Refused) as caught:
        local.start(aep.url).create(inputs(dataset_id=ID) | {"owner": "aep/dev/people"})
    assert ("`renamed_from: orders`" in caught.value.remedy) is renamed


@pytest.mark.parametrize(("preview", "asked"), [(True, True), (False, False)])
def test_the_guards_are_asked_at_check_in_a_preview_only(
    local: Local, aep: BareAep, *, preview: bool, asked: bool
) -> None:
    announced = previewed()
    announced[PREVIEW]["preview"] = preview
    provider = local.start(aep.url)
    assert provider.check({}, inputs(**NEW) | announced).failures == []
    assert bool(aep.requests()) is asked


def test_a_preview_of_invalid_inputs_asks_nothing(local: Local, aep: BareAep) -> None:
    checked = local.start(aep.url).check({}, inputs(**NEW) | {"name": ""} | previewed())
    assert checked.failures
    assert aep.requests() == []


@pytest.mark.parametrize(
    ("declared", "told"),
    [(NEW, "deleted, with its data in the lake and in Profile"), ({"dataset_id": ID}, "released")],
    ids=["created", "adopted"],
)
def test_protection_says_what_a_delete_would_have_done(
    local: Local, aep: BareAep, declared: dict[str, str], told: str
) -> None:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    made = provider.create(inputs(**declared) | {"deletion_protection": True})
    with pytest.raises(Refused, match=f"is protected and would be {told}\n"):
        provider.delete(made.id, made.outs)


@pytest.mark.parametrize(
    ("source", "streams"),
    [("bc7b00d6-623a-4dfc-9fdb-f1240aeadaeb", True), ("32e8f412-cdf7-464c-9885-78184cb113fd", False)],
    ids=["HTTP API", "cloud storage"],
)
def test_a_streaming_source_is_named_whatever_the_flow_and_the_target_say(
    local: Local, aep: BareAep, source: str, *, streams: bool
) -> None:
    aep.dataset(ID, ON)
    aep.seed(
        flows=[{"id": "F1", "name": "Clicks", "sourceConnectionIds": ["S1"], "targetConnectionIds": ["T1"]}],
        sourceConnections=[{"id": "S1", "connectionSpec": {"id": source, "version": "1.0"}}],
        targetConnections=[{"id": "T1", "params": {"dataSetId": ID}}],
    )
    local.start(aep.url).create(inputs(dataset_id=ID, is_upsert=False, allow_profile_gap=True))
    assert (
        any("A streaming dataflow writes into" in line and "Clicks" in line for line in local.said) is streams
    )


def test_a_listing_that_fails_does_not_fail_a_refresh(local: Local, aep: BareAep) -> None:
    provider = local.start(aep.url)
    made = provider.create(inputs(**NEW))
    aep.fault({"status": 403, "body": {}}, times=None, method="GET", path="/dataSets$")
    assert local.start(aep.url).read(str(made.id), made.outs).id == made.id
