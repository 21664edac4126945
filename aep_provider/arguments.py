"""The arguments of `UpsertDataset` as they travel: names, defaults, and all that can be wrong with them.

The constructor and the provider's ``check`` both validate through here, so that a known value fails before
the engine is asked, and an unknown one as soon as it is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from voluptuous import All, Extra, Invalid, MultipleInvalid, Optional, Schema

from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import DATASET_ID
from aep_provider.dataset.tags import OWN_TAGS
from aep_provider.validators import Check, flag, problems_of, string, whole_number

PREVIEW = "__preview"
"""What the constructor adds so that `check` knows a preview, and what the program declares; never kept."""

ASKED_ABOUT = (
    "name",
    "schema_id",
    "schema_content_type",
    "dataset_id",
    "is_upsert",
    "allow_profile_gap",
    "in_flight_batches",
    "wait_timeout",
    "owner",
)
"""The inputs that a preview's questions depend on."""

PROVIDER_ONLY = ("allow_profile_gap", "in_flight_batches", "wait_timeout", "deletion_protection")
"""Inputs that steer the provider and are nothing of the dataset: changing them needs no request."""

SWITCHES = {"profile_enabled": True, "identity_enabled": True}
"""What `check` adds: constants that `read` answers with live values, so that Profile found off is drift."""

OPTIONAL = ("name", "description", "schema_id", "schema_content_type", "tags", "dataset_id")
"""Inputs that a program may leave out; left out, they are not managed."""


class Problem(NamedTuple):
    """One thing wrong with the arguments: the property, and what to do about it."""

    property: str
    reason: str


def _text(what: str, *checks: Check) -> Check:
    return string(*checks, reason=f"must be a string: {what}.")


def _filled(value: str) -> str:
    if not value.strip():
        raise Invalid("must not be empty.")
    if value != value.strip():
        raise Invalid("must not begin or end with a space.")
    return value


def _schema_uri(value: str) -> str:
    if value.startswith("_"):
        raise Invalid(
            f"{value!r} looks like a meta:altId. Use the schema's $id, https://ns.adobe.com/<tenant>/schemas/<hash>."
        )
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc or not parts.path.strip("/"):
        raise Invalid(
            f"{value!r} is no URI. Use the schema's $id, https://ns.adobe.com/<tenant>/schemas/<hash>."
        )
    return value


def _dataset_id(value: str) -> str:
    if not DATASET_ID.fullmatch(value):
        raise Invalid(
            f"{value!r} is no dataset id: 24 hexadecimal characters, lower case, as in the dataset's URL."
        )
    return value


def _content_type(value: str) -> str:
    if not re.fullmatch(r"application/vnd\.adobe\.[a-z-]+\+json;\s*version=\d+", value):
        raise Invalid(
            f"{value!r} is no schema content type such as application/vnd.adobe.xed+json;version=1."
        )
    return value


def _mapping(value: Any) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise Invalid("must be a mapping from tag key to a list of strings.")
    return dict(value)


def _elements(value: Any) -> list[Any]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise Invalid("must be a list of strings.")
    return list(value)


def _tag_keys(tags: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in sorted(tags):
        if key in OWN_TAGS:
            raise Invalid(f"{key} is written by this provider itself; remove it from tags.")
        if key.lower().startswith("adobe"):
            raise Invalid(f"{key}: tag keys that begin with adobe are reserved by Adobe.")
        if not key.strip():
            raise Invalid("a tag key must not be empty.")
    return tags


def _in_flight(value: Any) -> str:
    if not isinstance(value, str) or value not in ("wait", "fail", "ignore"):
        raise Invalid("must be 'wait', 'fail' or 'ignore'.")
    return value


def _no_argument(_value: Any) -> None:
    raise Invalid("is no argument of UpsertDataset.")


_TAGS = {
    string(reason="keys must be strings."): All(_elements, [string(reason="elements must be strings.")]),
}

_SCHEMA = Schema(
    {
        "name": _text("the dataset's name", _filled),
        "description": _text("the dataset's description"),
        "schema_id": _text("the schema's $id", _schema_uri),
        "schema_content_type": _text("the schema's content type", _content_type),
        "dataset_id": _text("the id of an existing dataset", _dataset_id),
        "tags": All(_mapping, _TAGS, _tag_keys),
        Optional("is_upsert", default=True): flag(),
        Optional("allow_profile_gap", default=False): flag(),
        Optional("in_flight_batches", default="wait"): _in_flight,
        Optional("wait_timeout", default=600): whole_number(0, 86_400, " of seconds"),
        "deletion_protection": flag(),
        "owner": _text("the owner's name", _filled),
        Extra: _no_argument,
    }
)


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
        normal = _SCHEMA(given)
    except MultipleInvalid as error:
        problems += [
            Problem(key, text) for key, texts in sorted(problems_of(error).items()) for text in texts
        ]
    problems += _missing({*given, *unknown})
    if normal.get("deletion_protection") is None:
        normal["deletion_protection"] = protected or "dataset_id" not in {*given, *unknown}
    return {key: value for key, value in normal.items() if key not in unknown}, problems


def desired(inputs: Mapping[str, Any], *, owned_before: Mapping[str, Any], ownership_tag: bool) -> Desired:
    """The arguments as a wish for one dataset.

    Args:
        inputs: validated arguments.
        owned_before: the tags that the resource owned so far; those it no longer declares are removed.
        ownership_tag: whether our own two tags are written.
    """
    tags = {key: tuple(elements) for key, elements in (inputs.get("tags") or {}).items()}
    return Desired(
        is_upsert=inputs["is_upsert"],
        name=inputs.get("name"),
        description=inputs.get("description"),
        schema_id=inputs.get("schema_id"),
        schema_content_type=inputs.get("schema_content_type"),
        tags=tags,
        released_tags=frozenset(owned_before) - frozenset(tags),
        owner=inputs.get("owner", ""),
        own_tags=ownership_tag,
    )


def _missing(given: set[str]) -> list[Problem]:
    if "dataset_id" in given:
        return []
    return [
        Problem(key, f"is required to create a dataset ({what}); or give dataset_id for an existing one.")
        for key, what in (("name", "its name"), ("schema_id", "the $id of its schema"))
        if key not in given
    ]
