"""How the Schema Registry pages its listings (doc: xdm/api/appendix): from a value on, not from a place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from aep_provider.emulator import errors, filters
from aep_provider.emulator.call import Call
from aep_provider.emulator.store import Json

MAX_LIMIT = 500
"""``limit`` is "between 0 and 500" (doc, spec)."""

_DATES = {"updated": "repo:lastModifiedDate", "created": "repo:createdDate"}
"""Where a resource holds the two; samples of the documentation are in the order of ``updated``."""

_Rank = tuple[int, float, str]


def page(
    call: Call, rows: Sequence[filters.Row], default_order: str, most: int
) -> tuple[list[filters.Row], Json]:
    """Return a page of a listing, and what ``_page`` says of it.

    ``start`` is a value of the first property of ``orderby``: the page begins strictly after it. ``limit``
    is a hint: a page never ends between two resources of one value, since the next could not begin there.

    Args:
        rows: what the filters left.
        default_order: without ``orderby``, which the documentation wants beside ``limit`` and ``start``.
        most: how many the registry shows without ``limit``.

    Raises:
        Refused: the limit is none.
    """
    query = call.query
    order = query.get("orderby", default_order)
    if "orderby" not in query:
        call.doubt(*(f"query:{name} (without orderby)" for name in ("limit", "start") if name in query))
    size = min(_limit(query.get("limit")) or most, most, call.world.settings.page_cap or most)
    first = order.split(",")[0].removeprefix("-")
    descending = order.startswith("-")
    ordered = _ordered(rows, order)
    ranks = [_rank(_at(body, first)) for _, body in ordered]
    begin = 0
    if "start" in query:
        begin = _after(ranks, query["start"], descending, guessed="orderby" not in query)
    end = min(begin + size, len(ordered))
    while 0 < end < len(ordered) and ranks[end] == ranks[end - 1]:
        end += 1
    following = str(_at(ordered[end - 1][1], first)) if end < len(ordered) else None
    shown = ordered[begin:end]
    return shown, {"orderby": order, "next": following, "count": len(shown)}


def _limit(text: str | None) -> int:
    """Return the hint, 0 for none; what a limit of 0 shows is not documented: all is assumed."""
    if text is None:
        return 0
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) > MAX_LIMIT:
        # A code of this family for a bad limit is not published.
        raise errors.registry("XDM-1000-400", "Invalid request", f"limit must be 0 to {MAX_LIMIT}")
    return int(text)


def _ordered(rows: Sequence[filters.Row], order: str) -> list[filters.Row]:
    """Return the rows by several properties, the first counts most; those without a value come last."""
    ordered = list(rows)
    for part in reversed(order.split(",")):
        name, down = part.removeprefix("-"), part.startswith("-")
        ordered.sort(key=lambda row, name=name: _rank(_at(row[1], name)), reverse=down)  # type: ignore[misc]
        ordered.sort(key=lambda row, name=name: _at(row[1], name) is None)  # type: ignore[misc]
    return ordered


def _after(ranks: list[_Rank], start: str, descending: bool, guessed: bool) -> int:
    """Return the place of the first row after a value.

    Args:
        guessed: there is no ``orderby`` that the value could be of: one that no page ended with shows
            nothing (live 2026-08, ``start=0``).
    """
    wanted = (2, 0.0, start)
    if ranks and ranks[0][0] == 1:
        try:
            wanted = (1, float(start), "")
        except ValueError:
            return len(ranks)
    if guessed and wanted not in ranks:
        return len(ranks)
    for place, rank in enumerate(ranks):
        if rank[0] == 0 or (rank < wanted if descending else rank > wanted):
            return place
    return len(ranks)


def _rank(value: Any) -> _Rank:
    if value is None:
        return 0, 0.0, ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return 1, float(value), ""
    return 2, 0.0, str(value)


def _at(body: Json, name: str) -> Any:
    value: Any = body
    for step in ("meta:registryMetadata", _DATES[name]) if name in _DATES else name.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value
