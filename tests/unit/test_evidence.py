"""The table of words: what may be said of Profile after a window, against what was sent and what a read shows."""

from __future__ import annotations

from typing import Any

import pytest

from aep_provider.dataset.evidence import Effect, Word, Writes, word
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import WindowNote

ID = "5b020a27e7040801dedbf46e"
NONE, UNKNOWN, ANSWERED = Effect.NONE, Effect.UNKNOWN, Effect.ANSWERED
FROM = "2026-01-31T09:00:00.000Z"
NOTE = WindowNote(FROM, "aep/dev/orders", upsert=False)
OTHER_NOTE = [
    "from:2026-01-01T00:00:00.000Z",
    "by:aep/dev/orders",
    "was:plain",
    "to:2026-01-01T00:00:01.000Z",
]


def dataset(profile: str, note: WindowNote | list[str] | None = None, *, identity: bool = True) -> Observed:
    elements = {
        "on": ["enabled:true"],
        "upsert": ["enabled:true", "isUpsert:true"],
        "off": ["enabled:false"],
    }[profile]
    tags: dict[str, Any] = {
        "unifiedProfile": elements,
        "unifiedIdentity": ["enabled:true" if identity else "enabled:false"],
    }
    if note is not None:
        tags["pulumiProfileGap"] = note if isinstance(note, list) else list(note.elements())
    return Observed.read(ID, {"name": "Orders", "tags": tags})


BEFORE = dataset("on", OTHER_NOTE)
CLOSED = NOTE.closed("2026-01-31T09:00:01.000Z")

TABLE = [
    # nothing could be read
    (NONE, NONE, None, Word.MAY_BE_OFF),
    (ANSWERED, NONE, None, Word.MAY_BE_OFF),
    # off, which only the disable can have made
    (NONE, NONE, dataset("off", NOTE), Word.OFF),
    (UNKNOWN, NONE, dataset("off", NOTE), Word.MAY_BE_OFF),
    (ANSWERED, NONE, dataset("off", NOTE), Word.MAY_BE_OFF),
    (NONE, UNKNOWN, dataset("off", NOTE), Word.MAY_BE_OFF),
    (NONE, ANSWERED, dataset("off", NOTE), Word.MAY_BE_OFF),
    # as before: old, or without effect
    (NONE, NONE, BEFORE, Word.MAY_BE_OFF),
    (UNKNOWN, NONE, BEFORE, Word.MAY_BE_OFF),
    (ANSWERED, NONE, BEFORE, Word.MAY_BE_OFF),
    (NONE, ANSWERED, BEFORE, Word.MAY_BE_OFF),
    # the wanted setting, which differed before
    (UNKNOWN, NONE, dataset("upsert", CLOSED), Word.AS_WANTED),
    (ANSWERED, NONE, dataset("upsert", CLOSED), Word.AS_WANTED),
    (ANSWERED, NONE, dataset("upsert"), Word.AS_WANTED),
    (ANSWERED, NONE, dataset("upsert", CLOSED, identity=False), Word.IDENTITY_OFF),
    (ANSWERED, ANSWERED, dataset("upsert", CLOSED), Word.ON),
    (NONE, UNKNOWN, dataset("upsert", CLOSED), Word.ON),
    # the setting of before, with the note of this window
    (NONE, ANSWERED, dataset("on", CLOSED), Word.BACK_ON),
    (NONE, UNKNOWN, dataset("on", CLOSED), Word.BACK_ON),
    (NONE, ANSWERED, dataset("on", CLOSED, identity=False), Word.IDENTITY_OFF),
    (NONE, NONE, dataset("on", NOTE), Word.ON),
    (NONE, ANSWERED, dataset("on", NOTE), Word.ON),
    (ANSWERED, NONE, dataset("on", CLOSED), Word.ON),
]


@pytest.mark.parametrize(("enable", "restore", "now", "expected"), TABLE)
def test_only_what_our_write_can_have_made_is_said(
    enable: Effect, restore: Effect, now: Observed | None, expected: Word
) -> None:
    writes = Writes(BEFORE, upsert=True, note=NOTE, enable=enable, restore=restore)
    assert word(writes, now) is expected


@pytest.mark.parametrize(
    ("enable", "restore", "now", "expected"),
    [
        (ANSWERED, NONE, dataset("upsert"), Word.AS_WANTED),
        (NONE, ANSWERED, dataset("on"), Word.READS_AS_ON),
        (NONE, ANSWERED, dataset("on", identity=False), Word.MAY_BE_OFF),
        (NONE, UNKNOWN, dataset("on"), Word.MAY_BE_OFF),
        (NONE, NONE, dataset("on"), Word.MAY_BE_OFF),
        (NONE, NONE, dataset("off"), Word.OFF),
    ],
)
def test_without_our_note_a_restore_only_reads_as_on(
    enable: Effect, restore: Effect, now: Observed, expected: Word
) -> None:
    writes = Writes(dataset("on"), upsert=True, enable=enable, restore=restore)
    assert word(writes, now) is expected


def test_words_are_settled_where_profile_is_shown_on() -> None:
    assert {one for one in Word if not one.settled} == {Word.OFF, Word.MAY_BE_OFF}
