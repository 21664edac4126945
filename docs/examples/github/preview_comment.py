"""Turn the JSON of a Pulumi preview into a short comment: what changes, which windows, what is in flight.

    python preview_comment.py STACK < preview.json > comment.md

Only names, settings of upsert and the provider's own messages get into the comment: no other values, no configuration.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

VERBS = {"create": "create", "update": "change", "delete": "delete", "replace": "replace", "read": "read"}
SHOWN = ("name", "dataset_id", "schema_id", "is_upsert", "deletion_protection", "tags", "description")
LONGEST = 300
MOST = 30


def name_of(urn: str) -> str:
    """The logical name at the end of a URN."""
    return urn.rpartition("::")[2]


def changed(step: dict[str, Any]) -> list[str]:
    """The arguments that a step changes; of upsert also how."""
    old = (step.get("oldState") or {}).get("inputs", {})
    new = (step.get("newState") or {}).get("inputs", {})
    names = [name for name in SHOWN if old.get(name) != new.get(name)]
    return [f"{name}: {old.get(name)} → {new.get(name)}" if name == "is_upsert" else name for name in names]


def changes(steps: list[dict[str, Any]]) -> Iterator[str]:
    """One line for each dataset that changes."""
    for step in steps:
        if (verb := VERBS.get(step["op"])) and "UpsertDataset" in step["urn"]:
            what = f" ({', '.join(changed(step))})" if step["op"] == "update" and changed(step) else ""
            yield f"- {verb} `{name_of(step['urn'])}`{what}"


def messages(diagnostics: list[dict[str, Any]], severity: str) -> Iterator[str]:
    """One line for each message about a dataset, each only once."""
    seen = set()
    for one in diagnostics:
        if one.get("severity") != severity or not one.get("urn"):
            continue
        line = f"- `{name_of(one['urn'])}`: {short(one['message'].removeprefix(f'{severity}: '))}"
        if line not in seen:
            seen.add(line)
            yield line


def short(message: str) -> str:
    """A message in one line that is not too long, and that mentions nobody and has no tags."""
    text = " ".join(message.split())
    text = text[:LONGEST] + ("…" if len(text) > LONGEST else "")
    return text.replace("<", "&lt;").replace("@", "&#64;")


def section(title: str, lines: list[str]) -> list[str]:
    """A heading and its lines, no more than fit a comment."""
    more = [f"- and {len(lines) - MOST} more"] if len(lines) > MOST else []
    return ["", f"**{title}**", "", *lines[:MOST], *more] if lines else []


def comment(stack: str, preview: dict[str, Any]) -> str:
    """The comment, in Markdown; its first line is how the next run finds it."""
    diagnostics = preview.get("diagnostics") or []
    counts = preview.get("changeSummary") or {}
    errors = list(messages(diagnostics, "error"))
    failed = errors or [one["message"] for one in diagnostics if one.get("severity") == "error"]
    told = ", ".join(f"{VERBS[op]} {count}" for op, count in counts.items() if op in VERBS) or "no changes"
    lines = [
        f"<!-- aep {stack} -->",
        f"#### AEP stack `{stack}`: {'`up` would be refused' if failed else told}",
    ]
    lines += section("Refused", errors or [f"- {short(text)}" for text in failed])
    lines += section("Changes", list(changes(preview.get("steps") or [])))
    lines += section("Windows and warnings", list(messages(diagnostics, "warning")))
    lines += section("Also", list(messages(diagnostics, "info")))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(comment(sys.argv[1], json.load(sys.stdin)), end="")
