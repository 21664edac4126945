"""What state keeps of a dataset: the outputs of a resource, and the inputs that a refresh rebuilds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from aep_provider import arguments
from aep_provider.arguments import Kind
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import moment
from aep_provider.errors import Refused
from aep_provider.operations.gap_report import GapReport

SPEC_VERSION = 2
"""Version of the recorded outputs; it also marks props that come from state. 2 added `claim`."""

Props = Mapping[str, Any]
"""Properties as the engine hands them over, without what it adds itself."""


class Record(NamedTuple):
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

    @property
    def windows(self) -> Sequence[GapReport]:
        """The windows on record, the newest first. Older records have the last one only."""
        return [*([self.profile_gap] if self.profile_gap else ()), *(self.props.get("earlier_gaps") or ())]

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
    gaps: Sequence[GapReport],
) -> dict[str, Any]:
    """Everything recorded: the arguments as resolved, and what only AEP or this provider knows.

    Args:
        given: the inputs.
        observed: the dataset as read last.
        location: where it lives.
        adopted: whether it existed before.
        claim: the claim of its creation.
        gaps: the windows to keep on record, the newest first.
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
        **references(given),
        "enabled_at": observed.profile.enabled_at,
        "created": observed.created_at,
        "adopted": adopted,
        "claim": claim,
        "managed": managed(given),
        "profile_gap": dict(gaps[0]) if gaps else None,
        "earlier_gaps": [dict(one) for one in gaps[1:]],
        "spec_version": SPEC_VERSION,
        **location,
    }


def refreshed(
    record: Record,
    observed: Observed,
    location: Mapping[str, str],
    gaps: Sequence[GapReport],
    given_since: Collection[str] = (),
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Outputs and inputs as a refresh finds them.

    While Profile is off both keep the upsert setting on record, or the one that the note on the dataset tells, so
    that `ignore_changes` cannot turn an outage into a loss of upsert.

    Args:
        record: what state has.
        observed: the dataset, just read.
        location: where it lives.
        gaps: the windows to keep on record, the newest first.
        given_since: names of the inputs in state. The engine keeps an argument there that came with the value that
            AEP has, for which nothing was updated: it is not in the record.
    """
    if record.complete:
        seen = {"dataset_id", *(one.name for one in arguments.texts(Kind.MANAGED, Kind.ASSERTED))}
        came = seen.intersection(given_since)
        kept = [key for key in arguments.optional() if key in came or key in record.managed]
        given = {key: record.props.get(key) for key in (*kept, "owner", *arguments.steering())}
        adopted = record.props.get("adopted") is not False
    else:
        # Nothing is recorded: the form that a program would declare for an adopted dataset.
        names = {key: record.props[key] for key in arguments.references() if record.props.get(key)}
        kept = ["dataset_id", "name", "schema_id", *names]
        given, _ = arguments.validated({"dataset_id": observed.id})
        given |= {"name": observed.name, "schema_id": observed.schema_id, **names}
        # An import file names the owner, which the plugin cannot know: it is never told the stack.
        given |= {"owner": record.owner} if record.owner else {}
        adopted = True
    found = outputs(given, observed, location, adopted=adopted, claim=record.claim, gaps=gaps)
    found["managed"] = kept
    keys = (*kept, "is_upsert", *arguments.SWITCHES, "owner", *arguments.steering())
    inputs = {key: found[key] for key in keys if key in found}
    if not observed.profile.enabled:
        before = record.props.get("is_upsert") if record.complete else observed.note and observed.note.upsert
        inputs["is_upsert"] = found["is_upsert"] = bool(before)
    return found, inputs


def references(given: Props) -> dict[str, str]:
    """The names that a program gives instead of ids; what it does not give is not recorded either."""
    return {key: str(given[key]) for key in arguments.references() if given.get(key)}


def managed(given: Props) -> list[str]:
    """The optional arguments that a program gives."""
    return [key for key in arguments.optional() if given.get(key) is not None]


def dropped(olds: Props, news: Props) -> list[str]:
    """What the record has and the program no longer declares: tags, and names instead of ids.

    Args:
        olds: the outputs on record.
        news: the inputs.
    """
    names = [key for key in arguments.references() if olds.get(key) and news.get(key) is None]
    return [*sorted(Record(olds).tags.keys() - Record(news).tags.keys()), *names]


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
