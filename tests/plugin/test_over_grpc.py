"""What the engine relies on between its calls: whole lives, drift, when a dataset is gone, places, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import engine_pb2, provider_pb2

from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import BareAep
from support.local import previewed
from support.plugin import Plugin

ID = "5b020a27e7040801dedbf46e"
OFF = {"team": ["commerce"]}
ON = OFF | {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
NEW = {"name": "Members", "schema_id": PROFILE_SCHEMA, "deletion_protection": False}
NONE, SOME = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME
GONE = {"status": 404, "body": {"title": "NotFoundError", "status": 404, "detail": "DataSet not found."}}
HTML = {"status": 404, "body": "<html>no route</html>", "headers": {"content-type": "text/html"}}

Given = Callable[..., dict[str, Any]]


def refused(call: Callable[[], object]) -> str:
    """The text that the engine would show."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    details = str(getattr(caught.value, "details")())  # noqa: B009 - the stubs do not know it
    assert "Traceback" not in details
    return details


def test_an_argument_that_came_with_the_value_of_aep_is_managed_after_a_refresh(
    aep: BareAep, plugin: Plugin
) -> None:
    aep.dataset(ID, ON, name="Orders", description="of the shop")
    checked, _ = plugin.check({}, {"dataset_id": ID, "is_upsert": False, "owner": "aep/dev/orders"})
    _, outputs = plugin.create(checked)
    more = checked | {"description": "of the shop"}
    # No difference, so no update: the engine keeps the new inputs with the old outputs.
    assert plugin.diff(ID, outputs, more).changes == NONE
    _, read, inputs = plugin.read(ID, outputs, more)
    assert inputs == more
    assert read["managed"] == ["dataset_id", "description"]
    # A delete rests on the id: no update tells of one that a program gives to a dataset that it created.
    _, read, _ = plugin.read(ID, outputs | {"managed": []}, more)
    assert read["managed"] == ["dataset_id", "description"]


def test_a_life_from_check_to_delete(aep: BareAep, plugin: Plugin) -> None:
    checked, failures = plugin.check({}, NEW | {"owner": "aep/dev/orders", "wait_timeout": 30})
    assert failures == []
    assert aep.requests() == []

    dataset_id, outputs = plugin.create(checked)
    assert list(aep.datasets()) == [dataset_id]
    assert len(aep.writes()) == 1
    assert {key: outputs[key] for key in checked} == checked
    assert outputs["claim"] in aep.datasets()[dataset_id]["tags"]["pulumiClaim"]
    assert plugin.diff(dataset_id, outputs, checked).changes == NONE

    changed = checked | {"name": "Other", "is_upsert": False}
    assert plugin.diff(dataset_id, outputs, changed).changes == SOME
    outputs = plugin.update(dataset_id, outputs, changed)
    assert (outputs["name"], outputs["is_upsert"]) == ("Other", False)
    assert outputs["profile_gap"]["replay"] == []

    seen, read, inputs = plugin.read(dataset_id, outputs)
    assert (seen, read) == (dataset_id, outputs)
    assert {key: inputs[key] for key in changed} == changed
    plugin.delete(dataset_id, outputs)
    assert aep.datasets() == {}
    assert "less than 15 minutes ago" in refused(lambda: plugin.read(dataset_id, outputs))
    aep.tick(seconds=1000)
    assert plugin.read(dataset_id, outputs)[0] == ""


def test_numbers_are_floats_on_the_wire_and_stay_whole(plugin: Plugin) -> None:
    assert plugin.check({}, NEW | {"wait_timeout": 30.0})[0]["wait_timeout"] == 30
    failures = plugin.check({}, NEW | {"wait_timeout": 1.5})[1]
    assert failures == ["wait_timeout: must be a whole number of seconds from 0 to 86400."]


def test_a_change_of_steering_arguments_makes_no_request(aep: BareAep, plugin: Plugin, given: Given) -> None:
    aep.dataset(ID, ON)
    _, outputs = plugin.create(given(dataset_id=ID, is_upsert=False))
    aep.clear_requests()
    wanted = given(dataset_id=ID, is_upsert=False, wait_timeout=5)
    assert plugin.update(ID, outputs, wanted)["wait_timeout"] == 5
    assert aep.requests() == []


def test_what_is_read_for_an_import_is_no_change_afterwards(aep: BareAep, plugin: Plugin) -> None:
    aep.dataset(ID, ON)
    for properties, arguments in (({}, None), (None, {})):
        seen, outputs, inputs = plugin.read(ID, properties, arguments)
        assert (seen, outputs["is_upsert"], inputs["dataset_id"]) == (ID, False, ID)
        checked, failures = plugin.check({}, inputs)
        assert failures == []
        assert plugin.diff(ID, outputs, checked).changes == NONE
    assert aep.writes() == []


