"""What came of a run, in words, exit codes and JSON that an engine can act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from aep_provider.cli.console import SCHEMA_VERSION, VERSION_KEY
from aep_provider.cli.engine import Ran
from aep_provider.cli.stack import Pending
from aep_provider.dataset.tags import timestamp

EXPECTED_NO_CHANGES = 7
"""Exit code of `pulumi --expect-no-changes` where something would change."""

REFUSALS = frozenset({"Refused", "BatchesInFlight", "InvalidInput", "WrongLocation", "SettingsError"})
"""Errors after which nothing was written for the dataset, and which the same run would meet again."""

NETWORK = frozenset({"ConnectionFailed", "TimedOut", "Throttled", "ServerFault"})
"""Errors that pass by themselves. Every operation reads first, so the run may be repeated."""

PROFILE_OFF = "ProfileOff"


class Outcome(Enum):
    """What came of a run; the value is the exit code."""

    CLEAN = 0
    FAILED = 1
    CHANGED = 10
    REFUSED = 11
    PROFILE_OFF = 12
    LOCKED = 13

    @property
    def word(self) -> str:
        """As the file says it."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Off:
    """A dataset of the stack with Profile off.

    Attributes:
        resource: logical name.
        id: of the dataset.
        since: when it went off, as noted on the dataset; ``""`` where nothing is noted.
        upsert: the setting before, for the command that switches it on.
    """

    resource: str
    id: str
    since: str
    upsert: bool


@dataclass(frozen=True)
class InFlight:
    """A batch on its way into a dataset that the run is about."""

    resource: str
    id: str
    batch: str
    status: str


@dataclass
class Found:
    """What was read after the run.

    Attributes:
        off: datasets with Profile off.
        in_flight: batches on their way.
        pending: operations that a killed run left in the state.
        not_checked: why AEP or the state could not be read, or ``""``.
    """

    off: list[Off] = field(default_factory=list)
    in_flight: list[InFlight] = field(default_factory=list)
    pending: Sequence[Pending] = ()
    not_checked: str = ""


def decide(action: str, ran: Ran, found: Found) -> Outcome:
    """What came of a run.

    Args:
        action: ``preview``, ``up`` or ``drift``.
        ran: the run.
        found: what was read after it.
    """
    kinds = [one.kind for one in ran.log.errors]
    if ran.lock is not None:
        return Outcome.LOCKED
    if found.off or PROFILE_OFF in kinds:
        return Outcome.PROFILE_OFF
    if ran.code == 0:
        return Outcome.CHANGED if ran.log.changed else Outcome.CLEAN
    if action == "drift" and ran.code == EXPECTED_NO_CHANGES:
        return Outcome.CHANGED
    # A refusal means that nothing was written; whether Profile is off has to be seen all the same.
    if kinds and all(kind in REFUSALS for kind in kinds) and not found.not_checked:
        return Outcome.REFUSED
    return Outcome.FAILED


def may_repeat(outcome: Outcome, ran: Ran) -> bool:
    """Whether the same run may be tried again: it did not begin, or only the network failed it."""
    if ran.stopped:
        return False
    kinds = [one.kind for one in ran.log.errors]
    network = bool(kinds) and all(kind in NETWORK for kind in kinds)
    return outcome is Outcome.LOCKED or (outcome is Outcome.FAILED and (network or ran.unreachable))


def as_json(stack: str, sandbox: str, action: str, outcome: Outcome) -> dict[str, Any]:
    """The head of the file, and all that a run which never began has to say."""
    return {
        VERSION_KEY: SCHEMA_VERSION,
        "stack": stack,
        "sandbox": sandbox,
        "action": action,
        "outcome": outcome.word,
        "exit_code": outcome.value,
        "started": "",
        "ended": "",
        "attempts": 0,
        "pulumi_exit_code": None,
        "changes": [],
        "windows": [],
        "ingest_again": [],
        "profile_off": [],
        "in_flight": [],
        "pending": [],
        "lock": None,
        "errors": [],
        "warnings": [],
        "not_checked": "",
    }


def told(ran: Ran, found: Found, started: datetime, ended: datetime, attempts: int) -> dict[str, Any]:
    """The rest of the file.

    Args:
        ran: the last run.
        found: what was read after it.
        started, ended: of all attempts together.
        attempts: how many.
    """
    log = ran.log
    windows = [
        {
            "resource": _name(one.urn),
            "id": one.id,
            "from": one.report.get("from", ""),
            "to": one.report.get("to", ""),
            "replay": one.report.get("replay"),
            "suspect": one.report.get("suspect"),
        }
        for one in log.windows
    ]
    again = [{"id": one["id"], "batch": batch} for one in windows for batch in one["replay"] or ()]
    lock = ran.lock
    return {
        "started": timestamp(started),
        "ended": timestamp(ended),
        "attempts": attempts,
        "pulumi_exit_code": ran.code,
        "changes": [
            {"resource": _name(one.urn), "id": one.id, "operation": one.operation} for one in log.changes
        ],
        "windows": windows,
        "ingest_again": again,
        "profile_off": [
            {"resource": one.resource, "id": one.id, "since": one.since, "command": command(one)}
            for one in found.off
        ],
        "in_flight": [vars(one) for one in found.in_flight],
        "pending": [{"resource": one.resource, "operation": one.operation} for one in found.pending],
        "lock": {"by": lock.by, "since": lock.since, "command": "pulumi cancel"} if lock else None,
        "errors": [{"resource": one.resource, "kind": one.kind, "message": one.text} for one in log.errors]
        or _complaint(ran),
        "warnings": [{"resource": one.resource, "message": one.text} for one in log.warnings],
        "not_checked": found.not_checked,
    }


def command(off: Off) -> str:
    """What switches Profile on again, where `pulumi up` cannot."""
    return f"aep-provider enable {off.id}{' --upsert' if off.upsert else ''}"


def _complaint(ran: Ran) -> list[dict[str, str]]:
    """What `pulumi` said where its engine did not begin; not the last word of a drift run."""
    text = ran.complaint.strip().removeprefix("error: ")
    failed = ran.code not in (0, EXPECTED_NO_CHANGES)
    return [{"resource": "", "kind": "", "message": text}] if failed and text else []


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]
