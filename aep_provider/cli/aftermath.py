"""What state and AEP hold after a run: Profile left off, batches in flight, operations that were cut off."""

from __future__ import annotations

from collections.abc import Mapping

from aep_provider.cli import console, declared
from aep_provider.cli.declared import Verdict
from aep_provider.cli.events import Subject
from aep_provider.cli.outcome import Found, InFlight, Off
from aep_provider.cli.source import Source
from aep_provider.errors import AepProviderError
from aep_provider.operations.context import Context


def look(source: Source, subjects: Mapping[str, Subject]) -> Found:
    """Read what a run has left.

    Args:
        source: of the settings, with a stack.
        subjects: by id, the datasets that the run was to change: their batches in flight count.
    """
    found = Found()
    try:
        from aep_provider.aep import connect

        stack, config = source.required_stack(), source.config()
        settings, state = source.load(config), stack.state()
        found.pending = state.pending
        context = Context(
            connect(settings, console.CLOCK), settings, console.ConsoleReporter(), console.CLOCK
        )
        with console.Progress("Reading datasets") as progress:
            verdicts = declared.of_stack(context, stack, config, state, progress)
        found.off = [off for one in verdicts if (off := _off(one, subjects)) is not None]
        found.in_flight = _in_flight(context, subjects)
    except AepProviderError as error:
        found.not_checked = error.message
    return found


def _off(verdict: Verdict, subjects: Mapping[str, Subject]) -> Off | None:
    """The dataset, if an interrupted change left Profile off, or it is off although the state says that it is on."""
    one, observed = verdict.declared, verdict.observed
    if observed is None:
        return None
    note, subject = observed.open_note, subjects.get(observed.id)
    if note is None and (observed.profile.enabled or not one.in_state):
        return None
    wanted = one.desired.is_upsert if one.desired else bool(subject and subject.upsert)
    return Off(one.resource, observed.id, note.start if note else "", wanted)


def _in_flight(context: Context, subjects: Mapping[str, Subject]) -> list[InFlight]:
    with console.side_by_side(context.settings.parallel) as pool:
        listed = pool.map(context.aep.batches.recent, subjects)
        return [
            InFlight(subject.resource, dataset_id, batch.id, batch.status)
            for (dataset_id, subject), batches in zip(subjects.items(), listed, strict=True)
            for batch in batches
            if batch.in_flight
        ]
