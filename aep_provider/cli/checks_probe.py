"""What a probe's report says of the AEP that the settings are for; it is cited, and nothing follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aep_provider.cli.findings import Finding, failed, note, ok, skipped
from aep_provider.cli.probe_table import counted, where
from aep_provider.measured import AVOIDABLE, DIFFERS, NOT_ASKED, WINDOW_NEEDED, NoReport, Report, load
from aep_provider.probe.belief import Belief
from aep_provider.probe.beliefs import BELIEFS
from aep_provider.probe.beliefs.ingestion import BELIEFS as DECISIVE
from aep_provider.words import plural

CHECK = "probe report"


def measured(file: Path) -> Iterator[Finding]:
    """Cite a report: what differs, and what a person decides by.

    Args:
        file: the report.
    """
    try:
        report = load(file)
    except NoReport as error:
        yield failed(CHECK, error)
        return
    yield _summary(report)
    decisive = {belief.id for belief in DECISIVE}
    known = {belief.id for belief in BELIEFS}
    for belief in BELIEFS:
        answer = report.answer(belief.id)
        if answer.verdict == DIFFERS:
            yield _differs(report, belief)
        elif answer.verdict == NOT_ASKED and belief.id in decisive:
            yield skipped(f"belief {belief.id}", answer.seen)
        elif belief.id in decisive:
            yield ok(f"belief {belief.id}", report.cited(belief.id))
    strange = sum(one.verdict == DIFFERS and one.belief not in known for one in report.answers)
    if strange:
        yield note(CHECK, f"{plural(strange, 'more belief')} that this version does not know: differs")


def _summary(report: Report) -> Finding:
    text = f"{report.day}, {where(report)}, aep-provider {report.product}: {counted(report)}"
    if not report.in_organisation:
        return note(CHECK, f"{text}. It was not made at an endpoint of Adobe's, so it says nothing of AEP.")
    return ok(CHECK, text)


def _differs(report: Report, belief: Belief) -> Finding:
    if belief.id == WINDOW_NEEDED:
        return note(f"belief {belief.id}", report.cited(belief.id), AVOIDABLE)
    return note(
        f"belief {belief.id}",
        report.cited(belief.id),
        f"Taken for true: {belief.statement} What rests on it: {belief.rests}. If it is false: {belief.if_false}",
    )
