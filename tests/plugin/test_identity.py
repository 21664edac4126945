"""Whose a dataset is, as a plugin process sees it: what checks have said, what a delete may do, newer records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aep_provider.aep.catalog import Catalog
from aep_provider.arguments import OWNER_PREFIX, URN
from aep_provider.dataset.observed import Observed
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from aep_provider.errors import InvalidInput, Refused
from support.aep import BareAep
from support.local import Created, Local, Provider, inputs, previewed

Given = Callable[..., dict[str, Any]]

ID, OTHER = "5b020a27e7040801dedbf46e", "65f1c0a2b3d4e5f60718293a"
ON = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
NEW = {"name": "New", "schema_id": PROFILE_SCHEMA, "deletion_protection": False}


def check(provider: Provider, olds: dict[str, Any], news: dict[str, Any], name: str) -> None:
    """The engine's check of a resource of the program."""
    urn = f"urn:pulumi:dev::aep::pulumi-python:dynamic/aep:UpsertDataset::{name}"
    assert (
        provider.check(olds, {key: news[key] for key in news if key != "owner"} | {URN: urn}).failures == []
    )


@pytest.fixture
def made(local: Local, aep: BareAep, given: Given) -> Created:
    """A dataset of the resource `orders`, created by an earlier run."""
    return local.start(aep.url).create(given(**NEW))


def is_there(aep: BareAep, made: Created) -> bool:
    return made.id in aep.datasets()


def test_a_dataset_that_a_new_resource_declares_by_name_is_not_deleted(
    local: Local, aep: BareAep, given: Given, made: Created
) -> None:
    provider = local.start(aep.url)
    check(provider, {}, given(**NEW), "people")
    with pytest.raises(
        Refused, match="declared by another resource of the program, 'aep/dev/people'"
    ) as caught:
        provider.delete(made.id, made.outs)
    assert "pulumi.Alias(name='orders')" in caught.value.remedy
    assert is_there(aep, made)


def test_a_dataset_that_a_new_resource_declares_by_id_is_not_deleted(
    local: Local, aep: BareAep, given: Given, made: Created
) -> None:
    provider = local.start(aep.url)
    check(provider, {}, given(dataset_id=made.id), "people")
    with pytest.raises(Refused, match="declared by another resource"):
        provider.delete(made.id, made.outs)
    assert is_there(aep, made)


def test_a_dataset_whose_resource_is_replaced_is_deleted(
    local: Local, aep: BareAep, given: Given, made: Created
) -> None:
    provider = local.start(aep.url)
    # By an alias the record of `orders` is that of `people` now; a replacement is checked as a new one as well.
    check(provider, given(**NEW), given(**NEW), "people")
    check(provider, {}, given(**NEW), "people")
    provider.delete(made.id, made.outs)
    assert not is_there(aep, made)


