"""Checks that ask AEP: token, clock, sandbox, permissions, guards, open gaps. Only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from aep_provider.aep.gateway import ApiRequest
from aep_provider.aep.sandboxes import PATH as SANDBOXES
from aep_provider.cli.checks_stack import guarded
from aep_provider.cli.console import Progress
from aep_provider.cli.declared import Declared
from aep_provider.cli.findings import Finding, failed, note, ok, problem, skipped
from aep_provider.cli.inventory import open_gaps
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.tags import GAP_TAG
from aep_provider.errors import AepProviderError, ApiError, Refused
from aep_provider.operations.advice import UNSEEN_WRITERS
from aep_provider.operations.change import Change, Policy
from aep_provider.operations.checks import check_production, check_sandbox
from aep_provider.operations.context import Context

SKEW = timedelta(minutes=5)
WINDOW = 600.0
"""Seconds for which a token must stay valid before Profile is switched off."""

NO_DATASET = "0" * 24


def asked(context: Context, stack: Sequence[Declared], owner: str, progress: Progress) -> Iterator[Finding]:
    """Every check, in the order in which one rests on the other.

    Args:
        context: where and how.
        stack: what the stack declares.
        owner: the stack's owner name, without the logical name.
        progress: is told how many datasets were read.
    """
    try:
        context.aep.gateway.tokens.get()
    except AepProviderError as error:
        yield failed("token", error)
        for check in ("clock", "sandbox", "permissions", "guards", "open gaps"):
            yield skipped(check, "no token")
        return
    yield _token(context)
    yield _clock(context)
    try:
        sandbox = context.aep.sandboxes.current()
    except ApiError as error:
        yield failed("sandbox", error)
    else:
        try:
            change = Change(Desired(is_upsert=False), Policy())
            check_sandbox(context, change)
            check_production(context, change)
            yield ok("sandbox", f"{context.sandbox}, type {sandbox.type if sandbox else 'unknown'}, active")
        except Refused as error:
            yield failed("sandbox", error)
    yield from _permissions(context)
    yield from guarded(context, stack, owner, progress)
    yield from _gaps(context)


def _token(context: Context) -> Finding:
    if not context.settings.access_token:
        return ok("token", "the token service accepts the credential")
    try:
        context.aep.gateway.tokens.ensure(WINDOW)
    except Refused:
        return problem(
            "token",
            "AEP_ACCESS_TOKEN expires within ten minutes, or does not say when: changing upsert is refused",
            "Export a new one, or use AEP_CLIENT_SECRET.",
        )
    return ok("token", "AEP_ACCESS_TOKEN is valid for at least ten minutes")


def _clock(context: Context) -> Finding:
    request = ApiRequest("GET", SANDBOXES, "sandboxes", query={"limit": 1, "offset": 0}, sandbox_header=False)
    try:
        theirs = parsedate_to_datetime(context.aep.gateway.send(request).headers["Date"])
    except (ApiError, KeyError, TypeError, ValueError):
        return skipped("clock", "no response said the time")
    difference = abs(context.clock.now() - _utc(theirs))
    if difference > SKEW:
        return problem(
            "clock",
            f"the clock of this machine is {difference.total_seconds():.0f} s off the service's",
            "Set it: the validity of a token and the times of a gap depend on it.",
        )
    return ok("clock", "agrees with the service's")


def _permissions(context: Context) -> Iterator[Finding]:
    aep = context.aep
    reads: tuple[tuple[str, Callable[[], object]], ...] = (
        ("View Datasets", lambda: next(aep.catalog.all(), None)),
        ("batches", lambda: aep.batches.recent(NO_DATASET)),
        ("View Schemas", lambda: aep.gateway.send(_schema_list())),
    )
    for name, read in reads:
        try:
            read()
            yield ok(f"permission: {name}", "reading works")
        except ApiError as error:
            yield failed(f"permission: {name}", error)
    try:
        aep.flows.into(NO_DATASET)
        yield ok("permission: View Sources", f"reading works. {UNSEEN_WRITERS}")
    except ApiError as error:
        yield note("permission: View Sources", f"dataflows cannot be listed: {error.message}", error.remedy)
    yield note("permission: Manage Datasets", "cannot be checked without writing")


def _gaps(context: Context) -> Iterator[Finding]:
    try:
        noted = context.aep.catalog.tagged(GAP_TAG)
    except ApiError as error:
        yield failed("open gaps", error)
        return
    gaps = open_gaps(noted)
    for text, remedy in gaps:
        yield problem("open gaps", text, remedy)
    if not gaps:
        yield ok("open gaps", "none noted by this provider")


def _schema_list() -> ApiRequest:
    return ApiRequest(
        "GET",
        "/data/foundation/schemaregistry/tenant/schemas",
        "schemas",
        query={"limit": 1},
        accept="application/vnd.adobe.xed-id+json",
        permission="View Schemas",
    )


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
