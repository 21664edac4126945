"""Field types for values that arrive typed (program, explicit provider) or as text (stack file)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from marshmallow import ValidationError, fields


class Flag(fields.Field[bool]):
    """True or false.

    Args:
        text: whether the texts ``true`` and ``false`` count as well.
    """

    def __init__(self, *, text: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._text = text

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if self._text and isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise ValidationError(f"must be {'true or false' if self._text else 'True or False'}.")
        return value


class WholeNumber(fields.Field[int]):
    """A whole number; the engine sends numbers as floats.

    Args:
        low, high: the smallest and largest value allowed.
        unit: named in the message.
        text: whether digits in a text count as well.
    """

    def __init__(self, low: int, high: int, unit: str = "", *, text: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._low, self._high, self._unit, self._text = low, high, unit, text

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if self._text and isinstance(value, str) and value.strip().isdecimal():
            value = int(value)
        whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
        if not whole or not self._low <= value <= self._high:
            raise ValidationError(f"must be a whole number{self._unit} from {self._low} to {self._high}.")
        return int(value)


def problems_of(error: ValidationError) -> dict[str, list[str]]:
    """The problems by field, nested ones flattened to lines that begin with the path."""
    messages = cast("Mapping[str, Any]", error.messages)
    return {key: _flat(found) for key, found in messages.items()}


def _flat(messages: Any, path: str = "") -> list[str]:
    if isinstance(messages, Mapping):
        return [
            text
            for key, inner in messages.items()
            for text in _flat(inner, path if key in ("key", "value") else f"{path}[{key!r}]")
        ]
    return [f"{path}: {text}" if path else str(text) for text in messages]
