"""Whether `up` would be refused: the guards, asked about every dataset of the stack. Only reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from aep_provider.cli.console import Progress
from aep_provider.cli.declared import Declared, live_datasets
from aep_provider.cli.findings import Finding, failed, note, ok, skipped
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.errors import AepProviderError, ApiError
from aep_provider.operations import guards
from aep_provider.operations.change import Change
from aep_provider.operations.context import Context, Silent
from aep_provider.operations.create import creation
from aep_provider.operations.planner import OnRecord, Planner
from aep_provider.words import plural


class _Collector(Silent):
    """Takes advice, to be shown as notes."""

    def __init__(self) -> None:
        self.advice: list[str] = []

    def warn(self, message: str) -> None:
        """Keep it."""
        self.advice.append(message)


def guarded(context: Context, stack: Sequence[Declared], owner: str, progress: Progress) -> Iterator[Finding]:
    """Ask every guard about every dataset that is declared.

    Args:
        context: where and how.
        stack: what the stack declares.
        owner: the stack's owner name, without the logical name.
        progress: is told how many datasets were read.
    """
    declared = [(one, one.desired) for one in stack if one.desired is not None]
    if not declared:
        yield skipped("guards", "the stack declares no dataset")
        return
    try:
        live, _ = live_datasets(context, [one for one, _ in declared], progress)
    except ApiError as error:
        yield failed("guards", error)
        return
    refused = 0
    for one, desired in declared:
        collector = _Collector()
        quiet = replace(context, report=collector)
        change = _change(quiet, one, desired, live.get(one.id), owner)
        answers = guards.answers(quiet, change)
        findings = [_finding(one, guard, error) for guard, error in answers if error is not None]
        refused += any(finding.status == "problem" for finding in findings)
        yield from findings
        yield from (note("advice", f"{one.resource}: {text}") for text in collector.advice)
    if not refused:
        yield ok("guards", f"nothing would be refused: {plural(len(declared), 'dataset')}")


def _change(
    context: Context, one: Declared, desired: Desired, observed: Observed | None, owner: str
) -> Change:
    """What `up` would do about a dataset."""
    held = observed.owner if observed is not None and observed.owner in one.owners else ""
    desired = replace(desired, owner=held or f"{owner}/{one.resource}")
    if observed is None:
        return creation(desired, one.policy)
    recorded = OnRecord(held or desired.owner) if one.in_state else None
    return Planner(context, desired, one.policy, recorded, adopting=not one.in_state).change(observed)


def _finding(one: Declared, guard: guards.Guard, error: AepProviderError) -> Finding:
    check = f"guard: {guard.name}"
    if guards.passes(error):
        return note(check, f"{one.resource}: {error.message}", error.remedy)
    finding = failed(check, error)
    return replace(finding, text=f"{one.resource}: {finding.text}")
