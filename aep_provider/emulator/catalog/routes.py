"""The paths of Catalog Service."""

from __future__ import annotations

from starlette.routing import BaseRoute

from aep_provider.emulator.call import route
from aep_provider.emulator.catalog import batches, datasets

_BASE = "/data/foundation/catalog"


def routes() -> list[BaseRoute]:
    """Return the routes of the service."""
    one = f"{_BASE}/dataSets/{{id}}"
    return [
        route("POST", f"{_BASE}/dataSets", datasets.create),
        route("GET", f"{_BASE}/dataSets", datasets.list_all),
        route("GET", f"{_BASE}/dataSets/{{ids}}", datasets.look_up),
        route("PATCH", one, datasets.patch),
        route("PUT", one, datasets.put),
        route("DELETE", one, datasets.delete),
        route("PATCH", f"{_BASE}/v2/dataSets/{{id}}", datasets.patch_v2),
        # The documentation on retention writes it so (doc: experience-event-dataset-retention-ttl-guide).
        route("PATCH", f"{_BASE}/v2/datasets/{{id}}", datasets.patch_v2),
        route("GET", f"{_BASE}/batches", batches.list_all),
        route("GET", f"{_BASE}/batches/{{ids}}", batches.look_up),
        route("GET", f"{_BASE}/lastBatches", batches.last),
    ]