def test_profile_found_off_is_drift_and_an_update_repairs_it(
    aep: BareAep, plugin: Plugin, given: Given
) -> None:
    aep.dataset(ID, ON)
    wanted = given(dataset_id=ID, is_upsert=False)
    _, outputs = plugin.create(wanted)
    aep.dataset(ID, OFF | {"unifiedProfile": ["enabled:false"]})
    _, seen, inputs = plugin.read(ID, outputs)
    assert (seen["profile_enabled"], inputs["identity_enabled"]) == (False, False)
    assert plugin.diff(ID, seen, wanted).changes == SOME
    repaired = plugin.update(ID, seen, wanted)
    assert (repaired["profile_enabled"], repaired["identity_enabled"]) == (True, True)
    assert len(aep.writes()) == 1


def test_gone_is_only_what_the_catalog_itself_says(aep: BareAep, plugin: Plugin, given: Given) -> None:
    aep.dataset(ID, ON)
    _, outputs = plugin.create(given(dataset_id=ID, is_upsert=False))
    fault = aep.fault(HTML, method="GET", path=f"dataSets/{ID}")
    aep.tick(seconds=1000)
    assert "404" in refused(lambda: plugin.read(ID, outputs)).splitlines()[0]
    assert aep.hits(fault) == 1

    aep.fault(GONE, times=None, method="GET", path=f"dataSets/{ID}")
    resetting = {"sandboxes": [{"name": "dev", "type": "development", "state": "resetting"}]}
    listing = aep.fault({"status": 200, "body": resetting}, times=None, path="/sandbox-management/")
    assert "404" in refused(lambda: plugin.read(ID, outputs))
    assert aep.hits(listing)
    aep.clear_faults(listing)
    assert plugin.read(ID, outputs)[0] == ""


@pytest.mark.parametrize(
    ("key", "value"),
    [("sandbox", "prod"), ("org_id", "OTHER@AdobeOrg"), ("endpoint", "https://platform.adobe.io")],
)
def test_another_place_is_refused_before_any_request(
    aep: BareAep, plugin: Plugin, given: Given, key: str, value: str
) -> None:
    aep.dataset(ID, ON)
    wanted = given(dataset_id=ID, is_upsert=False)
    _, outputs = plugin.create(wanted)
    aep.clear_requests()
    elsewhere = outputs | {key: value}
    for call in (
        lambda: plugin.read(ID, elsewhere),
        lambda: plugin.diff(ID, elsewhere, wanted),
        lambda: plugin.update(ID, elsewhere, given(dataset_id=ID)),
        lambda: plugin.delete(ID, elsewhere),
    ):
        first = refused(call).splitlines()[0]
        assert value in first
        assert "nothing was done" in first
    assert aep.requests() == []


def test_an_error_is_its_message_then_its_remedy(plugin: Plugin, given: Given) -> None:
    lines = refused(lambda: plugin.create(given(dataset_id=ID))).splitlines()
    assert lines[0] == f"Dataset {ID} does not exist in sandbox dev"
    assert lines[1].startswith("Check dataset_id")


def test_bad_settings_fail_the_check_and_name_every_setting(
    aep: BareAep, start: Callable[..., Plugin]
) -> None:
    broken = start(aep.url, **{"aep:sandbox": "", "aep:orgId": "nobody", "aep:clientSecret": "hush"})
    failures = broken.check({}, NEW)[1]
    assert "aep:sandbox" in failures[0]
    assert "aep:orgId" in failures[0]
    assert "hush" not in failures[0]


def test_an_explicit_provider_sends_bare_keys_and_typed_values(
    aep: BareAep, start: Callable[..., Plugin]
) -> None:
    plugin = start(aep.url, **{"aep:sandbox": None, "sandbox": "prod", "allowProduction": True})
    assert plugin.check({}, NEW | previewed())[1] == []


def test_warnings_reach_the_engine_with_severity_and_resource(
    aep: BareAep, plugin: Plugin, given: Given
) -> None:
    aep.dataset(ID, ON)
    plugin.create(given(dataset_id=ID))
    warnings = [entry for entry in plugin.messages if entry.severity == engine_pb2.WARNING]
    assert {entry.urn for entry in warnings} == {plugin.urn}
    text = "\n".join(entry.message for entry in warnings)
    assert "Profile was off from" in text
    assert "switches Profile off for a moment" in text


@pytest.mark.parametrize("nth", [1, 2])
def test_a_lost_reply_inside_the_window_is_settled(
    aep: BareAep, plugin: Plugin, given: Given, nth: int
) -> None:
    aep.dataset(ID, ON)
    fault = aep.fault({"reset": "after"}, nth, method="PATCH")
    _, outputs = plugin.create(given(dataset_id=ID))
    assert aep.hits(fault) == 1
    assert outputs["is_upsert"] is True
    assert aep.datasets()[ID]["tags"]["team"] == ["commerce"]


def test_profile_left_off_is_the_first_line_of_the_error(aep: BareAep, plugin: Plugin, given: Given) -> None:
    aep.dataset(ID, ON)
    aep.fault({"status": 403, "body": {"error_code": "403027", "message": "no"}}, 2, None, method="PATCH")
    text = refused(lambda: plugin.create(given(dataset_id=ID)))
    assert text.startswith("Profile is OFF for dataset")
    assert f"aep-provider enable {ID} --upsert" in text
    aep.clear_faults()
    assert plugin.create(given(dataset_id=ID))[1]["is_upsert"] is True
