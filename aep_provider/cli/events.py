"""What the engine's event log says of a run: what changed, what went wrong, and which kind of error it was.

The log is what Pulumi's own Automation API reads (``--event-log``, which needs ``PULUMI_DEBUG_COMMANDS``): one JSON
object a line. The kinds of errors are lines that this package's plugin adds to it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aep_provider.cli.stack import logical_name
from aep_provider.operations.record import Record

KIND = "aep-provider error: "
"""How a line of the plugin's begins, see `aep_provider.plugin.host.tell_kind`."""

NO_CHANGE = ("same", "refresh", "read")
CONSEQUENCES = ("Resource monitor has terminated", "update failed", "preview failed")
"""Errors of the stack that only say that something else has failed."""


@dataclass(frozen=True)
class Message:
    """An error or a warning.

    Attributes:
        urn: of the resource, or ``""``.
        text: all of it.
        kind: the class in `aep_provider.errors`, or ``""`` where the plugin did not say.
    """

    urn: str
    text: str
    kind: str = ""

    @property
    def resource(self) -> str:
        """The logical name, or ``""``."""
        return logical_name(self.urn) if self.urn.count("::") > 2 else ""


@dataclass(frozen=True)
class Change:
    """What a run did, or a preview would do, to a resource.

    Attributes:
        urn: of the resource.
        operation: ``create``, ``update``, ``delete``, ``replace`` and the like.
        id: of the dataset, or ``""``.
    """

    urn: str
    operation: str
    id: str


@dataclass(frozen=True)
class Window:
    """A time without Profile that the run has recorded, as the outputs `profile_gap` and `earlier_gaps` hold it.

    Attributes:
        urn: of the resource.
        id: of the dataset.
        report: ``from``, ``to``, and, where the batches could be listed, ``replay`` and ``suspect``.
    """

    urn: str
    id: str
    report: Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """A dataset that the run was about, whether it came to change it or not.

    Attributes:
        resource: logical name.
        upsert: whether the program wants upsert.
    """

    resource: str
    upsert: bool


@dataclass
class Log:
    """The last phase of a run: its update, or its preview where it came to nothing more.

    Attributes:
        begun: whether the engine began at all; a run that found the stack locked did not.
        counts: by operation, how many resources; empty where the engine did not come to an end.
        changes: of datasets.
        windows: that the state did not have before.
        errors, warnings: as shown.
        subjects: by id, the datasets that were to be changed.
    """

    begun: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    errors: list[Message] = field(default_factory=list)
    warnings: list[Message] = field(default_factory=list)
    subjects: dict[str, Subject] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether anything changed, or would."""
        return any(count for operation, count in self.counts.items() if operation not in NO_CHANGE)


def together(attempts: Sequence[Log]) -> Log:
    """The log of several attempts at one run: how the last one ended, and what all of them did.

    Args:
        attempts: in their order; at least one.
    """
    last = attempts[-1]
    counts: Counter[str] = Counter()
    for one in attempts:
        counts.update(one.counts if one is last else Counter(change.operation for change in one.changes))
    return replace(
        last,
        counts=dict(counts),
        changes=[change for one in attempts for change in one.changes],
        windows=[window for one in attempts for window in one.windows],
        warnings=list(dict.fromkeys(warning for one in attempts for warning in one.warnings)),
    )


def read(lines: Iterable[str]) -> Log:
    """Read an event log; a line that is not complete, as the last of a run that was killed, is left out."""
    log = Log()
    kinds: dict[str, str] = {}
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if "preludeEvent" in event:
            log, kinds = Log(begun=True), {}
        elif "summaryEvent" in event:
            log.counts = dict(event["summaryEvent"].get("resourceChanges") or {})
        elif "diagnosticEvent" in event:
            _diagnostic(log, kinds, event["diagnosticEvent"])
        elif "resourcePreEvent" in event:
            _begins(log, event["resourcePreEvent"]["metadata"])
        elif "resOutputsEvent" in event:
            _step(log, event["resOutputsEvent"]["metadata"])
    log.errors = [Message(one.urn, one.text, kinds.get(one.urn, "")) for one in _causes(log.errors)]
    return log


def _diagnostic(log: Log, kinds: dict[str, str], event: Mapping[str, Any]) -> None:
    text, urn = str(event.get("message") or "").strip(), str(event.get("urn") or "")
    severity = event.get("severity")
    if severity == "debug" and urn and text.startswith(KIND):
        # The first one: what is said later of the same resource is a consequence.
        kinds.setdefault(urn, str(json.loads(text.removeprefix(KIND))["kind"]))
    elif severity == "error":
        log.errors.append(Message(urn, text))
    elif severity == "warning" and not event.get("ephemeral"):
        message = Message(urn, text)
        if message not in log.warnings:
            log.warnings.append(message)


def _causes(errors: list[Message]) -> list[Message]:
    causes = [one for one in errors if not one.text.startswith(CONSEQUENCES)]
    return causes or errors


def _begins(log: Log, step: Mapping[str, Any]) -> None:
    old, new = step.get("old") or {}, step.get("new") or {}
    inputs = new.get("inputs") or old.get("inputs") or {}
    dataset_id = str(old.get("id") or inputs.get("dataset_id") or "")
    if step["op"] not in NO_CHANGE and dataset_id and "is_upsert" in inputs:
        log.subjects[dataset_id] = Subject(logical_name(step["urn"]), inputs["is_upsert"] is True)


def _step(log: Log, step: Mapping[str, Any]) -> None:
    old, new = step.get("old") or {}, step.get("new") or {}
    resource = new or old
    before = Record(old.get("outputs") or {}).windows
    for gap in reversed(Record(new.get("outputs") or {}).windows):
        if gap not in before:
            log.windows.append(Window(step["urn"], str(new.get("id") or ""), gap))
    # The stack itself and providers are resources as well, but nothing in AEP.
    if step["op"] in NO_CHANGE or str(step["type"]).startswith("pulumi:"):
        return
    log.changes.append(Change(step["urn"], step["op"], str(resource.get("id") or "")))
