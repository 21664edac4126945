"""The end of a resource: deleting what it created, releasing what it adopted."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from aep_provider.arguments import OWNER_TAG
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.ownership import Standing, on_record
from aep_provider.dataset.plan import released
from aep_provider.errors import (
    AepProviderError,
    ApiError,
    Conflict,
    NotConverged,
    NotFound,
    Refused,
    RequestRefused,
    Throttled,
)
from aep_provider.operations.change import Change, Policy
from aep_provider.operations.checks import check_production, check_sandbox
from aep_provider.operations.context import Context, describe
from aep_provider.operations.location import gone, says_missing
from aep_provider.operations.ownership import check_not_adobes, moved_remedy

if TYPE_CHECKING:
    from aep_provider.aep.catalog import Read

LOOKS = (0.0, 0.5, 1.5, 3.0)
"""Seconds before each look for a dataset that a replica may not show yet."""

TRIES = (0.0, 0.5, 1.5)
"""Seconds before each DELETE while nobody answers, or something else is at work on the dataset; sent again after it
has taken effect it is answered with 404, which proves it."""

GONE_READS = (0.0, 0.5, 1.5, 3.0, 5.0)
"""Seconds before each read that waits for a deleted dataset to disappear (practice of another client)."""

_KEEP = "To keep it, and remove it from this stack only: `pulumi state delete <urn>`."


class Recorded(NamedTuple):
    """What state says of a dataset that is to be deleted.

    Attributes:
        id: the dataset.
        owner, claim: whose it was, by whose creation.
        created: when it was created, where state says it.
    """

    id: str
    owner: str
    claim: str
    created: datetime | None


def delete(context: Context, recorded: Recorded) -> None:
    """Delete a dataset that this resource created, and wait until AEP shows it no more.

    DELETE goes out only if the dataset carries the owner and the claim on record. Where it carries another claim, a
    later create holds it: the record is forgotten with a warning, since a refusal would stay in state as a pending
    delete and strike in the next run.

    Args:
        context: where and how.
        recorded: what state says.

    Raises:
        Refused: it is Adobe's, or not certainly this resource's.
        NotConverged: AEP answered, but the dataset is still there.
    """
    observed = _look(context, recorded)
    read_at = context.clock.monotonic()
    if not _is_certain(context, observed, recorded):
        return
    change = Change(Desired(is_upsert=False), Policy())
    check_sandbox(context, change)
    check_production(context, change)
    title = describe(context, observed) if observed else f"Dataset {recorded.id} in sandbox {context.sandbox}"
    with context.aep.gateway.slot():
        if context.outdated(read_at) and not _is_certain(context, _look(context, recorded), recorded):
            return
        context.require_listener(f"Deleting {title}")
        if not _sent(context, recorded, title):
            return
    _await_end(context, recorded, title)


def _look(context: Context, recorded: Recorded) -> Observed | None:
    """The dataset; ``None`` where no look shows it, though it may only be a replica that lags."""
    for pause in LOOKS:
        context.clock.wait(pause)
        try:
            return context.aep.catalog.get(recorded.id)
        except NotFound as error:
            if not says_missing(error):
                raise
    return None


def _sent(context: Context, recorded: Recorded, title: str) -> bool:
    """Send DELETE until it is answered; whether the dataset was still there."""
    failure: ApiError | None = None
    for pause in TRIES:
        context.clock.wait(pause)
        try:
            context.aep.catalog.delete(recorded.id)
            return True
        except NotFound as error:
            # To the service that holds it the dataset is unknown, which a lagging read alone would not prove.
            if gone(context, error, None):
                return False
            raise
        except ApiError as error:
            if not error.effect_unknown and not isinstance(error, Conflict | Throttled):
                raise
            failure = error
    if isinstance(failure, Conflict | Throttled):
        raise failure
    reason = failure.message if failure else "it was never sent"
    raise NotConverged(f"It is unknown whether {title} was deleted: {reason}", "Run `pulumi up` again later.")


def _await_end(context: Context, recorded: Recorded, title: str) -> None:
    """Wait until the dataset is seen no more."""
    for pause in GONE_READS:
        context.clock.wait(pause)
        try:
            context.aep.catalog.get(recorded.id)
        except NotFound as error:
            # After a DELETE that was answered with success, the dataset's own 404 is enough.
            if says_missing(error):
                return
            raise
    raise NotConverged(f"{title} is still there after its deletion", "Run `pulumi up` again later.")


def release(context: Context, dataset_id: str, owner: str) -> None:
    """Release an adopted dataset: take our owner tag off, leave everything else. Failing is a warning."""
    if dataset_id in context.run.held:
        # Another resource of this run has adopted it meanwhile.
        return
    try:
        read = context.aep.catalog.read_for_write(dataset_id)
        read_at = context.clock.monotonic()
        observed = read.observed
        if not observed.profile.enabled:
            since = f" since {observed.open_note.start}" if observed.open_note else ""
            context.report.warn(
                f"Profile is OFF for dataset {observed.name!r} ({dataset_id}) in sandbox {context.sandbox}"
                f"{since}, and stays off after this release. To switch it on: `aep-provider enable "
                f"{dataset_id}`, with --upsert if it had upsert."
            )
        operations = released(observed, owner) if context.settings.ownership_tag else ()
        if operations:
            change = Change(Desired(is_upsert=False), Policy())
            check_sandbox(context, change)
            check_production(context, change)
            with context.aep.gateway.slot():
                if context.outdated(read_at):
                    read = context.aep.catalog.read_for_write(dataset_id)
                context.require_listener(f"Releasing {describe(context, observed)}")
                let_go(context, read, owner)
    except AepProviderError as error:
        context.report.warn(
            f"Dataset {dataset_id} in sandbox {context.sandbox} is released, but its tag {OWNER_TAG} could "
            f"not be removed: {error.message}"
        )


def let_go(context: Context, read: Read, owner: str) -> None:
    """Take our owner tag off, for the version that showed it: another resource may adopt the dataset now.

    The second read is written for whatever its version is then, since Adobe's background services write as well.

    Args:
        context: where and how.
        read: what showed the tag.
        owner: whose tag it is; another owner's stays.

    Raises:
        AepProviderError: it could not be written.
    """
    dataset_id = read.observed.id
    try:
        if operations := released(read.observed, owner):
            context.aep.catalog.patch(dataset_id, operations, if_match=read.etag)
    except RequestRefused:
        # Somebody has written, or the header is not taken: Adobe's sources disagree on it.
        now = context.aep.catalog.get(dataset_id)
        # Whoever took it over meanwhile, be it under this very name, gave it another claim.
        if now.ownership == read.observed.ownership and (operations := released(now, owner)):
            context.aep.catalog.patch(dataset_id, operations)


def _is_certain(context: Context, observed: Observed | None, recorded: Recorded) -> bool:
    """Whether what a look has shown may be deleted; as `_is_ours`, also where it has shown nothing."""
    if observed is not None:
        check_not_adobes(context, Change(Desired(is_upsert=False), Policy(), observed))
        return _is_ours(context, observed, recorded)
    if recorded.id in context.run.refused | context.run.held:
        raise Refused(
            f"Dataset {recorded.id} in sandbox {context.sandbox} was refused to another resource of this run, or is "
            "held by one, and cannot be read now; it is not deleted",
            _KEEP,
        )
    return True


def _is_ours(context: Context, observed: Observed, recorded: Recorded) -> bool:
    """Whether the dataset is certainly the one that this resource created.

    Returns:
        False where a later create holds it, so that there is nothing to delete any more.

    Raises:
        Refused: it is not certain.
    """
    title, tagged = describe(context, observed), context.settings.ownership_tag
    if observed.id in context.run.refused:
        raise Refused(f"{title} is not deleted: another resource of this run was refused it", _KEEP)
    moved = _moved_to(context, observed, recorded)
    if moved:
        raise Refused(
            f"{title} is declared by another resource of the program, {moved!r}; it is not deleted",
            f"{moved_remedy(context, recorded.owner, moved)}\n{_KEEP}",
        )
    standing = on_record(observed, recorded.owner, recorded.claim)
    if standing is Standing.ANOTHER_CLAIM or (not tagged and observed.id in context.run.held):
        context.report.warn(
            f"{title} belongs to a later create of the same resource. It is not deleted; only the old entry is removed "
            "from the state."
        )
        return False
    if standing is Standing.SOMEBODY_ELSES:
        raise Refused(
            f"{title} is managed by {observed.owner!r}, not by {recorded.owner!r}; it is not deleted", _KEEP
        )
    if tagged and standing is not Standing.MINE:
        raise Refused(
            f"{title} carries no tag {OWNER_TAG}, so it may not be the one that was created here; it is not deleted",
            _KEEP,
        )
    if tagged and not recorded.owner:
        raise Refused(f"{title} has no owner on record; it is not deleted", _KEEP)
    if not tagged and observed.created_client != context.settings.client_id:
        raise Refused(f"{title} was created by another credential; it is not deleted", _KEEP)
    return True


def _moved_to(context: Context, observed: Observed, recorded: Recorded) -> str:
    """The owner of a new resource that the program declares for this dataset in the old one's place, or ``""``."""
    if recorded.owner in context.run.continued:
        return ""
    found = {owner for key in (observed.id, observed.name) for owner in context.run.newcomers.get(key, ())}
    return min(found - {recorded.owner}, default="")
