"""The requests of the log as the status page shows them: each beside the datasets that it was for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import unquote

from aep_provider.emulator.catalog import batches
from aep_provider.emulator.request_log import Entry
from aep_provider.emulator.store import Json
from aep_provider.emulator.world import World

_SCANNED = 2000
"""How far back the page looks: it asks every other second."""
_MOST = 50
_MOST_OF_A_DATASET = 30
_MOST_LETTERS = 2000
_DATASET_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{24}(?![0-9a-f])")
_BATCH_PATH = re.compile(r"/batches/([^/]+)")


class Requests:
    """Reads the log for the page.

    Args:
        world: whose log it is.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        # A body is made into text once, since an upload may be large and the page asks again and again.
        self._bodies: dict[int, str | None] = {}

    def overview(
        self, sandbox: str, datasets: list[str], service: str
    ) -> tuple[list[Json], dict[str, list[Json]]]:
        """Return the last requests, and the last ones of each dataset; newest first.

        Args:
            sandbox: the one whose datasets are shown.
            datasets: the ids of the datasets that are shown.
            service: only requests to this service; "" for any.
        """
        entries = self._world.log.last(_SCANNED)
        last: list[Json] = []
        beside: dict[str, list[Json]] = {key: [] for key in datasets}
        known: dict[int, str | None] = {}
        for entry in entries:
            if service and entry.service != service:
                continue
            subjects = set(self._subjects(sandbox, entry))
            room = [key for key in subjects & beside.keys() if len(beside[key]) < _MOST_OF_A_DATASET]
            if len(last) >= _MOST and not room:
                continue
            known[entry.seq] = self._bodies[entry.seq] if entry.seq in self._bodies else _text(entry.body)
            told = _told(entry, known[entry.seq], sorted(subjects & beside.keys()))
            if len(last) < _MOST:
                last.append(told)
            for key in room:
                beside[key].append(told)
        self._bodies = known
        return last, beside

    def _subjects(self, sandbox: str, entry: Entry) -> Iterator[str]:
        """Name the datasets that a request was for: by path, query, batch, body, or what it created."""
        if entry.headers.get("x-sandbox-name", "").strip() != sandbox:
            return
        values = [value for given in entry.query.values() for value in given]
        for text in (entry.path, entry.created or "", *values):
            yield from _DATASET_ID.findall(unquote(text))
        batch_id = _BATCH_PATH.search(entry.path)
        batch = self._world.store.get(batches.KIND, unquote(batch_id[1]), sandbox) if batch_id else None
        yield from batches.datasets_of(batch or {})
        if isinstance(entry.body, dict) and isinstance(entry.body.get("datasetId"), str):
            yield entry.body["datasetId"]


def _text(body: object) -> str | None:
    if body is None:
        return None
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]}… ({len(text)} characters)"


def _told(entry: Entry, body: str | None, datasets: list[str]) -> Json:
    answered = entry.answered
    return {
        "seq": entry.seq,
        "at": entry.at,
        "ms": None if answered is None else round((answered - entry.received) * 1000, 1),
        "method": entry.method,
        "path": entry.path,
        "query": [f"{name}={value}" for name, values in entry.query.items() for value in values],
        "body": body,
        "service": entry.service,
        "write": entry.write,
        "status": entry.status,
        "fault": entry.fault,
        "unknown": entry.unknown,
        "datasets": datasets,
    }
