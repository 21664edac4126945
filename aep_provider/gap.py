"""The report on a window: when Profile was off, and which batches have to be ingested again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aep_provider.dataset.tags import timestamp
from aep_provider.errors import ApiError
from aep_provider.guards import Context
from aep_provider.window import Window

if TYPE_CHECKING:
    from aep_provider.aep.batches import Batch

SUSPECT_BEFORE = timedelta(minutes=60)
"""A batch that reached the lake this long before the disable may not have reached Profile yet."""


def report_gap(context: Context, dataset_id: str, gap: Window) -> dict[str, Any]:
    """Say when Profile was off, and which batches have to be ingested again."""
    report: dict[str, Any] = {"from": timestamp(gap.opened), "to": timestamp(gap.closed)}
    span = f"Profile was off from {report['from']} to {report['to']} for dataset {dataset_id}"
    try:
        batches = context.aep.batches.recent(dataset_id)
    except ApiError as error:
        context.report.warn(
            f"{span}. The batches of that time could not be listed: {error.message}. Look for batches that "
            "ended in it and ingest them again."
        )
        return report
    ended = [(batch, batch.completed or batch.created) for batch in batches if batch.succeeded]
    report["replay"] = [batch.id for batch, end in ended if gap.opened <= end <= gap.closed]
    report["replay"] += [batch.id for batch in _under_way(batches, gap)]
    report["suspect"] = [b.id for b, end in ended if gap.opened - SUSPECT_BEFORE <= end < gap.opened]
    advice = "; ".join(
        text
        for text in (
            report["replay"] and f"ingest again: {', '.join(report['replay'])}",
            report["suspect"]
            and f"ended within the hour before, we cannot see whether Profile took them: "
            f"{', '.join(report['suspect'])}",
        )
        if text
    )
    context.report.warn(f"{span}; {advice or 'no batch ended in that time or in the hour before'}.")
    return report


def _under_way(batches: Iterable[Batch], gap: Window) -> list[Batch]:
    """Batches that were in flight while Profile was off and still are."""
    return [batch for batch in batches if batch.in_flight and batch.created <= gap.closed]
