"""What a probe measured: its report, read for whoever cites it.

A report informs people. It never changes what is written to AEP, so what cannot be read is told and then left aside.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal, get_args

from aep_provider.errors import AepProviderError

KIND = "aep-provider probe report"
SCHEMA = 1
"""The version of the file's form that this package writes, and the only one that it reads."""

Verdict = Literal["agrees", "differs", "not asked"]
AGREES, DIFFERS, NOT_ASKED = VERDICTS = get_args(Verdict)

DISABLING_KEEPS = "disabling-keeps-records"
"""The belief that switching Profile off leaves the dataset's profile records where they are."""

WINDOW_NEEDED = "upsert-needs-window"
"""The belief that upsert, set by one PATCH while Profile stays on, does not count for later batches."""

REPLAY_REPLACES = "replay-replaces-its-predecessor"
"""The belief that a batch with ``replay.predecessors`` is taken, and that the one that it names leaves."""

LOCAL, OTHER = "local", "other"
"""The regions of a report that was not made at one of Adobe's own endpoints."""

_REGION = re.compile(r"global|local|other|[a-z]{2,4}\d{1,2}")
"""What a probe calls the region of an endpoint."""

LARGEST = 1_000_000
"""Bytes that a report has at most; ours have some twenty thousand."""

LONGEST = 400
"""Characters of one text of a report that are shown at most."""

_PROJECT_FILES = ("Pulumi.yaml", "Pulumi.yml")


class NoReport(AepProviderError):
    """A file is not a probe's report, or not one that this version can read."""


@dataclass(frozen=True)
class Answer:
    """What came of one belief.

    Attributes:
        belief: its id.
        verdict: whether what was seen agrees with it.
        seen: what was seen, or why it was not asked, in one line without any id, name, token, organisation or tenant.
        switch: the emulator's switches that make it behave like that, by name; empty if there are none.
    """

    belief: str
    verdict: Verdict
    seen: str
    switch: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What one run of the probe measured.

    Attributes:
        product: the version of this package that measured.
        date: when, in UTC.
        region: ``global``, a region of Adobe's such as ``va7``, ``local`` or ``other``.
        sandbox_type: ``development``.
        batches: whether batches were ingested.
        answers: one for each belief, in the order of the table.
        figures: measured numbers by name; the name ends in the unit.
        leftovers: scratch datasets that could not be deleted.
    """

    product: str
    date: datetime
    region: str
    sandbox_type: str
    batches: bool
    answers: tuple[Answer, ...]
    figures: Mapping[str, float] = field(default_factory=dict)
    leftovers: int = 0

    @property
    def day(self) -> str:
        """The date, for messages: ``2026-11-27``."""
        return self.date.strftime("%Y-%m-%d")

    @property
    def in_organisation(self) -> bool:
        """Whether it was made at one of Adobe's endpoints, and so of an organisation in AEP."""
        return self.region not in (LOCAL, OTHER)

    @property
    def place(self) -> str:
        """Where it was measured, for a sentence; only an endpoint of Adobe's can be the organisation itself."""
        elsewhere = {LOCAL: "on an emulator, not in AEP,", OTHER: "at an endpoint that is not Adobe's,"}
        return elsewhere.get(self.region, "in this organisation")

    def answer(self, belief: str) -> Answer:
        """What came of a belief; *not asked* where the report does not know it."""
        for one in self.answers:
            if one.belief == belief:
                return one
        return Answer(belief, NOT_ASKED, "this report does not know it")

    def counted(self, verdict: str) -> int:
        """How many beliefs have a verdict."""
        return sum(one.verdict == verdict for one in self.answers)

    def cited(self, belief: str) -> str:
        """A sentence with the date: what was seen of a belief; ``""`` if it was not asked.

        Args:
            belief: its id.
        """
        found = self.answer(belief)
        return "" if found.verdict == NOT_ASKED else f"Measured {self.place} on {self.day}: {found.seen}."

    @property
    def avoidable(self) -> str:
        """A sentence that upsert may be set without the window; ``""`` where that was not measured."""
        if self.answer(WINDOW_NEEDED).verdict != DIFFERS:
            return ""
        return f"{self.cited(WINDOW_NEEDED)} {AVOIDABLE}"

    def as_json(self) -> dict[str, Any]:
        """The report as it is written to a file."""
        return {
            "schema_version": SCHEMA,
            "kind": KIND,
            "product": self.product,
            "date": self.date.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self.region,
            "sandbox_type": self.sandbox_type,
            "batches": self.batches,
            "answers": [
                {"belief": one.belief, "verdict": one.verdict, "seen": one.seen, "switch": dict(one.switch)}
                for one in self.answers
            ],
            "figures": dict(self.figures),
            "leftovers": self.leftovers,
        }


