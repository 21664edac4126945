"""The questions asked before the first write. What cannot be answered counts as no.

1. The sandbox is active; one of type production needs ``aep:allowProduction``.
2. The dataset is the customer's, and its owner and schema are the expected ones.
3. The schema is in the Profile union; for upsert it holds records, not events.
4. No batch is on its way into the dataset while Profile would be off: see `in_flight`.
5. Which dataflows write into it: advice only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed, normal_content_type
from aep_provider.errors import ApiError, NotFound, Refused, WrongPlace
from aep_provider.operations.context import Context, describe
from aep_provider.settings import Settings, same_endpoint

UNSEEN_WRITERS = (
    "Web and Mobile SDK datastreams, direct users of the ingestion API, Query Service and Adobe applications "
    "cannot be seen"
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


GAP_RISK = (
    "Adobe's documentation disagrees on whether disabling removes the dataset's profile records: the upsert "
    "tutorial prescribes it as routine, the enablement planning page says that it removes them."
)


def same_place(settings: Settings, recorded: Mapping[str, Any], *, writing: bool = False) -> None:
    """Refuse to touch a resource whose record names another place. No request is made.

    Args:
        settings: where the provider is set to.
        recorded: the outputs on record.
        writing: whether a record that names no place is refused as well.

    Raises:
        WrongPlace: sandbox, organisation or endpoint differ.
    """
    if writing and not all(recorded.get(key) for key in settings.place):
        raise WrongPlace(
            "The state of this resource does not say where its dataset lives; nothing was done",
            "Run `pulumi refresh`, which fills it in, then run again.",
        )
    for key, label, variable in (
        ("sandbox", "sandbox", "aep:sandbox or AEP_SANDBOX"),
        ("org_id", "organisation", "aep:orgId or AEP_ORG_ID"),
        ("endpoint", "endpoint", "aep:endpoint or AEP_ENDPOINT"),
    ):
        was, now = recorded.get(key), settings.place[key]
        if not was or was == now or (key == "endpoint" and same_endpoint(str(was), now)):
            continue
        raise WrongPlace(
            f"This dataset lives in {label} {was!r}, but the provider is set to {now!r}; nothing was done",
            f"Set {variable} back to {was!r}. Another place is another stack: `pulumi stack init`.",
        )


def sandbox(context: Context) -> None:
    """Guard 1."""
    found = context.aep.sandboxes.current()
    if found is None:
        raise Refused(
            f"Sandbox {context.sandbox} does not exist, or the credential does not see it",
            "Check aep:sandbox, and that a role of the credential includes this sandbox.",
        )
    if found.state != "active":
        raise Refused(f"Sandbox {found.name} is {found.state or 'in an unknown state'}, not active", "Wait.")
    if production(context) and not context.settings.allow_production:
        raise Refused(
            f"Sandbox {found.name} is of type {found.type}, and this stack may not write to production",
            "If that is what you want: `pulumi config set aep:allowProduction true`.",
        )


def production(context: Context) -> bool:
    """Whether the sandbox is one of type production; a type that is not known counts as production."""
    found = context.aep.sandboxes.current()
    return found is None or found.type != "development"


def customers(context: Context, observed: Observed, wanted: Desired, recorded_owner: str = "") -> None:
    """Guard 2.

    Args:
        context: where and how.
        observed: the dataset.
        wanted: owner and schema expected.
        recorded_owner: the owner in state, which authorises moving the dataset to another owner name.
    """
    title = describe(context, observed)
    if observed.system_sign:
        raise Refused(
            f"{title} is managed by Adobe: {observed.system_sign}",
            "Datasets of Adobe's own cannot be configured. Take the resource out of the program.",
        )
    if wanted.owner and observed.owner and observed.owner not in (wanted.owner, recorded_owner):
        raise Refused(
            f"{title} is managed by {observed.owner!r}", _owner_remedy(wanted.owner, observed.owner)
        )
    if wanted.schema_id and observed.schema_id != wanted.schema_id:
        raise Refused(
            f"{title} has schema {observed.schema_id!r}, not {wanted.schema_id!r}",
            "The schema of a dataset cannot be changed. Correct schema_id, or declare a new resource.",
        )
    expected = normal_content_type(wanted.schema_content_type or "")
    if expected and observed.schema_content_type != expected:
        raise Refused(
            f"{title} has schema content type {observed.schema_content_type!r}, not {expected!r}",
            "It cannot be changed. Correct schema_content_type, or leave it out.",
        )


def schema(context: Context, schema_id: str, *, upsert: bool) -> None:
    """Guard 3.

    Args:
        context: where and how.
        schema_id: the ``$id``.
        upsert: whether upsert is wanted.
    """
    if not schema_id:
        raise Refused("The dataset names no schema, so it cannot be enabled for Profile", "Check it in AEP.")
    try:
        found = context.aep.schemas.get(schema_id)
    except NotFound as error:
        raise Refused(
            f"Schema {schema_id} does not exist in sandbox {context.sandbox} ({error.problem})",
            "Check schema_id and aep:sandbox.",
        ) from error
    title = f"Schema {found.title!r} ({schema_id}) in sandbox {context.sandbox}"
    if not found.in_union:
        raise Refused(
            f"{title} is not enabled for Profile",
            "Enable it in AEP (Schemas > the schema > Profile). That cannot be undone.",
        )
    if upsert and found.time_series:
        raise Refused(
            f"{title} holds experience events (time series); upsert is for record data only",
            "Set is_upsert=False for this dataset.",
        )


def consent(context: Context, observed: Observed, *, allowed: bool) -> None:
    """Whether Profile may go off for a moment: in production only with ``allow_profile_gap``."""
    if allowed:
        return
    title = describe(context, observed)
    if production(context):
        raise Refused(
            f"{title}: changing upsert switches Profile off for a moment, in a sandbox of type production",
            f"{GAP_RISK}\nIf you accept that, set allow_profile_gap=True.",
        )
    context.report.warn(f"{title}: changing upsert switches Profile off for a moment. {GAP_RISK}")


def streaming(context: Context, observed: Observed, *, upsert: bool) -> None:
    """Guard 5: say which streaming dataflows write into the dataset, and who cannot be seen."""
    title = describe(context, observed)
    try:
        flows = [flow for flow in context.aep.flows.into(observed.id) if flow.streaming]
    except ApiError as error:
        context.report.warn(f"The dataflows that write into {title} could not be listed: {error.message}")
        return
    for flow in flows:
        unsupported = "; upsert is for batches only" if upsert else ""
        context.report.warn(
            f"A streaming dataflow writes into {title}: {flow.name or flow.id} ({flow.state}). What it "
            f"brings while Profile is off does not reach Profile{unsupported}."
        )
    context.report.info(f"{title}: {len(flows)} streaming dataflows are seen; {UNSEEN_WRITERS}.")


def identity_dataset(context: Context, observed: Observed) -> None:
    """Warn before Profile is enabled on what looks like the identity dataset of streaming upserts."""
    if observed.identity.enabled and not observed.profile.enabled:
        context.report.warn(
            f"{describe(context, observed)} has Identity on and Profile off, as the identity dataset of "
            "Adobe's streaming upserts has (Data Prep > upserts). Profile is enabled on it now."
        )


def gone(context: Context, error: NotFound) -> bool:
    """Whether a 404 on a read by id means that the dataset does not exist any more.

    Only Catalog's own JSON answer counts, and only while the sandbox is active: a gateway's HTML page or a
    sandbox that is being reset would otherwise empty the stack.
    """
    if not says_missing(error):
        return False
    found = context.aep.sandboxes.current_now()
    return found is not None and found.state == "active"


def says_missing(error: NotFound) -> bool:
    """Whether a 404 is Catalog's own about the dataset, and not a gateway's page."""
    return error.title == "NotFoundError"


def _owner_remedy(wanted: str, found: str) -> str:
    if wanted.rpartition("/")[0] == found.rpartition("/")[0]:
        return (
            f"The logical name changed from {found.rpartition('/')[2]!r} to {wanted.rpartition('/')[2]!r}? "
            "Then add opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name=…)]) with the old name."
        )
    return (
        "Only one stack can manage a dataset. Remove it there first (`pulumi state delete` keeps the "
        "dataset), or read it here with UpsertDataset.get."
    )
