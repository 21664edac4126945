"""The control routes that change how the emulator behaves: switches, ticks, seeds and the reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from aep_provider.emulator import Emulator, seeds

MISSING = "f" * 24
ENABLE = (
    ("add", "/tags/unifiedProfile", ["enabled:true"]),
    ("add", "/tags/unifiedIdentity", ["enabled:true"]),
)
Patch = Callable[..., requests.Response]
Read = Callable[[str], dict[str, Any]]


@pytest.fixture
def switch(control: requests.Session) -> Callable[..., None]:
    def change(**values: Any) -> None:
        reply = control.post("/settings", json=values)
        assert reply.status_code == 200, reply.text

    return change


def test_delayed_delete_shows_the_dataset_for_so_many_reads(
    catalog: requests.Session, create: Callable[..., str], switch: Callable[..., None]
) -> None:
    switch(delayed_delete=2)
    path = f"/dataSets/{create()}"

    assert catalog.delete(path).status_code == 200

    assert [catalog.get(path).status_code for _ in range(4)] == [200, 200, 404, 404]


def test_union_propagation_refuses_so_many_enablements_with_422(
    create: Callable[..., str], patch: Patch, switch: Callable[..., None]
) -> None:
    dataset_id = create()
    switch(union_propagation=2)

    assert [patch(dataset_id, *ENABLE).status_code for _ in range(3)] == [422, 422, 200]


def test_union_check_can_be_off(
    create: Callable[..., str], patch: Patch, switch: Callable[..., None]
) -> None:
    switch(union_check="accept")

    assert patch(create(schema=seeds.PLAIN_SCHEMA), *ENABLE).status_code == 200


def test_tag_filter_can_be_ignored(
    catalog: requests.Session, create: Callable[..., str], switch: Callable[..., None]
) -> None:
    create(tags={"team": ["a"]})
    create()
    switch(tag_filter="ignored")

    assert len(catalog.get("/dataSets", params={"tags": "team:a"}).json()) == 2


def test_name_filter_can_be_ignored(
    catalog: requests.Session, create: Callable[..., str], switch: Callable[..., None]
) -> None:
    create("a")
    create("b")
    switch(name_filter="ignored")

    assert len(catalog.get("/dataSets", params={"name": "a"}).json()) == 2


def test_missing_delete_can_be_the_documented_empty_list(
    catalog: requests.Session, switch: Callable[..., None]
) -> None:
    switch(missing_delete="empty200")

    reply = catalog.delete(f"/dataSets/{MISSING}")

    assert (reply.status_code, reply.json()) == (200, [])


def test_if_match_can_be_ignored(
    catalog: requests.Session, create: Callable[..., str], switch: Callable[..., None]
) -> None:
    switch(if_match=False)

    reply = catalog.patch(f"/dataSets/{create()}", json={"description": "x"}, headers={"If-Match": "9.9.9"})

    assert reply.status_code == 200


def test_upsert_without_disable_is_accepted_with_a_warning(
    create: Callable[..., str], patch: Patch, control: requests.Session
) -> None:
    dataset_id = create()
    patch(dataset_id, *ENABLE)

    assert patch(dataset_id, ("add", "/tags/unifiedProfile", ["enabled:true", "isUpsert:true"])).ok
    assert dataset_id in control.get("/warnings", params={"sandbox": "dev"}).json()


def test_upsert_without_disable_can_be_refused(
    create: Callable[..., str], patch: Patch, switch: Callable[..., None]
) -> None:
    dataset_id = create()
    patch(dataset_id, *ENABLE)
    switch(patch_without_disable="refuse")

    reply = patch(dataset_id, ("add", "/tags/unifiedProfile", ["enabled:true", "isUpsert:true"]))

    assert reply.status_code == 400


@pytest.mark.parametrize(
    "values", [{"nothing": 1}, {"tag_filter": "maybe"}, {"delayed_delete": -1}, {"if_match": "yes"}]
)
def test_wrong_switch_is_refused_and_changes_nothing(
    control: requests.Session, values: dict[str, Any]
) -> None:
    before = control.get("/settings").json()

    reply = control.post("/settings", json={"union_propagation": 5, **values})

    assert (reply.status_code, "error" in reply.json()) == (400, True)
    assert control.get("/settings").json() == before


def test_background_tick_writes_like_adobes_services(
    create: Callable[..., str], read: Read, control: requests.Session
) -> None:
    dataset_id = create(tags={"team": ["a"]})
    before = read(dataset_id)

    assert control.post("/tick", json={"background": True}).json()["datasets"] == 1

    after = read(dataset_id)
    assert (after["version"], after["updatedUser"]) == ("1.0.1", "acp_foundation_dataTracker@AdobeID")
    added = after["tags"].keys() - before["tags"].keys()
    assert added
    assert all(name.startswith("aep/siphon/cleanup/") for name in added)
    assert {**after["tags"], **before["tags"]} == after["tags"]


def test_tick_moves_time_without_waiting(
    catalog: requests.Session, create: Callable[..., str], read: Read, control: requests.Session
) -> None:
    old = read(create("old"))["created"]

    control.post("/tick", json={"seconds": 3600})

    assert read(create("new"))["created"] >= old + 3_600_000


def test_token_ends_with_its_lifetime(catalog: requests.Session, control: requests.Session) -> None:
    control.post("/tick", json={"seconds": 86300})
    assert catalog.get("/dataSets").status_code == 200

    control.post("/tick", json={"seconds": 100})

    assert catalog.get("/dataSets").json()["error_code"] == "401013"


def test_reset_brings_a_seed_back(
    aep: Emulator,
    connect: Callable[..., requests.Session],
    control: requests.Session,
    create: Callable[..., str],
) -> None:
    create()
    control.post("/settings", json={"delayed_delete": 3})

    assert control.post("/reset", json={"seed": "demo"}).status_code == 200

    listed = connect(aep.url).get("/data/foundation/catalog/dataSets").json()
    assert seeds.DEMO_PROFILE_DATASET in listed
    assert "Loyalty" not in {body["name"] for body in listed.values()}
    assert control.get("/settings").json()["delayed_delete"] == 0
    assert control.get("/health").json()["seed"] == "demo"


def test_reset_to_an_unknown_seed_changes_nothing(
    control: requests.Session, create: Callable[..., str], read: Read
) -> None:
    dataset_id = create()

    assert control.post("/reset", json={"seed": "nothing"}).status_code == 400
    assert read(dataset_id)["version"] == "1.0.0"


def test_seeded_dataset_is_kept_as_given(seed: Callable[..., None], read: Read) -> None:
    tags = {"unifiedProfile": ["enabled: true", "isUpsert: true"], "other": [" a "]}

    seed(datasets={MISSING: {"name": "n", "tags": tags, "version": "1.0.41"}})

    assert (read(MISSING)["tags"], read(MISSING)["version"]) == (tags, "1.0.41")


@pytest.mark.parametrize("nonsense", ["enabled:true", 7, None, [7], {"enabled": True}])
def test_seeded_tag_may_be_nonsense_for_a_client_to_meet(
    catalog: requests.Session, control: requests.Session, seed: Callable[..., None], nonsense: Any
) -> None:
    seed(datasets={MISSING: {"name": "n", "tags": {"unifiedProfile": nonsense}}})

    assert catalog.get(f"/dataSets/{MISSING}").json()[MISSING]["tags"] == {"unifiedProfile": nonsense}
    assert MISSING in catalog.get("/dataSets", params={"tags": "unifiedProfile:*"}).json()
    [shown] = control.get("/status").json()["datasets"]
    assert shown["on"]["unifiedProfile"] is False
    assert catalog.put(f"/dataSets/{MISSING}", json={"name": "n", "tags": {}}).ok, "a client can repair it"


def test_seeded_client_gets_a_token(bare: requests.Session, seed: Callable[..., None]) -> None:
    seed(clients={"third": {"secret": "s3", "expires_in": 60}})

    form = {
        "grant_type": "client_credentials",
        "client_id": "third",
        "client_secret": "s3",
        "scope": "openid",
    }

    assert bare.post("/ims/token/v3", data=form).json()["expires_in"] == 60


@pytest.mark.parametrize(
    "order",
    [{"nothing": {}}, {"datasets": []}, {"sandbox": "x", "datasets": {"a": {}}}, {"clients": {"third": {}}}],
)
def test_wrong_seed_order_is_refused(control: requests.Session, order: dict[str, Any]) -> None:
    assert control.post("/seed", json=order).status_code == 400


@pytest.mark.parametrize("seconds", [-1, True, "1", 10**12, float("1e300")])
def test_tick_refuses_a_time_that_no_date_can_hold(control: requests.Session, seconds: Any) -> None:
    assert control.post("/tick", json={"seconds": seconds}).status_code == 400
    assert control.get("/health").json()["clock_offset"] == 0


def test_ticks_together_stay_within_what_a_date_can_hold(
    control: requests.Session, create: Callable[..., str]
) -> None:
    century = 100 * 365 * 86400
    assert control.post("/tick", json={"seconds": century}).status_code == 200

    assert control.post("/tick", json={"seconds": 1}).status_code == 400
    assert control.post("/tick", data='{"seconds": NaN}').status_code == 400


@pytest.mark.parametrize(
    "dataset",
    [{"schemaRef": None}, {"schemaRef": "x"}, {"tags": None}, {"name": 7}],
)
def test_seed_refuses_a_dataset_whose_fields_have_other_types(
    control: requests.Session, dataset: dict[str, Any]
) -> None:
    reply = control.post("/seed", json={"datasets": {"a" * 24: dataset}})

    assert reply.status_code == 400, reply.text
    assert "a" * 24 in reply.json()["error"]
    assert control.get("/datasets").json() == {}


def test_background_write_follows_every_second_write(
    create: Callable[..., str], patch: Patch, read: Read, switch: Callable[..., None]
) -> None:
    switch(background_every=2)
    dataset_id = create()

    versions = []
    for value in "abc":
        patch(dataset_id, ("add", "/tags/x", [value]))
        versions.append((read(dataset_id)["version"], read(dataset_id)["updatedUser"].partition("@")[0]))

    tracker = "acp_foundation_dataTracker"
    assert versions == [("1.0.2", tracker), ("1.0.3", "demo-client"), ("1.0.5", tracker)]
    assert "aep/siphon/cleanup/meta/timestamp" in read(dataset_id)["tags"]
