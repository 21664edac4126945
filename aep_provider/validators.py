"""Validators for values that arrive typed (program, explicit provider) or as text (stack file)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from voluptuous import Invalid, MultipleInvalid

Check = Callable[[Any], Any]
"""Returns the value as it is to be used, or raises `voluptuous.Invalid`."""


def string(*checks: Check, reason: str = "must be a string.") -> Check:
    """A validator for strings.

    Args:
        checks: what a string has to pass besides, in this order.
        reason: why anything else is refused.
    """

    def check(value: Any) -> Any:
        if not isinstance(value, str):
            raise Invalid(reason)
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


def problems_of(error: MultipleInvalid) -> dict[str, list[str]]:
    """The problems by key; those inside a value begin with the path to them."""
    problems: dict[str, list[str]] = {}
    for one in error.errors:
        key, *inner = one.path
        path = "".join(f"[{part!r}]" for part in inner)
        problems.setdefault(str(key), []).append(f"{path}: {one.msg}" if path else one.msg)
    return problems
