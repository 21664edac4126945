"""What the API gateway checks on each call, with its codes and texts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

DATASETS = "/data/foundation/catalog/dataSets"


def refusal(reply: requests.Response) -> tuple[int, object]:
    return reply.status_code, reply.json()


@pytest.mark.parametrize(
    ("header", "status", "code", "message"),
    [
        ("Authorization", 403, "403010", "Oauth token is missing."),
        ("x-api-key", 403, "403000", "Api Key is required"),
        ("x-gw-ims-org-id", 400, "400003", "Missing header"),
    ],
)
def test_missing_header(
    platform: requests.Session, header: str, status: int, code: str, message: str
) -> None:
    del platform.headers[header]

    assert refusal(platform.get(DATASETS)) == (status, {"error_code": code, "message": message})


@pytest.mark.parametrize(
    ("header", "value", "status", "code", "message"),
    [
        ("Authorization", "Bearer made-up", 401, "401013", "Oauth token is not valid"),
        ("x-api-key", "nobody", 403, "403003", "Api Key is invalid"),
        ("x-gw-ims-org-id", "0123456789ABCDEF", 403, "403027", "User region is missing"),
        ("x-gw-ims-org-id", "FFFFFFFFFFFFFFFFFFFFFFFF@AdobeOrg", 403, "403027", "User region is missing"),
    ],
)
def test_wrong_header(
    platform: requests.Session, header: str, value: str, status: int, code: str, message: str
) -> None:
    platform.headers[header] = value

    assert refusal(platform.get(DATASETS)) == (status, {"error_code": code, "message": message})


def test_api_key_must_be_the_client_the_token_was_issued_to(platform: requests.Session) -> None:
    platform.headers["x-api-key"] = "other-client"

    assert platform.get(DATASETS).json()["error_code"] == "403003"


def test_token_without_the_bearer_scheme_is_not_valid(platform: requests.Session) -> None:
    platform.headers["Authorization"] = str(platform.headers["Authorization"]).removeprefix("Bearer ")

    assert platform.get(DATASETS).json()["error_code"] == "401013"


@pytest.mark.parametrize(
    "path",
    [
        DATASETS,
        "/data/foundation/schemaregistry/tenant/schemas",
        "/data/foundation/sandbox-management/",
        "/data/foundation/flowservice/flows",
    ],
)
def test_every_service_is_behind_the_gateway(bare: requests.Session, path: str) -> None:
    assert bare.get(path).json() == {"error_code": "403000", "message": "Api Key is required"}


def test_writes_are_behind_the_gateway(bare: requests.Session) -> None:
    assert bare.post(DATASETS, json={"name": "x"}).json()["error_code"] == "403000"


@pytest.mark.parametrize("path", ["/", "/data/foundation/nothing", "/data/foundation/catalogs/dataSets"])
def test_path_of_no_service_is_an_html_404(platform: requests.Session, path: str) -> None:
    reply = platform.get(path)

    assert reply.status_code == 404
    assert reply.headers["Content-Type"].startswith("text/html")
    assert "<html" in reply.text


def test_catalog_needs_the_sandbox_header(platform: requests.Session) -> None:
    del platform.headers["x-sandbox-name"]

    assert platform.get(DATASETS).status_code == 400


def test_unknown_sandbox_is_refused(platform: requests.Session) -> None:
    platform.headers["x-sandbox-name"] = "elsewhere"

    reply = platform.get(DATASETS)

    assert reply.status_code == 403
    assert reply.json()["type"].startswith("http://ns.adobe.com/aep/errors/SMS-")


@pytest.mark.parametrize("path", [DATASETS, f"{DATASETS}/{'f' * 24}", "/nothing", "/ims/token/v3"])
def test_request_id_comes_back_or_is_made(platform: requests.Session, path: str) -> None:
    reply = platform.get(path, headers={"x-request-id": "my-own-id"})
    made = [platform.get(path).headers["x-request-id"] for _ in range(2)]

    assert reply.headers["x-request-id"] == "my-own-id"
    assert len({*made, "my-own-id"}) == 3


def test_refusal_of_the_gateway_and_a_fault_have_a_request_id(
    bare: requests.Session, platform: requests.Session, fault: Callable[..., str]
) -> None:
    fault({"status": 503, "body": {}})

    replies = [platform.get(DATASETS), bare.get(DATASETS)]

    assert [reply.status_code for reply in replies] == [503, 403]
    assert all(reply.headers["x-request-id"] for reply in replies)


SHAPES: list[tuple[str, str, set[str]]] = [
    ("/data/foundation/catalog/dataSets", "POST", {"type", "status", "title", "detail"}),
    (
        "/data/foundation/schemaregistry/tenant/schemas",
        "POST",
        {"type", "status", "title", "detail", "report"},
    ),
    ("/data/foundation/import/batches", "POST", {"code", "message"}),
    ("/data/core/ups/access/entities", "GET", {"code", "message"}),
    ("/data/foundation/flowservice/flows", "GET", {"errorMessage"}),
    ("/data/foundation/sandbox-management/sandboxes", "GET", {"type", "status", "title"}),
    ("/ims/token/v3", "POST", {"error", "error_description"}),
]
"""The fields of each service's own errors."""


@pytest.mark.parametrize(("path", "method", "fields"), SHAPES)
def test_wrong_method_is_refused_in_the_shape_of_the_service(
    platform: requests.Session, path: str, method: str, fields: set[str]
) -> None:
    reply = platform.delete(path)

    assert (reply.status_code, reply.json().keys()) == (405, fields)
    assert method in reply.headers["Allow"]


@pytest.mark.parametrize(("path", "method", "fields"), SHAPES)
def test_unknown_path_of_a_service_is_refused_in_its_shape(
    platform: requests.Session, path: str, method: str, fields: set[str]
) -> None:
    reply = platform.request(method, f"{path}/no/such/path")

    assert (reply.status_code, reply.json().keys()) == (404, fields)


def test_unknown_path_of_a_service_can_be_html(platform: requests.Session, control: requests.Session) -> None:
    control.post("/settings", json={"unknown_path": "html"})

    reply = platform.get("/data/foundation/catalog/nothing")

    assert (reply.status_code, reply.headers["Content-Type"][:9]) == (404, "text/html")


@pytest.mark.parametrize(("path", "method", "fields"), SHAPES[:4])
def test_missing_sandbox_is_refused_in_the_shape_of_the_service(
    platform: requests.Session, path: str, method: str, fields: set[str]
) -> None:
    del platform.headers["x-sandbox-name"]

    reply = platform.request(method, path)

    assert (reply.status_code, reply.json().keys()) == (400, fields)


@pytest.mark.parametrize(("path", "method", "fields"), SHAPES[:3])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_an_unreadable_body_gets_the_error_of_its_service(
    platform: requests.Session, path: str, method: str, fields: set[str], encoding: str
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}

    reply = platform.request(method, path, data=b"{", headers=headers)

    assert (reply.status_code, reply.json().keys()) == (400, fields)


@pytest.mark.parametrize("expression", ["", "a~("])
@pytest.mark.parametrize(
    ("path", "fields"),
    [(SHAPES[0][0], SHAPES[0][2]), (SHAPES[1][0], SHAPES[1][2]), (SHAPES[4][0], SHAPES[4][2])],
)
def test_a_wrong_filter_gets_the_error_of_its_service(
    platform: requests.Session, path: str, fields: set[str], expression: str
) -> None:
    accept = {"Accept": "application/vnd.adobe.xed+json"}
    reply = platform.get(path, params={"property": expression}, headers=accept)

    assert (reply.status_code, reply.json().keys()) == (400, fields)
