"""Lost connections, ready tokens, ~/.netrc, and the tags of real tenants."""

from __future__ import annotations

import json
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter

from aep_provider.aep import Aep, connect
from aep_provider.aep.limit import Limit
from aep_provider.aep.responses import error_from_response, mapping
from aep_provider.aep.transport import Response, Transport
from aep_provider.dataset.tags import UnifiedTag, WindowNote
from aep_provider.emulator import Control, Emulator
from aep_provider.emulator.client import LoggedRequest
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from aep_provider.errors import (
    AepProviderError,
    ApiError,
    ConnectionFailed,
    PermissionDenied,
    Refused,
    SettingsError,
    StatusError,
    TokenRejected,
    UnreadableResponse,
)
from aep_provider.settings import Settings
from support.clock import FakeClock
from support.settings import environment
from support.tokens import ready_token

ID = "5b020a27e7040801dedbf46e"


START = datetime(2026, 1, 31, tzinfo=timezone.utc)


@pytest.fixture
def url() -> Iterator[str]:
    with Emulator(strict=True) as emulator:
        yield emulator.url


def client(url: str, **more: str) -> Aep:
    return connect(Settings.load({}, environment(url) | more), FakeClock(START))


def fault(url: str, action: dict[str, Any], times: int | None = 1, **match: str) -> None:
    Control(url).fault(action, 1, times, **match)


def log(url: str) -> list[LoggedRequest]:
    return Control(url).requests()


@pytest.mark.parametrize("lost", [{"reset": "before"}, {"reset": "after"}, {"truncate": 1}])
def test_a_lost_read_is_repeated_and_a_lost_write_is_not(url: str, lost: dict[str, Any]) -> None:
    aep = client(url)
    fault(url, lost, method="GET")
    assert list(aep.catalog.all()) == []
    for method in ("POST", "PATCH", "DELETE"):
        fault(url, lost, times=None, method=method, service="catalog")
    for write in (
        lambda: aep.catalog.create({"name": "x"}),
        lambda: aep.catalog.patch(ID, [{"op": "add", "path": "/name", "value": "x"}]),
        lambda: aep.catalog.delete(ID),
    ):
        with pytest.raises(ConnectionFailed) as caught:
            write()
        assert caught.value.effect_unknown
    assert [entry["method"] for entry in log(url) if entry["write"] and entry["service"] == "catalog"] == [
        "POST",
        "PATCH",
        "DELETE",
    ]


def test_a_read_that_breaks_off_each_time_is_a_failed_connection(url: str) -> None:
    fault(url, {"truncate": 1}, times=None, method="GET", service="catalog")
    with pytest.raises(ConnectionFailed, match="the connection failed"):
        list(client(url).catalog.all())
    assert len([entry for entry in log(url) if entry["service"] == "catalog"]) == 5


def test_attempts_with_a_broken_body_and_those_with_a_passing_status_count_together(url: str) -> None:
    fault(url, {"status": 503, "body": {"title": "Unavailable"}, "truncate": 1}, times=None, method="GET")
    with pytest.raises(AepProviderError):
        list(client(url).catalog.all())
    assert len([entry for entry in log(url) if entry["service"] == "catalog"]) == 5


