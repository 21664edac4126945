"""What a user should know before a change; it never refuses one."""

from __future__ import annotations

from collections.abc import Iterable

from aep_provider.arguments import UNIFIED_PROFILE
from aep_provider.dataset.carriers import Carriers
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.plan import overwritten
from aep_provider.errors import ApiError
from aep_provider.operations.change import Change
from aep_provider.operations.context import Context, describe

UNSEEN_WRITERS = (
    "Of the writers of a dataset only streaming dataflows can be listed. Web and Mobile SDK datastreams, direct users "
    "of the ingestion API, Query Service and Adobe applications may write into it too."
)

PROFILE_DATASETS = 20
"""Datasets of one class in Profile, for each sandbox (Adobe, *Datasets health checks*)."""

RECORD_CLASS, EVENT_CLASS = "record", "event"

_PLUGIN_FLAGS = "acp_granular_plugin_validation_flags"


def name_what_is_overwritten(context: Context, change: Change) -> None:
    """Say what an adoption changes: a wrong id would overwrite somebody's dataset."""
    changes = overwritten(change.observed, change.desired) if change.observed is not None else []
    if change.observed is not None and changes:
        context.report.warn(
            f"{describe(context, change.observed)}: adopting it overwrites {'; '.join(changes)}"
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
        context.report.warn(f"Could not check whether the name {name!r} is in use: {error.message}")
        return
    if others:
        context.report.warn(
            f"{describe(context, change.observed)} gets the name {name!r}, which is in use already: "
            f"{', '.join(others)}"
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


def in_profile(datasets: Iterable[Observed]) -> dict[str, int]:
    """How many datasets are in Profile, by class. One whose class AEP does not say counts as one of records.

    Args:
        datasets: those of a sandbox; Adobe's own count as well (Adobe, *Datasets health checks*).
    """
    counted = (datasets if isinstance(datasets, Carriers) else Carriers(datasets)).in_profile
    return {RECORD_CLASS: counted.get(False, 0), EVENT_CLASS: counted.get(True, 0)}


def at_limit(sandbox: str, kind: str, count: int, joining: int = 0) -> str:
    """What to say where a sandbox reaches the number of Profile datasets that Adobe names; ``""`` below it.

    Args:
        sandbox: its name.
        kind: the class.
        count: how many of it are in Profile.
        joining: how many more this run brings; with some, the limit has to be passed and not merely reached.
    """
    if count + joining < PROFILE_DATASETS + bool(joining):
        return ""
    more = f", and this run adds {joining}" if joining else ""
    return (
        f"Sandbox {sandbox} has {count} {kind} datasets in Profile{more}; Adobe names {PROFILE_DATASETS} as the limit "
        "(Datasets health checks). Disable Profile on those that nobody uses."
    )


def class_of(context: Context, change: Change) -> str:
    """The class of a dataset that a change is about, by its schema.

    Raises:
        ApiError: the schema could not be looked up.
    """
    return EVENT_CLASS if context.aep.schemas.get(change.schema_id).time_series else RECORD_CLASS


def count_profile_datasets(context: Context, change: Change) -> None:
    """Say when a change passes the number of Profile datasets that Adobe names; what this run adds counts as well."""
    try:
        kind = class_of(context, change)
        count = in_profile(context.aep.catalog.tagged(UNIFIED_PROFILE))[kind]
    except ApiError as error:
        context.report.warn(f"Could not count the datasets in Profile: {error.message}")
        return
    with context.run.lock:
        joining = context.run.joining[kind]
        joining.add(change.observed.id if change.observed is not None else change.desired.name)
        text = at_limit(context.sandbox, kind, count, len(joining))
    if text:
        context.report.warn(text)
