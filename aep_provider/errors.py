"""Every error this package raises, in one tree.

::

    AepProviderError
    ├── SettingsError          a setting is missing, malformed or contradicts another
    ├── InvalidInput           an argument of the resource cannot be right
    ├── WrongLocation          the resource lives in another sandbox, organisation or endpoint
    ├── Refused                a guard or the ownership rule said no; Profile was not touched
    │   └── BatchesInFlight    batches are on their way into the dataset; waiting cures it
    ├── Interrupted            the engine is shutting down; Profile was not touched
    ├── NotConverged           writes were answered, but the dataset does not show what was asked for
    ├── RolledBack             enabling was refused after the disable; what was there before is back
    ├── ProfileOff             Profile is, or may be, OFF and could not be brought back
    └── ApiError               a call to Adobe failed
        ├── ConnectionFailed   no response: time-out, reset, no route
        ├── UnreadableResponse a response that is not what the documentation describes
        │   └── ForeignResponse    a response about another organisation or sandbox
        └── StatusError        a response with an error status
            ├── BadCredentials     the token service refuses the credential
            ├── TokenRejected      401: the gateway refuses the token
            ├── PermissionDenied   403: the credential lacks a permission
            ├── NotFound           404
            ├── TimedOut           408
            ├── RequestRefused     any other 4xx
            │   ├── Conflict           409, 423, 425: something else is at work on it at the moment
            │   └── PreconditionFailed 412: it is no longer as `If-Match` says
            ├── Throttled          429
            └── ServerFault        5xx

The first line of the text is the message; the lines after it say what to do. The engine shows the first
line in its progress column and all of them under the resource.
"""

from __future__ import annotations

from typing import ClassVar


class AepProviderError(Exception):
    """Base of all errors of this package.

    Args:
        message: what failed, for which object, in which sandbox, and why; one line.
        remedy: what to do about it; may have several lines.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


class SettingsError(AepProviderError):
    """The stack configuration and the environment do not add up to usable settings."""


class InvalidInput(AepProviderError):
    """An argument of the resource cannot be right, whatever AEP holds."""


class WrongLocation(AepProviderError):
    """The recorded sandbox, organisation or endpoint differs from the configured one."""


class Refused(AepProviderError):
    """A guard, or the ownership rule, does not allow the change. The switches were not touched."""


class BatchesInFlight(Refused):
    """Batches are in flight for the dataset, so Profile is not switched off."""


class Interrupted(AepProviderError):
    """The engine is shutting the provider down before Profile was touched."""


class NotConverged(AepProviderError):
    """The writes were answered with success, but reading again does not show their effect."""


class RolledBack(AepProviderError):
    """Enabling with the new setting failed; the previous tags were restored and proved by a read."""


class ProfileOff(AepProviderError):
    """Profile is, or may be, switched off for a dataset, and restoring it failed too."""


class ApiError(AepProviderError):
    """A call to Adobe failed.

    Attributes:
        request: what was asked, such as ``GET dataset 5b02… in sandbox dev``.
        effect_unknown: whether a write of this call may have taken effect all the same.
    """

    effect_unknown: ClassVar[bool] = False

    def __init__(self, request: str, problem: str, remedy: str = "") -> None:
        super().__init__(f"{request}: {problem}", remedy)
        self.request = request
        self.problem = problem


class ConnectionFailed(ApiError):
    """No response came: connecting, sending or waiting failed."""

    effect_unknown = True


class UnreadableResponse(ApiError):
    """The response cannot be what the documentation describes, so nothing is concluded from it."""

    effect_unknown = True


class ForeignResponse(UnreadableResponse):
    """The response names another organisation or sandbox than the one that was asked."""


class StatusError(ApiError):
    """AEP answered with an error status.

    Attributes:
        status: the HTTP status.
        code: Adobe's own code (``error_code``, or the last part of ``type``), or ``""``.
        title: the ``title`` of the body, or ``""``.
        request_id: the id to give to Adobe's support, or ``""``.
        retry_after: the seconds that AEP asks to wait, or ``None``.
        documented: whether the body is a JSON object, as Adobe's services send; a gateway or a proxy in
            between answers in HTML.
    """

    def __init__(
        self,
        request: str,
        *,
        status: int,
        detail: str,
        code: str = "",
        title: str = "",
        request_id: str = "",
        retry_after: float | None = None,
        remedy: str = "",
        documented: bool = True,
    ) -> None:
        facts = ", ".join(part for part in (code, request_id and f"request id {request_id}") if part)
        super().__init__(request, f"AEP answered {status}: {detail}{f' [{facts}]' if facts else ''}", remedy)
        self.status = status
        self.code = code
        self.title = title
        self.request_id = request_id
        self.retry_after = retry_after
        self.documented = documented


class BadCredentials(StatusError):
    """The token service refuses the client id, the secret or the scopes."""


class TokenRejected(StatusError):
    """The gateway refuses the token (401, or ``error_code`` 401013)."""


class PermissionDenied(StatusError):
    """The credential may not do this (403)."""


class NotFound(StatusError):
    """Nothing is there (404). Whether that means *gone* is decided by `operations.location.gone`."""


class TimedOut(StatusError):
    """AEP, or a proxy on the way to it, gave up waiting (408). A write may have taken effect all the same."""

    effect_unknown = True


class RequestRefused(StatusError):
    """AEP refuses the request for what it says (400, 415, 422 and the like)."""


class Conflict(RequestRefused):
    """Another request for the same thing is being worked on (409), it is locked (423), or it is too early (425)."""


class PreconditionFailed(RequestRefused):
    """The thing has changed since the read whose ``ETag`` was sent as ``If-Match`` (412)."""


class Throttled(StatusError):
    """Too many requests (429)."""


class ServerFault(StatusError):
    """AEP failed on its side (5xx). A write may have taken effect all the same."""

    effect_unknown = True
