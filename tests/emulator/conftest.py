"""An emulator per test, and HTTP sessions that speak to it. Nothing here knows the provider's own client."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml

from aep_provider.emulator import Control, Emulator
from aep_provider.emulator.client import LoggedRequest
from aep_provider.emulator.seeds import PROFILE_SCHEMA

CATALOG = "/data/foundation/catalog"
SECRETS = {"demo-client": "demo-secret", "other-client": "other-secret"}
SCOPE = "openid,AdobeID,read_organizations"
ROOT = Path(__file__).resolve().parents[2]
ADOBE = [
    Path(os.environ.get("AEP_ADOBE_OPENAPI") or ROOT / ".adobe-openapi"),
    ROOT.parent / "shared" / "adobe-openapi",
]
"""Where Adobe's descriptions may be: a folder that is named, or what `make adobe-openapi` got; beside the checkout."""
BASES = {
    "catalog": "/data/foundation/catalog",
    "batch-ingestion": "/data/foundation/import",
    "schema-registry": "/data/foundation/schemaregistry",
    "flow-service": "/data/foundation/flowservice",
    "sandbox": "/data/foundation",
}
"""By the name of the file with Adobe's description."""
Difference = tuple[str, str, str]
"""Operation, "request" or "reply", and what differs."""


class Client(requests.Session):
    """A session whose URLs are paths below ``base``; no call waits for ever."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.trust_env = False
        self._base = base

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs.setdefault("timeout", 30)
        path = url.decode() if isinstance(url, bytes) else url
        return super().request(method, self._base + path, *args, **kwargs)


@pytest.fixture
def serve() -> Iterator[Callable[..., Emulator]]:
    """Start emulators with options of one's own; all of them end with the test."""
    with ExitStack() as running:
        yield lambda **options: running.enter_context(Emulator(**options))


@pytest.fixture
def aep(serve: Callable[..., Emulator]) -> Emulator:
    """A fresh strict emulator: what the tests send is what Adobe documents."""
    return serve(strict=True)


@pytest.fixture
def connect(serve: Callable[..., Emulator]) -> Iterator[Callable[..., requests.Session]]:
    """Open a session: ``connect(url)`` with the four headers, ``connect(url, client=None)`` with none."""
    with ExitStack() as open_sessions:

        def session(
            url: str, path: str = "", client: str | None = "demo-client", sandbox: str | None = "dev"
        ) -> requests.Session:
            made = open_sessions.enter_context(Client(url + path))
            if client is not None:
                made.headers.update(Control(url).headers(client, SECRETS[client], sandbox=sandbox))
            return made

        yield session


@pytest.fixture
def bare(aep: Emulator, connect: Callable[..., requests.Session]) -> requests.Session:
    """A session without any of Adobe's headers."""
    return connect(aep.url, client=None)


@pytest.fixture
def platform(aep: Emulator, connect: Callable[..., requests.Session]) -> requests.Session:
    """An authorised session in the sandbox "dev"."""
    return connect(aep.url)


@pytest.fixture
def catalog(aep: Emulator, connect: Callable[..., requests.Session]) -> requests.Session:
    """An authorised session in "dev" below Catalog's base path."""
    return connect(aep.url, CATALOG)


@pytest.fixture
def control(aep: Emulator, connect: Callable[..., requests.Session]) -> requests.Session:
    """A session below the control routes."""
    return connect(aep.url, "/_emulator", client=None)


@pytest.fixture
def create(catalog: requests.Session) -> Callable[..., str]:
    """Create a dataset over HTTP and return its id."""

    def post(name: str = "Loyalty", schema: str = PROFILE_SCHEMA, **fields: Any) -> str:
        reply = catalog.post("/dataSets", json=dataset(name, schema, **fields))
        assert reply.status_code == 201, reply.text
        return str(reply.json()[0]).rpartition("/")[2]

    return post


def dataset(name: str, schema: str, **fields: Any) -> dict[str, Any]:
    content_type = "application/vnd.adobe.xed+json;version=1"
    return {"name": name, "schemaRef": {"id": schema, "contentType": content_type}, **fields}


