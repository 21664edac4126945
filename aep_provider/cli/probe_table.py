"""A probe's report on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from aep_provider.cli import console
from aep_provider.cli.tables import Column, table
from aep_provider.measured import AGREES, DIFFERS, LOCAL, NOT_ASKED, Report
from aep_provider.probe.beliefs import BELIEFS
from aep_provider.words import plural

_ORDER = (DIFFERS, AGREES, NOT_ASKED)
_STYLES = {AGREES: "green", DIFFERS: "bold yellow", NOT_ASKED: "dim"}
_COLUMNS = (Column("belief"), Column("verdict"), Column("evidence", rank=1), Column("seen", fold=True))
_UNITS = ("ms", "seconds")


def show(report: Report, *, wide: bool = False) -> None:
    """Print a report: what differs first.

    Args:
        report: of one run.
        wide: every column in full, however wide.
    """
    levels = {belief.id: belief.level.value for belief in BELIEFS}
    rows = [
        (one.belief, (one.verdict, _STYLES[verdict]), levels.get(one.belief, ""), one.seen)
        for verdict in _ORDER
        for one in report.answers
        if one.verdict == verdict
    ]
    table(f"Measured on {report.day} ({where(report)})", _COLUMNS, rows, wide=wide)
    for line in _below(report):
        console.line(line)


def where(report: Report) -> str:
    """Where a report was measured."""
    return "on this machine" if report.region == LOCAL else f"region {report.region}"


def counted(report: Report) -> str:
    """How many beliefs were found true, false, or could not be asked about."""
    return ", ".join(f"{report.counted(verdict)} {words}" for verdict, words in _COUNTED)


_COUNTED = ((AGREES, "agree"), (DIFFERS, "differ"), (NOT_ASKED, "not asked"))


def _below(report: Report) -> Iterator[str]:
    yield counted(report)
    yield from (_figure(name, value) for name, value in sorted(report.figures.items()))
    if report.counted(DIFFERS):
        yield "What rests on one of them: aep-provider probe --explain BELIEF"
    if report.leftovers:
        yield f"{plural(report.leftovers, 'scratch dataset')} could not be deleted: aep-provider probe --clean"


def _figure(name: str, value: float) -> str:
    what, _, unit = name.rpartition("_")
    if unit not in _UNITS:
        what, unit = name, ""
    return (
        f"{what.replace('_', ' ')} {value:g}{'' if not unit else ' s' if unit == 'seconds' else f' {unit}'}"
    )
