"""Checks that ask AEP: token, clock, sandbox, permissions, guards, open gaps. Only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

from aep_provider.aep import Aep
from aep_provider.aep.gateway import ApiRequest
from aep_provider.aep.sandboxes import PATH as SANDBOXES
from aep_provider.cli.checks_stack import guarded, named
from aep_provider.cli.console import Progress, side_by_side
from aep_provider.cli.declared import Declared, live_datasets, with_ids
from aep_provider.cli.findings import Finding, failed, note, ok, problem, skipped
from aep_provider.cli.inventory import open_gaps
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import GAP_TAG, UNIFIED_PROFILE
from aep_provider.errors import AepProviderError, ApiError, Refused
from aep_provider.operations import advice
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
        for check in ("clock", "sandbox", "permissions", "guards", "Profile datasets", "open gaps"):
            yield skipped(check, "no token")
        return
    yield _token(context)
    with side_by_side(context.settings.parallel) as pool:
        # The listing of a large sandbox takes longest, so it begins first.
        found = pool.submit(with_ids, context, stack)
        reading = pool.submit(lambda: live_datasets(context, _valid(found.result()), progress))
        yield from pool.map(lambda check: check(context), (_clock, _sandbox, *_PERMISSIONS))
    yield note("permission: Manage Datasets", "cannot be checked without writing")
    yield from named(context, found.result())
    everything: Sequence[Observed] | None = None
    try:
        live, everything = reading.result()
    except ApiError as error:
        yield failed("guards", error)
    else:
        yield from guarded(context, _valid(found.result()), live, owner)
    yield _profile_datasets(context, everything)
    yield from _gaps(context, everything)


def _valid(stack: Sequence[Declared]) -> list[Declared]:
    return [one for one in stack if one.desired is not None]


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


def _sandbox(context: Context) -> Finding:
    try:
        sandbox = context.aep.sandboxes.current()
        change = Change(Desired(is_upsert=False), Policy())
        check_sandbox(context, change)
        check_production(context, change)
    except (ApiError, Refused) as error:
        return failed("sandbox", error)
    return ok("sandbox", f"{context.sandbox}, type {sandbox.type if sandbox else 'unknown'}, active")


def _permission(name: str, read: Callable[[Aep], object]) -> Callable[[Context], Finding]:
    def check(context: Context) -> Finding:
        try:
            read(context.aep)
        except ApiError as error:
            return failed(f"permission: {name}", error)
        return ok(f"permission: {name}", "reading works")

    return check


def _flows(context: Context) -> Finding:
    try:
        context.aep.flows.into(NO_DATASET)
    except ApiError as error:
        return note("permission: View Sources", f"dataflows cannot be listed: {error.message}", error.remedy)
    return ok("permission: View Sources", f"reading works. {UNSEEN_WRITERS}")


_PERMISSIONS = (
    _permission("View Datasets", lambda aep: next(aep.catalog.all(), None)),
    _permission("batches", lambda aep: aep.batches.recent(NO_DATASET)),
    _permission("View Schemas", lambda aep: aep.gateway.send(_schema_list())),
    _flows,
)


def _profile_datasets(context: Context, everything: Sequence[Observed] | None) -> Finding:
    try:
        held = context.aep.catalog.tagged(UNIFIED_PROFILE) if everything is None else everything
        counts = advice.in_profile(held)
    except ApiError as error:
        return failed("Profile datasets", error)
    texts = [text for kind in counts if (text := advice.at_limit(context.sandbox, kind, counts[kind]))]
    if texts:
        return note("Profile datasets", " ".join(texts))
    shown = ", ".join(f"{count} of {advice.PROFILE_DATASETS} {kind}" for kind, count in counts.items())
    return ok("Profile datasets", f"{shown} datasets are in Profile")


def _gaps(context: Context, everything: Sequence[Observed] | None) -> Iterator[Finding]:
    try:
        noted = context.aep.catalog.tagged(GAP_TAG) if everything is None else everything
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
        # The registry wants `orderby` beside `limit` (documented).
        query={"orderby": "title", "limit": 1},
        accept="application/vnd.adobe.xed-id+json",
        permission="View Schemas",
    )


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
