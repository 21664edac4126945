"""A create makes exactly one dataset, and says what it made where it cannot prove it."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from aep_provider.aep.catalog import Catalog
from aep_provider.aep.reads import PLAIN
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from aep_provider.errors import Conflict, NotConverged, Refused
from aep_provider.operations.create import UNION_TRIES
from support.aep import WAIT, BareAep
from support.local import OWNER, Local, inputs, previewed

ID = "5b020a27e7040801dedbf46e"
NEW = {"name": "Members", "schema_id": PROFILE_SCHEMA}
ON = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
UNION = {
    "status": 400,
    "body": {"title": "BadRequestError", "detail": "To enable profile datasets the schema should be valid"},
}


def left_behind(aep: BareAep, **fields: Any) -> None:
    """What an interrupted create leaves: our owner and a claim, made a minute ago."""
    made = int((datetime.now(timezone.utc) - timedelta(minutes=1)).timestamp() * 1000)
    ours = {"pulumiManagedBy": [OWNER], "pulumiClaim": ["old"]}
    aep.dataset(
        ID, ON | ours, **{"name": "Members", "created": made, "createdClient": "demo-client", **fields}
    )


def test_a_new_dataset_carries_owner_and_claim_in_its_post(local: Local, aep: BareAep) -> None:
    made = local.start(aep.url).create(inputs(**NEW))
    (post,) = aep.writes()
    assert post["body"]["tags"]["pulumiManagedBy"] == [OWNER]
    assert post["body"]["tags"]["pulumiClaim"] == [made.outs["claim"]]


@pytest.mark.parametrize(("guard", "plain"), [("sandbox-management", ""), ("schemaregistry", "1")])
def test_a_look_up_that_a_slow_guard_made_old_is_made_once_more(
    local: Local, aep: BareAep, guard: str, plain: str
) -> None:
    looked, named = threading.Event(), Catalog.named

    def look(catalog: Catalog, name: str) -> Any:
        found = named(catalog, name)
        looked.set()
        return found

    def wait(seconds: float) -> None:
        # An earlier run of this resource, which nobody watches any more, ends meanwhile.
        if seconds >= 30:
            assert looked.wait(WAIT)
            left_behind(aep)

    busy = {"status": 503, "headers": {"Retry-After": "30"}, "body": {"title": "busy"}}
    aep.fault(busy, times=1, method="GET", path=guard)
    local.patch.setattr(Catalog, "named", look)
    local.patch.setenv(PLAIN, plain)
    local.on_wait = wait
    made = local.start(aep.url).create(inputs(**NEW))
    assert (made.id, list(aep.datasets())) == (ID, [ID])


def test_what_was_left_behind_and_came_into_use_while_a_guard_waited_is_not_taken_over(
    local: Local, aep: BareAep
) -> None:
    left_behind(aep)
    claim = ["of another run", "kept"]

    def wait(seconds: float) -> None:
        # Another state of the same names takes it over meanwhile, and writes to it.
        if seconds >= 30:
            aep.someone_else("PATCH", ID, [{"op": "add", "path": "/tags/pulumiClaim", "value": claim}])

    busy = {"status": 503, "headers": {"Retry-After": "30"}, "body": {"title": "busy"}}
    aep.fault(busy, times=1, method="GET", path="schemaregistry")
    local.patch.setenv(PLAIN, "1")
    local.on_wait = wait
    with pytest.raises(Refused, match="is in use: it was changed after its creation"):
        local.start(aep.url).create(inputs(**NEW))
    assert aep.datasets()[ID]["tags"]["pulumiClaim"] == claim


def test_what_was_left_behind_counts_although_a_later_listing_hides_it(local: Local, aep: BareAep) -> None:
    left_behind(aep)

    def wait(seconds: float) -> None:
        if seconds >= 30:
            aep.fault({"status": 200, "body": {}}, times=1, method="GET", path="dataSets$")

    busy = {"status": 503, "headers": {"Retry-After": "30"}, "body": {"title": "busy"}}
    aep.fault(busy, times=1, method="GET", path="schemaregistry")
    local.patch.setenv(PLAIN, "1")
    local.on_wait = wait
    made = local.start(aep.url).create(inputs(**NEW))
    assert (made.id, list(aep.datasets())) == (ID, [ID])


def test_whose_a_dataset_is_says_the_dataset_and_not_a_listing_that_lags(local: Local, aep: BareAep) -> None:
    left_behind(aep)
    local.on_wait = aep.tick
    aep.switch(list_lag_seconds=60)
    aep.someone_else("PATCH", ID, [{"op": "remove", "path": "/tags/pulumiManagedBy"}])
    with pytest.raises(Refused, match=f"already has a dataset named 'Members': {ID}"):
        local.start(aep.url).create(inputs(**NEW))


def test_a_dataset_that_appears_while_a_union_is_waited_for_is_taken_over(local: Local, aep: BareAep) -> None:
    aep.fault(UNION, times=2, method="POST", path="/dataSets")
    local.on_wait = lambda seconds: left_behind(aep) if seconds == UNION_TRIES[1] else None
    made = local.start(aep.url).create(inputs(**NEW))
    assert (made.id, list(aep.datasets())) == (ID, [ID])


def test_two_resources_with_one_name_make_one_dataset_although_the_listing_lags(
    local: Local, aep: BareAep
) -> None:
    local.on_wait = aep.tick
    aep.switch(list_lag_seconds=5)
    provider = local.start(aep.url)
    provider.create(inputs(**NEW))
    with pytest.raises(Refused, match="Another resource of this run creates a dataset named 'Members'"):
        provider.create(inputs(**NEW, owner="aep/dev/returns"))
    assert len(aep.datasets()) == 1


def test_a_take_over_writes_a_new_claim(local: Local, aep: BareAep) -> None:
    left_behind(aep)
    made = local.start(aep.url).create(inputs(**NEW))
    assert made.id == ID
    assert made.outs["claim"] != "old"
    assert aep.datasets()[ID]["tags"]["pulumiClaim"] == [made.outs["claim"]]


def test_the_first_change_after_a_creation_marks_the_dataset_as_kept(local: Local, aep: BareAep) -> None:
    provider = local.start(aep.url)
    made = provider.create(inputs(**NEW))
    provider.update(str(made.id), made.outs, inputs(**NEW, description="of the club"))
    assert aep.datasets()[str(made.id)]["tags"]["pulumiClaim"] == [made.outs["claim"], "kept"]
    with pytest.raises(Refused, match="is in use: it was changed after its creation"):
        local.start(aep.url).create(inputs(**NEW))


def test_a_delete_leaves_what_a_later_create_holds(local: Local, aep: BareAep) -> None:
    provider = local.start(aep.url)
    made = provider.create(inputs(**NEW, deletion_protection=False))
    again = local.start(aep.url).create(inputs(**NEW, deletion_protection=False))
    assert again.id == made.id
    local.start(aep.url).delete(str(made.id), made.outs)
    assert list(aep.datasets()) == [made.id]
    assert any("belongs to a later create" in said for said in local.said)


def test_an_update_refuses_what_a_later_create_holds(local: Local, aep: BareAep) -> None:
    made = local.start(aep.url).create(inputs(**NEW))
    local.start(aep.url).create(inputs(**NEW))
    with pytest.raises(Refused, match="taken over by another run"):
        local.start(aep.url).update(str(made.id), made.outs, inputs(**NEW, description="mine"))


def test_a_twin_of_another_creator_is_named_and_nothing_deleted(local: Local, aep: BareAep) -> None:
    provider, create = local.start(aep.url), Catalog.create

    def racing(catalog: Catalog, body: Any) -> str:
        aep.dataset(ID, ON, name="Members")
        return create(catalog, body)

    local.patch.setattr(Catalog, "create", racing)
    with pytest.raises(NotConverged, match=f"created one of the same name at the same time: {ID}"):
        provider.create(inputs(**NEW))
    assert len(aep.datasets()) == 2


def test_a_union_that_is_not_known_yet_is_waited_for(local: Local, aep: BareAep) -> None:
    refused = aep.fault(UNION, times=5, method="POST", path="/dataSets")
    made = local.start(aep.url).create(inputs(**NEW))
    assert aep.hits(refused) == 5
    assert list(aep.datasets()) == [made.id]


def test_a_create_that_cannot_be_read_names_the_id(local: Local, aep: BareAep) -> None:
    aep.fault(
        {"status": 403, "body": {"error_code": "403027"}}, nth=3, times=None, method="GET", path="/dataSets"
    )
    with pytest.raises(NotConverged) as caught:
        local.start(aep.url).create(inputs(**NEW))
    (dataset_id,) = aep.datasets()
    assert dataset_id in caught.value.message
    assert "Run `pulumi up` again" in caught.value.remedy


def test_without_our_tags_the_way_out_is_the_id(local: Local, aep: BareAep) -> None:
    settings = {"aep:ownershipTag": "false"}
    aep.fault({"status": 403, "body": {}}, nth=2, method="GET", path="/dataSets")
    with pytest.raises(NotConverged) as caught:
        local.start(aep.url, **settings).create(inputs(**NEW))
    (dataset_id,) = aep.datasets()
    assert f"dataset_id={dataset_id!r}" in caught.value.remedy
    assert local.start(aep.url, **settings).create(inputs(dataset_id=dataset_id)).id == dataset_id


def test_what_this_run_took_over_is_not_deleted_while_unreadable(local: Local, aep: BareAep) -> None:
    made = local.start(aep.url).create(inputs(**NEW, deletion_protection=False))
    provider = local.start(aep.url)
    provider.create(inputs(**NEW, deletion_protection=False))
    gone = {"status": 404, "body": {"title": "NotFoundError", "status": 404, "detail": "DataSet not found."}}
    aep.fault(gone, times=None, method="GET", path=f"dataSets/{made.id}")
    with pytest.raises(Refused, match="it is not deleted"):
        provider.delete(str(made.id), made.outs)
    assert list(aep.datasets()) == [made.id]


def test_profile_found_off_keeps_the_upsert_setting_on_record(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, ON)
    made = local.start(aep.url).create(inputs(dataset_id=ID))
    aep.dataset(ID, {"unifiedProfile": ["enabled:false"], "unifiedIdentity": ["enabled:false"]})
    first = local.start(aep.url).read(ID, made.outs)
    second = local.start(aep.url).read(ID, first.outs)
    assert second.inputs is not None
    assert (second.inputs["is_upsert"], second.inputs["profile_enabled"]) == (True, False)


@pytest.mark.parametrize("others", ["aaa-client", "zzz-client"])
def test_without_our_tags_a_preview_tells_the_own_dataset_by_its_creator(
    local: Local, aep: BareAep, others: str
) -> None:
    provider = local.start(aep.url, **{"aep:ownershipTag": "false"})
    given = inputs(**NEW, is_upsert=False)
    outputs = provider.create(given).outs
    aep.dataset(ID, ON, name=NEW["name"], createdClient=others, schemaRef={"id": NEW["schema_id"]})
    provider = local.start(aep.url, **{"aep:ownershipTag": "false"})
    provider.check({**given, "profile_enabled": True}, inputs(**NEW) | previewed())
    assert any(f"({outputs['dataset_id']})" in said and "for a moment" in said for said in local.said)


@pytest.mark.parametrize("status", [409, 423, 425, 429])
def test_a_post_that_is_turned_away_for_the_moment_is_sent_again(
    local: Local, aep: BareAep, status: int
) -> None:
    provider = local.start(aep.url)
    aep.fault({"status": status, "body": {"title": "Busy"}}, method="POST", service="catalog")
    made = provider.create(inputs(**NEW))
    assert [entry["status"] for entry in aep.writes()] == [status, 201]
    assert list(aep.datasets()) == [made.id]


@pytest.mark.parametrize("status", [409, 423, 425, 429])
def test_a_delete_that_is_turned_away_for_the_moment_is_sent_again(
    local: Local, aep: BareAep, status: int
) -> None:
    provider = local.start(aep.url)
    made = provider.create(inputs(**NEW, deletion_protection=False))
    aep.fault({"status": status, "body": {"title": "Busy"}}, method="DELETE")
    provider.delete(made.id, made.outs)
    assert aep.datasets() == {}


def test_a_delete_that_is_always_turned_away_says_so(local: Local, aep: BareAep) -> None:
    provider = local.start(aep.url)
    made = provider.create(inputs(**NEW, deletion_protection=False))
    aep.fault({"status": 423, "body": {"title": "Locked"}}, times=None, method="DELETE")
    with pytest.raises(Conflict, match="AEP answered 423"):
        provider.delete(made.id, made.outs)
    assert made.id in aep.datasets()
