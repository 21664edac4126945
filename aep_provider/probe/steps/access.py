"""Tokens, the gateway, and what every response carries."""

from __future__ import annotations

import base64
import json
import statistics
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

from aep_provider.probe.belief import Answer, NotAsked
from aep_provider.probe.raw import CATALOG, DATASETS, Reply
from aep_provider.probe.steps.look import judged, needed
from aep_provider.probe.steps.step import Run, Step

_ONE: dict[str, str | int] = {"limit": 1, "properties": "name"}
_DAY = 86_400
_SKEW = 5.0
"""Seconds of difference that are the request's way and the header's whole seconds."""


def token(run: Run) -> Iterator[Answer]:
    """One token request."""
    if run.settings.access_token:
        raise NotAsked("a ready token is in use (AEP_ACCESS_TOKEN)")
    reply = run.raw.token(run.settings)
    body = reply.object()
    life, kind = body.get("expires_in"), str(body.get("token_type", ""))
    seconds = isinstance(life, int) and not isinstance(life, bool) and 60 <= life <= 7 * _DAY
    bearer = kind.lower() == "bearer"
    # Whatever else it is stays here: it may be anything.
    said = repr(kind) if bearer else "another one"
    good = reply.status == 200 and bearer and seconds
    yield judged("token-reply", good, f"{reply.describe()}, token_type {said}, expires_in {_number(life)}")
    needed(reply, "a token was refused")
    claims = _claims(str(body.get("access_token", "")))
    ends = "exp" in claims or {"created_at", "expires_in"} <= claims.keys()
    says = "a JSON Web Token that says when it ends"
    yield judged(
        "token-claims",
        ends,
        says,
        otherwise=says.replace("that says", "that does not say") if claims else "not a JSON Web Token",
    )


def gateway(run: Run) -> Iterator[Answer]:
    """Requests that lack a header, or have a wrong one; all of them only read."""
    cases = (
        ("x-gw-ims-org-id", "400003"),
        ("x-api-key", "403000"),
        ("Authorization", "403010"),
    )
    replies = [
        (run.raw.send("GET", DATASETS, query=_ONE, headers={name: None}), code) for name, code in cases
    ]
    seen = ", ".join(f"{reply.describe()} for {code}" for reply, code in replies)
    yield judged("gateway-codes", all(_code(reply) == code for reply, code in replies), seen)
    yield judged("gateway-status", all(str(reply.status) == code[:3] for reply, code in replies), seen)
    bad = run.raw.send("GET", DATASETS, query=_ONE, headers={"Authorization": "Bearer not-a-token"})
    yield judged("bad-token", bad.status == 401 or _code(bad) == "401013", bad.describe())
    missing = run.raw.send("GET", DATASETS, query=_ONE, headers={"x-sandbox-name": None})
    yield judged("sandbox-header", missing.status == 400, missing.describe())
    unknown = run.raw.send("GET", DATASETS, query=_ONE, headers={"x-sandbox-name": "aep-provider-probe-none"})
    yield judged("unknown-sandbox", unknown.status == 403, unknown.describe())
    nowhere = run.raw.send("GET", "/data/foundation/aep-provider-probe")
    inside = run.raw.send("GET", f"{CATALOG}/aepProviderProbe")
    own = inside.status == 404 and bool(inside.object())
    form = "JSON" if own else "another form"
    yield judged(
        "unknown-path-of-service",
        own,
        f"{inside.describe()}, {form}",
        {"unknown_path": "json" if own else "html"} if inside.status == 404 else {},
    )
    html = nowhere.status == 404 and nowhere.json() is None
    yield judged("unknown-path", html, nowhere.describe(), otherwise=f"{nowhere.describe()}, JSON")


def headers(run: Run) -> Iterator[Answer]:
    """What a plain read carries: the time, an id, limits; and how long it takes."""
    before = run.clock.now().timestamp()
    replies = [needed(run.raw.send("GET", DATASETS, query=_ONE), "a listing was refused") for _ in range(5)]
    after = run.clock.now().timestamp()
    run.figures["round_trip_ms"] = round(statistics.median(one.seconds for one in replies) * 1000, 1)
    reply = replies[-1]
    yield _date(reply, before, after)
    ids = [
        name for name in ("x-request-id", "x-correlation-id", "x-adobe-request-id") if name in reply.headers
    ]
    yield judged("request-id", bool(ids), f"response header {', '.join(ids)}", otherwise="no such header")
    limits = sorted({name.lower() for one in replies for name in one.headers if _limits(name)})
    yield judged(
        "limit-headers", not limits, "no such header", otherwise=f"response headers {', '.join(limits)}"
    )


def _date(reply: Reply, before: float, after: float) -> Answer:
    try:
        theirs = parsedate_to_datetime(reply.headers["Date"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        return judged("date-header", False, "no usable Date header")
    skew = theirs - min(max(theirs, before), after)
    if abs(skew) <= _SKEW:
        return judged("date-header", True, f"a Date header, within {_SKEW:.0f} s of this machine's clock")
    direction = "ahead of" if skew > 0 else "behind"
    seen = f"a Date header, {abs(skew):.0f} s {direction} this machine's clock"
    return judged("date-header", False, seen, {"clock_skew": round(skew)})


def _limits(name: str) -> bool:
    lower = name.lower()
    return "ratelimit" in lower or "rate-limit" in lower or lower == "retry-after"


def _code(reply: Reply) -> str:
    return str(reply.object().get("error_code", ""))


def _number(value: object) -> str:
    return str(value) if isinstance(value, int) else "that is not a number"


def _claims(value: str) -> dict[str, Any]:
    try:
        payload = value.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


STEPS = (
    Step("Token", ("token-reply", "token-claims"), token),
    Step(
        "Gateway",
        (
            "gateway-codes",
            "gateway-status",
            "bad-token",
            "sandbox-header",
            "unknown-sandbox",
            "unknown-path-of-service",
            "unknown-path",
        ),
        gateway,
    ),
    Step("Headers and times of responses", ("date-header", "request-id", "limit-headers"), headers),
)
