"""`UpsertDataset`: what a program declares."""

# No `from __future__ import annotations` here: the SDK reads the annotations of the class for each resource,
# and would compile them each time if they were strings.

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict, overload

import pulumi

from aep_provider import arguments
from aep_provider._entry import Reference
from aep_provider.errors import InvalidInput
from aep_provider.program.announce import Announcement, announce, is_known

if TYPE_CHECKING:
    from typing_extensions import Unpack

InFlightBatches = Literal["wait", "fail", "ignore"]

_Times = TypedDict("_Times", {"from": str, "to": str})


class ProfileGap(_Times, total=False):
    """The output `profile_gap`. The batches are missing where they could not be listed.

    Attributes:
        replay: batches to ingest again.
        suspect: batches that ended within the hour before.
    """

    replay: Sequence[str]
    suspect: Sequence[str]


if TYPE_CHECKING:
    _Gap = ProfileGap | None
else:
    _Gap = Any  # Pulumi reads the annotations of outputs, and knows nothing of typed dicts.


class _Optional(TypedDict, total=False):
    description: pulumi.Input[str] | None
    schema_content_type: pulumi.Input[str] | None
    tags: pulumi.Input[Mapping[str, pulumi.Input[Sequence[pulumi.Input[str]]]]] | None
    is_upsert: pulumi.Input[bool] | None
    allow_profile_gap: pulumi.Input[bool] | None
    in_flight_batches: pulumi.Input[InFlightBatches] | None
    wait_timeout: pulumi.Input[int] | None
    deletion_protection: bool | None


class NewDataset(_Optional):
    """The arguments that create a dataset."""

    name: pulumi.Input[str]
    schema_id: pulumi.Input[str]


class _NameAndSchema(TypedDict, total=False):
    name: pulumi.Input[str] | None
    schema_id: pulumi.Input[str] | None


class ExistingDataset(_Optional, _NameAndSchema):
    """The arguments that configure an existing dataset."""

    dataset_id: pulumi.Input[str]


