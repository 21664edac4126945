"""Adobe's published API descriptions, and what a request or a reply has that differs from them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml

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


class Description:
    """One of Adobe's published OpenAPI descriptions.

    Args:
        name: of its file.
    """

    def __init__(self, name: str) -> None:
        # Only the conformance tests need the library, and it takes a second to import.
        from openapi_core import Config, OpenAPI

        body = yaml.load((folder() / f"{name}.yaml").read_text(encoding="utf-8"), _Loader)
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


described = lru_cache(Description)


def service(path: str) -> str:
    """The name of the description that a path belongs to."""
    return max(
        (name for name in BASES if path.startswith(BASES[name] + "/")), key=lambda name: len(BASES[name])
    )


def folder() -> Path:
    """The folder of Adobe's descriptions; the test is skipped where there is none."""
    for found in ADOBE:
        if (found / "catalog.yaml").is_file():
            return found
    pytest.skip(
        f"Adobe's API descriptions are not in {ADOBE[0]}: run `make adobe-openapi`, "
        "or name a folder that has them in AEP_ADOBE_OPENAPI"
    )


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
