"""What a file of `pulumi --otel-traces` holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OURS = "aep-provider"


class Trace:
    """The spans of a file."""

    def __init__(self, file: Path) -> None:
        self.ours = ""
        self.spans: dict[str, dict[str, Any]] = {}
        for line in file.read_text().splitlines():
            for resource in json.loads(line)["resourceSpans"]:
                service = _attributes(resource["resource"])["service.name"]
                self.ours += json.dumps(resource) if service == OURS else ""
                for scope in resource["scopeSpans"]:
                    for span in scope["spans"]:
                        about = {"service": service, "attributes": _attributes(span)}
                        self.spans[span["spanId"]] = span | about

    def named(self, name: str) -> list[dict[str, Any]]:
        """Spans of this name, the earliest first."""
        found = [span for span in self.spans.values() if span["name"] == name]
        return sorted(found, key=lambda span: int(span["startTimeUnixNano"]))

    def above(self, span: dict[str, Any]) -> Iterator[str]:
        """The names of what a span is part of, from the inside out."""
        while parent := self.spans.get(span.get("parentSpanId", "")):
            yield parent["name"]
            span = parent

    def tree(self, above: str = "", depth: int = 0) -> str:
        """The names of all spans, each below what it is part of."""
        below = [one for one in self.spans.values() if one.get("parentSpanId", "") == above]
        below.sort(key=lambda span: int(span["startTimeUnixNano"]))
        return "".join(
            f"{'  ' * depth}{one['name']}\n" + self.tree(one["spanId"], depth + 1) for one in below
        )


def _attributes(of: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in of.get("attributes", ())}
