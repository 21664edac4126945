"""The client's manners: tokens, repeated reads, typed errors; on an injected clock, against the emulator."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from aep_provider.aep import Aep, connect
from aep_provider.aep.batches import Batch
from aep_provider.aep.responses import error_from_response, etag
from aep_provider.aep.transport import Response
from aep_provider.emulator import Control, Emulator
from aep_provider.emulator.seeds import CLIENT_SECRET, GLOBAL_SCHEMA, PROFILE_CLASS, PROFILE_SCHEMA
from aep_provider.errors import (
    AepProviderError,
    ApiError,
    BadCredentials,
    Conflict,
    ForeignResponse,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    Refused,
    RequestRefused,
    ServerFault,
    StatusError,
    Throttled,
    TokenRejected,
    UnreadableResponse,
)
from aep_provider.settings import Settings
from support.clock import FakeClock
from support.settings import environment

ID = "5b020a27e7040801dedbf46e"


@pytest.fixture
def url() -> Iterator[str]:
    with Emulator(strict=True) as emulator:
        yield emulator.url


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(url: str, clock: FakeClock) -> Aep:
    return connect(settings(url), clock)


def settings(url: str, **more: str) -> Settings:
    return Settings.load({}, environment(url) | more)


def fault(url: str, action: dict[str, Any], times: int | None = 1, **match: str) -> None:
    Control(url).fault(action, 1, times, **match)


def calls(url: str, service: str) -> int:
    return sum(entry["service"] == service for entry in Control(url).requests())


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_read_is_repeated_and_a_write_is_not(url: str, client: Aep, status: int) -> None:
    fault(url, {"status": status, "body": {}}, method="GET")
    assert list(client.catalog.all()) == []
    for method in ("POST", "PATCH", "DELETE"):
        fault(url, {"status": status, "body": {}}, times=None, method=method, service="catalog")
    Control(url).clear_requests()
    for write in (
        lambda: client.catalog.create({"name": "x"}),
        lambda: client.catalog.patch(ID, [{"op": "add", "path": "/name", "value": "x"}]),
        lambda: client.catalog.delete(ID),
    ):
        with pytest.raises(StatusError):
            write()
    assert calls(url, "catalog") == 3


@pytest.mark.parametrize("status", [408, 409, 423, 425])
def test_a_read_is_repeated_after_whatever_passes_by_itself(url: str, client: Aep, status: int) -> None:
    for service, method in (("ims", "POST"), ("catalog", "GET")):
        fault(url, {"status": status, "body": {}}, method=method, service=service)
    assert list(client.catalog.all()) == []
    assert (calls(url, "ims"), calls(url, "catalog")) == (2, 2)


def test_retry_after_in_seconds_is_honoured(url: str, client: Aep, clock: FakeClock) -> None:
    fault(url, {"status": 429, "body": {}, "headers": {"Retry-After": "7"}}, method="GET")
    list(client.catalog.all())
    assert clock.waits == [7]


@pytest.mark.parametrize(
    "body",
    [{}, {"title": "Orders"}, {"$id": 5}, {"$id": PROFILE_SCHEMA, "title": 5}]
    + [{"$id": PROFILE_SCHEMA, key: "union"} for key in ("meta:immutableTags", "meta:extends")],
)
def test_a_schema_that_is_none_is_unreadable(url: str, client: Aep, body: dict[str, Any]) -> None:
    fault(url, {"status": 200, "body": body}, service="schemaregistry")
    with pytest.raises(UnreadableResponse, match="a schema with meta:immutableTags"):
        client.schemas.get(PROFILE_SCHEMA)


@pytest.mark.parametrize("shown", ["object", "stored", "missing_too"])
@pytest.mark.parametrize("fields", [{}, {"description": ""}, {"description": "", "tags": {}}])
def test_a_property_without_a_value_reads_alike_however_it_is_shown(
    url: str, client: Aep, shown: str, fields: dict[str, Any]
) -> None:
    control = Control(url)
    control.switch(empty_properties=shown)
    control.seed(datasets={ID: {"name": "Orders", "schemaRef": {"id": PROFILE_SCHEMA}, **fields}})
    alone = client.catalog.get(ID)
    assert alone.values["description"] == ""
    assert client.catalog.many([ID]) == {ID: alone}
    assert client.catalog.page(0) == ({ID: alone}, False)
    assert list(client.catalog.all()) == client.catalog.named("Orders") == [alone]


@pytest.mark.parametrize(
    ("schema_id", "title"),
    [
        (f"{PROFILE_CLASS}__union", f"Union object for {PROFILE_CLASS}"),
        (GLOBAL_SCHEMA, "Adobe sample profile"),
        (PROFILE_SCHEMA, "Customers"),
    ],
    ids=["union of Adobe's class", "Adobe's schema", "own schema"],
)
def test_a_schema_is_looked_up_in_its_container(client: Aep, schema_id: str, title: str) -> None:
    assert client.schemas.get(schema_id).title == title


@pytest.mark.parametrize(
    ("updated", "year"), [(1, 1970), (253_402_300_799_999, 9999), (253_402_300_800_001, None), (0, None)]
)
def test_the_last_batch_has_a_time_where_one_is_told(
    url: str, client: Aep, updated: int, year: int | None
) -> None:
    told = {"lastBatchId": "b", "lastBatchStatus": "SUCCESS", "updated": updated}
    fault(url, {"status": 200, "body": {ID: told}}, path="/lastBatches")
    last = client.batches.last([ID])[ID]
    assert (last.id, last.status) == ("b", "success")
    assert (last.updated and last.updated.year) == year


def test_a_read_is_repeated_after_a_growing_time(url: str, client: Aep, clock: FakeClock) -> None:
    fault(url, {"status": 503, "body": {}}, times=4, method="GET")
    list(client.catalog.all())
    assert clock.waits[0] == 0, "the first repetition is at once"
    for waited, least in zip(clock.waits[1:], (0.5, 1, 2), strict=True):
        assert least <= waited <= least + 0.25


def test_retry_after_as_a_date_is_honoured(url: str, client: Aep, clock: FakeClock) -> None:
    moment = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=30), usegmt=True)
    fault(url, {"status": 503, "body": {}, "headers": {"Retry-After": moment}}, method="GET")
    list(client.catalog.all())
    assert 20 < clock.waits[0] <= 30


@pytest.mark.parametrize(
    ("asked", "longest"),
    [("86400", 60), ("soon", 1), ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", 1), ("9" * 5000, 60)],
)
def test_an_absurd_retry_after_is_not(
    url: str, client: Aep, clock: FakeClock, asked: str, longest: int
) -> None:
    fault(url, {"status": 429, "body": {}, "headers": {"Retry-After": asked}}, method="GET")
    list(client.catalog.all())
    assert clock.waits[0] <= longest


def test_a_read_that_keeps_failing_ends_as_a_typed_error(url: str, client: Aep) -> None:
    fault(url, {"status": 503, "body": {"title": "busy"}}, times=None, method="GET")
    with pytest.raises(ServerFault, match="busy"):
        list(client.catalog.all())


def test_threads_share_one_token_request(url: str, client: Aep) -> None:
    threads = [threading.Thread(target=lambda: list(client.catalog.all())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls(url, "ims") == 1
    assert calls(url, "catalog") == 8


def test_a_token_is_renewed_before_it_ends(url: str, client: Aep, clock: FakeClock) -> None:
    list(client.catalog.all())
    clock.passed += 86399 - 200
    list(client.catalog.all())
    assert calls(url, "ims") == 2


def test_a_token_is_used_until_five_minutes_before_its_end(url: str, client: Aep, clock: FakeClock) -> None:
    list(client.catalog.all())
    clock.passed += 86399 - 300
    list(client.catalog.all())
    assert calls(url, "ims") == 1
    clock.passed += 0.5
    list(client.catalog.all())
    assert calls(url, "ims") == 2


def test_a_refused_token_is_renewed_once(url: str, client: Aep) -> None:
    list(client.catalog.all())
    fault(url, {"expire_tokens": True}, service="catalog")
    list(client.catalog.all())
    assert calls(url, "ims") == 2
    fault(url, {"status": 401, "body": {"error_code": "401013"}}, times=None, service="catalog")
    with pytest.raises(TokenRejected):
        list(client.catalog.all())
    assert calls(url, "ims") == 3


def test_bad_credentials_name_the_cure_and_not_the_secret(url: str, clock: FakeClock) -> None:
    wrong = connect(settings(url, AEP_CLIENT_SECRET="wrong-secret"), clock)
    with pytest.raises(BadCredentials, match="invalid client_secret parameter") as caught:
        list(wrong.catalog.all())
    assert "AEP_CLIENT_SECRET" in str(caught.value)
    assert "wrong-secret" not in str(caught.value)
    assert str(caught.value).count("request id") == 1
    assert calls(url, "ims") == 1


@pytest.mark.parametrize(("status", "blamed"), [(400, True), (401, True), (403, False)])
def test_only_400_and_401_of_the_token_service_blame_the_credential(
    url: str, client: Aep, status: int, *, blamed: bool
) -> None:
    fault(url, {"status": status, "body": {"error": "invalid_client"}}, service="ims")
    with pytest.raises(StatusError) as caught:
        list(client.catalog.all())
    assert isinstance(caught.value, BadCredentials) is blamed


@pytest.mark.parametrize(
    ("environment", "remedy"),
    [
        ({"AEP_SANDBOX": "nowhere"}, "Check aep:sandbox, and that a role of the credential includes"),
        ({"AEP_ORG_ID": "FFFFFFFFFFFFFFFFFFFFFFFF@AdobeOrg"}, "Check aep:orgId, then whether"),
        ({}, "probably lacks the permission View Datasets"),
    ],
)
def test_a_403_without_other_reason_names_the_permission(
    url: str, clock: FakeClock, environment: dict[str, str], remedy: str
) -> None:
    if not environment:
        fault(url, {"status": 403, "body": {"title": "Forbidden"}}, service="catalog")
    client = connect(settings(url, **environment), clock)
    with pytest.raises(PermissionDenied) as error:
        client.catalog.get("5b020a27e7040801dedbf46e")
    assert remedy in error.value.remedy


def test_a_ready_token_of_unknown_life_opens_no_window(url: str, clock: FakeClock) -> None:
    ready = connect(settings(url, AEP_ACCESS_TOKEN="opaque"), clock)
    with pytest.raises(Refused, match="AEP_ACCESS_TOKEN"):
        ready.gateway.tokens.ensure(600)
    assert calls(url, "ims") == 0


@pytest.mark.parametrize("count", [101, 201])
def test_a_listing_goes_past_100(url: str, client: Aep, count: int) -> None:
    bodies = {f"{number:024x}": {"name": f"d{number}", "tags": {}} for number in range(count)}
    Control(url).seed(datasets=bodies)
    assert {dataset.id for dataset in client.catalog.all()} == set(bodies)


@pytest.mark.parametrize("name", ["a, b", "a*b", "!a", "a,b*c", "plain"])
@pytest.mark.parametrize("filtered", ["honoured", "ignored"])
def test_a_dataset_is_found_by_its_exact_name(url: str, client: Aep, name: str, filtered: str) -> None:
    Control(url).switch(name_filter=filtered)
    bodies = {ID: {"name": name}, "65f1c0a2b3d4e5f60718293a": {"name": name + "x"}}
    Control(url).seed(datasets=bodies)
    assert [dataset.id for dataset in client.catalog.named(name)] == [ID]


def test_a_sandbox_reset_meanwhile_is_seen_when_asked_anew(url: str, client: Aep) -> None:
    assert client.sandboxes.current() == client.sandboxes.current_now()
    resetting = {"sandboxes": [{"name": "dev", "type": "development", "state": "resetting"}]}
    fault(url, {"status": 200, "body": resetting}, service="sandbox")
    now = client.sandboxes.current_now()
    assert now is not None
    assert now.state == "resetting"
    fault(url, {"status": 403, "body": {}}, service="sandbox")
    with pytest.raises(PermissionDenied):
        client.sandboxes.current_now()


def test_a_schema_and_the_sandboxes_are_asked_for_once(url: str, client: Aep) -> None:
    for _ in range(3):
        assert client.schemas.get(PROFILE_SCHEMA).in_union
        sandbox = client.sandboxes.current()
        assert sandbox is not None
        assert sandbox.type == "development"
    assert (calls(url, "schemaregistry"), calls(url, "sandbox")) == (1, 1)


@pytest.mark.parametrize(
    ("status", "body", "kind", "text"),
    [
        (
            403,
            '{"error_code":"403003","message":"Api Key is invalid"}',
            PermissionDenied,
            "Api Key is invalid",
        ),
        (401, '{"error_code":"401013","message":"Oauth token is not valid"}', TokenRejected, "401013"),
        (429, '{"error_code":"429050","message":"Too many requests"}', Throttled, "Too many requests"),
        (
            404,
            '{"type":"/p/uri","status":404,"title":"NotFoundError","detail":"DataSet not found."}',
            NotFound,
            "DataSet",
        ),
        (
            400,
            '{"title":"x","report":{"details":[{"message":"the innermost"}]}}',
            RequestRefused,
            "the innermost",
        ),
        (409, '{"title":"busy"}', Conflict, "busy"),
        (423, '{"title":"locked"}', Conflict, "locked"),
        (425, '{"title":"early"}', Conflict, "early"),
        (412, '{"title":"moved"}', PreconditionFailed, "moved"),
        (500, '{"errorMessage":"flow"}', ServerFault, "flow"),
        (499, '{"title":"closed by the client"}', RequestRefused, "closed"),
        (404, "<html><h1>Not here</h1></html>", NotFound, "Not here"),
        (503, "", ServerFault, "no body"),
        (302, "", UnreadableResponse, "302"),
    ],
)
def test_every_shape_of_error_is_understood(status: int, body: str, kind: type[ApiError], text: str) -> None:
    error = error_from_response(Response("GET x", status, {"x-request-id": "r-1"}, body.encode()))
    assert type(error) is kind
    assert text in str(error)


@given(status=st.integers(100, 599), content=st.binary(max_size=80) | st.text(max_size=40).map(str.encode))
def test_no_reply_breaks_the_error_reader(status: int, content: bytes) -> None:
    assert isinstance(error_from_response(Response("GET x", status, {}, content)), AepProviderError)


SHOWN = {"name": "Orders", "tags": {"unifiedProfile": ["enabled:true"]}}


def seed(url: str, **body: object) -> None:
    Control(url).seed(sandbox="dev", datasets={ID: {**SHOWN, **body}})


def test_a_write_for_a_version_that_has_changed_is_refused(url: str, client: Aep) -> None:
    seed(url)
    rename = [{"op": "replace", "path": "/name", "value": "new"}]
    read = client.catalog.read_for_write(ID)
    assert read.etag
    client.catalog.prepare_patch(ID, rename, urgent=False, if_match=read.etag).send()
    with pytest.raises(PreconditionFailed):
        client.catalog.prepare_patch(ID, rename, urgent=False, if_match=read.etag).send()
    assert client.catalog.get(ID).name == "new"


@pytest.mark.parametrize(("header", "value"), [("E-Tag", "1.0.6"), ("ETag", '"1.0.6"'), ("etag", "1.0.6")])
def test_the_version_of_a_read_is_found_under_both_names(header: str, value: str) -> None:
    headers = CaseInsensitiveDict({header: value})
    assert etag(Response("GET x", 200, headers, b"{}")) == value


@pytest.mark.parametrize("value", ["", "1\x00", "é", "1" * 201])
def test_a_version_that_cannot_be_sent_back_is_none(value: str) -> None:
    assert etag(Response("GET x", 200, {"ETag": value}, b"{}")) == ""


def test_the_time_of_sending_is_filled_into_a_request_made_ready_before(url: str, client: Aep) -> None:
    seed(url)
    patch = [{"op": "add", "path": "/tags/note", "value": ["to:@@@@@@@@"]}]
    ready = client.catalog.prepare_patch(ID, patch, urgent=True)
    ready.send({b"@@@@@@@@": b"12:34:56"})
    assert client.catalog.get(ID).tag("note") == ("to:12:34:56",)
    ready.send({b"@@@@@@@@": b"12:34:57"})
    assert client.catalog.get(ID).tag("note") == ("to:12:34:57",)


@pytest.mark.parametrize("fill", [{b"@": b"12"}, {b"absent": b"tnesba"}])
def test_what_does_not_fit_into_a_request_is_not_sent(
    url: str, client: Aep, fill: dict[bytes, bytes]
) -> None:
    ready = client.catalog.prepare_patch(ID, [{"op": "test", "path": "/name", "value": "@"}], urgent=True)
    with pytest.raises(ValueError, match="cannot be filled in"):
        ready.send(fill)
    assert calls(url, "catalog") == 0


@pytest.mark.parametrize("urgent", [False, True])
def test_one_response_without_tags_is_not_believed(
    url: str, client: Aep, clock: FakeClock, *, urgent: bool
) -> None:
    seed(url)
    fault(url, {"status": 200, "body": {ID: {"name": "Orders"}}}, method="GET", service="catalog")
    assert client.catalog.get(ID, urgent=urgent).profile.enabled
    assert calls(url, "catalog") == 2
    assert clock.passed == (0 if urgent else 0.5)


def test_a_dataset_that_stays_without_tags_has_none(url: str, client: Aep, clock: FakeClock) -> None:
    fault(url, {"status": 200, "body": {ID: {"name": "Orders"}}}, times=None, method="GET", service="catalog")
    assert not client.catalog.get(ID).tags
    assert (calls(url, "catalog"), clock.passed) == (4, 3)


@pytest.mark.parametrize(
    "place", [{"imsOrg": "OTHER@AdobeOrg"}, {"sandboxName": "prod"}, {"sandboxId": "other"}]
)
def test_a_dataset_of_another_organisation_or_sandbox_is_refused(
    url: str, client: Aep, place: dict[str, str]
) -> None:
    client.gateway.sandbox_id = "ours"
    foreign = {ID: {**SHOWN, **place}}
    fault(url, {"status": 200, "body": foreign}, times=None, method="GET", service="catalog")
    with pytest.raises(ForeignResponse, match=next(iter(place))):
        client.catalog.get(ID)
    with pytest.raises(ForeignResponse):
        list(client.catalog.all())
    assert client.catalog.many([ID]) == {}


def test_a_batch_of_another_organisation_is_refused(url: str, client: Aep) -> None:
    batch = {"b": {"status": "success", "created": 1, "imsOrg": "OTHER@AdobeOrg"}}
    fault(url, {"status": 200, "body": batch}, method="GET", path="/batches")
    with pytest.raises(ForeignResponse):
        client.batches.recent(ID)


def test_a_sandbox_id_is_compared_once_the_list_of_sandboxes_told_it(url: str, client: Aep) -> None:
    listed = {"sandboxes": [{"name": "dev", "type": "development", "state": "active", "id": "ours"}]}
    fault(url, {"status": 200, "body": listed}, service="sandbox")
    client.sandboxes.current()
    assert client.gateway.foreign({"sandboxId": "theirs"})
    assert not client.gateway.foreign({"sandboxId": "ours"})


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((one, True) for one in ("loading", "staged", "stalled", "queued", "reticulating", "")),
        *((one, False) for one in ("success", "active", "failed", "aborted", "inactive", "deleted")),
    ],
)
def test_a_batch_is_in_flight_unless_its_status_says_that_it_ended(status: str, *, expected: bool) -> None:
    assert Batch("01EWFQZ15X", status, datetime.now(timezone.utc), None).in_flight == expected


@pytest.mark.parametrize("status", ["loaded", "success"])
def test_a_batch_that_profile_made_is_neither_waited_for_nor_ingested_again(status: str) -> None:
    name = f"01EWFQZ15X-ABC@AdobeOrg-5a1b2c3d-0000-4000-8000-000000000000-{ID}-INGEST"
    batch = Batch(name, status, datetime.now(timezone.utc), None)
    assert batch.internal
    assert not batch.in_flight
    assert not batch.succeeded


def test_batches_are_asked_for_by_the_clock_of_the_service(url: str, client: Aep, clock: FakeClock) -> None:
    clock.passed = 3600.0
    before = datetime.now(timezone.utc) - timedelta(days=7, seconds=10)
    client.batches.recent(ID)
    client.batches.recent(ID)
    asked = [one["query"] for one in Control(url).requests() if "/batches" in one["path"]]
    corrected = min(int(query["createdAfter"][0]) for query in asked)
    since = datetime.fromtimestamp(corrected / 1000, timezone.utc)
    assert timedelta(0) <= since - before < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("action", "remedy"),
    [
        ({"status": 401, "body": {"error_code": "401013"}}, "AEP_ACCESS_TOKEN"),
        ({"status": 401, "body": {"error_code": "401013"}}, "client credential"),
        ({"status": 429, "body": {}}, "lower aep:parallel"),
        ({"status": 500, "body": {}}, "run again in a few minutes"),
        ({"status": 404, "raw_body": "<html>Not here</html>"}, "Check aep:endpoint"),
        ({"status": 409, "body": {}}, "Run again"),
        ({"status": 412, "body": {}}, "Run again"),
    ],
)
def test_an_error_status_says_what_to_do(url: str, client: Aep, action: dict[str, Any], remedy: str) -> None:
    fault(url, action, times=None, service="catalog")
    with pytest.raises(StatusError) as error:
        client.catalog.get(ID)
    assert remedy in error.value.remedy


def test_a_documented_404_is_not_laid_on_the_endpoint(client: Aep) -> None:
    with pytest.raises(NotFound) as error:
        client.catalog.get(ID)
    assert error.value.remedy == ""


@pytest.mark.parametrize("service", ["ims", "catalog"])
@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_secret_that_a_service_echoes_is_not_shown(
    url: str, client: Aep, service: str, status: int
) -> None:
    token = client.gateway.tokens.get()
    client.gateway.tokens.drop(token)
    echo = f"{CLIENT_SECRET} Bearer {token}"
    fault(url, {"status": status, "body": {"title": echo, "detail": echo}}, times=None, service=service)
    if service == "catalog":
        fault(url, {"status": 200, "body": {"access_token": token, "expires_in": 86399}}, service="ims")
    with pytest.raises(ApiError) as error:
        client.catalog.get(ID)
    assert CLIENT_SECRET not in str(error.value)
    assert token not in str(error.value)
