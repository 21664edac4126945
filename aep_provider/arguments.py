"""The arguments of `UpsertDataset`: one table, from which everything else about them follows.

Validation, defaults, the body of the POST, edits, differences, outputs, drift and the reference page read this
table, so a new argument is an entry here and a line in the constructor. The constructor and the provider's
``check`` both validate through here: a known value fails before the engine is asked, an unknown one as soon
as it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple

from voluptuous import Extra, MultipleInvalid, Optional, Schema

from aep_provider.validators import (
    Check,
    content_type,
    dataset_id,
    filled,
    flag,
    meant,
    one_of,
    problems_of,
    schema_uri,
    spelt,
    string,
    tag_map,
    unseen,
    whole_number,
    without_spaces,
)

UNIFIED_PROFILE = "unifiedProfile"
UNIFIED_IDENTITY = "unifiedIdentity"
OWNER_TAG = "pulumiManagedBy"
CLAIM_TAG = "pulumiClaim"
GAP_TAG = "pulumiProfileGap"

OWN_TAGS = frozenset({UNIFIED_PROFILE, UNIFIED_IDENTITY, OWNER_TAG, CLAIM_TAG, GAP_TAG})
"""Tag keys that this package writes itself; a program cannot declare them."""

DEFAULT_CONTENT_TYPE = "application/vnd.adobe.xed+json;version=1"

PREVIEW, OWNER_PREFIX, URN = "__preview", "__owner", "__urn"
"""What the constructor adds for `check`, which removes it: what a preview is told, the value of ``aep:owner``,
and the URN for where the request does not show it. Never kept, so plans stay as they are."""

SWITCHES = {"profile_enabled": True, "identity_enabled": True}
"""What `check` adds: constants that `read` answers with live values, so that Profile found off is drift."""


class Kind(Enum):
    """What an argument is to the dataset."""

    MANAGED = "written to the dataset and kept as declared"
    ASSERTED = "written when the dataset is created, and never changed"
    SWITCH = "the upsert setting, changed by switching Profile off and on"
    STEERING = "steers the provider; the dataset has nothing of it"
    IDENTITY = "says which dataset it is"
    REFERENCE = "a name instead of an id; `check` resolves it and keeps the id beside it"


class Argument(NamedTuple):
    """One argument.

    Attributes:
        name: as programs and stack files write it.
        type: for the reference page.
        description: for the reference page, and in the constructor's docstring.
        validator: returns the value as it is kept, or raises `voluptuous.Invalid`.
        kind: what it is to the dataset.
        default: where the program leaves it out; ``None`` = it is not managed then.
        path: where Catalog keeps it, with dots; ``""`` for what Catalog does not keep as text.
        when_created: what a new dataset gets where the program says nothing, or ``""``.
        required: what it is, where a new dataset needs it; ``""`` where it does not.
        asked_about: whether what a preview asks depends on it.
        compared_as: the form in which two values are compared.
        stands_for: the argument that a name is resolved to, or ``""``.
    """

    name: str
    type: str
    description: str
    validator: Check
    kind: Kind
    default: Any = None
    path: str = ""
    when_created: str = ""
    required: str = ""
    asked_about: bool = False
    compared_as: Callable[[str], str] = str
    stands_for: str = ""

    @property
    def is_text(self) -> bool:
        """Whether Catalog keeps it as a text of its own, so that the generic rules serve it."""
        return bool(self.path)


ARGUMENTS: tuple[Argument, ...] = (
    Argument(
        "name",
        "str",
        "the dataset's name. Required to create; with `dataset_id` optional, and managed if set.",
        string(filled, reason="must be a string: the dataset's name."),
        Kind.MANAGED,
        path="name",
        required="its name",
        asked_about=True,
    ),
    Argument(
        "schema_id",
        "str",
        "the schema's `$id`, `https://ns.adobe.com/<tenant>/schemas/<hash>`. Required to create; with "
        "`dataset_id` optional, and compared if set. It can never be changed.",
        string(schema_uri, reason="must be a string: the schema's $id."),
        Kind.ASSERTED,
        path="schemaRef.id",
        required="the $id of its schema",
        asked_about=True,
    ),
    Argument(
        "schema",
        "str",
        "the schema's title, instead of `schema_id`. It means the schema of the sandbox that has exactly this "
        "title. Its id is looked up once and kept.",
        string(filled, reason="must be a string: the title of a schema."),
        Kind.REFERENCE,
        asked_about=True,
        stands_for="schema_id",
    ),
    Argument(
        "dataset_id",
        "str",
        "the id of an existing dataset to adopt instead of creating one, 24 hexadecimal characters. "
        "Destroying the resource then leaves the dataset as it is.",
        string(dataset_id, reason="must be a string: the id of an existing dataset."),
        Kind.IDENTITY,
        asked_about=True,
    ),
    Argument(
        "dataset",
        "str",
        "the name of an existing dataset to adopt, instead of `dataset_id`. It means the dataset of the sandbox "
        "that has exactly this name and is not managed by Adobe. Its id is looked up once and kept.",
        string(filled, reason="must be a string: the name of an existing dataset."),
        Kind.REFERENCE,
        asked_about=True,
        stands_for="dataset_id",
    ),
    Argument(
        "description",
        "str",
        "the dataset's description. Managed if set.",
        string(reason="must be a string: the dataset's description."),
        Kind.MANAGED,
        path="description",
    ),
    Argument(
        "schema_content_type",
        "str",
        "the schema's content type in `schemaRef`. A new dataset gets "
        "`application/vnd.adobe.xed+json;version=1` by default; compared if set.",
        string(content_type, reason="must be a string: the schema's content type."),
        Kind.ASSERTED,
        path="schemaRef.contentType",
        when_created=DEFAULT_CONTENT_TYPE,
        asked_about=True,
        compared_as=without_spaces,
    ),
    Argument(
        "tags",
        "map of list of str",
        "the tag keys that this resource owns, each with a list of strings. A key that is taken out of the "
        "program is removed from the dataset. No other key is ever touched.",
        tag_map(OWN_TAGS),
        Kind.MANAGED,
    ),
    Argument(
        "is_upsert",
        "bool",
        "True, the default: Profile with upsert. False: Profile without upsert; never “Profile off”.",
        flag(),
        Kind.SWITCH,
        default=True,
        asked_about=True,
    ),
    Argument(
        "allow_profile_gap",
        "bool",
        "consent to a change of `is_upsert` on a dataset that is enabled for Profile: Profile is off between "
        "two requests, what is ingested then does not reach Profile, and Adobe's documentation disagrees on "
        "whether profile records are removed. Default False. Without it the change is refused in a sandbox of "
        "type production, and a warning elsewhere.",
        flag(),
        Kind.STEERING,
        default=False,
        asked_about=True,
    ),
    Argument(
        "in_flight_batches",
        "`wait`, `fail`, `ignore`",
        "what to do about batches in flight before Profile goes off. Default `wait`.",
        one_of("wait", "fail", "ignore"),
        Kind.STEERING,
        default="wait",
        asked_about=True,
    ),
    Argument(
        "wait_timeout",
        "int",
        "how long to wait for batches in flight, in seconds, 0 to 86400. Default 600.",
        whole_number(0, 86_400, " of seconds"),
        Kind.STEERING,
        default=600,
        asked_about=True,
    ),
    Argument(
        "deletion_protection",
        "bool",
        "refuse to delete or replace the dataset, at preview already. It sets Pulumi's `protect`. Default True "
        "for a new dataset, False with `dataset_id`, where a parent's `protect` is inherited. A protected "
        "resource stays protected until this is False. A plain bool, not an Output.",
        flag(),
        Kind.STEERING,
    ),
)


class Problem(NamedTuple):
    """One thing wrong with the arguments: the property, and what to do about it."""

    property: str
    reason: str


def named(*kinds: Kind) -> tuple[str, ...]:
    """The names of the arguments of these kinds, in the order of the table."""
    return tuple(one.name for one in ARGUMENTS if one.kind in kinds)


def texts(*kinds: Kind) -> Iterator[Argument]:
    """The arguments of these kinds that Catalog keeps as texts of their own."""
    return (one for one in ARGUMENTS if one.kind in kinds and one.is_text)


def optional() -> tuple[str, ...]:
    """The arguments that a program may leave out, and that are then not managed."""
    return named(Kind.MANAGED, Kind.ASSERTED, Kind.IDENTITY, Kind.REFERENCE)


def references() -> dict[str, str]:
    """The arguments that are names, each with the argument that its id is."""
    return {one.name: one.stands_for for one in ARGUMENTS if one.kind is Kind.REFERENCE}


def adopts(given: Iterable[str]) -> bool:
    """Whether arguments of these names say which existing dataset is meant."""
    return not {"dataset_id", "dataset"}.isdisjoint(given)


def steering() -> tuple[str, ...]:
    """The arguments that steer the provider: changing them needs no request."""
    return named(Kind.STEERING)


def asked_about() -> tuple[str, ...]:
    """The arguments that a preview's questions depend on."""
    return tuple(one.name for one in ARGUMENTS if one.asked_about)


