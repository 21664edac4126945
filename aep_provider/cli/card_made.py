"""Asks the guards about every step of a preview, and makes the card. Only reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aep_provider.arguments import UNIFIED_PROFILE
from aep_provider.change_window import window_told
from aep_provider.cli import card_entry, collecting
from aep_provider.cli.card_entry import Card, Dark, Entry
from aep_provider.cli.collecting import Answer
from aep_provider.cli.console import Progress
from aep_provider.cli.inventory import gap_lines
from aep_provider.cli.previewed import Previewed, SavedPlan, Step
from aep_provider.cli.stack import Recorded
from aep_provider.dataset.tags import GAP_TAG
from aep_provider.entries import Entry as Declared
from aep_provider.errors import AepProviderError, ApiError
from aep_provider.operations import advice, asking, in_flight
from aep_provider.operations.change import Change
from aep_provider.operations.checks import is_production
from aep_provider.operations.context import NOT_KNOWN, Context
from aep_provider.operations.forecast import expected, quietest
from aep_provider.operations.foreseen import foreseen, taken_over
from aep_provider.operations.record import Record
from aep_provider.words import plural

if TYPE_CHECKING:
    from aep_provider.aep.batches import Batch


@dataclass(frozen=True)
class Declaration:
    """Where the stack says what.

    Attributes:
        stack: its name.
        file: the stack file, as messages name it.
        shared_file: the file that `aep:datasets` names, in the same way, or ``""``.
        entries: what it declares as data.
        recorded: the datasets in its state.
    """

    stack: str
    file: str
    shared_file: str
    entries: Sequence[Declared]
    recorded: Sequence[Recorded]

    @property
    def records(self) -> list[Record]:
        """What state says of each."""
        return [Record(one.outputs) for one in self.recorded]


def made(
    context: Context,
    declaration: Declaration,
    previewed: Previewed,
    plan: SavedPlan | None,
    progress: Progress,
) -> Card:
    """Make the card.

    Args:
        context: where and how.
        declaration: where the stack says what.
        previewed: what Pulumi would do.
        plan: the plan that belongs to it, or ``None``.
        progress: is told how many datasets were asked about.

    Raises:
        ApiError: the sandbox could not be read.
    """
    changing = {step.id for step in previewed.steps}
    idle = [one for one in declaration.recorded if one.id not in changing]
    _note_declared(context, idle, previewed.steps)
    sandbox = context.aep.sandboxes.current()
    maker = _Maker(context, declaration)
    entries = []
    for step in previewed.steps:
        entries.append(maker.entry(step))
        progress.step(f"{len(entries)} of {len(previewed.steps)} datasets")
    more = [one for one in previewed.warnings if not any(text in one[1] for text in maker.said)]
    known = {one.resource for one in entries}
    entries = [
        replace(one, advice=[*one.advice, *(text for name, text in more if name == one.resource)])
        for one in entries
    ]
    return Card(
        stack=declaration.stack,
        sandbox=context.sandbox,
        kind=sandbox.type if sandbox else "",
        production=_production(context, declaration),
        entries=sorted(entries, key=lambda one: (not one.refusals, one.dark is None, one.resource)),
        unchanged=None if previewed.errors else len(idle),
        errors=previewed.errors,
        profile=maker.profile(),
        notes=[
            *_left_off(context, {one.id for one in idle}),
            *(f"{name}: {text}" for name, text in more if name not in known),
            *dict.fromkeys(maker.for_all),
        ],
        plan=plan,
    )


def _note_declared(context: Context, idle: Sequence[Recorded], steps: Sequence[Step]) -> None:
    """Tell the guards which dataset each resource is to have, as a preview does: two may swap theirs."""
    unchanged = [(one.resource, one.inputs) for one in idle]
    for resource, given in (*unchanged, *((step.resource, step.news) for step in steps)):
        context.run.declared[resource].add(str(given.get("dataset_id") or NOT_KNOWN))


def _left_off(context: Context, ids: set[str]) -> list[str]:
    """What to say of datasets of the stack that an interrupted run left off, and that no step is about."""
    try:
        return gap_lines(one for one in context.aep.catalog.tagged(GAP_TAG) if one.id in ids)
    except ApiError as error:
        return [f"Could not find out whether a run has left Profile off: {error.message}"]


def _production(context: Context, declaration: Declaration) -> str:
    if not is_production(context):
        return ""
    allowed = "true" if context.settings.allow_production else "false"
    return f"aep:allowProduction is {allowed} in the configuration of stack {declaration.stack}"


class _Maker:
    """Asks about one step after another.

    Attributes:
        said: everything that the guards said.
        for_all: what of it is the same for every dataset.
    """

    def __init__(self, context: Context, declaration: Declaration) -> None:
        self._context = context
        self._declaration = declaration
        self._added: list[Change] = []
        self._round_trip: float | None = None
        self.said: set[str] = set()
        self.for_all: list[str] = []

    def entry(self, step: Step) -> Entry:
        """What is said of one step."""
        change, answers, failure = self._asked(step)
        refusals = [
            _refusal(answer.guard, answer.error) for answer in answers if answer.error and answer.refuses
        ]
        cured = [
            answer.error.message
            for answer in answers
            if answer.error and not answer.refuses and answer.guard not in _ELSEWHERE
        ]
        if failure is not None:
            (cured if asking.passes(failure) else refusals).append(failure.message)
        if step.op in ("delete", "replace") and step.outputs.get("deletion_protection") is True:
            refusals.append(_PROTECTED)
        observed = change.observed if change else None
        left_open = observed.open_note if observed else None
        taken = [
            text for one in answers if one.guard == "interrupted run" and not one.error for text in one.advice
        ]
        taken_over = taken[0] if taken else ""
        name = "" if "name" in step.unknown else step.news.get("name") or step.outputs.get("name") or ""
        return Entry(
            resource=step.resource,
            action=card_entry.action(step, change, taken_over),
            id=observed.id if observed else step.id,
            name=observed.name if observed else str(name),
            changes=card_entry.changes(step, change, taken_over),
            off=f"since {left_open.start}, by an interrupted run" if left_open else "",
            dark=self._dark(step, change, answers) if change else None,
            refusals=refusals,
            cured=cured,
            advice=[text for one in answers if one.guard not in _ELSEWHERE for text in one.advice],
        )

    def profile(self) -> str:
        """Profile datasets against the limit, in words; ``""`` where none comes in."""
        try:
            kinds = [advice.class_of(self._context, change) for change in self._added]
            held = advice.in_profile(self._context.aep.catalog.tagged(UNIFIED_PROFILE)) if kinds else {}
            return "; ".join(
                f"{held[kind]} {kind} datasets of {advice.PROFILE_DATASETS} now, {kinds.count(kind)} more with this"
                for kind in sorted(set(kinds), reverse=True)
            )
        except ApiError as error:
            return f"could not be counted: {error.message}"

    def _asked(self, step: Step) -> tuple[Change | None, list[Answer], AepProviderError | None]:
        """The change that `up` would make, what the guards say, and why that could not be found out."""
        if step.op == "delete" or step.unknown:
            return None, [], None
        change: Change | None = None
        answers: list[Answer] = []
        try:
            if step.op == "replace":
                self._context.run.refreshed.add(step.id)
            olds = {**step.olds, "dataset_id": step.id} if step.op == "update" else {}
            change = foreseen(self._context, olds, step.news)
            if change is not None:
                self._added += [change] if advice.adds_to_profile(change) else []
                self._hear(change, answers)
                later = taken_over(self._context, change)
                if later is not None and not any(one.refuses for one in answers):
                    change = later
                    self._hear(change, answers)
        except AepProviderError as error:
            return change, answers, error
        return change, answers, None

    def _hear(self, change: Change, answers: list[Answer]) -> None:
        for answer in collecting.answers(self._context, change):
            answers.append(answer)
            self.for_all += answer.for_all
            self.said |= {*answer.advice, *answer.for_all}
            self.said |= {answer.error.message} if answer.error else set()

    def _dark(self, step: Step, change: Change, answers: Sequence[Answer]) -> Dark | None:
        observed, context = change.observed, self._context
        if observed is None or not change.steps.opens_window:
            return None
        try:
            batches = context.aep.batches.recent(observed.id)
            flying = _flying([one for one in batches if one.in_flight], change)
            quiet = str(quietest(batches, context.now()))
        except ApiError as error:
            flying = quiet = f"could not be found out: {error.message}"
        said = self._declaration
        file = card_entry.consented_in(step.resource, said.entries, said.file, said.shared_file)
        how_long = expected(
            [record.profile_gap for record in self._declaration.records], self._measured(observed.id)
        )
        return Dark(
            expected=str(how_long),
            seconds=how_long.seconds,
            in_flight=flying,
            writers=[text for answer in answers if answer.guard == "dataflows" for text in answer.advice],
            quietest=quiet,
            consent=card_entry.consent(change, production=is_production(context), declared_in=file),
            change_window=window_told(context.settings.change_window, context.now()),
        )

    def _measured(self, dataset_id: str) -> float | None:
        """How long one request takes, measured once."""
        if self._round_trip is None:
            start = self._context.clock.monotonic()
            try:
                self._context.aep.catalog.get(dataset_id)
            except ApiError:
                return None
            self._round_trip = self._context.clock.monotonic() - start
        return self._round_trip


_ELSEWHERE = ("overwritten", "consent", "dataflows", "interrupted run", "batches")
"""Guards of which the card says in a place of its own what does not refuse."""

_BATCHES = {
    "wait": "`up` waits for them, {} s at most, with Profile on",
    "fail": "`up` is refused while they are",
    "ignore": "`up` ignores them, and they may not reach Profile",
}

_PROTECTED = "deletion protection: set deletion_protection=False and run `pulumi up` before"


def _flying(batches: Sequence[Batch], change: Change) -> str:
    if not batches:
        return "none"
    does = _BATCHES[change.policy.in_flight_batches].format(change.policy.wait_timeout)
    return f"{plural(len(batches), 'batch', 'batches')}: {in_flight.listed(batches)}; {does}"


def _refusal(guard: str, error: AepProviderError) -> str:
    return f"{guard}: {error.message}. {' '.join(error.remedy.split())}".strip()
