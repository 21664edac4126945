"""Listings, page by page: one loop for every service, and one error for a listing that does not end."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from aep_provider.aep.transport import Response
from aep_provider.errors import UnreadableResponse

SMALLEST_PAGE = 20
"""Entries: the documented default page size of Catalog, which a service that ignores ``limit`` sends."""

MOST_PAGES = 10_000

Cursor = TypeVar("Cursor", int, str)
Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Page(Generic[Cursor, Entry]):
    """One page of a listing.

    Attributes:
        response: where it came from.
        entries: by what tells one from another, so that no entry counts twice.
        following: where the next page starts, or ``None`` after the last one.
    """

    response: Response
    entries: Mapping[Hashable, Entry]
    following: Cursor | None


def next_offset(start: int, received: int) -> int | None:
    """Where the page after this one starts, in a listing by offset; ``None`` if this was the last one.

    A page shorter than asked for may be all that the service gives at a time. Only one that is shorter than
    the default page size, or empty, ends the listing.

    Args:
        start: how many entries were passed over.
        received: how many entries the page holds.
    """
    return start + received if received >= SMALLEST_PAGE else None


def with_end(page: Page[int, Entry], start: int, end: Page[int, Entry] | None) -> Page[int, Entry]:
    """The first page of a listing, joined with a page that was asked for beside it, where the two leave no hole.

    Args:
        page: the first one.
        start: how many entries the other one passed over.
        end: the other one, or ``None``.
    """
    if page.following is None or end is None:
        return page
    if not start <= page.following <= start + len(end.entries):
        return page
    return Page(page.response, {**end.entries, **page.entries}, end.following)


def paginate(fetch: Callable[[Cursor], Page[Cursor, Entry]], first: Cursor) -> Iterator[Entry]:
    """Every entry of a listing, once, asked for as far as it is used.

    Args:
        fetch: reads the page at a cursor.
        first: the cursor of the first page.

    Raises:
        UnreadableResponse: the listing does not end: a page brings nothing new and yet another follows.
    """
    seen: set[Hashable] = set()
    visited: set[int | str] = set()
    cursor: Cursor | None = first
    while cursor is not None:
        visited.add(cursor)
        page = fetch(cursor)
        new = [key for key in page.entries if key not in seen]
        yield from (page.entries[key] for key in new)
        seen.update(new)
        cursor = page.following
        endless = (page.entries and not new) or cursor in visited or len(visited) >= MOST_PAGES
        if cursor is not None and endless:
            raise UnreadableResponse(
                page.response.request,
                f"the listing does not end: page {len(visited)} brings nothing new, and another follows",
                "Run again; if it stays so, a proxy or the service ignores where a page is to start.",
            )
