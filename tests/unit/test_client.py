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

from aep_provider.aep import Aep, connect
from aep_provider.aep.replies import error_of
from aep_provider.aep.transport import Reply
from aep_provider.emulator import Control, Emulator
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from aep_provider.errors import (
    AepProviderError,
    ApiError,
    BadCredentials,
    NotFound,
    PermissionDenied,
    Refused,
    RequestRefused,
    ServerFault,
    StatusError,
    Throttled,
    TokenRejected,
    UnreadableReply,
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


def test_retry_after_in_seconds_is_honoured(url: str, client: Aep, clock: FakeClock) -> None:
    fault(url, {"status": 429, "body": {}, "headers": {"Retry-After": "7"}}, method="GET")
    list(client.catalog.all())
    assert clock.waits == [7]


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
    assert calls(url, "ims") == 1


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
        (500, '{"errorMessage":"flow"}', ServerFault, "flow"),
        (404, "<html><h1>Not here</h1></html>", NotFound, "Not here"),
        (503, "", ServerFault, "no body"),
        (302, "", UnreadableReply, "302"),
    ],
)
def test_every_shape_of_error_is_understood(status: int, body: str, kind: type[ApiError], text: str) -> None:
    error = error_of(Reply(status, {"x-request-id": "r-1"}, body.encode()), "GET x")
    assert type(error) is kind
    assert text in str(error)


@given(status=st.integers(100, 599), content=st.binary(max_size=80) | st.text(max_size=40).map(str.encode))
def test_no_reply_breaks_the_error_reader(status: int, content: bytes) -> None:
    assert isinstance(error_of(Reply(status, {}, content), "GET x"), AepProviderError)
