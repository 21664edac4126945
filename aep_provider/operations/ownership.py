"""Guards about whose a dataset is. Only what certainly is this resource's is taken over, written to or deleted."""

from __future__ import annotations

from aep_provider.arguments import OWNER_TAG
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.ownership import (
    INTERRUPTED_FOR,
    Standing,
    before_creation,
    logical_name,
    on_record,
    urn_of,
)
from aep_provider.errors import ApiError, Refused
from aep_provider.operations.change import Change
from aep_provider.operations.context import NOT_KNOWN, Context, describe
from aep_provider.operations.record import Record

_TWO_STATES = (
    "Two states seem to be in use for one stack. Decide which one keeps the dataset: in the other, "
    "`pulumi state delete <urn>`; or tell them apart with aep:owner."
)

_REPLACED = (
    "If you are replacing it (`--replace`, or a taint), add --refresh: without it a preview cannot know that the "
    "dataset is in the state and would be deleted first."
)

SEVERAL_REMEDY = "Keep one: give its id as dataset_id, and delete the others in AEP."


def check_not_adobes(context: Context, change: Change) -> None:
    """Refuse a dataset that Adobe manages."""
    if change.observed is not None and change.observed.system_sign:
        raise Refused(
            f"{describe(context, change.observed)} is managed by Adobe: {change.observed.system_sign}",
            "Adobe-managed datasets cannot be configured. Remove the resource from the program.",
        )


def check_owner(context: Context, change: Change) -> None:
    """Refuse a dataset that somebody else owns.

    The owner in state authorises a move to another owner, and so does the program where it declares that the
    present owner lets go of the dataset in this very run (two ids that are swapped).
    """
    observed, owner = change.observed, change.desired.owner
    if observed is None or not owner or observed.owner in ("", owner, change.recorded_owner):
        return
    if change.adopting and _leaves(context, observed, owner):
        return
    _refuse_somebody_elses(context, observed, owner)


def _leaves(context: Context, observed: Observed, owner: str) -> bool:
    """Whether the program declares that the present owner, of this stack, has another dataset now."""
    (stack, name), (ours, _) = (_split(context, one) for one in (observed.owner, owner))
    if stack != ours or observed.ownership.claim:
        return False
    # Under several components there may be several of one logical name; which of them is the owner nobody tells.
    with context.run.lock:
        declared, sought = (
            frozenset(told.get(logical_name(name), ())) for told in (context.run.declared, context.run.sought)
        )
    if NOT_KNOWN in declared or observed.id in declared or observed.name in sought:
        return False
    # One whose name no dataset has stays with the dataset on its record, which was renamed.
    return bool(declared or sought) and all(map(context.aep.catalog.named, sought))


def check_claim(context: Context, observed: Observed, owner: str, claim: str) -> None:
    """Refuse to write to a dataset that a later create holds.

    Args:
        context: where and how.
        observed: the dataset, just read.
        owner: the owner on record.
        claim: the claim on record.
    """
    if context.settings.ownership_tag and on_record(observed, owner, claim) is Standing.ANOTHER_CLAIM:
        raise Refused(
            f"{describe(context, observed)} was taken over by another run with the same project, stack and "
            "logical name",
            _TWO_STATES,
        )


def check_namesakes(context: Context, change: Change) -> None:
    """Refuse to create a second dataset of one name, or where several carry this owner."""
    if change.look_up is None:
        return
    desired = change.desired
    # A listing may not show yet what this run has just created.
    first = context.run.creators.setdefault(desired.name, desired.owner)
    if first != desired.owner:
        raise Refused(
            f"Another resource of this run creates a dataset named {desired.name!r} in sandbox {context.sandbox} as "
            f"well: {first}",
            "Remove one of the two, or give it another name.",
        )
    found = change.look_up.found(context)
    if len(found.own) > 1:
        ids = ", ".join(dataset.id for dataset in found.own)
        raise Refused(
            f"Several datasets carry the owner {desired.owner!r} in sandbox {context.sandbox}: {ids}",
            SEVERAL_REMEDY,
        )
    if found.own or not found.others:
        return
    for dataset in found.others:
        if dataset.owner:
            _refuse_somebody_elses(context, dataset, desired.owner)
    ids = ", ".join(dataset.id for dataset in found.others)
    raise Refused(
        f"Sandbox {context.sandbox} already has a dataset named {desired.name!r}: {ids}",
        f"To manage that one, give its id: dataset_id={found.others[0].id!r}. To create another, choose another "
        "name.",
    )


def check_interrupted(context: Context, change: Change) -> None:
    """Refuse to take over a dataset that nothing proves to come from an interrupted run."""
    own = change.look_up.found(context).own if change.look_up is not None else ()
    if len(own) != 1:
        return
    observed, desired = own[0], change.desired
    standing, why = _judged(context, observed, desired)
    if standing is Standing.INTERRUPTED:
        context.report.info(f"{describe(context, observed)}, {why} by an interrupted run, is taken over.")
        return
    context.run.refused.add(observed.id)
    if observed.schema_id != desired.schema_id:
        remedy = "A dataset's schema cannot be changed. Declare the schema that it has, or delete it in AEP."
    else:
        remedy = (
            "If this stack lost its state: `aep-provider import --owned` brings the dataset back into it. To manage "
            f"it as one that existed before: dataset_id={observed.id!r}. If another stack has the same project and "
            "stack name, tell them apart with aep:owner."
        )
    raise Refused(
        f"{describe(context, observed)} carries the owner {desired.owner!r}, and is in use: {why}",
        f"{remedy}\n{_REPLACED}",
    )


