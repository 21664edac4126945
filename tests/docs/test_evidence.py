"""What the emulator's page says of evidence, compared with the probe's table of beliefs."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from aep_provider.probe.beliefs import BELIEFS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/emulator.md").read_text()
UNCERTAIN = re.compile(r"\b(?:assumed|inferred|unknown)\b")
NAMED = re.compile(r"belief `([^`]+)`")

NOTHING_RESTS = {
    "the four fields come as form body": "the provider sends a form body",
    "missing grant, other grant, bad scope": "any 400 of the token service is an error of the credential",
    "rowExpiration.ttlValue` only for": "the provider sets no retention",
    "read-only fields in a write: 400": "it writes none",
    "a batch without rows fails with code 106": "it ingests nothing",
    "an error has `rows`": "it ingests nothing",
    "an id in `predecessors` may have a `$`": "it ingests nothing",
    "its experience events stay too": "it changes upsert of record data only",
    "`REVERT` of an aborted batch": "it ingests nothing",
    "the records of several datasets meet": "it does not read profiles",
    "identities come from the schema's": "it does not read profiles",
    "a file: `name`, `length` as text": "it reads no files",
    "what is given back is what was uploaded": "it reads no files",
    "`failed` lists the files of a batch": "it reads no files",
    "a batch that has not succeeded has no files": "it reads no files",
    "entity look-up: a map": "it does not read profiles",
    "several batches in one look-up": "it lists batches",
    "batches: filters `dataSet`, `status`": "it sends no status",
    "the schema id in the path is escaped": "it escapes the id",
    "a schema without title or class": "it writes no schemas",
    "PATCH of a schema: a JSON Patch": "it writes no schemas",
    "descriptors: grouped by `@type`": "it reads no descriptors",
    "one sandbox: as in the list, and its `id`": "it reads the list",
    "`Pragma: validate-only`": "it does not send that",
    "PUT replaces everything": "it sends no PUT",
    "a PATCH that would remove `adobe/siphon/table/format`": "it leaves such tags alone",
    "forms of a look-up: raw": "it reads the raw form",
    "`-flat`, `-deprecated`, `-desc`": "it reads the raw form",
    "resolved are what the schema defines": "it reads the raw form",
    "schema list: `property=` filters": "it looks schemas up by id",
    "a schema joins the union only with": "it writes no schemas",
    "a second identity descriptor": "it writes no descriptors",
    "sandbox list: `limit` and `offset` together": "it sends both",
    'flows and connections: `{"items"': "it filters none",
}
"""By the beginning of a behaviour, or a part of it, that is uncertain: why the provider does not rest on it."""


def rows() -> list[tuple[str, str]]:
    """Behaviour and evidence of each row, without the table of refusals, whose texts nothing rests on."""
    section = PAGE.partition("## Behaviours and their evidence")[2].partition("### Every refusal")[0]
    found = re.findall(r"^\| (.+) \| (.+) \|$", section, re.MULTILINE)
    return [row for row in found if row[0] != "behaviour"]


def test_each_uncertain_behaviour_names_a_belief_or_nothing_rests_on_it() -> None:
    undecided = [
        behaviour
        for behaviour, evidence in rows()
        if UNCERTAIN.search(evidence)
        and not NAMED.search(evidence)
        and not any(part in behaviour for part in NOTHING_RESTS)
    ]
    assert undecided == []


def test_the_evidence_of_beliefs_is_that_of_the_table() -> None:
    tool = runpy.run_path(str(ROOT / "tools/reference.py"))
    assert tool["with_evidence"](PAGE) == PAGE, "run: python tools/reference.py"
    wrong = PAGE.replace("belief `date-header`: assumed", "belief `date-header`: seen live")
    assert wrong != PAGE
    assert tool["with_evidence"](wrong) == PAGE


def test_the_beliefs_that_the_page_names_are_in_the_table() -> None:
    named = set(NAMED.findall(PAGE))
    assert len(named) > 25
    assert named <= {belief.id for belief in BELIEFS}


def test_what_nothing_rests_on_is_a_behaviour_of_the_page() -> None:
    uncertain = [behaviour for behaviour, evidence in rows() if UNCERTAIN.search(evidence)]
    assert [part for part in NOTHING_RESTS if not any(part in behaviour for behaviour in uncertain)] == []