def test_a_release_leaves_the_owner_that_another_resource_writes_meanwhile(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    made = local.start(aep.url).create(given(dataset_id=ID, tags={"team": ["a"]}))
    patch = Catalog.patch

    def adopted_first(catalog: Catalog, *args: Any, **options: Any) -> None:
        monkeypatch.setattr(Catalog, "patch", patch)
        theirs = [{"op": "replace", "path": "/tags/pulumiManagedBy", "value": ["aep/dev/returns"]}]
        aep.someone_else("PATCH", ID, theirs)
        patch(catalog, *args, **options)

    monkeypatch.setattr(Catalog, "patch", adopted_first)
    local.start(aep.url).delete(ID, made.outs)
    assert aep.datasets()[ID]["tags"]["pulumiManagedBy"] == ["aep/dev/returns"]


def test_a_release_is_not_kept_from_its_write_by_another_one(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON)
    made = local.start(aep.url).create(given(dataset_id=ID, tags={"team": ["a"]}))
    patch = Catalog.patch

    def written_first(catalog: Catalog, *args: Any, **options: Any) -> None:
        monkeypatch.setattr(Catalog, "patch", patch)
        aep.someone_else("PATCH", ID, [{"op": "add", "path": "/description", "value": "theirs"}])
        patch(catalog, *args, **options)

    monkeypatch.setattr(Catalog, "patch", written_first)
    local.start(aep.url).delete(ID, made.outs)
    assert "pulumiManagedBy" not in aep.datasets()[ID]["tags"]


def test_a_dataset_that_no_resource_declares_is_deleted(
    local: Local, aep: BareAep, given: Given, made: Created
) -> None:
    provider = local.start(aep.url)
    check(provider, {}, given(**NEW | {"name": "Another"}), "people")
    provider.delete(made.id, made.outs)
    assert not is_there(aep, made)


@pytest.mark.parametrize(
    ("found", "wanted", "advice"),
    [
        ("aep/dev/orders", "people", "pulumi.Alias(name='orders')"),
        ("aep/dev/acme:aep:Group$orders", "orders", "pulumi.Alias(parent=…)"),
        ("aep/dev/acme:aep:Group$orders", "acme:aep:Other$orders", "pulumi.Alias(parent=…)"),
        (
            "aep/dev/acme:aep:Group$orders",
            "orders",
            "'urn:pulumi:dev::aep::acme:aep:Group$pulumi-python:dynamic/aep:UpsertDataset::orders'",
        ),
        ("aep/dev/orders", "acme:aep:Group$orders", "pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)"),
        ("team/x/orders", "people", "Only one stack can manage a dataset"),
    ],
)
def test_the_refusal_of_another_owner_names_what_leads_out(
    local: Local, aep: BareAep, given: Given, found: str, wanted: str, advice: str
) -> None:
    aep.dataset("5b020a27e7040801dedbf46e", {"pulumiManagedBy": [found]})
    news = given(dataset_id="5b020a27e7040801dedbf46e") | {"owner": f"aep/dev/{wanted}"}
    with pytest.raises(Refused) as caught:
        local.start(aep.url).create(news)
    assert advice in caught.value.remedy
    # It changes nothing but the logical name.
    assert ("pulumi state rename" in caught.value.remedy) == ("name=" in advice)


def test_under_an_owner_of_ones_own_a_moved_resource_is_told_the_alias(
    local: Local, aep: BareAep, given: Given
) -> None:
    aep.dataset("5b020a27e7040801dedbf46e", {"pulumiManagedBy": ["team/orders"]})
    news = given(dataset_id="5b020a27e7040801dedbf46e") | {"owner": "team/people"}
    with pytest.raises(Refused) as caught:
        local.start(aep.url, **{"aep:owner": "team"}).create(news)
    assert "pulumi.Alias(name='orders')" in caught.value.remedy


def test_the_prefix_of_the_program_is_part_of_the_owner(local: Local, aep: BareAep, given: Given) -> None:
    urn = "urn:pulumi:dev::aep::pulumi-python:dynamic/aep:UpsertDataset::orders"
    checked = local.start(aep.url).check({}, given(**NEW) | {URN: urn, OWNER_PREFIX: "team"})
    assert checked.inputs["owner"] == "team/orders"


@pytest.mark.parametrize("other", ["https://ns.adobe.com/acmeinc/schemas/2", "x"])
def test_another_schema_for_a_dataset_is_refused(
    local: Local, aep: BareAep, given: Given, made: Created, other: str
) -> None:
    provider = local.start(aep.url)
    news = given(**NEW) | {"schema_id": other}
    with pytest.raises(InvalidInput, match=r"schema_id .* cannot be changed"):
        provider.diff(made.id, made.outs, news)


@pytest.mark.parametrize("call", ["read", "diff", "update", "delete"])
def test_a_record_of_a_newer_version_is_refused(
    local: Local, aep: BareAep, given: Given, made: Created, call: str
) -> None:
    provider = local.start(aep.url)
    newer, news = {**made.outs, "spec_version": 99.0}, given(**NEW | {"name": "Other"})
    calls: dict[str, Callable[[], object]] = {
        "read": lambda: provider.read(made.id, newer),
        "diff": lambda: provider.diff(made.id, newer, news),
        "update": lambda: provider.update(made.id, newer, news),
        "delete": lambda: provider.delete(made.id, newer),
    }
    aep.forget()
    with pytest.raises(Refused, match="newer version of aep-provider"):
        calls[call]()
    assert aep.writes() == []


@pytest.mark.parametrize(
    "other", [{"dataset": "Orders"}, {}, {"name": "Orders", "schema_id": PROFILE_SCHEMA}]
)
def test_a_namesake_that_has_another_dataset_lets_go_of_none(
    local: Local, aep: BareAep, other: dict[str, Any]
) -> None:
    # Two components have an `orders` each; one has the dataset, by a name, by an id that is an output, or by its record
    # alone, since the program does not give the id any more.
    aep.dataset(ID, ON | {"pulumiManagedBy": ["aep/dev/acme:aep:Shop$orders"]}, name="Orders")
    declared = [{"resource": "orders", "dataset_id": OTHER}, {"resource": "orders", **other}]
    provider = local.start(aep.url)
    result = provider.check({}, {"dataset_id": ID, **previewed(declared, name="sales")})
    (failure,) = result.failures
    assert "is managed by 'aep/dev/acme:aep:Shop$orders'" in failure.reason
    with pytest.raises(Refused, match="is managed by"):
        provider.create(inputs(dataset_id=ID, owner="aep/dev/sales"))
    assert aep.writes() == []


def test_a_resource_that_is_known_by_a_name_of_before_keeps_its_dataset(local: Local, aep: BareAep) -> None:
    # Somebody has renamed it in AEP, so no dataset has the name that the program still gives.
    aep.dataset(ID, ON | {"pulumiManagedBy": ["aep/dev/orders"]}, name="Sales")
    declared = [{"resource": "orders", "dataset": "Orders"}]
    result = local.start(aep.url).check({}, {"dataset_id": ID, **previewed(declared, name="sales")})
    assert "is managed by 'aep/dev/orders'" in result.failures[0].reason


def test_what_another_resource_declares_while_names_are_looked_up_disturbs_nothing(
    local: Local, aep: BareAep, monkeypatch: pytest.MonkeyPatch
) -> None:
    aep.dataset(ID, ON | {"pulumiManagedBy": ["aep/dev/orders"]})
    aep.dataset(OTHER, ON, name="Orders")
    provider, named = local.start(aep.url), Catalog.named
    assert not provider.check({}, previewed([{"resource": "orders", "dataset": "Orders"}]) | NEW).failures

    def declared_meanwhile(catalog: Catalog, name: str) -> list[Observed]:
        provider.check({}, previewed([{"resource": "orders", "dataset": "More"}]) | NEW)
        return named(catalog, name)

    monkeypatch.setattr(Catalog, "named", declared_meanwhile)
    assert provider.create(inputs(dataset_id=ID, owner="aep/dev/sales")).id == ID


def test_a_resource_that_has_another_dataset_now_lets_go_of_its_own(local: Local, aep: BareAep) -> None:
    aep.dataset(ID, ON | {"pulumiManagedBy": ["aep/dev/orders"]})
    declared = [{"resource": "orders", "dataset_id": OTHER}]
    provider = local.start(aep.url)
    assert not provider.check({}, {"dataset_id": ID, **previewed(declared, name="sales")}).failures