def _judged(context: Context, observed: Observed, desired: Desired) -> tuple[Standing, str]:
    def judged(*, batches: bool) -> tuple[Standing, str]:
        return before_creation(
            observed,
            desired.owner,
            client_id=context.settings.client_id,
            schema_id=desired.schema_id,
            batches=batches,
            now=context.now(),
        )

    standing, why = judged(batches=False)
    if standing is Standing.INTERRUPTED and context.aep.batches.any(observed.id):
        return judged(batches=True)
    return standing, why


def warn_at_refresh(context: Context, observed: Observed, record: Record) -> None:
    """Say at a refresh what nobody else would notice: that a later create holds the dataset, or that it has a twin.

    What a lagging listing hid from two creators shows later, so young datasets are looked at: one listing for all.

    Args:
        context: where and how.
        observed: the dataset, just read.
        record: what state has.
    """
    if not context.settings.ownership_tag or not record.created_here:
        return
    if on_record(observed, record.owner, record.claim) is Standing.ANOTHER_CLAIM:
        context.report.warn(
            f"{describe(context, observed)} was taken over by another run with the same project, stack and "
            f"logical name. {_TWO_STATES}"
        )
    if not _young(context, record):
        return
    try:
        owned = context.aep.catalog.tagged(OWNER_TAG)
    except ApiError:
        # Advice must not fail a refresh; the next one asks again.
        return
    alike = (*owned.by_owner.get(observed.owner, ()), *owned.by_name.get(observed.name, ()))
    twins = dict.fromkeys(one.id for one in alike if one.id != observed.id)
    if twins:
        context.report.warn(
            f"{describe(context, observed)} has a twin, made by somebody else at the same time: {', '.join(twins)}. "
            f"Nothing was deleted. {SEVERAL_REMEDY}"
        )


def look_for_twins_ahead(context: Context, record: Record) -> None:
    """Have the listing that `warn_at_refresh` looks for twins in asked meanwhile.

    Args:
        context: where and how.
        record: what state has.
    """
    if context.settings.ownership_tag and record.created_here and _young(context, record):
        context.aep.catalog.tagged_ahead(OWNER_TAG)


def _young(context: Context, record: Record) -> bool:
    return record.created is not None and context.now() - record.created <= INTERRUPTED_FOR


def moved_remedy(context: Context, found: str, wanted: str) -> str:
    """How a dataset is kept whose resource has another URN now; ``""`` where the two are of different stacks.

    Args:
        context: for the prefix of our owners.
        found: the owner that the dataset carries.
        wanted: the owner of the resource that the program declares.
    """
    (stack, old), (ours, new) = (_split(context, owner) for owner in (found, wanted))
    if stack != ours:
        return ""
    name = logical_name(old)
    if old.rpartition("$")[0] == new.rpartition("$")[0]:
        alias, way = f"name={name!r}", "run `pulumi state rename`"
        entry = f", or in an entry of aep:datasets `renamed_from: {name}`"
    else:
        # `pulumi state rename` changes nothing but the logical name. With aep:owner no owner tells the project.
        urn = "urn:…" if stack == context.settings.owner else urn_of(found)
        alias = "parent=…" if "$" in old else "parent=pulumi.ROOT_STACK_RESOURCE"
        way = f"for this stack alone aliases=[{urn!r}]"
        entry = f", or in an entry of aep:datasets `aliases: {urn}`"
    return (
        f"If the logical name, parent or type changed from {old!r} to {new!r}, add "
        f"opts=pulumi.ResourceOptions(aliases=[pulumi.Alias({alias})]) with what it was{entry}, or {way}, to keep the "
        "dataset."
    )


def _split(context: Context, owner: str) -> tuple[str, str]:
    """The owner's stack, ``<project>/<stack>`` or the value of ``aep:owner``, and the rest."""
    prefix = context.settings.owner
    if not (prefix and owner.startswith(f"{prefix}/")):
        prefix = "/".join(owner.split("/")[:2])
    return prefix, owner[len(prefix) + 1 :]


def _refuse_somebody_elses(context: Context, observed: Observed, wanted: str) -> None:
    context.run.refused.add(observed.id)
    forgotten = (
        f"If no stack holds it any more, run `aep-provider release {observed.id}` in the project that did; then "
        "anyone may adopt it."
    )
    elsewhere = (
        "Only one stack can manage a dataset. Remove it there first (`pulumi state delete` keeps the dataset), or "
        "read it here with UpsertDataset.get."
    )
    raise Refused(
        f"{describe(context, observed)} is managed by {observed.owner!r}",
        f"{moved_remedy(context, observed.owner, wanted) or elsewhere}\n{forgotten}",
    )
