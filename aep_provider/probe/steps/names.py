"""Names and descriptions: twice the same, odd characters, and how long they may be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from aep_provider.probe.belief import Answer
from aep_provider.probe.scratch import created, tags_of
from aep_provider.probe.steps.datasets import PLAIN
from aep_provider.probe.steps.look import judged, listing, needed, patch, shown, until
from aep_provider.probe.steps.step import Run, Step

ODD = "ä ß 漢 ' \" & < > / \\ % # ? = ; : , * ! + ~ (odd)"
_NAME_LENGTHS, _TEXT_LENGTHS = (200, 1000), (1000, 10_000)
_LENGTHY = "lengths"


def twins(run: Run) -> Iterator[Answer]:
    """A second dataset of the same name."""
    name, first = run.scratch.name(PLAIN), run.scratch.labelled(PLAIN)
    reply = run.scratch.post("twin", name=name)
    yield judged("equal-names", reply.ok, f"a second dataset of one name: {reply.describe()}")
    second = created(needed(reply, "a second dataset of the name"))
    bodies = [
        shown(run, one, lambda body: "adobe/pqs/table" in tags_of(body), "a table name")
        for one in (first, second)
    ]
    tables = [tags_of(body)["adobe/pqs/table"] for body in bodies]
    yield judged("table-names", tables[0] != tables[1], "another table name", otherwise="the same table name")


def odd(run: Run) -> Iterator[Answer]:
    """A name with characters that mean something to filters, to URLs or to HTML."""
    reply = run.scratch.post(ODD)
    yield judged("odd-names", reply.ok, f"{reply.describe()}")
    dataset_id, name = created(needed(reply, "a name with odd characters")), run.scratch.name(ODD)
    body = shown(run, dataset_id, bool, "a new dataset")
    yield judged("odd-names-kept", body.get("name") == name, "kept byte for byte", otherwise="changed")
    pattern = re.sub(r"^!|[,*]+", "*", name)
    found = until(
        run, lambda: listing(run, name=pattern, limit=100).object(), lambda page: dataset_id in page
    )
    yield judged(
        "odd-names-found",
        found.shown,
        "found with wildcards instead of what filters use",
        otherwise="not found",
    )


def lengths(run: Run) -> Iterator[Answer]:
    """How long a name and a description may be."""
    dataset_id = run.scratch.create(_LENGTHY)
    start = run.scratch.name(_LENGTHY)
    for belief, field, most in (
        ("name-length", "name", _NAME_LENGTHS),
        ("description-length", "description", _TEXT_LENGTHS),
    ):
        kept, seen = 0, ""
        for length in most:
            text = start.ljust(length, "x")
            reply = patch(run, dataset_id, [{"op": "add", "path": f"/{field}", "value": text}])
            if not reply.ok:
                seen = f", {length}: {reply.describe()}"
                break
            needed(
                patch(
                    run,
                    dataset_id,
                    [{"op": "add", "path": "/tags/probeLength", "value": [f"{field}{length}"]}],
                ),
                "a write was refused",
            )
            body = shown(run, dataset_id, _marked(f"{field}{length}"), "a write")
            if body.get(field) != text:
                seen = f", {length}: cut or changed"
                break
            kept = length
        yield judged(belief, kept == most[-1], f"{kept} characters are kept{seen}")


def _marked(mark: str) -> Callable[[dict[str, Any]], bool]:
    return lambda body: tags_of(body).get("probeLength") == [mark]


STEPS = (
    Step("Names twice the same", ("equal-names", "table-names"), twins),
    Step("Names with odd characters", ("odd-names", "odd-names-kept", "odd-names-found"), odd),
    Step("Lengths of names and descriptions", ("name-length", "description-length"), lengths),
)
