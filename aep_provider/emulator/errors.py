"""The error bodies of each service, with Adobe's codes and texts.

AEP has no common error shape: the gateway, IMS and each service write their own.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

GATEWAY_MESSAGES = {
    "400003": "Missing header",
    "401013": "Oauth token is not valid",
    "403000": "Api Key is required",
    "403003": "Api Key is invalid",
    "403010": "Oauth token is missing.",
    "403025": "Profile is not valid",
    "403027": "User region is missing",
    "429050": "Too many requests",
}
"""Texts by error code (doc: landing/troubleshooting; the last one: Adobe Analytics' page, same gateway)."""


class Refused(Exception):
    """A request is answered with an error instead of being carried out.

    Args:
        response: the whole reply.
    """

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def _json(status: int, body: Any) -> Refused:
    return Refused(JSONResponse(body, status_code=status))


def gateway(code: str) -> Refused:
    """Return the gateway's refusal; the HTTP status is the code's first three digits (inferred)."""
    return _json(int(code[:3]), {"error_code": code, "message": GATEWAY_MESSAGES[code]})


def ims(error: str, description: str) -> Refused:
    """Return the refusal of the token service (RFC 6749 shape)."""
    return _json(400, {"error": error, "error_description": description})


def catalog(status: int, title: str, detail: str) -> Refused:
    """Return Catalog's refusal (doc: landing/troubleshooting; live for NotFoundError)."""
    return _json(
        status, {"type": "/placeholder/type/uri", "status": status, "title": title, "detail": detail}
    )


def bad_request(detail: str) -> Refused:
    """Return Catalog's 400."""
    return catalog(400, "BadRequestError", detail)


def bad_content_type() -> Refused:
    """Return the refusal of a missing or unsuitable Content-Type (doc: landing/troubleshooting)."""
    return bad_request("A valid content-type must be specified")


def registry(code: str, title: str, detail: str) -> Refused:
    """Return the Schema Registry's refusal (spec); the status is the end of ``code``, "XDM-1012-404"."""
    status = int(code.rsplit("-", 1)[1])
    report = {
        "registryRequestId": str(uuid.uuid4()),
        "timestamp": datetime.now(timezone.utc).strftime("%m-%d-%Y %H:%M:%S"),
        "detailed-message": detail,
    }
    return _json(
        status,
        {
            "type": f"http://ns.adobe.com/aep/errors/{code}",
            "title": title,
            "status": status,
            "report": report,
            "detail": detail,
        },
    )


def sandbox(code: str, title: str) -> Refused:
    """Return Sandbox Management's refusal, which has no ``detail``; the status is the end of ``code``."""
    status = int(code.rsplit("-", 1)[1])
    return _json(status, {"status": status, "title": title, "type": f"http://ns.adobe.com/aep/errors/{code}"})


def flow(status: int, message: str) -> Refused:
    """Return Flow Service's refusal (doc: landing/troubleshooting)."""
    return _json(status, {"errorMessage": message})


def ingestion(status: int, code: str, message: str) -> Refused:
    """Return Batch Ingestion's refusal: ``ERR-BI-104`` with 428 is live, the shape and the rest assumed."""
    return _json(status, {"code": code, "message": message})


def profile(status: int, message: str) -> Refused:
    """Return the refusal of the Profile service, ``{code,message}`` (spec Profile)."""
    return _json(status, {"code": str(status), "message": message})


_CATALOG_TITLES = {400: "BadRequestError", 404: "NotFoundError", 405: "MethodNotAllowedError"}


def refused(service: str, status: int, detail: str, headers: Mapping[str, str] | None = None) -> Refused:
    """Return what a service says of a request that no service could take, in that service's own shape.

    Nothing is published for these cases: the code of each is assumed.
    """
    shapes: dict[str, Callable[[], Refused]] = {
        "ims": lambda: _json(status, {"error": "invalid_request", "error_description": detail}),
        "schemaregistry": lambda: registry(f"XDM-1000-{status}", "Invalid request", detail),
        "sandbox": lambda: sandbox(f"SMS-2000-{status}", detail),
        "flow": lambda: flow(status, detail),
        "import": lambda: ingestion(status, f"ERR-BI-{status}", detail),
        "profile": lambda: profile(status, detail),
    }
    made = shapes.get(service, lambda: catalog(status, _CATALOG_TITLES[status], detail))()
    made.response.headers.update(headers or {})
    return made


def strictness(what: list[str]) -> Refused:
    """Return the refusal that only ``--strict`` gives; AEP is not known to refuse these."""
    return _json(
        400,
        {
            "type": "/_emulator/strict",
            "status": 400,
            "title": "EmulatorStrictness",
            "detail": "refused by the emulator because it runs strict; AEP's documentation does not name: "
            + ", ".join(what),
        },
    )


def unknown_path() -> Refused:
    """Return the reply to a path of no service: HTML, not JSON (live 2026-08, which path is not told)."""
    page = "<html><head><title>404 Not Found</title></head><body><h1>404 Not Found</h1></body></html>"
    return Refused(HTMLResponse(page, status_code=404))