def test_an_entry_in_netrc_does_not_replace_the_token(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert list(client(url).catalog.all()) == []


@pytest.mark.parametrize(
    "claims",
    [
        {"created_at": "1769817600000", "expires_in": "86400000"},
        {"exp": 1769817600 + 700},
    ],
)
def test_a_ready_token_that_says_how_long_it_lives_opens_a_window(url: str, claims: dict[str, Any]) -> None:
    client(url, AEP_ACCESS_TOKEN=ready_token(**claims)).gateway.tokens.ensure(600)
    assert log(url) == []


@pytest.mark.parametrize("claims", [{"exp": 1769817600 + 500}, {"exp": "soon"}, {"created_at": None}, {}])
def test_a_ready_token_that_may_end_opens_none(url: str, claims: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="AEP_ACCESS_TOKEN"):
        client(url, AEP_ACCESS_TOKEN=ready_token(**claims)).gateway.tokens.ensure(600)


def test_a_ready_token_is_sent_as_it_is_and_never_renewed(url: str) -> None:
    aep = client(url, AEP_ACCESS_TOKEN="ready.made.token", AEP_CLIENT_SECRET="")
    with pytest.raises(TokenRejected, match="AEP_ACCESS_TOKEN"):
        list(aep.catalog.all())
    assert [entry["service"] for entry in log(url)] == ["catalog", "catalog"]


@pytest.mark.parametrize("life", ["86399", "9" * 12, 86399.5])
def test_the_life_of_a_token_may_be_text(url: str, life: object) -> None:
    fault(url, {"status": 200, "body": {"access_token": "t", "expires_in": life}}, service="ims")
    client(url).gateway.tokens.ensure(600)


READS: dict[str, Callable[[Aep], object]] = {
    "dataset": lambda aep: aep.catalog.get(ID),
    "datasets": lambda aep: list(aep.catalog.all()),
    "several datasets": lambda aep: aep.catalog.many([ID, ID[::-1]]),
    "batches": lambda aep: aep.batches.recent(ID),
    "last batches": lambda aep: aep.batches.last([ID]),
    "schema": lambda aep: aep.schemas.get(PROFILE_SCHEMA),
    "sandboxes": lambda aep: aep.sandboxes.current(),
    "flows": lambda aep: aep.flows.into(ID),
}


@pytest.mark.parametrize("read", READS)
def test_a_read_outside_a_window_is_repeated(url: str, read: str) -> None:
    with Control(url) as aep:
        aep.seed(datasets={ID: {"name": "Orders", "tags": {}}, ID[::-1]: {"name": "Others", "tags": {}}})
        aep.seed(schemas=[{"$id": PROFILE_SCHEMA, "title": "Customers"}])
    fault(url, {"status": 503, "body": {}}, method="GET")
    READS[read](client(url))
    assert [entry["status"] for entry in log(url)][1:3] == [503, 200]


def test_a_403_names_the_permission_that_is_probably_missing(url: str) -> None:
    fault(url, {"status": 403, "body": {"title": "Forbidden"}}, method="GET", service="catalog")
    with pytest.raises(PermissionDenied, match="View Datasets"):
        list(client(url).catalog.all())


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"access_token": ""},
        {"access_token": 5, "expires_in": 86399},
        {"access_token": "t"},
        {"access_token": "t", "expires_in": -1},
        {"access_token": "t", "expires_in": True},
        {"access_token": "t", "expires_in": "soon"},
        {"access_token": "t", "expires_in": "9" * 13},
    ],
)
def test_a_token_reply_that_lacks_what_it_must_hold_is_an_error(url: str, body: dict[str, Any]) -> None:
    fault(url, {"status": 200, "body": body}, service="ims")
    with pytest.raises(UnreadableResponse):
        list(client(url).catalog.all())
    assert {entry["service"] for entry in log(url)} == {"ims"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error_code", "type", "title", "detail", "report", "details", "message", "error"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(status=st.integers(400, 599), body=json_values, after=st.text(max_size=12))
def test_no_json_breaks_the_error_reader(status: int, body: object, after: str) -> None:
    error = error_from_response(Response("GET x", status, {"Retry-After": after}, json.dumps(body).encode()))
    assert isinstance(error, StatusError)
    assert isinstance(error, ApiError)
    assert error.retry_after is None or error.retry_after >= 0
    assert error.message.startswith("GET x: ")


def test_spaced_tags_read_as_enabled_and_are_written_tight() -> None:
    tag = UnifiedTag.read(["enabled: true", " isUpsert : true", "enabledAt:2024-11-05 12:33:59", "x: y"])
    assert (tag.enabled, tag.upsert, tag.enabled_at) == (True, True, "2024-11-05 12:33:59")
    assert tag.switched_on(upsert=True) == ("enabled:true", "isUpsert:true", "x: y")
    assert tag.switched_off() == ("enabled:false", "x: y")


def test_a_tag_that_contradicts_itself_is_not_enabled() -> None:
    assert not UnifiedTag.read(["enabled:true", "enabled:false"]).enabled


@given(
    start=st.text(min_size=1, max_size=9),
    owner=st.text(max_size=9),
    upsert=st.none() | st.booleans(),
    end=st.text(max_size=9),
)
def test_a_window_note_reads_back_as_written(start: str, owner: str, upsert: bool, end: str) -> None:
    start, owner, end = start.strip(), owner.strip(), end.strip()
    if start:
        assert WindowNote.read(WindowNote(start, owner, upsert, end).elements()) == WindowNote(
            start, owner, upsert, end
        )


@pytest.mark.parametrize("text", ['{"name": "\\ud800"}', '{"\\uDFFF": 1}'])
def test_half_a_surrogate_pair_is_no_readable_reply(text: str) -> None:
    with pytest.raises(UnreadableResponse):
        mapping(Response("GET x", 200, {}, text.encode()))
    assert mapping(Response("GET x", 200, {}, b'{"name": "\\ud83d\\ude00"}')) == {"name": "\U0001f600"}


def test_a_token_is_had_although_every_place_is_taken(url: str) -> None:
    aep = client(url, AEP_PARALLEL="1")
    got: list[str] = []
    with aep.gateway.slot():
        other = threading.Thread(target=lambda: got.append(aep.gateway.tokens.get()))
        other.start()
        other.join(20)
    assert got, "whoever holds the last place may itself wait for the token"


def catalog_log(url: str) -> list[LoggedRequest]:
    return [entry for entry in Control(url).requests() if entry["service"] == "catalog"]


def test_threads_take_turns_on_as_many_connections_as_there_are_requests_at_once(url: str) -> None:
    Control(url).seed(datasets={ID: {"name": "d", "tags": {}}})
    aep = client(url, AEP_PARALLEL="2")
    second = Control(url).fault({"hold": "before"}, nth=2, times=None, path="/dataSets")
    Control(url).fault({"hold": "before"}, times=None, path="/dataSets")
    with ThreadPoolExecutor(8) as pool:
        reads = [pool.submit(aep.catalog.get, ID) for _ in range(8)]
        came = Control(url).wait_for_hit(second, 30)
        Control(url).clear_faults()
        assert came
        assert {read.result(60).id for read in reads} == {ID}
    assert len({entry["connection"] for entry in catalog_log(url)}) == 2


def test_what_one_thread_sends_in_its_slot_goes_over_one_connection(url: str) -> None:
    Control(url).seed(datasets={ID: {"name": "d", "tags": {}}})
    aep = client(url)
    with aep.gateway.slot():
        aep.catalog.get(ID)
        other = threading.Thread(target=aep.catalog.get, args=[ID])
        other.start()
        other.join(60)
        aep.catalog.get(ID)
    first, others, last = (entry["connection"] for entry in catalog_log(url))
    assert first == last != others


def test_no_cookie_is_sent_back(url: str) -> None:
    Control(url).seed(datasets={ID: {"name": "d", "tags": {}}})
    fault(url, {"headers": {"set-cookie": "replica=2; Path=/"}}, path="/dataSets")
    aep = client(url)
    for _ in range(2):
        aep.catalog.get(ID)
    assert [entry["headers"].get("cookie") for entry in catalog_log(url)] == [None, None]


@pytest.mark.parametrize(("method", "times"), [("GET", 4), ("POST", 0), ("PATCH", 0), ("DELETE", 0)])
def test_only_reads_are_repeated_by_the_library(
    url: str, monkeypatch: pytest.MonkeyPatch, method: str, times: int
) -> None:
    transport = Transport(FakeClock(START), at_once=1)
    used: list[Any] = []

    def send(self: HTTPAdapter, *_: Any, **__: Any) -> Any:
        used.append(self.max_retries.total)
        raise requests.exceptions.SSLError("cut off in the middle")

    monkeypatch.setattr(HTTPAdapter, "send", send)
    with pytest.raises(ConnectionFailed, match="certificate"):
        transport.send(transport.prepare(requests.Request(method, url)), method)
    assert used == [times]


@pytest.mark.parametrize("error", [ValueError("Invalid header"), OverflowError("date"), OSError("socket")])
def test_whatever_the_library_lets_through_is_a_failed_connection(
    url: str, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    transport = Transport(FakeClock(START), at_once=1)

    def send(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(requests.Session, "send", send)
    with pytest.raises(ConnectionFailed):
        transport.send(transport.prepare(requests.Request("GET", url)), "GET")


@pytest.mark.parametrize("key", ["AEP_CLIENT_ID", "AEP_CLIENT_SECRET", "AEP_ACCESS_TOKEN"])
def test_a_secret_with_a_line_break_is_refused_unquoted(url: str, key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({}, environment(url) | {key: "s3cr3t\n"})
    assert "line break" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_a_429_halves_the_requests_at_once_and_they_grow_again() -> None:
    limit = Limit(FakeClock(START), 8)
    limit.on_throttled(None)
    limit.on_throttled(None)
    assert limit.allowed == 2
    for _ in range(5):
        limit.on_success()
    assert limit.allowed == 4
    for _ in range(100):
        limit.on_success()
    assert limit.allowed == 8
    for _ in range(9):
        limit.on_throttled(None)
    assert limit.allowed == 1


def test_a_retry_after_holds_back_whoever_begins_a_request() -> None:
    clock = FakeClock(START)
    limit = Limit(clock, 2)
    limit.on_throttled(7)
    limit.acquire()
    assert clock.passed == 7
    limit.release()
    limit.acquire()
    assert clock.passed == 7


def test_the_address_of_a_proxy_is_never_quoted(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:s3/cr3t@proxy")
    monkeypatch.setenv("NO_PROXY", "")
    transport = Transport(FakeClock(START), at_once=1)
    with pytest.raises(ConnectionFailed) as caught:
        transport.send(transport.prepare(requests.Request("GET", "http://aep.example")), "GET")
    assert "user:s3" not in str(caught.value)


def test_a_refused_connection_names_the_address(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        host = f"127.0.0.1:{unused.getsockname()[1]}"
    transport = Transport(FakeClock(START), at_once=1)
    with pytest.raises(ConnectionFailed, match=rf"connection failed \({host}: "):
        transport.send(transport.prepare(requests.Request("GET", f"http://{host}")), "GET")


def test_each_host_has_the_proxy_that_the_environment_gives_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}"
    # Lower case wins where both are set.
    monkeypatch.setenv("http_proxy", closed)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    transport = Transport(FakeClock(START), at_once=1)

    def get(address: str) -> int:
        return transport.send(transport.prepare(requests.Request("GET", address)), "GET").status

    for _ in range(2):
        assert get(f"{url}/_emulator/health") == 200
        with pytest.raises(ConnectionFailed, match="the proxy does not answer"):
            get("http://aep.example")


def test_the_environment_is_read_once_for_a_host(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Mock(wraps=requests.Session().merge_environment_settings)
    monkeypatch.setattr(requests.Session, "merge_environment_settings", asked)
    aep = client(url)
    assert [list(aep.catalog.all()) for _ in range(3)] == [[]] * 3
    assert asked.call_count == 1


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize(("content", "problem"), [(None, "does not exist"), ("no PEM", "hold a certificate")])
def test_an_unusable_bundle_of_certificates_is_named_by_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, content: str | None, problem: str
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv(variable, str(bundle))
    transport = Transport(FakeClock(), at_once=1)
    with pytest.raises(SettingsError, match=f"{variable} names .*{problem}"):
        transport.send(transport.prepare(requests.Request("GET", "https://aep.example")), "GET")


def test_a_secret_that_the_library_quotes_is_not_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    transport = Transport(FakeClock(), at_once=1)
    transport.hide("t0p-s3cr3t")

    def send(*_: Any, **__: Any) -> Any:
        raise ValueError("Invalid header value 'Bearer t0p-s3cr3t'")

    monkeypatch.setattr(requests.Session, "send", send)
    with pytest.raises(ConnectionFailed) as caught:
        transport.send(transport.prepare(requests.Request("GET", url)), "GET")
    assert "t0p-s3cr3t" not in "".join(traceback.format_exception(caught.value))


def test_a_token_hidden_again_and_again_pushes_no_secret_out(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = Transport(FakeClock(), at_once=1)
    for secret in ("t0p-s3cr3t", *["a-t0ken"] * 20):
        transport.hide(secret)

    def send(*_: Any, **__: Any) -> Any:
        raise ValueError("Invalid header value 'Bearer t0p-s3cr3t'")

    monkeypatch.setattr(requests.Session, "send", send)
    with pytest.raises(ConnectionFailed) as caught:
        transport.send(transport.prepare(requests.Request("GET", url)), "GET")
    assert "t0p-s3cr3t" not in str(caught.value)
