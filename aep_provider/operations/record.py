"""What state keeps of a dataset: the outputs of a resource, and the inputs that a refresh rebuilds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aep_provider import arguments
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import moment
from aep_provider.errors import Refused
from aep_provider.operations.gap_report import GapReport

SPEC_VERSION = 2
"""Version of the recorded outputs; it also marks props that come from state. 2 added `claim`."""

Props = Mapping[str, Any]
"""Properties as the engine hands them over, without what it adds itself."""


@dataclass(frozen=True)
class Record:
    """The outputs of one resource, as state has them.

    Attributes:
        props: all of them.
    """

    props: Props

    @property
    def complete(self) -> bool:
        """Whether this package wrote it: an import, or `UpsertDataset.get`, comes with less."""
        return "spec_version" in self.props

    @property
    def owner(self) -> str:
        """The owner on record, or ``""``."""
        return str(self.props.get("owner") or "")

    @property
    def claim(self) -> str:
        """The claim on record, or ``""``."""
        return str(self.props.get("claim") or "")

    @property
    def created(self) -> datetime | None:
        """When the dataset was created; ``None`` where the record does not say."""
        return moment(str(self.props.get("created") or ""))

    @property
    def tags(self) -> Mapping[str, Any]:
        """The tags that the resource owns."""
        tags = self.props.get("tags")
        return tags if isinstance(tags, Mapping) else {}

    @property
    def managed(self) -> list[str]:
        """The optional arguments that the program gives."""
        return [key for key in self.props.get("managed") or [] if key in arguments.optional()]

    @property
    def created_here(self) -> bool:
        """Whether the resource certainly created the dataset.

        A record may be partial, and a program that names the dataset's id says that the dataset is more than this
        resource.
        """
        return self.props.get("adopted") is False and "dataset_id" not in (self.props.get("managed") or ())

    @property
    def profile_gap(self) -> GapReport | None:
        """The last window on record."""
        found: GapReport | None = self.props.get("profile_gap")
        return found or None

    def check_version(self) -> None:
        """Refuse a record that a newer version of this package has written.

        Raises:
            Refused: it is newer.
        """
        version = self.props.get("spec_version")
        if isinstance(version, int | float) and version > SPEC_VERSION:
            raise Refused(
                f"The state of this resource was written by a newer version of aep-provider (record {version:.0f}, "
                f"this version writes {SPEC_VERSION}); nothing was done",
                "Upgrade aep-provider here as well.",
            )


def outputs(
    given: Props,
    observed: Observed,
    location: Mapping[str, str],
    *,
    adopted: bool,
    claim: str,
    gap: GapReport | None,
) -> dict[str, Any]:
    """Everything recorded: the arguments as resolved, and what only AEP or this provider knows.

    Args:
        given: the inputs.
        observed: the dataset as read last.
        location: where it lives.
        adopted: whether it existed before.
        claim: the claim of its creation.
        gap: the last window.
    """
    tags = Record(given).tags
    return {
        **{key: given[key] for key in ("owner", *arguments.steering()) if key in given},
        **observed.values,
        "tags": {key: list(observed.tags[key]) for key in tags if key in observed.tags},
        "is_upsert": observed.upsert,
        "profile_enabled": observed.profile.enabled,
        "identity_enabled": observed.identity.enabled,
        "dataset_id": observed.id,
        "enabled_at": observed.profile.enabled_at,
        "created": observed.created_at,
        "adopted": adopted,
        "claim": claim,
        "managed": managed(given),
        "profile_gap": dict(gap) if gap else None,
        "spec_version": SPEC_VERSION,
        **location,
    }


def refreshed(
    record: Record, observed: Observed, location: Mapping[str, str], gap: GapReport | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Outputs and inputs as a refresh finds them.

    While Profile is off both keep the upsert setting on record, or the one that the note on the dataset tells, so
    that `ignore_changes` cannot turn an outage into a loss of upsert.

    Args:
        record: what state has.
        observed: the dataset, just read.
        location: where it lives.
        gap: the last window.
    """
    if record.complete:
        kept = record.managed
        given = {key: record.props.get(key) for key in (*kept, "owner", *arguments.steering())}
        adopted = record.props.get("adopted") is not False
    else:
        # Nothing is recorded: the form that a program would declare for an adopted dataset.
        kept = ["dataset_id", "name", "schema_id"]
        given, _ = arguments.validated({"dataset_id": observed.id})
        given |= {"name": observed.name, "schema_id": observed.schema_id}
        # An import file names the owner, which the plugin cannot know: it is never told the stack.
        given |= {"owner": record.owner} if record.owner else {}
        adopted = True
    found = outputs(given, observed, location, adopted=adopted, claim=record.claim, gap=gap)
    found["managed"] = kept
    keys = (*kept, "is_upsert", *arguments.SWITCHES, "owner", *arguments.steering())
    inputs = {key: found[key] for key in keys if key in found}
    if not observed.profile.enabled:
        before = record.props.get("is_upsert") if record.complete else observed.note and observed.note.upsert
        inputs["is_upsert"] = found["is_upsert"] = bool(before)
    return found, inputs


def managed(given: Props) -> list[str]:
    """The optional arguments that a program gives."""
    return [key for key in arguments.optional() if given.get(key) is not None]


def differs(key: str, olds: Props, news: Props) -> bool:
    """Whether an argument that the program gives differs from the record.

    Args:
        key: the argument.
        olds: the outputs on record.
        news: the inputs.
    """
    want = news.get(key)
    if want is None or key == "dataset_id":
        return False
    if key == "owner" and olds.get("adopted") and not olds.get(key):
        # After an import; our tag rides on the next write that is made anyway.
        return False
    argument = next((one for one in arguments.ARGUMENTS if one.name == key), None)
    # A record from before the argument existed has what its default says.
    have = olds.get(key, argument.default if argument else None)
    return bool((argument.compared_as(want) if argument and argument.is_text else want) != have)