def validated(
    values: Mapping[str, Any], unknown: frozenset[str] = frozenset(), *, protected: bool = False
) -> tuple[dict[str, Any], list[Problem]]:
    """Validate arguments and fill in the defaults.

    Args:
        values: the known arguments, without ``None``; numbers may be floats, as the engine sends them.
        unknown: names of arguments whose value is not known yet; they count as given.
        protected: whether the resource is protected so far: only an explicit False ends that.

    Returns:
        The arguments with defaults (unknown ones left out), and every problem found.
    """
    problems: list[Problem] = []
    normal: dict[str, Any] = {}
    given = {key: value for key, value in values.items() if value is not None and key not in unknown}
    try:
        normal = _schema(ARGUMENTS)(given)
    except MultipleInvalid as error:
        problems += [
            Problem(key, text) for key, found in sorted(problems_of(error).items()) for text in found
        ]
    problems += _foreign(given)
    problems += _missing({*given, *unknown})
    problems += _other_name(given)
    if not adopts({*given, *unknown}) and (reason := unseen(normal.get("name"))):
        problems.append(Problem("name", reason))
    if normal.get("deletion_protection") is None:
        normal["deletion_protection"] = protected or not adopts({*given, *unknown})
    return {key: value for key, value in normal.items() if key not in unknown}, problems


