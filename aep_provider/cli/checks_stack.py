"""Whether `up` would be refused: the guards, asked about every dataset of the stack. Only reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from aep_provider import arguments
from aep_provider.change_window import window_told
from aep_provider.cli import collecting
from aep_provider.cli.console import side_by_side
from aep_provider.cli.declared import Declared
from aep_provider.cli.findings import Finding, failed, note, ok, problem, skipped
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.entries import DATASETS
from aep_provider.errors import AepProviderError, ApiError
from aep_provider.operations import asking, names
from aep_provider.operations.advice import PROFILE_DATASETS
from aep_provider.operations.change import Change
from aep_provider.operations.context import Context
from aep_provider.operations.create import creation
from aep_provider.operations.forecast import quietest
from aep_provider.operations.planner import OnRecord, Planner
from aep_provider.words import plural


def named(context: Context, stack: Sequence[Declared]) -> Iterator[Finding]:
    """Whether names instead of ids stand for something, and still for what is on record.

    Args:
        context: where and how.
        stack: what the stack declares, with ids.
    """
    found = []
    for one in stack:
        for text in one.problems if one.given else ():
            found.append(problem("names", f"{one.resource}: {text}", f"Correct {DATASETS}."))
        title, schema_id = one.given.get("schema"), one.given.get("schema_id")
        if title and schema_id and one.in_state and (text := names.renamed_schema(context, title, schema_id)):
            remedy = (
                "What is declared stays what it was. Correct the title, for other stacks and new resources."
            )
            found.append(note("names", f"{one.resource}: {text}", remedy))
    yield from found
    if not found and any(arguments.references().keys() & one.given.keys() for one in stack):
        yield ok("names", "each stands for what is on record, or for one thing in the sandbox")


def guarded(
    context: Context, stack: Sequence[Declared], live: Mapping[str, Observed], owner: str
) -> Iterator[Finding]:
    """Ask every guard about every dataset that is declared.

    Args:
        context: where and how.
        stack: what the stack declares.
        live: its datasets as they are, by id.
        owner: the stack's owner name, without the logical name.
    """
    declared = [(one, one.desired) for one in stack if one.desired is not None]
    if not declared:
        yield skipped("guards", "the stack declares no dataset")
        return
    refused = 0
    for one, desired in declared:
        change = _change(context, one, desired, live.get(one.id), owner)
        answers = list(collecting.answers(context, change))
        refused += any(answer.refuses for answer in answers)
        yield from (
            _finding(one, answer.guard, answer.error) for answer in answers if answer.error is not None
        )
        yield from (note("advice", f"{one.resource}: {text}") for answer in answers for text in answer.advice)
    if not refused:
        yield ok("guards", f"nothing would be refused: {plural(len(declared), 'dataset')}")
    yield from _times(context, [one for one in live.values() if one.profile.enabled])


def _times(context: Context, in_profile: Sequence[Observed]) -> Iterator[Finding]:
    """When a change of upsert is allowed, and when it would meet the fewest batches."""
    now = context.now()
    if told := window_told(context.settings.change_window, now):
        yield ok("change window", told)
    asked = in_profile[: 2 * PROFILE_DATASETS]
    if not asked:
        return
    try:
        with side_by_side(context.settings.parallel) as pool:
            each = list(pool.map(lambda one: context.aep.batches.recent(one.id), asked))
    except ApiError as error:
        yield skipped("quietest hour", error.message)
        return
    found = quietest((batch for some in each for batch in some), now)
    yield ok("quietest hour", f"{found}, {plural(len(asked), 'dataset')} in Profile")


def _change(
    context: Context, one: Declared, desired: Desired, observed: Observed | None, owner: str
) -> Change:
    """What `up` would do about a dataset."""
    held = observed.owner if observed is not None and observed.owner in one.owners else ""
    desired = desired._replace(owner=held or f"{owner}/{one.resource}")
    if observed is None:
        return creation(desired, one.policy)
    recorded = OnRecord(held or desired.owner) if one.in_state else None
    return Planner(context, desired, one.policy, recorded, adopting=not one.in_state).change(observed)


def _finding(one: Declared, guard: str, error: AepProviderError) -> Finding:
    check = f"guard: {guard}"
    if asking.passes(error):
        return note(check, f"{one.resource}: {error.message}", error.remedy)
    finding = failed(check, error)
    return replace(finding, text=f"{one.resource}: {finding.text}")
