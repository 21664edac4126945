"""The outputs of `UpsertDataset`, each with what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from aep_provider.program.forms import ProfileGap


class Outputs:
    """All outputs but the numbers.

    A class of its own, because the SDK works through the annotations of the resource's own class for each resource. It
    needs only those of numbers, which come as floats; everything else comes as what it is.
    """

    dataset_id: pulumi.Output[str]
    """The dataset's id, also of one that was created."""

    name: pulumi.Output[str]
    """The dataset's name."""

    description: pulumi.Output[str]
    """The dataset's description, or ``""``."""

    schema_id: pulumi.Output[str]
    """The schema's ``$id``."""

    schema: pulumi.Output[str | None]
    """The title by which the program names the schema; None where it does not."""

    dataset: pulumi.Output[str | None]
    """The name by which the program names an existing dataset; None where it does not."""

    schema_content_type: pulumi.Output[str]
    """The schema's content type in ``schemaRef``."""

    tags: pulumi.Output[Mapping[str, Sequence[str]]]
    """The tag keys that this resource owns."""

    is_upsert: pulumi.Output[bool]
    """Whether Profile merges partial records; while Profile is off, the setting from before."""

    profile_enabled: pulumi.Output[bool]
    """Whether Profile is on; off is drift, and is repaired."""

    identity_enabled: pulumi.Output[bool]
    """Whether Identity is on; off is drift, and is repaired."""

    allow_profile_gap: pulumi.Output[bool]
    """The argument."""

    in_flight_batches: pulumi.Output[str]
    """The argument."""

    deletion_protection: pulumi.Output[bool]
    """The argument, or what it defaults to."""

    owner: pulumi.Output[str]
    """``<project>/<stack>/<name>``, or ``<aep:owner>/<name>``; under a component the name begins with the types
    of the parents."""

    claim: pulumi.Output[str]
    """A random word that the creation wrote on the dataset; ``""`` for one that existed before. Only the
    resource whose record has it may delete the dataset."""

    enabled_at: pulumi.Output[str]
    """When Profile was enabled, as the service writes it, or ``""``."""

    created: pulumi.Output[str]
    """When the dataset was created, UTC."""

    adopted: pulumi.Output[bool]
    """Whether the dataset existed before."""

    managed: pulumi.Output[Sequence[str]]
    """The optional arguments that the program gives."""

    sandbox: pulumi.Output[str]
    """The sandbox that the dataset lives in; a provider set to another location refuses to touch it."""

    org_id: pulumi.Output[str]
    """The organisation that it lives in."""

    endpoint: pulumi.Output[str]
    """The base URL of the AEP that it lives in."""

    profile_gap: pulumi.Output[ProfileGap | None]
    """The last window of this resource: ``from``, ``to``, ``replay`` (batches to ingest again), ``suspect``
    (nobody can see whether Profile took them); None if there was none."""

    earlier_gaps: pulumi.Output[Sequence[ProfileGap]]
    """Earlier windows of this resource with batches that may still have to be ingested again, the newest first; nine
    at most. Their keys are those of `profile_gap`."""
