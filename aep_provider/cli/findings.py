"""What `doctor` finds: one line for each check."""

from __future__ import annotations

from dataclasses import dataclass

from aep_provider.errors import AepProviderError

OK, NOTE, PROBLEM, SKIPPED = "ok", "note", "problem", "not checked"


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        check: what was looked at.
        status: ``ok``, ``note`` (works, but read it), ``problem`` or ``not checked``.
        text: what was found.
        remedy: what to do about it; ``""`` where there is nothing to do.
    """

    check: str
    status: str
    text: str
    remedy: str = ""


def ok(check: str, text: str) -> Finding:
    """Nothing is wrong."""
    return Finding(check, OK, text)


def note(check: str, text: str, remedy: str = "") -> Finding:
    """It works, with a limit worth knowing."""
    return Finding(check, NOTE, text, remedy)


def problem(check: str, text: str, remedy: str) -> Finding:
    """It does not work, or is not safe."""
    return Finding(check, PROBLEM, text, remedy)


def skipped(check: str, why: str) -> Finding:
    """Not looked at, because something that it needs is missing."""
    return Finding(check, SKIPPED, why)


def failed(check: str, error: AepProviderError) -> Finding:
    """An error of this package as a problem."""
    return problem(
        check, error.message, error.remedy or "Correct that, then run `aep-provider doctor` again."
    )
