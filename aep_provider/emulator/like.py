"""A report of ``aep-provider probe`` as switches, so that the emulator does what was measured of an AEP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aep_provider.emulator.settings import Settings

KIND = "aep-provider probe report"
SCHEMA = 1
LARGEST = 1_000_000
"""Bytes of a report at most; real ones have some twenty thousand."""

LONGEST = 400
"""Characters of one of its texts that are shown at most."""


class ReportRefused(ValueError):
    """The file is not a report that can be read."""


@dataclass(frozen=True)
class Likeness:
    """What a report makes of the emulator.

    Args:
        date: the day on which it was measured, as the report says.
        switches: what is set.
        not_imitated: what was measured and cannot be set, one line each.
        not_asked: how many beliefs the probe could not ask about; there the emulator keeps its defaults.
    """

    date: str
    switches: dict[str, Any]
    not_imitated: tuple[str, ...]
    not_asked: int

    def lines(self) -> Iterator[str]:
        """Say it, for a person."""
        told = ", ".join(f"{name}={value}" for name, value in sorted(self.switches.items()))
        yield f"Like the AEP that was probed on {self.date}: {told or 'no switch was measured'}"
        yield from (f"Not imitated: {one}" for one in self.not_imitated)
        if self.not_asked:
            beliefs = "belief" if self.not_asked == 1 else "beliefs"
            yield f"Not asked: {self.not_asked} {beliefs}; the emulator keeps its defaults there"


def read(path: str | Path) -> Likeness:
    """Read a report.

    Raises:
        ReportRefused: it cannot be read, is not a report, or has a form that is not known here.
    """
    try:
        with Path(path).open("rb") as opened:
            raw = opened.read(LARGEST + 1)
    except OSError as error:
        raise ReportRefused(f"{path} cannot be read: {error.strerror}") from error
    foreign = f"{path} is not a report of aep-provider probe"
    try:
        report = json.loads(raw.decode("utf-8")) if len(raw) <= LARGEST else None
    except (ValueError, RecursionError) as error:
        raise ReportRefused(foreign) from error
    if not isinstance(report, dict) or report.get("kind") != KIND:
        raise ReportRefused(foreign)
    if report.get("schema_version") != SCHEMA:
        raise ReportRefused(
            f"{path} has the form {report.get('schema_version')!r}; this emulator knows form {SCHEMA} only"
        )
    answers = report.get("answers")
    if not isinstance(answers, list) or not all(_is_answer(one) for one in answers):
        raise ReportRefused(f"{foreign} that is whole: its answers are damaged")
    return _likeness(str(report.get("date", "an unknown day"))[:10], answers)


def _is_answer(one: object) -> bool:
    return (
        isinstance(one, dict)
        and all(isinstance(one.get(key), str) for key in ("belief", "verdict", "seen"))
        and isinstance(one.get("switch", {}), dict)
    )


def _likeness(date: str, answers: list[dict[str, Any]]) -> Likeness:
    measured, missed = Settings(), []
    switches: dict[str, Any] = {}
    for one in answers:
        switch = one.get("switch", {})
        for name, value in switch.items():
            if switches.get(name, value) != value:
                missed.append(f"{one['belief']}: {name} was measured as {switches[name]!r} and as {value!r}")
                continue
            try:
                measured.change({name: value})
            except ValueError as error:
                missed.append(f"{one['belief']}: {error}")
            else:
                switches[name] = value
        if one["verdict"] == "differs" and not switch:
            missed.append(f"{one['belief']}: {one['seen']}")
    return Likeness(
        _line(date),
        switches,
        tuple(map(_line, missed)),
        sum(one["verdict"] == "not asked" for one in answers),
    )


def _line(text: str) -> str:
    """A text from a file as one line that a terminal can show."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())[:LONGEST]
