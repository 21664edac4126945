"""What to do about an error status: one table for every service."""

from __future__ import annotations

from aep_provider.errors import (
    Conflict,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    ServerFault,
    StatusError,
    Throttled,
    TokenRejected,
)

_ORGANISATION = (
    "Check aep:orgId, then whether the credential has a product profile of Adobe Experience Platform."
)
_NOT_ABOUT_PERMISSIONS = {
    "403003": "Check aep:clientId, and that its Developer Console project has the Experience Platform API.",
    "403025": _ORGANISATION,
    "403027": _ORGANISATION,
}
_SANDBOX_SERVICE = "SMS-"
_CREDENTIAL = (
    "If AEP_ACCESS_TOKEN is set, it has expired or was issued to another client: export a fresh one, or "
    "unset it and use AEP_CLIENT_ID with AEP_CLIENT_SECRET.\n"
    "Otherwise check in Adobe Developer Console that the client credential still exists and that "
    "aep:clientId (AEP_CLIENT_ID) is its client id."
)
_THROTTLED = (
    "AEP limits how many requests it takes. Run again in a minute or two; if it happens again, lower "
    "aep:parallel (AEP_PARALLEL)."
)
_FAULT = (
    "The fault is on AEP's side and mostly passes: run again in a few minutes. AEP also answers so to too "
    "many requests at once: lower aep:parallel (AEP_PARALLEL).\n"
    "If it stays, look at status.adobe.com, and give Adobe's support the request and its id."
)
_NO_SERVICE = (
    "This was not answered by the service: a gateway or proxy does not know the address. Check aep:endpoint "
    "(AEP_ENDPOINT) and HTTPS_PROXY."
)
_MEANWHILE = "Something else has changed it at the same time. Run again."


def remedy(error: StatusError, permission: str = "") -> str:
    """What to do about an error status; ``""`` where only the caller knows.

    Args:
        error: from `error_from_response`.
        permission: what a 403 probably lacks, in the words of Adobe's permission screens.
    """
    if isinstance(error, TokenRejected):
        return _CREDENTIAL
    if isinstance(error, PermissionDenied):
        return _about_permission(error, permission)
    if isinstance(error, NotFound):
        return "" if error.documented else _NO_SERVICE
    if isinstance(error, Throttled):
        return _THROTTLED
    if isinstance(error, ServerFault):
        return _FAULT
    return _MEANWHILE if isinstance(error, Conflict | PreconditionFailed) else ""


def _about_permission(error: PermissionDenied, permission: str) -> str:
    """The gateway's own reasons have codes, the others are about permissions."""
    if known := _NOT_ABOUT_PERMISSIONS.get(error.code):
        return known
    if error.code.startswith(_SANDBOX_SERVICE):
        return "Check aep:sandbox, and that a role of the credential includes that sandbox."
    if not permission:
        return ""
    return (
        f"The credential probably lacks the permission {permission}: have it added to one of its roles "
        "(Adobe Experience Platform > Permissions)."
    )
