"""What `pulumi preview --json` shows of datasets, and what a plan file says of the same. Pure.

Seen with `pulumi` 3.274.1: one JSON document, whose `steps` have an `op`, the URN, and the state before and after with
all inputs; `diagnostics` have what the provider said, with the URN of the resource. Where a preview is refused, it ends
at the first resource that is: later ones have no step, and the refused one has a diagnostic only. A plan has the steps
of each resource, and in `goal.inputDiff` how its inputs differ from those in state; a delete has no goal.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from aep_provider.arguments import SWITCHES
from aep_provider.cli.pulumi import PulumiFailed
from aep_provider.cli.stack import RESOURCE_TYPE, SECRET, is_ours, logical_name

CHANGES = ("create", "update", "replace", "delete", "import")
"""The steps that change something; the two halves of a replacement have the same URN as the whole."""

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands in a preview for a text that is known only after another resource was created (Pulumi's SDK)."""

HIDDEN = "[secret]"
"""What stands in a preview for a secret; a plan has it encrypted."""

_PREFIX = re.compile(r"^(?:error|warning): (?:pulumi-python:\S+ resource '.*?' has a problem: )?")


MAKE_IT = "Make it with `pulumi preview --json`, without `--diff`."


@dataclass(frozen=True)
class Step:
    """What Pulumi would do with one dataset.

    Attributes:
        op: ``create``, ``update``, ``replace``, ``delete`` or ``import``.
        urn: of the resource.
        id: of the dataset on record, or ``""``.
        olds: the inputs on record; empty for a new resource.
        outputs: the outputs on record.
        news: the inputs that the program declares; empty for a delete.
    """

    op: str
    urn: str
    id: str
    olds: Mapping[str, Any]
    outputs: Mapping[str, Any]
    news: Mapping[str, Any]

    @property
    def resource(self) -> str:
        """The logical name."""
        return logical_name(self.urn)

    @property
    def unknown(self) -> list[str]:
        """The arguments whose value is not known yet."""
        return [key for key, value in self.news.items() if UNKNOWN in json.dumps(value)]


@dataclass(frozen=True)
class Previewed:
    """A preview, as far as it is about datasets.

    Attributes:
        steps: what changes, by logical name.
        errors: why it was refused, with the logical name or ``""``, by that name.
        warnings: what was warned of, likewise.
    """

    steps: Sequence[Step]
    errors: Sequence[tuple[str, str]] = ()
    warnings: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class SavedPlan:
    """A plan file that belongs to a preview.

    Attributes:
        file: where it is.
        digest: the SHA-256 of its content.
    """

    file: str
    digest: str


def read(preview: Mapping[str, Any]) -> Previewed:
    """Read the JSON of a preview.

    Raises:
        PulumiFailed: it is not one.
    """
    try:
        ours = [step for step in preview.get("steps") or [] if is_ours(_state(step))]
        steps = [_step(step) for step in ours if step["op"] in CHANGES]
        # The engine previews resources side by side; a card should not differ from run to run by that.
        steps.sort(key=lambda step: (step.resource, step.urn))
        diagnostics = preview.get("diagnostics") or []
        errors = sorted(_said(diagnostics, "error"), key=itemgetter(0))
        named = [one for one in errors if one[0]]
        return Previewed(
            steps,
            # Pulumi adds that its monitor has ended; alone it is all there is.
            named or errors,
            sorted((one for one in _said(diagnostics, "warning") if one[0]), key=itemgetter(0)),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise PulumiFailed(
            f"The preview is not what `pulumi preview --json` prints ({type(error).__name__}: {error})",
            MAKE_IT,
        ) from error


def plan(file: Path, previewed: Previewed) -> SavedPlan:
    """Read a plan file, and prove that it plans what the preview shows, for the same values and no dataset more.

    Args:
        file: what `pulumi preview --save-plan` wrote.
        previewed: the preview.

    Raises:
        PulumiFailed: it cannot be read, or belongs to another preview.
    """
    try:
        content = file.read_bytes()
        differs = _difference(json.loads(content)["resourcePlans"], previewed)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PulumiFailed(
            f"The plan {file} cannot be read: {error}", "Make it with `pulumi preview --save-plan`."
        ) from error
    if differs:
        raise PulumiFailed(
            f"The plan {file} belongs to another preview: {differs}",
            "Make both in one run: `pulumi preview --json --save-plan FILE`.",
        )
    return SavedPlan(str(file), hashlib.sha256(content).hexdigest())


def _difference(plans: Mapping[str, Any], previewed: Previewed) -> str:
    """How a plan differs from a preview, in words that hold no value; ``""`` if it does not."""
    for step in previewed.steps:
        planned = plans.get(step.urn) or {"steps": ()}
        if step.op not in planned["steps"]:
            return f"{step.op} of {step.resource!r} is not in it"
        if step.op == "delete":
            continue
        inputs = _planned(planned["goal"]["inputDiff"], step.olds)
        other = [key for key in sorted({*inputs, *step.news}) if inputs.get(key) != step.news.get(key)]
        if other:
            return f"of {step.resource!r} it has another {', '.join(other)}"
    shown = {step.urn for step in previewed.steps}
    for urn, planned in plans.items():
        more = [op for op in planned["steps"] if op in CHANGES]
        if more and urn not in shown and urn.split("::")[2].split("$")[-1] == RESOURCE_TYPE:
            return f"the preview has no {more[0]} of {logical_name(urn)!r}"
    return ""


def _planned(changes: Mapping[str, Any], olds: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that a plan allows: those in state, with its changes."""
    kept = {key: value for key, value in olds.items() if key not in changes.get("deletes", ())}
    changed = {**changes.get("adds", {}), **changes.get("updates", {})}
    return kept | {key: _as_shown(value) for key, value in _own(changed).items()}


def _as_shown(value: Any) -> Any:
    """A value of a plan as a preview shows it."""
    if isinstance(value, Mapping):
        return HIDDEN if SECRET in value else {key: _as_shown(inner) for key, inner in value.items()}
    return [_as_shown(inner) for inner in value] if isinstance(value, list) else value


def _state(step: Mapping[str, Any]) -> Mapping[str, Any]:
    state: Mapping[str, Any] = step.get("newState") or step.get("oldState") or {"type": ""}
    return state


def _step(step: Mapping[str, Any]) -> Step:
    old, new = step.get("oldState") or {}, step.get("newState") or {}
    return Step(
        step["op"],
        step["urn"],
        str(old.get("id") or ""),
        _own(old.get("inputs")),
        _own(old.get("outputs")),
        _own(new.get("inputs")),
    )


def _own(props: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        key: value for key, value in (props or {}).items() if not key.startswith("__") and key not in SWITCHES
    }


def _said(diagnostics: Sequence[Mapping[str, Any]], severity: str) -> Iterator[tuple[str, str]]:
    """Each message once, with the logical name of its resource."""
    seen = set()
    for one in diagnostics:
        if one.get("severity") != severity:
            continue
        urn = str(one.get("urn") or "")
        said = (
            logical_name(urn) if urn.count("::") >= 3 else "",
            _PREFIX.sub("", str(one["message"])).strip(),
        )
        if said not in seen:
            seen.add(said)
            yield said
