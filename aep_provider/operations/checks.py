"""Guards about the location, the schema, the consent, the token and the batches."""

from __future__ import annotations

from aep_provider.arguments import Kind, texts
from aep_provider.errors import ApiError, BatchesInFlight, NotFound, PermissionDenied, Refused
from aep_provider.operations import in_flight, measurements
from aep_provider.operations.change import Change
from aep_provider.operations.context import Context, describe
from aep_provider.words import plural

TOKEN_LIFE = 600.0
"""Seconds that the token must stay valid when Profile is switched off."""

GAP_RISK = (
    "Adobe's documentation disagrees on whether disabling removes the dataset's profile records: the upsert "
    "tutorial prescribes it as routine, the enablement planning page says that it removes them."
)


def check_sandbox(context: Context, _change: Change) -> None:
    """Refuse a sandbox that does not exist or is not active."""
    found = context.aep.sandboxes.current()
    if found is None:
        raise Refused(
            f"Sandbox {context.sandbox} does not exist, or the credential does not see it",
            "Check aep:sandbox, and that a role of the credential includes this sandbox.",
        )
    if found.state != "active":
        raise Refused(
            f"Sandbox {found.name} is {found.state or 'in an unknown state'}, not active",
            "Wait until it is active, then run again.",
        )


def check_production(context: Context, _change: Change) -> None:
    """Refuse to write to a sandbox of type production without the stack's leave."""
    if is_production(context) and not context.settings.allow_production:
        found = context.aep.sandboxes.current()
        raise Refused(
            f"Sandbox {context.sandbox} is of type {found.type if found else 'unknown'}, and this stack may not "
            "write to production",
            "If that is what you want: `pulumi config set aep:allowProduction true`.",
        )


def is_production(context: Context) -> bool:
    """Whether the sandbox is one of type production; a type that is not known counts as production."""
    found = context.aep.sandboxes.current()
    return found is None or found.type != "development"


def check_schema_of_dataset(context: Context, change: Change) -> None:
    """Refuse a dataset whose schema is not the declared one: it can never be changed."""
    observed = change.observed
    if observed is None:
        return
    for one in texts(Kind.ASSERTED):
        want, have = change.desired.asserted.get(one.name), observed.values[one.name]
        if want is not None and have != want:
            raise Refused(
                f"{describe(context, observed)} has {one.name} {have!r}, not {want!r}",
                f"The schema of a dataset cannot be changed. Correct {one.name}, or declare a new resource.",
            )


def check_union(context: Context, change: Change) -> None:
    """Refuse a schema that is not in the Profile union."""
    schema_id = change.schema_id
    if not schema_id:
        raise Refused(
            "The dataset names no schema, so it cannot be enabled for Profile", "Look at it in AEP."
        )
    try:
        found = context.aep.schemas.get(schema_id)
    except NotFound as error:
        raise Refused(
            f"Schema {schema_id} does not exist in sandbox {context.sandbox} ({error.problem})",
            "Check schema_id and aep:sandbox.",
        ) from error
    if not found.in_union:
        raise Refused(
            f"{_title(context, schema_id)} is not enabled for Profile",
            "Enable it in AEP (Schemas > the schema > Profile). That cannot be undone. If it was enabled a moment ago, "
            "run again in a minute: reads may be behind.",
        )


def check_behaviour(context: Context, change: Change) -> None:
    """Refuse upsert for a schema of experience events."""
    schema_id = change.schema_id
    if change.desired.is_upsert and context.aep.schemas.get(schema_id).time_series:
        raise Refused(
            f"{_title(context, schema_id)} holds experience events (time series); upsert is for record data only",
            "Set is_upsert=False for this dataset.",
        )


def check_consent(context: Context, change: Change) -> None:
    """Refuse a disable that the program did not agree to, in production; warn of it elsewhere."""
    if change.observed is None:
        return
    title = describe(context, change.observed)
    if not change.policy.may_disable:
        raise Refused(
            f"{title} is in Profile with the other upsert setting; nothing was changed",
            "Change upsert of an enabled dataset with `pulumi up`.",
        )
    if change.policy.allow_profile_gap:
        return
    if is_production(context):
        measured = "".join(f"\n{text}" for text in measurements.of_disabling(context))
        raise Refused(
            f"{title}: changing upsert switches Profile off for a moment, in a sandbox of type production",
            f"{GAP_RISK}{measured}\nIf you accept that, set allow_profile_gap=True.",
        )
    context.report.warn(f"{title}: changing upsert switches Profile off for a moment.")
    for text in (GAP_RISK, *measurements.of_disabling(context)):
        context.report.once(text)


def check_change_window(context: Context, change: Change) -> None:
    """Refuse a disable outside the times that the stack names; an enable alone is never asked about."""
    window, now = context.settings.change_window, context.now()
    if window is None or change.observed is None or window.allows(now):
        return
    coming = window.next(now)
    when = (
        f"Run `pulumi up` at or after {window.told(coming)}."
        if coming
        else "It does not open in the next two weeks."
    )
    raise Refused(
        f"{describe(context, change.observed)}: changing upsert switches Profile off, and the change window is closed",
        f"{when} aep:changeWindow is {str(window)!r}.",
    )


def check_token(context: Context, _change: Change) -> None:
    """Refuse a ready token that may end while Profile is off; renew any other."""
    context.aep.gateway.tokens.ensure(TOKEN_LIFE)


def check_batches(context: Context, change: Change) -> None:
    """Refuse while batches are in flight, unless the program ignores them."""
    if change.observed is None:
        return
    dataset_id, mode = change.observed.id, change.policy.in_flight_batches
    try:
        ahead = in_flight.batches_in_flight(context, dataset_id)
    except PermissionDenied:
        raise
    except ApiError as error:
        error.message = (
            f"Could not find out whether batches are in flight for dataset {dataset_id}: {error.message}"
        )
        raise
    if not ahead:
        return
    count = plural(len(ahead), "batch is", "batches are")
    title = f"{count} in flight for dataset {dataset_id} in sandbox {context.sandbox}"
    if mode == "ignore":
        context.report.warn(f"{title}, and may not reach Profile: {in_flight.listed(ahead)}")
        return
    raise BatchesInFlight(
        f"{title}: {in_flight.listed(ahead)}",
        "Run again when they have ended, or set in_flight_batches='wait'.",
    )


def _title(context: Context, schema_id: str) -> str:
    return f"Schema {context.aep.schemas.get(schema_id).title!r} ({schema_id}) in sandbox {context.sandbox}"
