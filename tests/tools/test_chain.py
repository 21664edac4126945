"""The longest chain of requests that wait for each other, from a log."""

from __future__ import annotations

from typing import cast

import pytest
from chain import Call, calls, longest, told

from aep_provider.emulator.client import LoggedRequest

ID, OTHER = "5b020a27e7040801dedbf46e", "65f1c0a2b3d4e5f60718293a"
CATALOG = "/data/foundation/catalog"


def call(route: str, start: float, end: float, process: int = 1) -> Call:
    """One request."""
    return Call(route, process, start, end)


@pytest.mark.parametrize(
    ("sent", "chain"),
    [
        ([], ""),
        ([call("a", 0, 1), call("b", 1, 2), call("c", 2.5, 3)], "a, b, c"),
        ([call("a", 0, 2), call("b", 1, 3), call("c", 1.9, 4)], "a"),
        # The first that arrived is not always part of it: one long request runs beside two short ones.
        ([call("long", 0, 9), call("a", 1, 2), call("b", 3, 4)], "a, b"),
        ([call("a", 0, 1), call("b", 1, 5), call("c", 2, 3), call("d", 3, 4), call("e", 6, 7)], "a, c, d, e"),
        # What another process sends waits for nothing here.
        ([call("a", 0, 1), call("b", 2, 3, process=2), call("c", 4, 5, process=2)], "b, c"),
    ],
)
def test_the_longest_chain_is_of_requests_that_follow_each_other(sent: list[Call], chain: str) -> None:
    assert told(longest(reversed(sent))) == chain


def test_what_follows_itself_is_counted() -> None:
    assert told([call("a", 0, 1), call("b", 1, 2), call("b", 2, 3)]) == "a, 2 × b"


def entry(
    service: str, method: str, path: str, start: float, end: float | None, **query: list[str]
) -> LoggedRequest:
    """An entry of the emulator's log, as far as it counts."""
    found = {
        "service": service,
        "method": method,
        "path": path,
        "query": query,
        "received": start,
        "answered": end,
    }
    return cast(LoggedRequest, found)


def test_a_log_is_read_by_routes_and_each_token_begins_a_process() -> None:
    log = [
        entry("ims", "POST", "/ims/token/v3", 0, 1),
        entry("catalog", "GET", f"{CATALOG}/dataSets/{ID}", 2, 3),
        entry("catalog", "GET", f"{CATALOG}/dataSets/{ID},{OTHER}", 2, 3),
        entry("catalog", "GET", f"{CATALOG}/dataSets", 2, 3, name=["a"], limit=["100"]),
        entry("catalog", "GET", f"{CATALOG}/dataSets", 2, 3, tags=["a:*"]),
        entry("sandbox", "GET", "/data/foundation/sandbox-management/", 2, 3),
        entry(
            "schemaregistry", "GET", "/data/foundation/schemaregistry/tenant/schemas/https%3A%2F%2Fa", 2, 3
        ),
        entry("catalog", "PATCH", f"{CATALOG}/dataSets/{ID}", 4, None),
        entry("ims", "POST", "/ims/token/v3", 5, 6),
    ]
    assert [(one.process, one.route) for one in calls(log)] == [
        (1, "POST token/v3"),
        (1, "GET dataSets/{id}"),
        (1, "GET dataSets/{ids}"),
        (1, "GET dataSets?name"),
        (1, "GET dataSets?tags"),
        (1, "GET sandbox-management"),
        (1, "GET tenant/schemas/{id}"),
        (2, "POST token/v3"),
    ]
