"""Validators for values that arrive typed (program, explicit provider) or as text (stack file)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from voluptuous import All, Invalid, MultipleInvalid, Schema

Check = Callable[[Any], Any]
"""Returns the value as it is to be used, or raises `voluptuous.Invalid`."""

DATASET_ID = re.compile(r"[0-9a-f]{24}")
"""The form of a dataset id in every published sample: 24 lower-case hexadecimal characters."""

_BLANK = "a space, a tab, a line break or a character that nobody sees"

_WITHOUT_JOINERS = str.maketrans("", "", "\u200c\u200d")
"""Takes out the characters that nobody sees and that some scripts, and emoji, need inside a word."""

_SCHEMA_ID_HINT = "Use the schema's $id, https://ns.adobe.com/<tenant>/schemas/<hash>."


def string(*checks: Check, reason: str = "must be a string.") -> Check:
    """A validator for strings.

    Args:
        checks: what a string has to pass besides, in this order.
        reason: why anything else is refused.
    """

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            raise Invalid(reason)
        if re.search("[\ud800-\udfff]", value):
            raise Invalid(f"holds half of a character, which cannot be sent: {value!r}. Remove it.")
        for one in checks:
            value = one(value)
        return value

    return check


def flag(*, text: bool = False) -> Check:
    """A validator for True and False.

    Args:
        text: whether the texts ``true`` and ``false`` count as well.
    """

    def check(value: Any) -> bool:
        if text and isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise Invalid(f"must be {'true or false' if text else 'True or False'}.")
        return value

    return check


def whole_number(low: int, high: int, unit: str = "", *, text: bool = False) -> Check:
    """A validator for whole numbers, which the engine sends as floats.

    Args:
        low, high: the smallest and largest value allowed.
        unit: named in the message.
        text: whether digits in a text count as well.
    """

    def check(value: Any) -> int:
        if text and isinstance(value, str) and value.strip().isdecimal():
            value = int(value)
        whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
        if not whole or not low <= value <= high:
            raise Invalid(f"must be a whole number{unit} from {low} to {high}.")
        return int(value)

    return check


def one_of(*choices: str) -> Check:
    """A validator for one of a few words."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise Invalid(f"must be {', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}.")
        return value

    return check


def is_blank(character: str) -> bool:
    """Whether nobody sees a character: a space, a line break, or one of no width."""
    return character == " " or not character.isprintable()


def blank_at_an_end(value: str) -> bool:
    """Whether a text begins or ends with a blank, or is empty."""
    return not value or is_blank(value[0]) or is_blank(value[-1])


def unseen(name: str | None) -> str:
    """Why a name is not one for something new: it has a blank other than a plain space; ``""`` where it is one."""
    if (name or "").translate(_WITHOUT_JOINERS).isprintable():
        return ""
    return (
        f"has a blank in it other than a plain space, or a character that nobody sees: {name!r}. Remove it."
    )


def filled(value: str) -> str:
    """Refuse an empty text, and blanks at its ends, which nobody sees."""
    if all(map(is_blank, value)):
        raise Invalid("must not be empty.")
    if blank_at_an_end(value):
        raise Invalid(f"begins or ends with a blank ({_BLANK}): {value!r}. Remove it.")
    return value


def without_blanks(value: str) -> str:
    """Refuse any blank, which pasted values carry and nobody sees, and letters that only look like those of ASCII."""
    if " " in value or not value.isprintable():
        raise Invalid(f"has a blank in it ({_BLANK}): {value!r}. Remove it.")
    if not value.isascii():
        raise Invalid(f"has a character outside ASCII: {value!a}. Copy it again.")
    return value


def without_spaces(value: str) -> str:
    """The text without spaces: AEP's responses differ in the spacing of a content type only."""
    return re.sub(r"\s+", "", value)


def schema_uri(value: str) -> str:
    """Refuse what cannot be a schema's ``$id``."""
    without_blanks(value)
    if value.startswith("_"):
        raise Invalid(f"{value!r} looks like a meta:altId. {_SCHEMA_ID_HINT}")
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc or not parts.path.strip("/"):
        raise Invalid(f"{value!r} is not a URI. {_SCHEMA_ID_HINT}")
    return value


def dataset_id(value: str) -> str:
    """Refuse what cannot be a dataset id."""
    without_blanks(value)
    if not DATASET_ID.fullmatch(value):
        raise Invalid(
            f"{value!r} is not a dataset id: 24 hexadecimal characters, lower case, as in the dataset's URL."
        )
    return value


def content_type(value: str) -> str:
    """Refuse what cannot be the content type of a schema."""
    if not re.fullmatch(r"application/vnd\.adobe\.[a-z-]+\+json; *version=[0-9]+", value):
        raise Invalid(
            f"{value!r} is not a schema content type such as application/vnd.adobe.xed+json;version=1."
        )
    return value


def tag_map(reserved: Collection[str]) -> Check:
    """A validator for tags: a mapping from tag key to a list of strings.

    Args:
        reserved: keys that a program must not declare.
    """

    def keys(tags: Mapping[str, Any]) -> Mapping[str, Any]:
        for key in sorted(tags):
            if key in reserved:
                raise Invalid(f"{key} is written by this provider itself; remove it from tags.")
            if key.lower().startswith("adobe"):
                raise Invalid(f"{key}: tag keys that begin with adobe are reserved by Adobe.")
            if all(map(is_blank, key)):
                raise Invalid("a tag key must not be empty.")
            if blank_at_an_end(key):
                raise Invalid(f"the tag key {key!r} begins or ends with a blank ({_BLANK}). Remove it.")
        return tags

    lists = {
        string(reason="keys must be strings."): All(_elements, [string(reason="elements must be strings.")])
    }
    whole = Schema(All(_mapping, lists, keys))

    def check(value: Any) -> Any:
        return whole(value)

    return check


def _mapping(value: Any) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise Invalid("must be a mapping from tag key to a list of strings.")
    return dict(value)


def _elements(value: Any) -> list[Any]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise Invalid("must be a list of strings.")
    return list(value)


def meant(name: str, choices: Iterable[str]) -> str:
    """`` (did you mean 'is_upsert'?)`` for a name that is close to one of the choices, else ``""``."""
    import difflib  # Only a message needs it, and every process of an unchanged stack would pay.

    close = difflib.get_close_matches(name, list(choices), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def spelt(key: str) -> str:
    """``; it is written 'name\\u200b'`` for a key that looks like another one, else ``""``."""
    return "" if key.isascii() and key.isidentifier() else f"; it is written {key!a}"


def problems_of(error: MultipleInvalid) -> dict[str, list[str]]:
    """The problems by key; those inside a value begin with the path to them."""
    problems: dict[str, list[str]] = {}
    for one in error.errors:
        key, *inner = one.path
        path = "".join(f"[{part!r}]" for part in inner)
        problems.setdefault(str(key), []).append(f"{path}: {one.msg}" if path else one.msg)
    return problems
