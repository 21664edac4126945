"""What the probe's report that the settings name says of a change; it is cited, and decides nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aep_provider.operations.context import Context

if TYPE_CHECKING:
    # Imported where a report is named: most stacks have none.
    from aep_provider.measured import Report


def of_disabling(context: Context) -> list[str]:
    """Sentences about what switching Profile off did, and whether it can be avoided.

    A report that cannot be read is a warning, said once a run.

    Args:
        context: its settings name the report; Pulumi's plugin runs in the folder of the program.
    """
    report = _named(context)
    if report is None:
        return []
    from aep_provider.measured import DISABLING_KEEPS

    return [text for text in (report.cited(DISABLING_KEEPS), report.avoidable) if text]


def of_replaying(context: Context) -> list[str]:
    """Sentences about what became of a batch that was ingested again, as `of_disabling` gives them.

    Args:
        context: its settings name the report.
    """
    report = _named(context)
    if report is None:
        return []
    from aep_provider.measured import REPLAY_REPLACES

    return [text for text in (report.cited(REPLAY_REPLACES),) if text]


def _named(context: Context) -> Report | None:
    if not context.settings.probe_report:
        return None
    from aep_provider.measured import NoReport, load, located

    try:
        return load(located(context.settings.probe_report, Path.cwd()))
    except NoReport as error:
        context.report.once(f"{error.message}; nothing of it is cited. {error.remedy}")
        return None
