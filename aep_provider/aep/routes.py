"""The route of a request: its path without anything that names somebody or something."""

from __future__ import annotations

from urllib.parse import urlsplit

_WORDS = frozenset(
    {
        *("data", "foundation", "ims", "token", "v2", "v3", "v4"),
        *("catalog", "dataSets", "datasets", "batches", "lastBatches"),
        *("export", "import", "files", "failed"),
        *("schemaregistry", "tenant", "global", "schemas", "unions", "descriptors"),
        *("sandbox-management", "sandboxes"),
        *("flowservice", "flows", "connections", "targetConnections", "sourceConnections"),
        *("core", "ups", "access", "entities"),
    }
)


def route(url: str) -> str:
    """The path of a URL, with ``{id}`` for each part that is not one of Adobe's own words.

    So what is not known is left out, whatever it is; the query always is.

    Args:
        url: with or without a query.
    """
    parts = urlsplit(url).path.split("/")
    return "/".join(part if part in _WORDS or not part else "{id}" for part in parts)
