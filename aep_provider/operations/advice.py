"""What a user should know before a change; it never refuses one."""

from __future__ import annotations

from aep_provider.arguments import UNIFIED_PROFILE
from aep_provider.dataset.plan import overwritten
from aep_provider.errors import ApiError
from aep_provider.operations.change import Change
from aep_provider.operations.context import Context, describe

UNSEEN_WRITERS = (
    "Of what writes into a dataset, streaming dataflows are looked for; Web and Mobile SDK datastreams, direct users "
    "of the ingestion API, Query Service and Adobe applications cannot be seen."
)

PROFILE_DATASETS = 20
"""Datasets of one class in Profile, for each sandbox (Adobe, *Datasets health checks*)."""

_PLUGIN_FLAGS = "acp_granular_plugin_validation_flags"


def name_what_is_overwritten(context: Context, change: Change) -> None:
    """Say what an adoption changes: a wrong id would overwrite somebody's dataset."""
    changes = overwritten(change.observed, change.desired) if change.observed is not None else []
    if change.observed is not None and changes:
        context.report.warn(
            f"{describe(context, change.observed)} is adopted, which overwrites {'; '.join(changes)}"
        )


def renames(change: Change) -> bool:
    """Whether an existing dataset gets another name."""
    name = change.desired.name
    return change.observed is not None and bool(name) and change.observed.name != name


def name_namesakes(context: Context, change: Change) -> None:
    """Say which datasets have the new name already: AEP allows it, and people mix them up."""
    if change.observed is None:
        return
    name = change.desired.name
    try:
        others = [one.id for one in context.aep.catalog.named(name) if one.id != change.observed.id]
    except ApiError as error:
        context.report.warn(f"Whether the name {name!r} is in use could not be found out: {error.message}")
        return
    if others:
        context.report.warn(
            f"{describe(context, change.observed)} gets the name {name!r}, which is in use: {', '.join(others)}"
        )


def name_streaming_dataflows(context: Context, change: Change) -> None:
    """Say which streaming dataflows write into the dataset, and who cannot be seen."""
    if change.observed is None:
        return
    title = describe(context, change.observed)
    try:
        flows = [flow for flow in context.aep.flows.into(change.observed.id) if flow.streaming]
    except ApiError as error:
        context.report.warn(f"The dataflows that write into {title} could not be listed: {error.message}")
        return
    for flow in flows:
        unsupported = "; upsert is for batches only" if change.desired.is_upsert else ""
        context.report.warn(
            f"A streaming dataflow writes into {title}: {flow.name or flow.id} ({flow.state}). What it "
            f"brings while Profile is off does not reach Profile{unsupported}."
        )
    context.report.once(UNSEEN_WRITERS)


def enables(change: Change) -> bool:
    """Whether Profile is enabled on a dataset that exists."""
    return change.observed is not None and bool(change.steps.enable) and not change.steps.opens_window


def warn_of_identity_dataset(context: Context, change: Change) -> None:
    """Warn before Profile is enabled on what looks like the identity dataset of streaming upserts."""
    observed = change.observed
    if observed is not None and observed.identity.enabled and not observed.profile.enabled:
        context.report.warn(
            f"{describe(context, observed)} has Identity on and Profile off, as the identity dataset of "
            "Adobe's streaming upserts has (Data Prep > upserts). Profile is enabled on it now."
        )


def warn_of_plugin_flag(context: Context, change: Change) -> None:
    """Warn of a flag that is said to keep Profile from processing a dataset (third party; disputed)."""
    if change.observed is not None and "profile:disabled" in change.observed.tag(_PLUGIN_FLAGS):
        context.report.warn(
            f"{describe(context, change.observed)} carries the tag {_PLUGIN_FLAGS} with profile:disabled. It is said "
            "to keep Profile from processing the dataset; Adobe's own samples disagree. Check in AEP whether its "
            "batches reach Profile."
        )


def adds_to_profile(change: Change) -> bool:
    """Whether one more dataset comes into Profile."""
    return change.observed is None or (enables(change) and not change.observed.profile.enabled)


def count_profile_datasets(context: Context, change: Change) -> None:
    """Say when a sandbox passes the number of Profile datasets that Adobe names as the limit."""
    schema_id = change.observed.schema_id if change.observed is not None else change.desired.schema_id
    try:
        events = context.aep.schemas.get(schema_id).time_series
        held = [one for one in context.aep.catalog.tagged(UNIFIED_PROFILE) if one.profile.enabled]
    except ApiError as error:
        context.report.warn(f"How many datasets are in Profile could not be found out: {error.message}")
        return
    of_class = [one for one in held if one.time_series == events]
    if len(of_class) >= PROFILE_DATASETS:
        kind = "event" if events else "record"
        context.report.warn(
            f"Sandbox {context.sandbox} has {len(of_class)} {kind} datasets in Profile already; Adobe names "
            f"{PROFILE_DATASETS} as the limit (Datasets health checks). Disable Profile on those that nobody uses."
        )
