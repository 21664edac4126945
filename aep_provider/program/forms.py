"""The forms in which a program may give the arguments of `UpsertDataset`, for type checkers."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

import pulumi

InFlightBatches = Literal["wait", "fail", "ignore"]
Elements = list[str] | list[pulumi.Input[str]] | tuple[pulumi.Input[str], ...]
"""The elements of a tag. A mere string is not among them, though Python counts it as a sequence of strings."""

Tags = Mapping[str, pulumi.Input[Elements]]

_Times = TypedDict("_Times", {"from": str, "to": str})


class ProfileGap(_Times, total=False):
    """The output `profile_gap`: the last window of the resource, in which Profile was off. `earlier_gaps` lists others.

    Attributes:
        from: when the disable was sent, UTC, ``2026-01-31T09:00:00.000Z``; ``""`` = not known.
        to: when a read showed Profile on, in the same form.
        replay: ids of the batches to ingest again; missing where they could not be listed.
        suspect: ids of the batches of which nobody can see whether Profile took them; missing likewise.
    """

    replay: Sequence[str]
    suspect: Sequence[str]


class _Optional(TypedDict, total=False):
    description: pulumi.Input[str] | None
    schema_content_type: pulumi.Input[str] | None
    tags: pulumi.Input[Tags] | None
    is_upsert: pulumi.Input[bool] | None
    allow_profile_gap: pulumi.Input[bool] | None
    in_flight_batches: pulumi.Input[InFlightBatches] | None
    wait_timeout: pulumi.Input[int] | None
    deletion_protection: bool | None


class _SchemaToo(TypedDict, total=False):
    schema: pulumi.Input[str] | None


class _SchemaIdToo(TypedDict, total=False):
    schema_id: pulumi.Input[str] | None


class _NameToo(TypedDict, total=False):
    name: pulumi.Input[str] | None


class _DatasetToo(TypedDict, total=False):
    dataset: pulumi.Input[str] | None


class NewDataset(_Optional, _SchemaToo):
    """The arguments that create a dataset, for a program that collects them in a dict."""

    name: pulumi.Input[str]
    schema_id: pulumi.Input[str]


class NewDatasetByTitle(_Optional):
    """The same, with the title of the schema instead of its id."""

    name: pulumi.Input[str]
    schema: pulumi.Input[str]


class ExistingDataset(_Optional, _NameToo, _SchemaIdToo, _SchemaToo, _DatasetToo):
    """The arguments that configure an existing dataset, for a program that collects them in a dict."""

    dataset_id: pulumi.Input[str]


class ExistingDatasetByName(_Optional, _NameToo, _SchemaIdToo, _SchemaToo):
    """The same, with the name of the dataset instead of its id."""

    dataset: pulumi.Input[str]
