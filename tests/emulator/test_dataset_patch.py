"""The dialects of PATCH, and versions."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
NO_CONTENT_TYPE = {
    "type": "/placeholder/type/uri",
    "status": 400,
    "title": "BadRequestError",
    "detail": "A valid content-type must be specified",
}
Patch = Callable[..., requests.Response]
Read = Callable[[str], dict[str, Any]]


def test_patch_answers_with_the_reference(create: Callable[..., str], patch: Patch) -> None:
    dataset_id = create()

    reply = patch(dataset_id, ("add", "/description", "x"))

    assert (reply.status_code, reply.json()) == (200, [f"@/dataSets/{dataset_id}"])


def test_add_sets_a_tag_and_leaves_the_others_byte_for_byte(
    create: Callable[..., str], patch: Patch, read: Read
) -> None:
    foreign = {"acp_validationContext": ["enabled"], "aep/siphon/partitions": ["_ACP_DATE", " spaced : v "]}
    dataset_id = create(tags=foreign)
    before = read(dataset_id)["tags"]

    patch(dataset_id, ("add", "/tags/team", ["a"]))

    assert read(dataset_id)["tags"] == {**before, "team": ["a"]}


def test_add_on_an_existing_key_replaces_it(create: Callable[..., str], patch: Patch, read: Read) -> None:
    dataset_id = create(tags={"team": ["a", "b"]})

    assert patch(dataset_id, ("add", "/tags/team", ["c"])).status_code == 200
    assert read(dataset_id)["tags"]["team"] == ["c"]


def test_replace_changes_an_existing_value(create: Callable[..., str], patch: Patch, read: Read) -> None:
    dataset_id = create("old")

    assert patch(dataset_id, ("replace", "/name", "new")).status_code == 200
    assert read(dataset_id)["name"] == "new"


def test_replace_on_an_absent_path_is_refused(create: Callable[..., str], patch: Patch, read: Read) -> None:
    dataset_id = create()
    before = read(dataset_id)

    assert patch(dataset_id, ("replace", "/tags/team", ["a"])).status_code == 400
    assert read(dataset_id) == before


def test_remove_takes_a_tag_away(create: Callable[..., str], patch: Patch, read: Read) -> None:
    dataset_id = create(tags={"team": ["a"]})

    assert patch(dataset_id, ("remove", "/tags/team")).status_code == 200
    assert "team" not in read(dataset_id)["tags"]


def test_remove_of_an_absent_path_is_refused(create: Callable[..., str], patch: Patch) -> None:
    assert patch(create(), ("remove", "/tags/team")).status_code == 400


def test_slash_in_a_tag_is_escaped(create: Callable[..., str], patch: Patch, read: Read) -> None:
    dataset_id = create()

    assert patch(dataset_id, ("replace", "/tags/adobe~1pqs~1table", ["renamed"])).status_code == 200
    assert read(dataset_id)["tags"]["adobe/pqs/table"] == ["renamed"]


def test_unescaped_slash_names_another_path(create: Callable[..., str], patch: Patch) -> None:
    assert patch(create(), ("replace", "/tags/adobe/pqs/table", ["renamed"])).status_code == 400


def test_operations_apply_all_or_none(create: Callable[..., str], patch: Patch, read: Read) -> None:
    dataset_id = create()
    before = read(dataset_id)

    reply = patch(dataset_id, ("add", "/tags/team", ["a"]), ("remove", "/tags/nothing"))

    assert reply.status_code == 400
    assert read(dataset_id) == before


def test_operations_apply_in_order(create: Callable[..., str], patch: Patch, read: Read) -> None:
    dataset_id = create()

    patch(dataset_id, ("add", "/tags/team", ["a"]), ("replace", "/tags/team", ["b"]))

    assert read(dataset_id)["tags"]["team"] == ["b"]


def test_tags_hold_lists_of_strings(create: Callable[..., str], patch: Patch, read: Read) -> None:
    dataset_id = create()

    assert patch(dataset_id, ("add", "/tags/team", "a")).status_code == 400
    assert "team" not in read(dataset_id)["tags"]


@pytest.mark.parametrize("field", ["name", "classification", "extensions", "schemaRef", "tags"])
def test_patch_to_a_wrong_type_is_refused(
    create: Callable[..., str], patch: Patch, read: Read, field: str
) -> None:
    dataset_id = create()
    before = read(dataset_id)

    assert patch(dataset_id, ("add", f"/{field}", None)).status_code == 400
    assert read(dataset_id) == before


@pytest.mark.parametrize("field", ["version", "created", "imsOrg", "createdClient", "viewId"])
def test_read_only_field_is_refused(create: Callable[..., str], patch: Patch, field: str) -> None:
    assert patch(create(), ("replace", f"/{field}", "x")).status_code == 400


def test_array_sent_as_plain_json_is_refused(catalog: requests.Session, create: Callable[..., str]) -> None:
    operations = [{"op": "add", "path": "/description", "value": "x"}]

    reply = catalog.patch(f"/dataSets/{create()}", json=operations, headers={"Content-Type": JSON})

    assert reply.status_code == 400


def test_object_sent_as_json_patch_is_refused(catalog: requests.Session, create: Callable[..., str]) -> None:
    body = {"description": "x"}

    reply = catalog.patch(f"/dataSets/{create()}", json=body, headers={"Content-Type": JSON_PATCH})

    assert reply.status_code == 400


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}])
def test_content_type_is_needed(
    catalog: requests.Session, create: Callable[..., str], headers: dict[str, str]
) -> None:
    reply = catalog.patch(f"/dataSets/{create()}", data=b'{"description": "x"}', headers=headers)

    assert (reply.status_code, reply.json()) == (400, NO_CONTENT_TYPE)


def test_field_merge_sets_named_fields_only(
    catalog: requests.Session, create: Callable[..., str], read: Read
) -> None:
    dataset_id = create("Loyalty", description="old")
    before = read(dataset_id)

    reply = catalog.patch(f"/dataSets/{dataset_id}", json={"description": "new"})

    assert (reply.status_code, reply.json()) == (200, [f"@/dataSets/{dataset_id}"])
    after = read(dataset_id)
    changed = {name for name in after if after[name] != before.get(name)}
    assert after["description"] == "new"
    assert {"description", "version"} <= changed <= {"description", "version", "updated", "updatedUser"}


def test_v2_merges_deeply(catalog: requests.Session, create: Callable[..., str], read: Read) -> None:
    dataset_id = create(tags={"team": ["a"]})
    before = read(dataset_id)["tags"]

    reply = catalog.patch(f"/v2/dataSets/{dataset_id}", json={"tags": {"stage": ["test"]}})

    assert reply.status_code == 200
    assert read(dataset_id)["tags"] == {**before, "stage": ["test"]}


def test_put_drops_what_it_does_not_name(
    catalog: requests.Session, create: Callable[..., str], read: Read
) -> None:
    dataset_id = create(description="old", tags={"team": ["a"]})
    schema = read(dataset_id)["schemaRef"]

    reply = catalog.put(f"/dataSets/{dataset_id}", json={"name": "new", "schemaRef": schema})

    assert (reply.status_code, reply.json()) == (200, [f"@/dataSets/{dataset_id}"])
    assert "team" not in read(dataset_id).get("tags", {})
    assert "description" not in read(dataset_id)


def test_put_of_the_documented_sample_is_taken(
    catalog: requests.Session, create: Callable[..., str], read: Read
) -> None:
    """The sample of catalog/api/replace-object, which sends ``files`` and no ``schemaRef``."""
    dataset_id = create(description="old")
    before = read(dataset_id)
    sample = {
        "name": "New Dataset Name",
        "description": "New description for dataset",
        "state": "DRAFT",
        "tags": {"adobe/pqs/table": ["sample_dataset"]},
        "files": f"@/dataSets/{dataset_id}/views/{before['viewId']}/files",
    }

    reply = catalog.put(f"/dataSets/{dataset_id}", json=sample)

    assert (reply.status_code, reply.json()) == (200, [f"@/dataSets/{dataset_id}"])
    after = read(dataset_id)
    assert {**after, **sample, "files": before["files"]} == after
    assert after["schemaRef"] == before["schemaRef"]


def test_tags_in_a_field_merge_replace_all_tags(
    catalog: requests.Session, create: Callable[..., str], read: Read
) -> None:
    dataset_id = create(tags={"team": ["a"]})
    tags = {"adobe/siphon/table/format": ["delta"], "stage": ["test"]}

    assert catalog.patch(f"/dataSets/{dataset_id}", json={"tags": tags}).status_code == 200

    assert read(dataset_id)["tags"] == tags


def test_field_merge_that_loses_the_table_format_is_refused(
    catalog: requests.Session, create: Callable[..., str], read: Read
) -> None:
    dataset_id = create()
    before = read(dataset_id)

    reply = catalog.patch(f"/dataSets/{dataset_id}", json={"tags": {"team": ["a"]}})

    assert (reply.status_code, reply.json()["title"]) == (422, "UnprocessableEntityError")
    assert read(dataset_id) == before


@pytest.mark.parametrize("value", [[], [""], [" "]])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_empty_table_format_is_refused(
    catalog: requests.Session, create: Callable[..., str], method: str, value: list[str]
) -> None:
    path = "/dataSets" if method == "POST" else f"/dataSets/{create()}"
    body = {"name": "x", "tags": {"adobe/siphon/table/format": value}}

    reply = catalog.request(method, path, json=body)

    assert reply.status_code == 422
    assert reply.json()["detail"] == "Field 'adobe/siphon/table/format' cannot be empty or blank"


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_validate_only_saves_nothing(
    catalog: requests.Session, create: Callable[..., str], read: Read, method: str
) -> None:
    dataset_id = create()
    before = read(dataset_id)
    path = "/dataSets" if method == "POST" else f"/dataSets/{dataset_id}"
    headers = {"Pragma": "validate-only"}

    good = catalog.request(method, path, json={"name": "new"}, headers=headers)
    bad = catalog.request(method, path, json={"name": 5}, headers=headers)

    assert (good.status_code, bad.status_code) == (200, 400)
    assert list(catalog.get("/dataSets").json().values()) == [before]


def test_validate_only_is_not_documented_for_a_patch(
    catalog: requests.Session, create: Callable[..., str]
) -> None:
    headers = {"Pragma": "validate-only"}

    reply = catalog.patch(f"/dataSets/{create()}", json={"description": "x"}, headers=headers)

    assert (reply.status_code, "header:pragma" in reply.json()["detail"]) == (400, True)


def test_patch_of_a_missing_dataset(patch: Patch) -> None:
    reply = patch("ffffffffffffffffffffffff", ("add", "/description", "x"))

    assert (reply.status_code, reply.json()["detail"]) == (404, "DataSet not found.")


def test_each_write_raises_the_version(create: Callable[..., str], patch: Patch, read: Read) -> None:
    dataset_id = create()
    versions = []

    for _ in range(11):
        patch(dataset_id, ("add", "/description", "same"))
        versions.append(read(dataset_id)["version"])

    assert versions == [f"1.0.{n}" for n in range(1, 12)]


def test_write_leaves_its_time_and_user(create: Callable[..., str], patch: Patch, read: Read) -> None:
    dataset_id = create()
    before = read(dataset_id)
    earliest = int(time.time() * 1000)

    patch(dataset_id, ("add", "/description", "x"))

    after = read(dataset_id)
    assert after["updated"] >= earliest
    assert after["updatedUser"].startswith("demo-client")
    assert after["created"] == before["created"]


def test_read_and_refused_write_keep_the_version(
    create: Callable[..., str], patch: Patch, read: Read
) -> None:
    dataset_id = create()

    patch(dataset_id, ("remove", "/tags/nothing"))
    read(dataset_id)

    assert read(dataset_id)["version"] == "1.0.0"


def test_version_is_the_entity_tag_and_if_match_is_honoured(
    catalog: requests.Session, create: Callable[..., str]
) -> None:
    path = f"/dataSets/{create()}"
    tag = catalog.get(path).headers["ETag"]

    first = catalog.patch(path, json={"description": "x"}, headers={"If-Match": tag})
    second = catalog.patch(path, json={"description": "y"}, headers={"If-Match": tag})

    assert tag == '"1.0.0"'
    assert (first.status_code, second.status_code) == (200, 412)


@pytest.mark.parametrize("operation", [("replace", "", {}), ("add", "", {"tags": {}}), ("add",)])
def test_patch_of_the_whole_object_or_of_nothing_is_refused(
    create: Callable[..., str],
    read: Read,
    patch: Callable[..., requests.Response],
    operation: tuple[Any, ...],
) -> None:
    dataset_id = create()
    before = read(dataset_id)

    reply = patch(dataset_id, operation)

    assert (reply.status_code, reply.json()["title"]) == (400, "BadRequestError")
    assert read(dataset_id) == before
