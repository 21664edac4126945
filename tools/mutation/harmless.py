"""The list of mutants that survive and change nothing that matters."""

from __future__ import annotations


def harmless(text: str) -> dict[tuple[str, ...], str]:
    """The listed survivors: a paragraph each, of a file, the changed lines, and the reason.

    Raises:
        ValueError: a paragraph lacks one of these.
    """
    found = {}
    for paragraph in text.split("\n\n"):
        lines = [line for line in paragraph.strip().splitlines() if not line.startswith("#")]
        if not lines:
            continue
        change = [line for line in lines[1:] if line.startswith(("- ", "+ "))]
        reason = " ".join(lines[1 + len(change) :])
        if not change or not reason:
            raise ValueError(f"a file, changed lines and a reason are wanted: {paragraph!r}")
        key = (lines[0], *change)
        found[key] = reason
    return found
