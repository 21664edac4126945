"""Names instead of ids: what they are resolved to, when that is asked, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pulumi.output import Unknown

from aep_provider.arguments import URN
from aep_provider.emulator.seeds import PROFILE_SCHEMA, PROFILE_SCHEMA_2
from support.aep import BareAep
from support.local import Local, Provider, previewed

ID, OTHER = "5b020a27e7040801dedbf46e", "5b020a27e7040801dedbf46f"
ON = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
NEW = {"name": "Members", "schema": "Customers"}
SCHEMAS, DATASETS = "GET schemaregistry/tenant/schemas", "GET catalog/dataSets"


def checked(
    provider: Provider, given: Mapping[str, Any], olds: Mapping[str, Any] | None = None, name: str = "orders"
) -> tuple[dict[str, Any], list[str]]:
    """The inputs and the failures."""
    result = provider.check(dict(olds or {}), {**given, **previewed(name=name)})
    return dict(result.inputs), [f"{failure.property}: {failure.reason}" for failure in result.failures]


def schema(aep: BareAep, title: str, label: str) -> str:
    schema_id = f"https://ns.adobe.com/acmeinc/schemas/{label}"
    aep.seed(schemas=[{"$id": schema_id, "title": title, "meta:immutableTags": ["union"]}])
    return schema_id


def test_a_title_becomes_the_schemas_id_beside_it(local: Local, aep: BareAep) -> None:
    inputs, failures = checked(local.start(aep.url), NEW)
    assert (inputs["schema"], inputs["schema_id"], failures) == ("Customers", PROFILE_SCHEMA, [])


def test_a_name_becomes_the_datasets_id_beside_it(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, ON, name="Orders")
    aep.dataset(OTHER, ON, name="Orders of today")
    inputs, failures = checked(local.start(aep.url), {"dataset": "Orders"})
    assert (inputs["dataset"], inputs["dataset_id"], failures) == ("Orders", ID, [])
    assert inputs["deletion_protection"] is False


def test_what_is_on_record_is_not_looked_up_again(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, ON, name="Orders")
    given = {"dataset": "Orders", "schema": "Customers"}
    olds, _ = checked(local.start(aep.url), given)
    aep.forget()
    assert checked(local.start(aep.url), given, olds)[0] == olds
    assert aep.calls() == []


def test_another_name_is_looked_up(local: Local, aep: BareAep) -> None:
    olds, _ = checked(local.start(aep.url), NEW)
    inputs, _ = checked(local.start(aep.url), {**NEW, "schema": "Orders"}, olds)
    assert inputs["schema_id"] == PROFILE_SCHEMA_2


def test_a_preview_names_the_id_once(local: Local, aep: BareAep) -> None:
    provider = local.start(aep.url)
    olds, _ = checked(provider, NEW)
    checked(provider, NEW)
    assert local.said == [f"schema 'Customers' is {PROFILE_SCHEMA}"]
    checked(local.start(aep.url), NEW, olds)
    assert local.said == []


def test_a_process_asks_once_for_each_name(local: Local, aep: BareAep) -> None:
    provider = local.start(aep.url)
    for number in range(4):
        checked(provider, {**NEW, "name": f"Members {number}"}, name=f"m{number}")
    assert aep.calls().count(SCHEMAS) == 1


def test_two_schemas_of_a_title_are_refused_with_both(local: Local, aep: BareAep) -> None:
    twin = schema(aep, "Customers", "twin")
    _, (failure,) = checked(local.start(aep.url), NEW)
    assert failure.startswith("schema: is 'Customers', and sandbox dev has 2 schemas of that title")
    assert "Give the one that you mean as schema_id" in failure
    assert twin in failure
    assert PROFILE_SCHEMA in failure
    assert failure.count("created 20") == 2


def test_two_datasets_of_a_name_are_refused_with_both(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, ON, name="Orders", created=1_730_000_000_000)
    aep.dataset(OTHER, {"pulumiManagedBy": ["shop/dev/x"]}, name="Orders")
    _, (failure,) = checked(local.start(aep.url), {"dataset": "Orders"})
    assert f"'Orders' {ID}, created 2024-10-27T03:33:20.000Z, in Profile with upsert" in failure
    assert f"'Orders' {OTHER}" in failure
    assert "managed by shop/dev/x" in failure


def test_an_unknown_title_is_refused_with_a_close_one(local: Local, aep: BareAep) -> None:
    _, (failure,) = checked(local.start(aep.url), {**NEW, "schema": "Custommers"})
    assert "has no schema of that title (did you mean 'Customers'?)" in failure


def test_an_unknown_dataset_is_refused(local: Local, aep: BareAep) -> None:
    _, (failure,) = checked(local.start(aep.url), {"dataset": "Orders"})
    assert failure.startswith("dataset: is 'Orders', and sandbox dev has no dataset of that name")


def test_a_dataset_of_adobes_never_matches(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, ON, name="Orders", classification={"managedBy": "SYSTEM"})
    _, (failure,) = checked(local.start(aep.url), {"dataset": "Orders"})
    assert f"{ID} has it, but is managed by Adobe" in failure
    aep.dataset(OTHER, ON, name="Orders")
    assert checked(local.start(aep.url), {"dataset": "Orders"})[0]["dataset_id"] == OTHER


def test_name_and_id_that_agree_are_taken(local: Local, aep: BareAep) -> None:
    inputs, failures = checked(local.start(aep.url), {**NEW, "schema_id": PROFILE_SCHEMA})
    assert (inputs["schema_id"], failures) == (PROFILE_SCHEMA, [])


def test_name_and_id_that_differ_are_refused(local: Local, aep: BareAep) -> None:
    _, (failure,) = checked(local.start(aep.url), {**NEW, "schema_id": PROFILE_SCHEMA_2})
    assert f"is 'Customers', which is {PROFILE_SCHEMA}, and schema_id says '{PROFILE_SCHEMA_2}'" in failure


def test_a_dataset_with_another_name_is_refused_without_a_request(local: Local, aep: BareAep) -> None:
    _, (failure,) = checked(local.start(aep.url), {"dataset": "Orders", "name": "Sales"})
    assert failure.startswith("name: is 'Sales', and dataset is 'Orders'")
    assert aep.calls() == []


def test_a_name_that_is_not_known_makes_an_id_that_is_not_known(local: Local, aep: BareAep) -> None:
    unknown = Unknown()  # type: ignore[no-untyped-call]
    inputs, failures = checked(local.start(aep.url), {"dataset": unknown, "schema": unknown})
    assert (inputs["dataset_id"], inputs["schema_id"], failures) == (unknown, unknown, [])
    assert aep.calls() == []


def test_a_name_for_a_dataset_that_another_resource_has_is_refused(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, ON, name="Orders")
    declared = [{"resource": "by-id", "dataset_id": ID}]
    result = local.start(aep.url).check({}, {"dataset": "Orders", **previewed(declared)})
    (failure,) = result.failures
    assert f"stands for {ID}, which is already the dataset of UpsertDataset 'by-id'" in failure.reason


def test_two_of_one_logical_name_cannot_have_one_dataset(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, ON, name="Orders")
    provider = local.start(aep.url)

    def under(component: str, given: dict[str, Any]) -> list[str]:
        types = f"acme:aep:{component}$pulumi-python:dynamic/aep:UpsertDataset"
        told = previewed([{"resource": "orders", **given}])
        result = provider.check({}, {**given, **told, URN: f"urn:pulumi:dev::aep::{types}::orders"})
        return [f"{failure.property}: {failure.reason}" for failure in result.failures]

    assert under("Shop", {"dataset_id": ID}) == []
    (failure,) = under("Outlet", {"dataset": "Orders"})
    text = f"dataset_id: {ID} is the dataset of another resource of this run as well: aep/dev/acme:aep:Shop$orders"
    assert failure.startswith(text)
    # The engine checks one twice where it is replaced.
    assert under("Shop", {"dataset_id": ID}) == []


def test_a_name_that_cannot_be_looked_up_fails_the_check(local: Local, aep: BareAep) -> None:
    aep.fault({"status": 403, "body": {}}, times=None, path="/schemas")
    _, (failure,) = checked(local.start(aep.url), NEW)
    assert failure.startswith("schema: ")
    assert "View Schemas" in failure


def test_a_filter_that_brings_nothing_is_followed_by_the_whole_list(local: Local, aep: BareAep) -> None:
    empty = {"results": [], "_page": {"orderby": "title", "next": None, "count": 0}}
    aep.fault({"status": 200, "body": empty}, times=1, path="/tenant/schemas")
    inputs, _ = checked(local.start(aep.url), NEW)
    assert inputs["schema_id"] == PROFILE_SCHEMA
    assert aep.calls().count(SCHEMAS) == 2


def test_the_whole_list_is_read_to_its_end(local: Local, aep: BareAep) -> None:
    base = "https://ns.adobe.com/acmeinc/schemas"
    aep.seed(schemas=[{"$id": f"{base}/{n:03}", "title": f"Title {n:03}"} for n in range(620)])
    _, (failure,) = checked(local.start(aep.url), {**NEW, "schema": "Title 6190"})
    assert "(did you mean 'Title 619'?)" in failure
    assert aep.calls().count(SCHEMAS) == 1 + 3


def test_a_refresh_keeps_names_and_ids(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, ON, name="Orders")
    inputs, _ = checked(local.start(aep.url), {"dataset": "Orders", "schema": "Customers"})
    made = local.start(aep.url).create(inputs)
    read = local.start(aep.url).read(ID, made.outs)
    assert read.inputs == inputs
    assert (made.outs["dataset"], made.outs["schema"]) == ("Orders", "Customers")


def test_a_renamed_dataset_stays_and_the_refresh_says_so(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, ON, name="Orders")
    inputs, _ = checked(local.start(aep.url), {"dataset": "Orders"})
    made = local.start(aep.url).create(inputs)
    aep.someone_else("PATCH", ID, [{"op": "replace", "path": "/name", "value": "Sales"}])
    read = local.start(aep.url).read(ID, made.outs)
    (said,) = local.said
    assert f"'Sales' ({ID}) in sandbox dev is declared as dataset='Orders' and was renamed" in said
    assert checked(local.start(aep.url), {"dataset": "Orders"}, read.inputs)[0] == inputs


def test_a_managed_name_is_not_called_renamed(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, ON, name="Orders")
    inputs, _ = checked(local.start(aep.url), {"dataset": "Orders", "name": "Orders"})
    made = local.start(aep.url).create(inputs)
    aep.someone_else("PATCH", ID, [{"op": "replace", "path": "/name", "value": "Sales"}])
    local.start(aep.url).read(ID, made.outs)
    assert local.said == []


@pytest.mark.parametrize("back", [False, True], ids=["id to name", "name to id"])
def test_a_change_between_id_and_name_is_recorded_without_a_request(
    local: Local, aep: BareAep, *, back: bool
) -> None:
    aep.dataset(ID, ON, name="Orders")
    by_id, _ = checked(local.start(aep.url), {"dataset_id": ID, "schema_id": PROFILE_SCHEMA})
    by_name, _ = checked(local.start(aep.url), {"dataset": "Orders", "schema": "Customers"})
    old, new = (by_name, by_id) if back else (by_id, by_name)
    outs = local.start(aep.url).create(old).outs
    aep.forget()
    provider = local.start(aep.url)
    assert provider.diff(ID, outs, new).changes
    updated = provider.update(ID, outs, new)
    assert aep.calls() == []
    assert updated.outs.get("dataset") == (None if back else "Orders")
    assert not provider.diff(ID, updated.outs, new).changes


def test_another_dataset_name_is_a_replacement(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, ON, name="Orders")
    aep.dataset(OTHER, ON, name="Sales")
    olds, _ = checked(local.start(aep.url), {"dataset": "Orders"})
    outs = local.start(aep.url).create(olds).outs
    news, _ = checked(local.start(aep.url), {"dataset": "Sales"}, olds)
    assert local.start(aep.url).diff(ID, outs, news).replaces == ["dataset_id"]


def test_another_schema_title_is_refused(local: Local, aep: BareAep) -> None:
    olds, _ = checked(local.start(aep.url), NEW)
    made = local.start(aep.url).create(olds)
    news, _ = checked(local.start(aep.url), {**NEW, "schema": "Orders"}, olds)
    with pytest.raises(Exception, match=r"schema_id of dataset .* cannot be changed"):
        local.start(aep.url).diff(made.id or "", made.outs, news)


def test_one_id_of_two_outputs_is_refused_to_the_second(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, ON, name="Orders")
    provider = local.start(aep.url)
    assert checked(provider, {"dataset_id": ID})[1] == []
    (failure,) = checked(provider, {"dataset_id": ID}, name="copy")[1]
    assert failure.startswith(
        f"dataset_id: {ID} is the dataset of another resource of this run as well: aep/dev/orders"
    )


@pytest.mark.parametrize("second", [{**NEW, "name": "People"}, {"dataset_id": ID, "name": "People"}])
def test_one_new_name_of_two_outputs_is_refused_to_the_second(
    local: Local, aep: BareAep, second: dict[str, Any]
) -> None:
    aep.dataset(ID, ON, name="Orders")
    olds, _ = checked(local.start(aep.url), NEW, name="members")
    others, _ = checked(local.start(aep.url), {**second, "name": "Others"})
    provider = local.start(aep.url)
    assert checked(provider, {**NEW, "name": "People"}, olds, name="members")[1] == []
    (failure,) = checked(provider, second, others)[1]
    assert "name: 'People' is the name of another resource of this run as well: aep/dev/members" in failure


def test_names_that_are_swapped_are_no_clash(local: Local, aep: BareAep) -> None:
    olds = {name: checked(local.start(aep.url), {**NEW, "name": name}, name=name)[0] for name in ("A", "B")}
    provider = local.start(aep.url)
    for name, other in (("A", "B"), ("B", "A")):
        assert checked(provider, {**NEW, "name": other}, olds[name], name=name)[1] == []
