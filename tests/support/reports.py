"""Reports of `aep-provider probe`, for what reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

KEPT = {
    "belief": "disabling-keeps-records",
    "verdict": "agrees",
    "seen": "disabling kept the profile record",
    "switch": {"profile_on_disable": "keep"},
}
REMOVED = {
    "belief": "disabling-keeps-records",
    "verdict": "differs",
    "seen": "disabling removed the profile record",
    "switch": {"profile_on_disable": "remove"},
}
AVOIDABLE = {
    "belief": "upsert-needs-window",
    "verdict": "differs",
    "seen": "the next batch joined the record",
    "switch": {"patch_without_disable": "warn"},
}
UNASKED = {"belief": "flows-list", "verdict": "not asked", "seen": "403", "switch": {}}


def body(*answers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A report as JSON, made in an organisation."""
    whole: dict[str, Any] = {
        "schema_version": 1,
        "kind": "aep-provider probe report",
        "product": "0.1.0",
        "date": "2026-11-27T11:20:00Z",
        "region": "va7",
        "sandbox_type": "development",
        "batches": True,
        "answers": list(answers),
        "figures": {"window_ms": 120},
        "leftovers": 0,
    }
    return whole | fields


def written(file: Path, *answers: dict[str, Any], **fields: Any) -> Path:
    """A report in a file."""
    file.write_text(json.dumps(body(*answers, **fields)), encoding="utf-8")
    return file
