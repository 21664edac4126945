"""Carries plans out: read, ask the guards, write, read again.

Nothing here trusts what was recorded before: every operation reads the dataset first, plans from what it
saw, and is judged by a read at the end. So running one twice, or after dying anywhere, ends the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aep_provider import guards, window
from aep_provider.dataset.plan import Operation, Plan, creation_tags, differences, plan, release
from aep_provider.dataset.state import DEFAULT_CONTENT_TYPE, Desired, Observed
from aep_provider.dataset.tags import OWNER_TAG, timestamp
from aep_provider.errors import (
    AepProviderError,
    ApiError,
    NotConverged,
    NotFound,
    Refused,
    RequestRefused,
    Throttled,
)
from aep_provider.guards import Context, describe

if TYPE_CHECKING:
    from aep_provider.aep.batches import Batch

LOOK_UPS = (0.0, 1.0, 3.0)
"""Seconds before each look-up after a POST whose outcome is unknown."""

GONE_READS = (0.0, 0.5, 1.5, 3.0, 5.0)
"""Seconds before each read that waits for a deleted dataset to disappear (practice of another client)."""

TRIES = (0.0, 0.5, 1.5, 4.0)
"""Seconds before each try of a PATCH outside a window."""

UNION_TRIES = (1.0, 3.0, 10.0, 30.0)
"""Seconds between tries at 422: a union that was just enabled propagates (seen once, 3 x 30 s)."""

SUSPECT_BEFORE = timedelta(minutes=60)
"""A batch that reached the lake this long before the disable may not have reached Profile yet."""


@dataclass(frozen=True)
class Policy:
    """How the program wants a disable to be treated.

    Attributes:
        allow_profile_gap: consent to it in production.
        in_flight_batches: ``wait``, ``fail`` or ``ignore``.
        wait_timeout: seconds.
    """

    allow_profile_gap: bool
    in_flight_batches: str
    wait_timeout: int

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Policy:
        """Take the policy from validated inputs."""
        return cls(inputs["allow_profile_gap"], inputs["in_flight_batches"], int(inputs["wait_timeout"]))


@dataclass(frozen=True)
class Outcome:
    """A dataset as read at the end, and the gap that was made on the way, if one was."""

    observed: Observed
    profile_gap: dict[str, Any] | None = None


def create(context: Context, wanted: Desired) -> Outcome:
    """Create a dataset with both tags in its POST, or take over the one that an interrupted run created.

    Raises:
        Refused: a guard, another owner, or a namesake.
        AepProviderError: it could not be created, or not proved.
    """
    guards.sandbox(context)
    guards.schema(context, wanted.schema_id or "", upsert=wanted.is_upsert)
    mine = find_own(context, wanted)
    if mine is None:
        created = _post(context, wanted)
        if isinstance(created, str):
            return Outcome(_proved(context, _fresh(context, created), wanted))
        mine = created
    context.report.warn(
        f"{describe(context, mine)} was created by an interrupted run of this resource; it is taken over."
    )
    return _apply(context, mine, wanted, Policy(True, "wait", 600), _Planner(context, wanted))


def find_own(context: Context, wanted: Desired) -> Observed | None:
    """Find the dataset that an earlier, interrupted create of this resource left behind.

    Raises:
        Refused: the name, or our tag, belongs to something else.
    """
    namesakes = context.aep.catalog.named(wanted.name or "")
    mine = [dataset for dataset in namesakes if wanted.owner and dataset.owner == wanted.owner]
    others = [dataset for dataset in namesakes if dataset not in mine]
    for dataset in others:
        if dataset.owner:
            guards.customers(context, dataset, wanted)
    if others:
        ids = ", ".join(dataset.id for dataset in others)
        raise Refused(
            f"Sandbox {context.sandbox} already has a dataset named {wanted.name!r}: {ids}",
            f"To manage that one, give its id: dataset_id={others[0].id!r}. To create another, "
            "choose another name.",
        )
    if len(mine) > 1:
        ids = ", ".join(dataset.id for dataset in mine)
        raise Refused(
            f"Several datasets carry the owner tag {wanted.owner!r} in sandbox {context.sandbox}: {ids}",
            "Keep one: give its id as dataset_id, and delete the others in AEP.",
        )
    if not mine:
        return None
    guards.customers(context, mine[0], wanted)
    if mine[0].created_client != context.settings.client_id:
        raise Refused(
            f"{describe(context, mine[0])} carries the owner tag {wanted.owner!r}, but another credential "
            f"created it ({mine[0].created_client or 'unknown'})",
            "Two teams seem to use the same project and stack names: set aep:owner to tell them apart.",
        )
    return mine[0]


def configure(context: Context, dataset_id: str, wanted: Desired, policy: Policy) -> Outcome:
    """Bring an existing dataset to the wanted state (adoption).

    Raises:
        Refused: it does not exist, or a guard said no.
        AepProviderError: see `aep_provider.window.toggle`.
    """
    observed = existing(context, dataset_id)
    guards.customers(context, observed, wanted)
    guards.schema(context, observed.schema_id, upsert=wanted.is_upsert)
    return _apply(context, observed, wanted, policy, _Planner(context, wanted))


def update(
    context: Context, dataset_id: str, wanted: Desired, policy: Policy, recorded_owner: str
) -> Outcome:
    """Bring a managed dataset to the wanted state.

    Raises:
        AepProviderError: as `configure`.
    """
    observed = existing(context, dataset_id)
    guards.customers(context, observed, wanted, recorded_owner)
    make = _Planner(context, wanted, recorded_owner)
    if make(observed).enable:
        guards.schema(context, observed.schema_id, upsert=wanted.is_upsert)
    return _apply(context, observed, wanted, policy, make)


def existing(context: Context, dataset_id: str) -> Observed:
    """Read a dataset that has to be there.

    Raises:
        Refused: it is not.
        ApiError: it could not be read.
    """
    try:
        return context.aep.catalog.get(dataset_id)
    except NotFound as error:
        if not guards.gone(context, error):
            raise
        raise Refused(
            f"Dataset {dataset_id} does not exist in sandbox {context.sandbox}",
            "Check dataset_id and aep:sandbox. If it was deleted, run `pulumi refresh`.",
        ) from error


def delete(context: Context, dataset_id: str, owner: str) -> None:
    """Delete a dataset that this resource created, and wait until AEP shows it no more.

    Args:
        context: where and how.
        dataset_id: the dataset.
        owner: the owner on record; ``""`` when our own tags are off.

    Raises:
        Refused: it is Adobe's, or not this resource's.
        NotConverged: AEP answered, but the dataset is still there.
    """
    try:
        observed = context.aep.catalog.get(dataset_id)
    except NotFound as error:
        if guards.gone(context, error):
            return
        raise
    guards.sandbox(context)
    guards.customers(context, observed, Desired(is_upsert=False))
    _refuse_unless_ours(context, observed, owner)
    try:
        context.aep.catalog.delete(dataset_id)
    except ApiError as error:
        # A 404 is what we want; after an unknown outcome, and after it alone, the reads below decide.
        if not error.effect_unknown and not isinstance(error, NotFound):
            raise
    for pause in GONE_READS:
        context.clock.wait(pause)
        try:
            context.aep.catalog.get(dataset_id)
        except NotFound as error:
            if guards.gone(context, error):
                return
            raise
    raise NotConverged(
        f"{describe(context, observed)} was deleted, but AEP still shows it", "Run `pulumi up` again later."
    )


def let_go(context: Context, dataset_id: str, owner: str) -> None:
    """Release an adopted dataset: take our owner tag off, leave everything else. Failing is a warning."""
    try:
        operations = release(context.aep.catalog.get(dataset_id), owner)
        if operations:
            context.aep.catalog.patch(dataset_id, operations)
    except AepProviderError as error:
        context.report.warn(
            f"Dataset {dataset_id} in sandbox {context.sandbox} is released, but its tag {OWNER_TAG} could "
            f"not be removed: {error.message}"
        )


def planner_preview(context: Context, observed: Observed, wanted: Desired) -> Plan:
    """The plan for what was observed, for a preview."""
    return plan(observed, wanted, timestamp(context.clock.now()))


@dataclass(frozen=True)
class _Planner:
    """Plans for whatever was observed last; what has to be asked again after a wait is kept with it."""

    context: Context
    wanted: Desired
    recorded_owner: str = ""

    def __call__(self, observed: Observed) -> Plan:
        return planner_preview(self.context, observed, self.wanted)


def _apply(context: Context, observed: Observed, wanted: Desired, policy: Policy, make: _Planner) -> Outcome:
    """Carry out what `make` plans for the dataset just read."""
    steps = make(observed)
    if steps.empty:
        return Outcome(observed)
    guards.sandbox(context)
    if steps.opens_gap:
        observed = _ready_for_gap(context, observed, policy, make)
        steps = make(observed)
    if steps.opens_gap:
        if steps.edit:
            observed = _patched(context, observed, steps.edit, _with(observed, wanted))
        observed, gap = window.toggle(context, observed, make, wanted)
        return Outcome(observed, _gap_report(context, observed.id, gap))
    for operations in (steps.enable, steps.edit):
        if operations:
            _send(context, observed, operations)
    if steps.empty:
        return Outcome(observed)
    return Outcome(_proved(context, existing(context, observed.id), wanted))


def _ready_for_gap(context: Context, observed: Observed, policy: Policy, make: _Planner) -> Observed:
    """Ask guards 4 and 5 and for consent; return the dataset as read after any wait."""
    guards.consent(context, observed, allowed=policy.allow_profile_gap)
    guards.streaming(context, observed.id, upsert=make.wanted.is_upsert)
    deadline = context.clock.monotonic() + policy.wait_timeout
    while make(observed).opens_gap:
        left = max(deadline - context.clock.monotonic(), 0.0)
        if guards.await_batches(context, observed.id, policy.in_flight_batches, left):
            observed = existing(context, observed.id)
            guards.customers(context, observed, make.wanted, make.recorded_owner)
            continue
        # Asked again immediately before the disable; a batch that came meanwhile starts another round.
        if policy.in_flight_batches == "ignore" or not guards.in_flight(context, observed.id):
            break
    return observed


def _with(observed: Observed, wanted: Desired) -> Desired:
    """What an edit alone must show: the wanted fields, the switches as they are."""
    return Desired(
        is_upsert=observed.profile.upsert,
        name=wanted.name,
        description=wanted.description,
        tags=wanted.tags,
        released_tags=wanted.released_tags,
        owner=wanted.owner,
    )


def _patched(
    context: Context, observed: Observed, operations: Sequence[Operation], wanted: Desired
) -> Observed:
    _send(context, observed, operations)
    now = existing(context, observed.id)
    left = [text for text in differences(now, wanted) if text != "Identity is off"]
    if left:
        raise NotConverged(f"{describe(context, now)} was answered with success, but {'; '.join(left)}")
    return now


def _send(context: Context, observed: Observed, operations: Sequence[Operation]) -> None:
    """Send a PATCH outside a window. Repeating is safe: each operation sets or removes a whole key."""
    pauses = iter(TRIES[1:])
    unions = iter(UNION_TRIES)
    while True:
        try:
            context.aep.catalog.patch(observed.id, operations)
            return
        except ApiError as error:
            union = isinstance(error, RequestRefused) and error.status == 422
            passing = error.effect_unknown or isinstance(error, Throttled)
            pause = next(unions if union else pauses, None) if union or passing else None
            if pause is None:
                raise
            asked = error.retry_after if isinstance(error, Throttled) else None
            if context.clock.wait(min(asked, 60) if asked is not None else pause):
                raise
            if error.effect_unknown and not _still_needed(context, observed.id, operations):
                return


def _still_needed(context: Context, dataset_id: str, operations: Iterable[Operation]) -> bool:
    """Whether a PATCH of unknown outcome has to be sent again: removing a key twice would be an error."""
    if not any(operation["op"] == "remove" for operation in operations):
        return True
    now = existing(context, dataset_id)
    removed = {operation["path"] for operation in operations if operation["op"] == "remove"}
    present = {"/tags/" + key.replace("~", "~0").replace("/", "~1") for key in now.tags}
    return bool(removed & present)


def _post(context: Context, wanted: Desired) -> str | Observed:
    """Send the POST once. Returns the new id, or the dataset found after an unknown outcome."""
    body: dict[str, Any] = {
        "name": wanted.name,
        "schemaRef": {
            "id": wanted.schema_id,
            "contentType": wanted.schema_content_type or DEFAULT_CONTENT_TYPE,
        },
        "fileDescription": {"format": "parquet"},
        "tags": creation_tags(wanted),
    }
    if wanted.description is not None:
        body["description"] = wanted.description
    sent = context.clock.now()
    unions = iter(UNION_TRIES)
    while True:
        try:
            return context.aep.catalog.create(body)
        except RequestRefused as error:
            # A refused POST created nothing, so this one may be repeated.
            pause = next(unions, None) if error.status == 422 else None
            if pause is None or context.clock.wait(pause):
                raise
        except ApiError as error:
            if not error.effect_unknown:
                raise
            return _after_unknown_post(context, wanted, sent, error)


def _after_unknown_post(context: Context, wanted: Desired, sent: datetime, error: ApiError) -> Observed:
    for pause in LOOK_UPS:
        context.clock.wait(pause)
        found = [
            dataset
            for dataset in context.aep.catalog.named(wanted.name or "")
            if dataset.created_client == context.settings.client_id
            and dataset.schema_id == wanted.schema_id
            and (dataset.owner == wanted.owner if wanted.owner else _since(dataset, sent))
        ]
        if len(found) == 1:
            return found[0]
    raise NotConverged(
        f"Whether a dataset named {wanted.name!r} was created in sandbox {context.sandbox} is unknown: "
        f"{error.message}",
        "Run `pulumi up` again: it looks for its own dataset before it creates one.",
    ) from error


def _since(dataset: Observed, sent: datetime) -> bool:
    # Clocks differ; a minute is far less than the age of any dataset that was there before.
    return dataset.created / 1000 >= (sent - timedelta(minutes=1)).timestamp()


def _fresh(context: Context, dataset_id: str) -> Observed:
    """Read a dataset just created; AEP may show it with a short lag."""
    for pause in (0.5, 1.5, 3.0):
        try:
            return context.aep.catalog.get(dataset_id)
        except NotFound:
            context.clock.wait(pause)
    return context.aep.catalog.get(dataset_id)


def _proved(context: Context, observed: Observed, wanted: Desired) -> Observed:
    left = differences(observed, wanted)
    if left:
        raise NotConverged(
            f"{describe(context, observed)} was answered with success, but {'; '.join(left)}",
            "Something else may write to it. Run `pulumi up` again.",
        )
    return observed


def _refuse_unless_ours(context: Context, observed: Observed, owner: str) -> None:
    title = describe(context, observed)
    keep = "To keep it and forget it here: `pulumi state delete <urn>`."
    if owner and observed.owner != owner:
        found = f"is managed by {observed.owner!r}" if observed.owner else f"carries no tag {OWNER_TAG}"
        raise Refused(f"{title} {found}, not by {owner!r}; it is not deleted", keep)
    if not owner and observed.created_client != context.settings.client_id:
        raise Refused(f"{title} was created by another credential; it is not deleted", keep)


def _gap_report(context: Context, dataset_id: str, gap: window.Window) -> dict[str, Any]:
    """Say when Profile was off, and which batches have to be ingested again."""
    report: dict[str, Any] = {"from": timestamp(gap.opened), "to": timestamp(gap.closed)}
    span = f"Profile was off from {report['from']} to {report['to']} for dataset {dataset_id}"
    try:
        batches = context.aep.batches.recent(dataset_id)
    except ApiError as error:
        context.report.warn(
            f"{span}. The batches of that time could not be listed: {error.message}. Look for batches that "
            "ended in it and ingest them again."
        )
        return report
    ended = [(batch, batch.completed or batch.created) for batch in batches if batch.succeeded]
    report["replay"] = [batch.id for batch, end in ended if gap.opened <= end <= gap.closed]
    report["replay"] += [batch.id for batch in _under_way(batches, gap)]
    report["suspect"] = [b.id for b, end in ended if gap.opened - SUSPECT_BEFORE <= end < gap.opened]
    advice = "; ".join(
        text
        for text in (
            report["replay"] and f"ingest again: {', '.join(report['replay'])}",
            report["suspect"]
            and f"ended within the hour before, we cannot see whether Profile took them: "
            f"{', '.join(report['suspect'])}",
        )
        if text
    )
    context.report.warn(f"{span}; {advice or 'no batch ended in that time or in the hour before'}.")
    return report


def _under_way(batches: Iterable[Batch], gap: window.Window) -> list[Batch]:
    """Batches that were in flight while Profile was off and still are."""
    return [batch for batch in batches if batch.in_flight and batch.created <= gap.closed]