@pytest.fixture
def read(catalog: requests.Session) -> Callable[[str], dict[str, Any]]:
    """Read one dataset over HTTP, without its wrapping."""

    def get(dataset_id: str) -> dict[str, Any]:
        reply = catalog.get(f"/dataSets/{dataset_id}")
        assert reply.status_code == 200, reply.text
        body: dict[str, Any] = reply.json()[dataset_id]
        return body

    return get


@pytest.fixture
def patch(catalog: requests.Session) -> Callable[..., requests.Response]:
    """Send a JSON Patch: ``patch(id, ("add", "/path", value), ("remove", "/path"))``."""

    def send(dataset_id: str, *operations: tuple[Any, ...]) -> requests.Response:
        body = [dict(zip(("op", "path", "value"), operation, strict=False)) for operation in operations]
        media_type = "application/json-patch+json"
        return catalog.patch(f"/dataSets/{dataset_id}", json=body, headers={"Content-Type": media_type})

    return send


@pytest.fixture
def steer(aep: Emulator) -> Iterator[Control]:
    """The typed client for the control routes."""
    with Control(aep.url) as made:
        yield made


@pytest.fixture
def seed(steer: Control) -> Callable[..., None]:
    """Put raw objects in: ``seed(datasets={...}, batches={...})``."""
    return steer.seed


@pytest.fixture
def fault(steer: Control) -> Callable[..., str]:
    """Order a fault for the requests to ``path`` (a regular expression) and return its id."""

    def order(action: dict[str, Any], method: str = "GET", path: str = "/dataSets", **rule: Any) -> str:
        return steer.fault(action, method=method, path=path, **rule)

    return order


@pytest.fixture
def log(steer: Control) -> Callable[[], list[LoggedRequest]]:
    """Return the entries of the request log, oldest first."""
    return steer.requests


class Description:
    """One of Adobe's published OpenAPI descriptions.

    Args:
        name: of its file.
    """

    def __init__(self, name: str) -> None:
        # Only the conformance tests need the library, and it takes a second to import.
        from openapi_core import Config, OpenAPI

        body = yaml.load((_folder() / f"{name}.yaml").read_text(encoding="utf-8"), _Loader)
        if "swagger" in body:
            body = _as_openapi(body)
        body["servers"] = [{"url": BASES[name]}]
        self._name = name
        self._body: dict[str, Any] = _tidy(body)
        # The files have slips that keep them from being valid as a whole; each operation is judged by itself.
        self._api = OpenAPI.from_dict(self._body, config=Config(spec_validator_cls=None))

    def template(self, method: str, path: str) -> str:
        """Return the path of the description that a request's path is an instance of."""
        below = path.removeprefix(BASES[self._name])
        paths: list[str] = [
            path for path, operations in self._body["paths"].items() if method.lower() in operations
        ]
        found = [path for path in paths if _pattern(path).fullmatch(below)]
        assert found, f"{self._name} describes no {method} {below}"
        # A literal path counts more than one with a parameter in its place.
        return min(found, key=lambda path: path.count("{"))

    def query_parameters(self, method: str, path: str) -> list[str]:
        """Return the names of the query parameters that a request may have."""
        item = self._body["paths"][self.template(method, path)]
        shared = self._body.get("components", {}).get("parameters", {})
        given = [*item.get("parameters", []), *item[method.lower()].get("parameters", [])]
        resolved = [shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in given]
        return [one["name"] for one in resolved if one["in"] == "query"]

    def differences(self, reply: requests.Response) -> Iterator[Difference]:
        """Compare a request and its reply with the description of them."""
        from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

        method, path = str(reply.request.method), urlsplit(str(reply.request.url)).path
        operation = f"{self._name} {method} {self.template(method, path)}"
        request = RequestsOpenAPIRequest(reply.request)
        for error in self._api.iter_request_errors(request):
            yield from ((operation, "request", what) for what in _told(error))
        for error in self._api.iter_response_errors(request, RequestsOpenAPIResponse(reply)):
            yield from ((operation, "reply", what) for what in _told(error, reply.status_code))


