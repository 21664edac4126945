"""What a card says of each dataset, and of the stack: data, and the words of a change. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aep_provider import arguments
from aep_provider.cli.previewed import SavedPlan, Step
from aep_provider.dataset.plan import overwritten
from aep_provider.entries import Entry as Declared
from aep_provider.entries import name_of
from aep_provider.operations.change import Change
from aep_provider.operations.record import Record

CREATE, TAKE_OVER, ADOPT, CHANGE = "create", "take over", "adopt", "change"
DELETE, RELEASE, REPLACE, NOT_KNOWN = "delete", "release", "replace", "not known yet"


@dataclass(frozen=True)
class Dark:
    """What is said of a dataset for which Profile goes off.

    Attributes:
        expected: how long, in words.
        seconds: the same as a number; ``None`` = not known.
        in_flight: the batches in flight, and what `up` does about them.
        writers: the streaming dataflows that were seen.
        quietest: the hour in which the fewest batches come.
        consent: whether it was given, and where.
        change_window: whether it is open now, and when it is next; ``""`` = the stack has none.
    """

    expected: str
    seconds: float | None
    in_flight: str
    writers: Sequence[str]
    quietest: str
    consent: str
    change_window: str = ""


@dataclass(frozen=True)
class Entry:
    """One dataset that changes.

    Attributes:
        resource: the logical name.
        action: one of the words above.
        id, name: of the dataset, or ``""``.
        changes: what changes, in words.
        off: since when Profile is off already, in words, or ``""``.
        dark: what is said where Profile goes off; ``None`` where it does not.
        refusals: why `up` would be refused.
        cured: what `up` waits for or may be over by then.
        advice: what else the guards say.
    """

    resource: str
    action: str
    id: str = ""
    name: str = ""
    changes: Sequence[str] = ()
    off: str = ""
    dark: Dark | None = None
    refusals: Sequence[str] = ()
    cured: Sequence[str] = ()
    advice: Sequence[str] = ()

    def row(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {**vars(self), "dark": vars(self.dark) if self.dark else None}


@dataclass(frozen=True)
class Card:
    """What a reviewer has to know before `pulumi up`.

    Attributes:
        stack, sandbox: their names.
        kind: the sandbox's type, or ``""``.
        production: whether the stack may write to a sandbox of type production, and where that is said; ``""`` where
            it does not matter.
        entries: what changes.
        unchanged: how many datasets do not; ``None`` = not known, since the preview was refused.
        errors: why the preview was refused, with the logical name or ``""``.
        profile: Profile datasets against the limit.
        notes: what is the same for every dataset.
        plan: the plan that belongs to it, or ``None``.
    """

    stack: str
    sandbox: str
    kind: str
    production: str
    entries: Sequence[Entry]
    unchanged: int | None
    errors: Sequence[tuple[str, str]] = ()
    profile: str = ""
    notes: Sequence[str] = ()
    plan: SavedPlan | None = field(default=None)

    @property
    def refused(self) -> bool:
        """Whether `up` would be refused."""
        return bool(self.errors) or any(one.refusals for one in self.entries)

    @property
    def dark(self) -> list[Entry]:
        """The datasets for which Profile goes off."""
        return [one for one in self.entries if one.dark is not None]

    def row(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            **vars(self),
            "refused": self.refused,
            "entries": [one.row() for one in self.entries],
            "errors": [{"resource": resource, "text": text} for resource, text in self.errors],
            "plan": vars(self.plan) if self.plan else None,
        }


def action(step: Step, change: Change | None, taken_over: str) -> str:
    """What is done with a dataset, in a word or two.

    Args:
        step: Pulumi's.
        change: what `up` would do; ``None`` where that cannot be told.
        taken_over: what is said of a dataset that an interrupted run created, or ``""``.
    """
    if step.op == "delete":
        return DELETE if Record(step.outputs).created_here else RELEASE
    if step.op == "replace":
        return REPLACE
    if step.op == "update":
        return CHANGE
    if change is None:
        return NOT_KNOWN
    if change.adopting:
        return ADOPT
    return TAKE_OVER if taken_over else CREATE


def changes(step: Step, change: Change | None, taken_over: str) -> list[str]:
    """What changes, in words.

    Args:
        step: Pulumi's.
        change: what `up` would do; ``None`` for a delete, and where that cannot be told.
        taken_over: what is said of a dataset that an interrupted run created, or ``""``.
    """
    found = _ended(step) if step.op in ("delete", "replace") else []
    if step.op == "delete":
        return found
    if change is None:
        missing = ", ".join(step.unknown)
        return [*found, f"known only during `up`: {missing}" if missing else "its dataset could not be found"]
    found += [taken_over] if taken_over else _begun(change)
    found += _edits(change) + _switches(change)
    return found + _steered(step) or ["nothing in AEP, only what the state records"]


def _ended(step: Step) -> list[str]:
    title = f"{step.outputs.get('name') or step.resource!r} ({step.id})"
    if Record(step.outputs).created_here:
        return [f"deletes {title}, with its data in the lake and in Profile"]
    return [f"releases {title}: the dataset stays as it is"]


def _begun(change: Change) -> list[str]:
    desired = change.desired
    if change.observed is None:
        how = "with upsert" if desired.is_upsert else "without upsert"
        return [f"creates {desired.name!r} in Profile, {how}"]
    owner = change.observed.owner
    moved = [f"takes it from {owner}"] if owner and desired.owner and owner != desired.owner else []
    adopts = "adopts it as it is" if change.steps.empty else "adopts it"
    return ([adopts] if change.adopting else []) + moved


def _edits(change: Change) -> list[str]:
    """Names, descriptions and tags; of an adoption it is what it overwrites."""
    observed, desired = change.observed, change.desired
    if observed is None:
        return []
    if change.adopting:
        found = [f"overwrites {text}" for text in overwritten(observed, desired)]
    else:
        renamed = bool(desired.name) and desired.name != observed.name
        found = [f"renames {observed.name!r} to {desired.name!r}"] if renamed else []
        others = desired._replace(managed={k: v for k, v in desired.managed.items() if k != "name"})
        found += [f"changes {text}" for text in overwritten(observed, others)]
    found += [f"adds tag {key}" for key in sorted(desired.tags) if key not in observed.tags]
    return found + [f"removes tag {key}" for key in sorted(desired.released_tags & set(observed.tags))]


def _switches(change: Change) -> list[str]:
    observed, desired = change.observed, change.desired
    if observed is None or not change.steps.enable:
        return []
    upsert = "on" if desired.is_upsert else "off"
    if change.steps.opens_window:
        return [f"upsert {upsert}: Profile and Identity go off and on again"]
    off = [
        name
        for name, tag in (("Profile", observed.profile), ("Identity", observed.identity))
        if not tag.enabled
    ]
    return [f"enables {' and '.join(off)}, upsert {upsert}"]


def _steered(step: Step) -> list[str]:
    if step.op != "update":
        return []
    return [
        f"{key}: {_shown(step.olds.get(key))} -> {_shown(step.news.get(key))}"
        for key in arguments.steering()
        if step.olds.get(key) != step.news.get(key)
    ]


def _shown(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def consent(change: Change, *, production: bool, declared_in: str) -> str:
    """Whether the program agrees to Profile being off, and where.

    Args:
        change: what `up` would do.
        production: whether the sandbox counts as one of type production.
        declared_in: the file that declares the dataset, or words for it.
    """
    if change.policy.allow_profile_gap:
        return f"given: allow_profile_gap in {declared_in}"
    if production:
        return "missing: a sandbox of type production needs allow_profile_gap=True"
    return "not given, and not needed in a sandbox of type development"


def consented_in(resource: str, entries: Sequence[Declared], file: str, shared_file: str) -> str:
    """Which file says `allow_profile_gap` for a dataset, for a message.

    Args:
        resource: its logical name.
        entries: what the stack declares as data.
        file: the stack file.
        shared_file: the file that `aep:datasets` names, or ``""``.
    """
    for one in entries:
        if name_of(one.given) == resource:
            own = not one.shared or "allow_profile_gap" in one.changed
            return file if own or not shared_file else shared_file
    return "the program"
