"""`UpsertDataset`: what a program declares."""

# No `from __future__ import annotations` here: the SDK reads the annotations of the class for each resource,
# and would compile them each time if they were strings.

from collections.abc import Mapping
from typing import Any

import pulumi

from aep_provider import arguments
from aep_provider._entry import Reference
from aep_provider.program.announce import (
    Announcement,
    Owner,
    announce,
    owner_if_told,
    owner_prefix,
    refuse_clashes,
)
from aep_provider.program.forms import InFlightBatches, Tags
from aep_provider.program.outputs import Outputs
from aep_provider.program.validate import as_program_error, completed, warn_of_plain_secret


class UpsertDataset(Outputs, pulumi.dynamic.Resource, module="aep", name="UpsertDataset"):
    """An AEP dataset that feeds Real-Time Customer Profile, with or without upsert.

    Create a dataset::

        members = UpsertDataset("loyalty-members", name="Loyalty members", schema_id=LOYALTY_SCHEMA)

    Configure an existing one::

        orders = UpsertDataset("orders", dataset_id="5b020a27e7040801dedbf46e", is_upsert=True)

    Where one declaration serves several sandboxes, names take the place of ids: ``schema="Customers"``,
    ``dataset="Orders"``.

    Changing `is_upsert` of a dataset that is enabled for Profile takes two requests: one switches Profile
    and Identity off, the next switches both on again. What is ingested in between never reaches Profile;
    the output `profile_gap` says when that was and which batches to ingest again.

    The outputs are all arguments as resolved, and more; each says what it is. The id of the resource is the id of
    the dataset.
    """

    # The numbers; what else a dataset shows is in `Outputs`.
    wait_timeout: pulumi.Output[int]
    """The argument, in seconds."""

    spec_version: pulumi.Output[int]
    """Version of this record."""

    # One signature, no overloads: of those mypy prints all for each mistake, whole screens, and pyright shows no text
    # when the pointer is over an argument. That a call is neither form, the constructor says.
    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str] | None = None,
        schema_id: pulumi.Input[str] | None = None,
        schema: pulumi.Input[str] | None = None,
        dataset_id: pulumi.Input[str] | None = None,
        dataset: pulumi.Input[str] | None = None,
        description: pulumi.Input[str] | None = None,
        schema_content_type: pulumi.Input[str] | None = None,
        tags: pulumi.Input[Tags] | None = None,
        is_upsert: pulumi.Input[bool] | None = None,
        allow_profile_gap: pulumi.Input[bool] | None = None,
        in_flight_batches: pulumi.Input[InFlightBatches] | None = None,
        wait_timeout: pulumi.Input[int] | None = None,
        deletion_protection: bool | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a dataset.

        Args:
            name: the dataset's name. Required to create; with ``dataset_id`` optional, and managed if set.
            schema_id: the schema's ``$id``, ``https://ns.adobe.com/<tenant>/schemas/<hash>``.
                Required to create; with ``dataset_id`` optional, and compared if set. It can never be
                changed.
            schema: the schema's title, instead of ``schema_id``.
                It means the schema of the sandbox that has exactly this title. Its id is looked up once and kept.
            dataset_id: the id of an existing dataset to adopt instead of creating one, 24 hexadecimal characters.
                Destroying the resource then leaves the dataset as it is.
            dataset: the name of an existing dataset to adopt, instead of ``dataset_id``.
                It means the dataset of the sandbox that has exactly this name and is not managed by Adobe. Its id is
                looked up once and kept.
            description: the dataset's description. Managed if set.
            schema_content_type: the schema's content type in ``schemaRef``.
                A new dataset gets ``application/vnd.adobe.xed+json;version=1`` by default; compared if
                set.
            tags: the tag keys that this resource owns, each with a list of strings.
                A key that is taken out of the program is removed from the dataset. No other key is ever
                touched.
            is_upsert: True, the default: Profile with upsert. False: Profile without upsert; never “Profile off”.
            allow_profile_gap: consent to a change of ``is_upsert`` on a dataset that is enabled for Profile:
                Profile is off between two requests, what is ingested then does not reach Profile, and
                Adobe's documentation disagrees on whether profile records are removed. Default False.
                Without it the change is refused in a sandbox of type production, and a warning elsewhere.
                What is promised all the same stands at the head of ``docs/safety.md``.
            in_flight_batches: what to do about batches in flight before Profile goes off. Default ``wait``.
            wait_timeout: how long to wait for batches in flight, in seconds, 0 to 86400. Default 600.
            deletion_protection: refuse to delete or replace the dataset, at preview already.
                It sets Pulumi's ``protect``. Default True for a new dataset, False with ``dataset_id``,
                where a parent's ``protect`` is inherited. A protected resource stays protected until this
                is False. A plain bool, not an Output.
            resource_name: the logical name, unique in the stack.
            opts: Pulumi's resource options.
                ``import_``, ``delete_before_replace=False``, and ``protect=False`` on a protected dataset
                are errors: a dynamic provider cannot import, replacement always deletes first, and only
                ``deletion_protection=False`` ends a protection.

        Raises:
            InvalidInput: an argument or an option cannot be right; all problems at once.
        """
        given: dict[str, Any] = {
            "name": name,
            "schema_id": schema_id,
            "schema": schema,
            "dataset_id": dataset_id,
            "dataset": dataset,
            "description": description,
            "schema_content_type": schema_content_type,
            "tags": tags,
            "is_upsert": is_upsert,
            "allow_profile_gap": allow_profile_gap,
            "in_flight_batches": in_flight_batches,
            "wait_timeout": wait_timeout,
            "deletion_protection": deletion_protection,
        }
        if opts is not None and opts.id is not None:
            super().__init__(Reference(), resource_name, _seeded({}), opts)
            return
        # Defaults are filled in here as well, so that a refresh that runs the program has nothing to show.
        given |= completed(resource_name, given, opts) | arguments.SWITCHES
        defaults = pulumi.ResourceOptions(delete_before_replace=True)
        adopts = dataset_id is not None or dataset is not None
        if deletion_protection is not None or not adopts:
            defaults.protect = given["deletion_protection"]
        else:
            # Left to `check`, which knows what is recorded, and `protect` to the parent: only an explicit False
            # ends a protection.
            given["deletion_protection"] = None
        warn_of_plain_secret()
        announcement = Announcement()
        super().__init__(
            Reference(),
            resource_name,
            _seeded(given | self._for_check(resource_name, announcement, opts)),
            pulumi.ResourceOptions.merge(defaults, opts),
        )
        announcement.provider = self._provider
        as_program_error(refuse_clashes, resource_name, given, self._provider)
        announce(resource_name, given, self._provider, asked=pulumi.runtime.is_dry_run() or adopts)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """A subclass keeps the resource type, which state names, unless it gives another."""
        super().__init_subclass__(**{"module": "aep", "name": "UpsertDataset", **kwargs})

    def _for_check(
        self, resource_name: str, announcement: Announcement, opts: pulumi.ResourceOptions | None
    ) -> dict[str, Any]:
        """What `check` takes, beside the arguments; all but the owner it removes, so plans stay as they are."""
        parent, type_ = opts.parent if opts else None, f"pulumi-python:{self._resource_type_name}"
        prefix = owner_prefix()
        urn: object
        owner: object
        if parent is None:
            # As the SDK makes it of outputs, which would take a fifth of the time that it needs for a resource.
            urn = f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::{type_}::{resource_name}"
            owner = owner_if_told(urn, prefix)
        else:
            # Futures and not the output: an output would make a resource wait for its own parent.
            made = pulumi.create_urn(resource_name, type_, parent)
            urn, owner = made.future(), Owner(made, prefix)
        return {
            arguments.PREVIEW: announcement,
            arguments.URN: urn,
            # `check` derives it anew; without it a refresh would show that the program takes it away.
            "owner": owner,
            **({arguments.OWNER_PREFIX: prefix} if prefix else {}),
        }

    @staticmethod
    def get(
        resource_name: str, id: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> "UpsertDataset":
        """Read a dataset that something else manages; nothing is ever written to it.

        Args:
            resource_name: the logical name, unique in the stack.
            id: the dataset's id.
            opts: resource options.
        """
        return UpsertDataset(
            resource_name, opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id))
        )


def _seeded(given: Mapping[str, Any]) -> dict[str, Any]:
    """Every argument and output by name: only names that are there become attributes."""
    names = (*Outputs.__annotations__, *UpsertDataset.__annotations__, *given)
    return {name: given.get(name) for name in names}