AVOIDABLE = (
    "So upsert may be set there in one PATCH, without the time in which Profile is off. Adobe's documentation does not "
    "say so, and this package still writes the two PATCH requests that it documents."
)


def located(given: str | Path, folder: Path) -> Path:
    """Where the report is that a setting names: relative to the folder of the Pulumi project.

    Args:
        given: what the setting says.
        folder: a folder in the project. Pulumi starts the plugin in that of the program, which may lie below the
            project's.
    """
    for parent in (folder, *folder.parents):
        if any((parent / name).is_file() for name in _PROJECT_FILES):
            return parent / given
    return folder / given


def load(file: Path) -> Report:
    """Read a report.

    Args:
        file: where it is.

    Raises:
        NoReport: it cannot be read, or is not a report of a form that this version knows.
    """
    try:
        with file.open("rb") as opened:
            raw = opened.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise NoReport(
            f"The probe report {file} cannot be read: {getattr(error, 'strerror', None) or error}",
            "Check the path: in the settings it is relative to the folder of the Pulumi project.",
        ) from error
    return parsed(raw, str(file))


def parsed(raw: bytes, name: str) -> Report:
    """A report from its text.

    Args:
        raw: the JSON.
        name: how messages call it.

    Raises:
        NoReport: it is not a report of a form that this version knows.
    """
    foreign = f"{name} is not a report of `aep-provider probe`"
    again = "Make one: aep-provider probe --report FILE."
    try:
        held = json.loads(raw.decode("utf-8")) if len(raw) <= LARGEST else None
    except (ValueError, RecursionError):
        held = None
    if not isinstance(held, dict) or held.get("kind") != KIND:
        raise NoReport(foreign, again)
    schema = held.get("schema_version")
    if isinstance(schema, int) and schema > SCHEMA:
        raise NoReport(
            f"{name} has the form {schema}, and this version of aep-provider reads form {SCHEMA} only",
            "Upgrade aep-provider, or make the report again with this version.",
        )
    try:
        return _report(held)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise NoReport(f"{foreign} that is whole: {_line(what)}", again) from error


def _report(held: Mapping[str, Any]) -> Report:
    if type(held["schema_version"]) is not int or held["schema_version"] != SCHEMA:
        raise ValueError(f"there is no form {held['schema_version']!r}")
    moment = datetime.fromisoformat(_text(held, "date").replace("Z", "+00:00"))
    if not _REGION.fullmatch(_text(held, "region")):
        raise ValueError("the region is none that a probe writes")
    if held["sandbox_type"] not in ("development", "unknown"):
        raise ValueError("the sandbox is not of type development")
    figures = held.get("figures", {})
    if not isinstance(figures, dict):
        raise ValueError("figures is not an object")
    return Report(
        _text(held, "product"),
        moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc),
        _text(held, "region"),
        _text(held, "sandbox_type"),
        held.get("batches") is True,
        tuple(_answers(held["answers"])),
        {name: value for name, value in figures.items() if isinstance(value, int | float)},
        int(held.get("leftovers", 0)),
    )


def _answers(held: Any) -> Iterator[Answer]:
    if not isinstance(held, list):
        raise ValueError("answers is not a list")
    known: set[str] = set()
    for number, one in enumerate(held):
        if not isinstance(one, dict) or one.get("verdict") not in VERDICTS:
            raise ValueError(f"answer {number} has none of the verdicts {', '.join(VERDICTS)}")
        switch = one.get("switch", {})
        if not isinstance(switch, dict):
            raise ValueError(f"the switch of answer {number} is not an object")
        answer = Answer(_text(one, "belief"), one["verdict"], _text(one, "seen"), switch)
        if answer.belief in known or not answer.seen:
            raise ValueError(f"answer {number} says nothing, or is the second one of its belief")
        known.add(answer.belief)
        yield answer


def _text(held: Mapping[str, Any], key: str) -> str:
    if not isinstance(held[key], str):
        raise ValueError(f"{key} is not a text")
    return _line(held[key])


def _line(text: str) -> str:
    """A text from a file as one line that a terminal can show."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())[:LONGEST]