@lru_cache(maxsize=4)
def _schema(table: tuple[Argument, ...]) -> Schema:
    fields: dict[object, object] = {Extra: object}
    for one in table:
        key = one.name if one.default is None else Optional(one.name, default=one.default)
        fields[key] = one.validator
    fields["owner"] = string(filled, reason="must be a string: the owner's name.")
    return Schema(fields)


def _foreign(given: Iterable[str]) -> list[Problem]:
    names = [one.name for one in ARGUMENTS]
    return [
        Problem(key, f"is not an argument of UpsertDataset{meant(key, names)}{spelt(key)}.")
        for key in sorted({*given} - {*names, "owner"})
    ]


def _missing(given: set[str]) -> list[Problem]:
    if adopts(given):
        return []
    named_by = {stands_for: name for name, stands_for in references().items()}
    return [
        Problem(one.name, f"is required to create a dataset: {one.required}. Or set dataset_id to adopt one.")
        for one in ARGUMENTS
        if one.required and not {one.name, named_by.get(one.name, one.name)} & given
    ]


def _other_name(given: Mapping[str, Any]) -> list[Problem]:
    """A rename would break the look-up by the old name, so the two must be one."""
    dataset, name = given.get("dataset"), given.get("name")
    if dataset is None or name is None or dataset == name:
        return []
    return [
        Problem(
            "name",
            f"is {name!r}, and dataset is {dataset!r}: a dataset that is found by its name must keep it. Leave name "
            "out, or give dataset_id instead of dataset.",
        )
    ]