class UpsertDataset(pulumi.dynamic.Resource, module="aep", name="UpsertDataset"):
    """An AEP dataset that feeds Real-Time Customer Profile, with or without upsert.

    Create a dataset::

        members = UpsertDataset("loyalty-members", name="Loyalty members", schema_id=LOYALTY_SCHEMA)

    Configure an existing one::

        orders = UpsertDataset("orders", dataset_id="5b020a27e7040801dedbf46e", is_upsert=True)

    Changing `is_upsert` of a dataset that is enabled for Profile takes two requests: one switches Profile
    and Identity off, the next switches both on again. What is ingested in between never reaches Profile;
    the output `profile_gap` says when that was and which batches to ingest again.

    The outputs are all arguments as resolved, and those below. The id of the resource is the dataset's id.

    Attributes:
        profile_enabled: whether Profile is on; off is drift, and is repaired.
        identity_enabled: whether Identity is on; off is drift, and is repaired.
        enabled_at: when Profile was enabled, as the service writes it, or ``""``.
        created: when the dataset was created, UTC.
        adopted: whether the dataset existed before.
        managed: the optional arguments that the program gives.
        owner: the owner: ``<project>/<stack>/<logical name>``, or ``<aep:owner>/<logical name>``.
        sandbox: the sandbox that the dataset lives in; a provider set to another place refuses to touch it.
        org_id: the organisation that it lives in.
        endpoint: the base URL of the AEP that it lives in.
        profile_gap: the last window of this resource: ``from``, ``to``, ``replay`` (batches to ingest
            again), ``suspect`` (ended in the hour before, or just after); None if none was made.
        spec_version: version of this record.
    """

    dataset_id: pulumi.Output[str]
    name: pulumi.Output[str]
    description: pulumi.Output[str]
    schema_id: pulumi.Output[str]
    schema_content_type: pulumi.Output[str]
    tags: pulumi.Output[Mapping[str, Sequence[str]]]
    is_upsert: pulumi.Output[bool]
    profile_enabled: pulumi.Output[bool]
    identity_enabled: pulumi.Output[bool]
    allow_profile_gap: pulumi.Output[bool]
    in_flight_batches: pulumi.Output[str]
    wait_timeout: pulumi.Output[int]
    deletion_protection: pulumi.Output[bool]
    owner: pulumi.Output[str]
    enabled_at: pulumi.Output[str]
    created: pulumi.Output[str]
    adopted: pulumi.Output[bool]
    managed: pulumi.Output[Sequence[str]]
    sandbox: pulumi.Output[str]
    org_id: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    profile_gap: pulumi.Output[_Gap]
    spec_version: pulumi.Output[int]

    @overload
    def __init__(
        self,
        resource_name: str,
        *,
        opts: pulumi.ResourceOptions | None = None,
        **arguments: "Unpack[NewDataset]",
    ) -> None: ...

    @overload
    def __init__(
        self,
        resource_name: str,
        *,
        opts: pulumi.ResourceOptions | None = None,
        **arguments: "Unpack[ExistingDataset]",
    ) -> None: ...

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str] | None = None,
        schema_id: pulumi.Input[str] | None = None,
        dataset_id: pulumi.Input[str] | None = None,
        description: pulumi.Input[str] | None = None,
        schema_content_type: pulumi.Input[str] | None = None,
        tags: pulumi.Input[Mapping[str, pulumi.Input[Sequence[pulumi.Input[str]]]]] | None = None,
        is_upsert: pulumi.Input[bool] | None = None,
        allow_profile_gap: pulumi.Input[bool] | None = None,
        in_flight_batches: pulumi.Input[InFlightBatches] | None = None,
        wait_timeout: pulumi.Input[int] | None = None,
        deletion_protection: bool | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a dataset.

        Args:
            resource_name: the logical name, unique in the stack.
            name: the dataset's name; required to create; with `dataset_id`, given = managed.
            schema_id: the schema's ``$id``, ``https://ns.adobe.com/<tenant>/schemas/<hash>``; required to
                create; with `dataset_id`, given = asserted. It can never be changed.
            dataset_id: id of an existing dataset to adopt instead of creating one, 24 hexadecimal
                characters. Destroying the resource then leaves the dataset as it is.
            description: the dataset's description; not given = not managed.
            schema_content_type: the schema's content type in ``schemaRef``; default when creating
                ``application/vnd.adobe.xed+json;version=1``; given = asserted.
            tags: tag keys that this resource owns, each with a list of strings; a key taken out of the
                program is removed from the dataset. No other key is ever touched.
            is_upsert: Profile with upsert, the default, or with False Profile without it; never "Profile
                off".
            allow_profile_gap: consent to Profile being off for a moment, default False; needed in a sandbox
                of type production to change `is_upsert` of an enabled dataset, a warning elsewhere.
            in_flight_batches: what to do about batches in flight before Profile goes off; default
                ``wait``.
            wait_timeout: seconds to wait for them at most, 0 to 86400; default 600.
            deletion_protection: refuse delete and replace, at preview already: it sets Pulumi's ``protect``,
                so do not set that option as well. Default True; False with `dataset_id`. A resource that
                is protected stays so until it says False. No Output.
            opts: Pulumi's resource options; ``delete_before_replace=False`` is an error, since
                replacement always deletes first.

        Raises:
            InvalidInput: an argument cannot be right; all problems at once.
        """
        given: dict[str, Any] = {
            "name": name,
            "schema_id": schema_id,
            "dataset_id": dataset_id,
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
        announcement = Announcement() if pulumi.runtime.is_dry_run() else None
        if announcement is not None:
            given[arguments.PREVIEW] = announcement
        defaults = pulumi.ResourceOptions(delete_before_replace=True, protect=given["deletion_protection"])
        if deletion_protection is None and dataset_id is not None:
            # Left to `check`, which knows what is recorded: only an explicit False ends a protection.
            given["deletion_protection"] = None
        super().__init__(
            Reference(),
            resource_name,
            _seeded(given),
            pulumi.ResourceOptions.merge(defaults, opts),
        )
        if announcement is not None:
            announcement.provider = self._provider
            announce(given, self._provider)

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
        # Neither of the two forms that a program may use: the id in the options is all there is.
        make: Callable[..., UpsertDataset] = UpsertDataset
        return make(resource_name, opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id)))


def completed(
    resource_name: str, given: Mapping[str, Any], opts: pulumi.ResourceOptions | None
) -> dict[str, Any]:
    """Judge what is known already, and return it with the defaults and the owner.

    Args:
        resource_name: the logical name.
        given: arguments by name.
        opts: the resource's options.

    Raises:
        InvalidInput: all that is wrong, at once.
    """
    unknown = frozenset(key for key, value in given.items() if not is_known(value))
    normal, problems = arguments.validated(given, unknown)
    if opts is not None and opts.delete_before_replace is False:
        problems.append(
            arguments.Problem(
                "delete_before_replace",
                "must not be False: creating first would take over the dataset that is then deleted.",
            )
        )
    if problems:
        first = problems[0]
        raise InvalidInput(
            f"UpsertDataset {resource_name!r}: {first.property} {first.reason}",
            "\n".join(f"- {problem.property} {problem.reason}" for problem in problems[1:]),
        )
    owner = pulumi.Config("aep").get("owner") or f"{pulumi.get_project()}/{pulumi.get_stack()}"
    return {**normal, "owner": f"{owner}/{resource_name}"}


def _seeded(given: Mapping[str, Any]) -> dict[str, Any]:
    """Every argument and output by name: only names that are there become attributes."""
    names = (*UpsertDataset.__annotations__, *given)
    return {name: given.get(name) for name in names}
