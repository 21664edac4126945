"""Small helpers for messages."""

from __future__ import annotations


def plural(count: int, noun: str, several: str = "") -> str:
    """A count with its noun: ``1 batch``, ``2 batches``.

    Args:
        count: how many.
        noun: the word for one.
        several: the word for several, where it is not `noun` with an ``s``.
    """
    return f"{count} {noun if count == 1 else several or noun + 's'}"