_described = lru_cache(Description)


def _folder() -> Path:
    """The folder of Adobe's descriptions; the test is skipped where there is none."""
    for folder in ADOBE:
        if (folder / "catalog.yaml").is_file():
            return folder
    pytest.skip(
        f"Adobe's API descriptions are not in {ADOBE[0]}: run `make adobe-openapi`, "
        "or name a folder that has them in AEP_ADOBE_OPENAPI"
    )


@pytest.fixture
def adobe() -> Callable[[str], Description]:
    """Return the description of the service that a path belongs to; the test is skipped without the files."""
    _folder()

    def find(path: str) -> Description:
        names = [name for name in BASES if path.startswith(BASES[name] + "/")]
        return _described(max(names, key=lambda name: len(BASES[name])))

    return find


class _Loader(yaml.SafeLoader):
    """Leaves dates as the text that they are in JSON."""


_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: node.value)


def _tidy(node: Any) -> Any:
    """Make status codes text, as they are in JSON, and drop ``content: {}``, which describes nothing."""
    if isinstance(node, dict):
        return {str(key): _tidy(value) for key, value in node.items() if (key, value) != ("content", {})}
    return [_tidy(item) for item in node] if isinstance(node, list) else node


def _as_openapi(old: dict[str, Any]) -> dict[str, Any]:
    """Rewrite what these tests need of Swagger 2 as OpenAPI 3: bodies, parameters, references."""

    def moved(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: moved(value) for key, value in node.items()}
        if isinstance(node, list):
            return [moved(item) for item in node]
        if isinstance(node, str) and node.startswith("#/definitions/"):
            return node.replace("#/definitions/", "#/components/schemas/")
        return node

    def resolved(parameter: dict[str, Any]) -> dict[str, Any]:
        name = str(parameter.get("$ref", "")).rpartition("/")[2]
        return old["parameters"][name] if name else parameter

    paths: dict[str, Any] = {}
    for path, operations in old["paths"].items():
        shared = operations.get("parameters", [])
        for method, operation in operations.items():
            if method == "parameters":
                continue
            given = [resolved(item) for item in [*shared, *operation.get("parameters", [])]]
            made: dict[str, Any] = {"responses": {}, "parameters": []}
            for item in given:
                if item["in"] == "body":
                    made["requestBody"] = {"content": {"application/json": {"schema": item["schema"]}}}
                else:
                    kept: dict[str, Any] = {
                        key: item[key] for key in ("name", "in", "required") if key in item
                    }
                    schema: dict[str, Any] = {
                        key: item[key] for key in ("type", "enum", "items") if key in item
                    }
                    made["parameters"].append({**kept, "schema": schema})
            for status, reply in operation["responses"].items():
                content: Any = {"application/json": {"schema": reply["schema"]}} if "schema" in reply else {}
                made["responses"][status] = {"description": "", "content": content}
            paths.setdefault(path, {})[method] = made
    schemas: Any = {"schemas": old["definitions"]}
    return {"openapi": "3.0.1", "info": old["info"], "paths": moved(paths), "components": moved(schemas)}


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(template)))


def _told(error: BaseException, status: int | None = None) -> Iterator[str]:
    """Say in a word or two what an error is about."""
    cause = error.__cause__ or error.__context__
    schema_errors = getattr(error, "schema_errors", None) or getattr(cause, "schema_errors", None)
    place = (
        f"{error.location} {error.name}" if hasattr(error, "location") and hasattr(error, "name") else "body"
    )
    if schema_errors:
        yield from sorted({f"{place}{_where(item)}: {item.validator}" for item in schema_errors})
    elif status is not None and type(error).__name__ == "ResponseNotFound":
        yield f"status {status}"
    else:
        yield f"{place}: {type(error).__name__}"


def _where(error: Any) -> str:
    """Return the place of a schema error; list positions and dataset ids vary, so they are a star."""
    steps = ["*" if isinstance(step, int) or len(step) in (24, 26) else step for step in error.absolute_path]
    return "".join(f".{step}" for step in steps)
