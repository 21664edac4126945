"""Reading responses: bodies of every shape that Adobe's services use, and the typed errors made from them.

Shapes (Adobe's troubleshooting pages and published descriptions): gateway ``{error_code, message}``; services
``{type, title, status, detail[, report]}``; token service ``{error, error_description}``; Flow Service
``{errorMessage}``; Profile ``{code, message}``; HTML for a path that does not exist.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from urllib3 import Retry

from aep_provider.aep.redact import LONGEST, redact, shown
from aep_provider.aep.transport import NOT_A_TIME, Response
from aep_provider.errors import (
    Conflict,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    RequestRefused,
    ServerFault,
    StatusError,
    Throttled,
    TimedOut,
    TokenRejected,
    UnreadableResponse,
)

_LONGEST_HEADER = 100
REQUEST_IDS = ("x-request-id", "x-correlation-id", "x-adobe-request-id")
"""Headers that hold the id which Adobe's support asks for, the best first."""

_KINDS: Mapping[int, type[StatusError]] = {
    403: PermissionDenied,
    404: NotFound,
    408: TimedOut,
    409: Conflict,
    412: PreconditionFailed,
    423: Conflict,
    425: Conflict,
    429: Throttled,
}
_TOKEN_REJECTED = "401013"  # noqa: S105 - an error code of the gateway

_RETRY_AFTER = Retry()
"""Reads the header, seconds or a date."""


def mapping(response: Response) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        UnreadableResponse: the body is something else.
    """
    body = _json(response)
    if not _is_object(body):
        raise unreadable(response, "a JSON object was expected")
    return body


def strings(response: Response) -> list[str]:
    """The body as a JSON array of strings, such as ``["@/dataSets/…"]``.

    Raises:
        UnreadableResponse: the body is something else.
    """
    body = _json(response)
    if not isinstance(body, list) or not all(isinstance(entry, str) for entry in body):
        raise unreadable(response, "a JSON array of strings was expected")
    return body


def objects(value: object) -> list[dict[str, Any]] | None:
    """The value as a list of JSON objects, or ``None`` if it is anything else."""
    if not isinstance(value, list) or not all(_is_object(entry) for entry in value):
        return None
    return value


def etag(response: Response) -> str:
    """The version of what was read, to be sent as ``If-Match``; ``""`` where the response has none.

    Adobe's guide writes the header's name ``E-Tag``, the standard ``ETag``.
    """
    value = response.headers.get("ETag") or response.headers.get("E-Tag") or ""
    return value if re.fullmatch(r"[ -~]{1,200}", value) else ""


def unreadable(response: Response, expected: str) -> UnreadableResponse:
    """An error for a successful status with a body that is not as documented."""
    kind = _shown(response, response.headers.get("Content-Type", "no content type"), _LONGEST_HEADER)
    excerpt = _excerpt(response)
    found = f"{response.status}, {len(response.content)} bytes of {kind}{excerpt and f': {excerpt}'}"
    return UnreadableResponse(
        response.request,
        f"the response cannot be understood: {_shown(response, expected)}; got {found}",
        "Nothing was concluded from it. A proxy or gateway in between may have answered; run again.",
    )


def error_from_response(response: Response, detail: str = "") -> StatusError | UnreadableResponse:
    """The typed error for a response with an error status, or for a success that lacks what it must hold."""
    if response.status < 400:
        return unreadable(response, detail or f"status {response.status} is not documented")
    body = _json(response)
    fields: Mapping[str, Any] = body if _is_object(body) else {}
    code = _text(fields, "error_code", "code", "error") or _text(fields, "type").rpartition("/")[2]
    kind = _kind(response.status, code)
    return kind(
        response.request,
        status=response.status,
        code="" if code == "uri" else _shown(response, code, _LONGEST_HEADER),
        title=_shown(response, _text(fields, "title")),
        detail=_shown(response, detail or _detail(fields)) or _excerpt(response) or "no body",
        request_id=_shown(response, _request_id(response, fields), _LONGEST_HEADER),
        retry_after=_retry_after(response),
        documented=_is_object(body),
    )


def _kind(status: int, code: str) -> type[StatusError]:
    if status == 401 or code == _TOKEN_REJECTED:
        return TokenRejected
    if status >= 500:
        return ServerFault
    return _KINDS.get(status, RequestRefused)


def _detail(fields: Mapping[str, Any]) -> str:
    """The useful text, which is often the innermost one."""
    report = fields.get("report")
    inner = [*_inner(report, "additionalDetails", "errorReason"), *_inner(report, "details", "message")]
    if _is_object(report):
        inner.append(_text(report, "detailed-message"))
    outer = [
        _text(fields, key) for key in ("detail", "message", "error_description", "errorMessage", "title")
    ]
    return next((text for text in [*inner, *outer] if text), "")


def _inner(report: object, key: str, text: str) -> Iterator[str]:
    entries = objects(report.get(key)) if _is_object(report) else None
    return (_text(entry, text) for entry in entries or [])


def _request_id(response: Response, fields: Mapping[str, Any]) -> str:
    report = fields.get("report")
    header = next((response.headers[name] for name in REQUEST_IDS if name in response.headers), "")
    return header or (_text(report, "registryRequestId") if _is_object(report) else "")


def _retry_after(response: Response) -> float | None:
    try:
        return float(_RETRY_AFTER.parse_retry_after(response.headers.get("Retry-After", "")))
    except NOT_A_TIME:
        return None


def _json(response: Response) -> object:
    try:
        body = json.loads(response.content)
        if b"\\ud" in response.content.lower():
            # Half a surrogate pair is not text: neither the engine nor a terminal could be given it.
            json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return body


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _text(fields: Mapping[str, Any], *keys: str) -> str:
    return next((value for key in keys if isinstance(value := fields.get(key), str) and value), "")


def _excerpt(response: Response) -> str:
    if response.sensitive:
        return ""
    # Hidden before it is cut anywhere, since a part of a secret is not recognised.
    text = redact(response.content[:20_000].decode("utf-8", "replace"), response.secrets)
    text = re.sub(r"<[^>]*>|\s+", " ", text[:2000])
    return _shown(response, re.sub(r"\s+", " ", text).strip())


def _shown(response: Response, text: str, longest: int = LONGEST) -> str:
    return shown(text, response.secrets, longest)
