"""Query parameters of listings: paging, order, projection and Catalog's filter languages.

Source: doc catalog/api/filter-data unless said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from aep_provider.emulator import errors
from aep_provider.emulator.store import Json

DEFAULT_LIMIT = 20
MAX_LIMIT = 100

Test = Callable[[Json], bool]
Row = tuple[str, Json]

_EXPRESSION = re.compile(r"(?P<name>[^=!<>~]+)(?:(?P<op>==|!=|<=|>=|<|>|~)(?P<value>.*))?", re.DOTALL)


def page_bounds(limit: str | None, start: str | None, most: int = MAX_LIMIT) -> tuple[int, int]:
    """Return limit and zero-based start of a Catalog listing.

    Raises:
        Refused: the limit is out of range (text: live 2026-08 and 2026-09) or the start is not an offset.
    """
    size = _whole(limit, DEFAULT_LIMIT)
    if size is None or not 1 <= size <= most:
        raise errors.bad_request(f"Please supply a valid query limit: (1 - {most})")
    first = _whole(start, 0)
    if first is None or first < 0:
        raise errors.bad_request("Please supply a valid query start")
    return size, first


def page(rows: list[Row], start: int, limit: int, cap: int) -> list[Row]:
    """Return a page of a listing; ``cap`` cuts it short, 0 does not."""
    return rows[start : start + (min(limit, cap) if cap else limit)]


def millis(name: str, text: str) -> int:
    """Return a timestamp parameter.

    Raises:
        Refused: it is not a number.
    """
    value = _whole(text, 0)
    if value is None:
        raise errors.bad_request(f"Please supply a valid timestamp for {name}")
    return value


def simple(name: str, text: str) -> Test:
    """``name=X,Y`` = any of; ``name=!X,Y`` = none of; ``*`` is a wildcard in ``name``, ``**`` an asterisk."""
    negated = text.startswith("!")
    wanted = (text[1:] if negated else text).split(",")
    path = name.split(".")
    patterns = [wildcard(value) for value in wanted] if name == "name" else None

    def test(body: Json) -> bool:
        actual = _text(_at(body, path))
        if patterns is None:
            found = actual in wanted
        else:
            found = actual is not None and any(pattern.fullmatch(actual) for pattern in patterns)
        return found is not negated

    return test


def tags(text: str) -> Test:
    """``ns:value,ns2:value2``: all of them; ``ns:*`` = the tag is there.

    Values hold colons themselves (``unifiedProfile:enabled:true``): splitting on the first is inferred.
    """
    wanted = []
    for part in text.split(","):
        name, _, value = part.partition(":")
        wanted.append((name, wildcard(value or "*")))

    def test(body: Json) -> bool:
        held = body.get("tags", {})
        return all(
            name in held and any(pattern.fullmatch(str(value)) for value in _listed(held[name]) or [""])
            for name, pattern in wanted
        )

    return test


def _listed(values: Any) -> list[Any]:
    """Return a tag's values; a seeded one may hold anything."""
    return values if isinstance(values, list) else [values]


def expression(text: str, dotted: bool = False, service: str = "catalog") -> Test:
    """``property=``: ``name``, ``!name``, ``name~regex``, ``name==v``, ``!=``, ``<``, ``<=``, ``>``, ``>=``.

    Args:
        dotted: whether a dot in the name leads into an object (Flow Service); Catalog has top level only.
        service: whose shape the refusal has.

    Raises:
        Refused: it is none of these.
    """
    absent = text.startswith("!")
    match = _EXPRESSION.fullmatch(text[1:] if absent else text)
    if match is None or (absent and match["op"]):
        raise errors.refused(service, 400, f"Please supply a valid property filter: {text}")
    name, op, wanted = match["name"], match["op"], match["value"]
    path = name.split(".") if dotted else [name]
    if op is None:
        return lambda body: (_at(body, path) is None) is absent
    if op == "~":
        try:
            pattern = re.compile(wanted)
        except re.error:
            raise errors.refused(service, 400, f"Not a regular expression: {wanted}") from None
        return lambda body: pattern.search(_text(_at(body, path)) or "") is not None
    compare = _COMPARISONS[op]
    return lambda body: compare(_at(body, path), wanted)


def order(rows: Sequence[Row], text: str) -> list[Row]:
    """``orderBy=name,desc:updated``: the first field counts most; the default direction is ascending."""
    ordered = list(rows)
    for part in reversed(text.split(",")):
        direction, colon, field = part.partition(":")
        path = (field if colon else direction).split(".")
        ordered.sort(key=lambda row: _rank(_at(row[1], path)), reverse=direction == "desc" and bool(colon))
    return ordered


def project(body: Json, properties: str | None, empty: str = "stored") -> Json:
    """Keep the named top-level properties; without names all but ``observableSchema``.

    Args:
        empty: how a named property without a value is shown, one of the setting ``empty_properties``: as
            it is stored, as ``{}`` (doc: "may return a requested property as an empty object"), or as
            ``{}`` even if the object does not have it.
    """
    if properties is None:
        return {name: value for name, value in body.items() if name != "observableSchema"}
    names = properties.split(",")
    if empty == "stored":
        return {name: body[name] for name in names if name in body}
    shown = {name: {} if body.get(name) in (None, "", []) else body[name] for name in names}
    return shown if empty == "missing_too" else {name: shown[name] for name in names if name in body}


def keep(rows: Iterable[Row], tests: Sequence[Test]) -> list[Row]:
    """Return the rows that pass every test."""
    return [row for row in rows if all(test(row[1]) for test in tests)]


@lru_cache(maxsize=1024)
def wildcard(text: str) -> re.Pattern[str]:
    """Compile a value in which ``*`` stands for anything and ``**`` for an asterisk."""
    parts = re.split(r"(\*\*|\*)", text)
    made = {"*": ".*", "**": r"\*"}
    return re.compile("".join(made.get(part, re.escape(part)) for part in parts), re.DOTALL)


def _whole(text: str | None, default: int) -> int | None:
    if text is None:
        return default
    return int(text) if re.fullmatch(r"-?[0-9]{1,15}", text) else None


def _at(body: Any, path: Sequence[str]) -> Any:
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    return body


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _rank(value: Any) -> tuple[int, float, str]:
    if value is None:
        return 0, 0.0, ""
    if isinstance(value, (int, float)):
        return 1, float(value), ""
    return 2, 0.0, str(value)


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[Any, str], bool]:
    def compared(actual: Any, wanted: str) -> bool:
        if actual is None:
            return False
        if isinstance(actual, (int, float)) and not isinstance(actual, bool):
            try:
                return test(actual, float(wanted))
            except ValueError:
                return False
        return test(_text(actual), wanted)

    return compared


_COMPARISONS: dict[str, Callable[[Any, str], bool]] = {
    "==": lambda actual, wanted: _text(actual) in wanted.split(","),
    "!=": lambda actual, wanted: _text(actual) not in wanted.split(","),
    "<": _compare(lambda a, b: a < b),
    "<=": _compare(lambda a, b: a <= b),
    ">": _compare(lambda a, b: a > b),
    ">=": _compare(lambda a, b: a >= b),
}
