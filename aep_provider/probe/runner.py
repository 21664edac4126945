"""One run: the steps in their order, and the clean-up whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timezone

from aep_provider.aep import Aep
from aep_provider.aep.sandboxes import Sandbox
from aep_provider.clock import Clock
from aep_provider.errors import AepProviderError, NotFound, Refused
from aep_provider.probe.belief import Answer, Belief, NotAsked
from aep_provider.probe.cleanup import CleanUp, Left, short
from aep_provider.probe.raw import Raw
from aep_provider.probe.scratch import Scratch
from aep_provider.probe.steps import Run, Step
from aep_provider.probe.steps.look import LONGEST
from aep_provider.settings import Settings


@dataclass(frozen=True)
class Order:
    """What the user asked for.

    Attributes:
        schema_id: a schema of record data that is in the union.
        wait: seconds to wait at most for each thing that lags.
        identity: namespace and value of the identity that batches hold.
    """

    schema_id: str
    wait: float
    identity: tuple[str, str]


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes:
        answers: one for each belief, in the order of the table.
        figures: what was measured in numbers.
        left: scratch datasets that are not proved to be gone.
        requests: how many requests the steps sent.
        stopped: why the run ended early, or ``""``.
    """

    answers: tuple[Answer, ...]
    figures: dict[str, float]
    left: tuple[Left, ...] = ()
    requests: int = 0
    stopped: str = ""


def check_sandbox(aep: Aep, name: str) -> Sandbox:
    """The sandbox, if it is for development.

    Args:
        aep: where and how.
        name: of the sandbox.

    Raises:
        Refused: it is not of type development, or not active; a type that is not known counts as production.
        ApiError: it could not be asked for.
    """
    found = aep.sandboxes.current_now()
    if found is None:
        raise Refused(
            f"Sandbox {name} is not one that this credential sees, so that its type is not known",
            "The probe works in sandboxes of type development only. Check aep:sandbox and the credential's role.",
        )
    if found.type != "development" or found.state != "active":
        raise Refused(
            f"Sandbox {name} is of type {found.type or 'unknown'}, its state is {found.state or 'unknown'}; the probe "
            "works in active sandboxes of type development only, and nothing was done",
            "Use --sandbox with the name of a development sandbox (AEP > Sandboxes).",
        )
    return found


def check_schema(aep: Aep, schema_id: str) -> None:
    """See to it that a schema is one that scratch datasets can have.

    Raises:
        Refused: there is none, it is not in the union, or is for experience events.
        ApiError: it could not be looked up.
    """
    try:
        schema = aep.schemas.get(schema_id)
    except NotFound as error:
        if not error.documented:
            raise
        raise Refused(
            f"Schema {schema_id} does not exist in sandbox {aep.gateway.sandbox}; nothing was done",
            "Give --schema the $id of a schema: AEP > Schemas, or the API usage panel of the schema.",
        ) from error
    if schema.time_series or not schema.in_union:
        what = "is for experience events" if schema.time_series else "is not enabled for Profile"
        raise Refused(
            f"Schema {schema_id} {what}; nothing was done",
            "Give --schema the $id of a schema of record data that is enabled for Profile.",
        )


def nothing_asked(beliefs: Sequence[Belief], why: str) -> Outcome:
    """The outcome of a run that could not begin."""
    return Outcome(_in_order(beliefs, (), {}, why), {}, stopped=why)


def run(
    aep: Aep,
    settings: Settings,
    clock: Clock,
    order: Order,
    steps: Sequence[Step],
    beliefs: Sequence[Belief],
    say: Callable[[str], None],
) -> Outcome:
    """Ask, and clean up.

    Args:
        aep: an API that remembers nothing.
        settings: where to, and as whom.
        clock: time and waits.
        order: what the user asked for.
        steps: what to do, in this order.
        beliefs: the table.
        say: prints a line about what is under way.

    Returns:
        Also for a run that Ctrl-C or an error ended: `Outcome.stopped` says so.
    """
    raw = Raw(aep.gateway)
    stamp = aep.gateway.server_time().astimezone(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    scratch = Scratch(raw, order.schema_id, stamp)
    given = Run(aep, settings, clock, raw, scratch, order.schema_id, order.wait, order.identity, say)
    answers: list[Answer] = []
    reasons: dict[str, str] = {}
    stopped = ""
    try:
        for index, step in enumerate(steps, 1):
            say(f"[{index}/{len(steps)}] {step.title}")
            why = _ask(step, given, answers)
            reasons |= dict.fromkeys(step.beliefs, why)
    except KeyboardInterrupt:
        stopped = "the run was interrupted"
    finally:
        left = _clean(aep, settings, clock, order, scratch, say)
    return Outcome(
        _in_order(beliefs, answers, reasons, stopped), given.figures, tuple(left), raw.sent, stopped
    )


def _ask(step: Step, given: Run, answers: list[Answer]) -> str:
    """Take the answers of a step; why there are no more, where there are not."""
    try:
        for answer in step.ask(given):
            answers.append(answer)
    except NotAsked as reason:
        return str(reason)
    except AepProviderError as error:
        return short(error)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # What a service answers may have any form.
        return f"a response was not as documented ({type(error).__name__})"
    return "the step had no answer"


def _clean(
    aep: Aep, settings: Settings, clock: Clock, order: Order, scratch: Scratch, say: Callable[[str], None]
) -> list[Left]:
    if not scratch.names and not scratch.lost:
        return []
    say(f"Deleting {len(scratch.names)} scratch datasets")
    clean_up = CleanUp(aep, settings.client_id, clock, wait=min(order.wait, LONGEST), say=say)
    try:
        return clean_up.these(dict(scratch.names), scratch.lost, scratch.owner)
    except KeyboardInterrupt:
        why = "the clean-up was interrupted"
        unknown = [("", name) for name in sorted(scratch.lost)]
        return [Left(key, name, why) for key, name in (*scratch.names.items(), *unknown)]


def _in_order(
    beliefs: Sequence[Belief], answers: Sequence[Answer], reasons: dict[str, str], stopped: str
) -> tuple[Answer, ...]:
    """One answer for each belief; what was not asked says why."""
    known = {answer.belief: answer for answer in answers}

    def reason(belief: Belief) -> str:
        if not belief.probed:
            return belief.how
        return reasons.get(belief.id) or stopped or "it takes batches: --batches"

    return tuple(known.get(belief.id) or Answer(belief.id, "not asked", reason(belief)) for belief in beliefs)
