"""Which web pages may give orders: the emulator's own, and no other."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit


def may_order(headers: Mapping[str, str]) -> bool:
    """Say whether a request comes from no web page, or from the emulator's own.

    A browser adds ``Origin`` to what a page sends. It is our own page if it equals the host that was asked
    for and that host is an address or ``localhost``: any other name may be made to lead here by whoever owns
    it (DNS rebinding).

    Args:
        headers: of the request; names are looked up in lower case.
    """
    origin = headers.get("origin")
    if origin is None:
        return True
    host = headers.get("host", "")
    return origin == f"http://{host}" and _cannot_be_rebound(host)


def _cannot_be_rebound(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if name == "localhost" or name.endswith(".localhost"):
            return True
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
