"""What is read from a dataset's body."""

from __future__ import annotations

from typing import Any

import pytest

from aep_provider.dataset.observed import MalformedDataset, Observed
from aep_provider.dataset.tags import WindowNote

ON, OFF = ["enabled:true"], ["enabled:false"]
OPEN = ["from:2026-01-31T00:00:00.000Z", "by:aep/dev/orders", "was:plain"]
CLOSED = [*OPEN, "to:2026-01-31T00:01:00.000Z"]


def read(**body: Any) -> Observed:
    return Observed.read("5b020a27e7040801dedbf46e", {"name": "Orders", **body})


@pytest.mark.parametrize(
    ("profile", "note", "is_open"),
    [(OFF, OPEN, True), (ON, OPEN, False), (OFF, CLOSED, False), (OFF, [], False)],
)
def test_a_window_is_open_while_profile_is_off_and_the_note_has_no_end(
    profile: list[str], note: list[str], is_open: bool
) -> None:
    found = read(tags={"unifiedProfile": profile, "pulumiProfileGap": note}).open_note
    assert (found is not None) is is_open


EARLIER = WindowNote("2026-01-30T00:00:00.000Z", "a/b:c/d", True, "2026-01-30T00:01:00.000Z")
LAST_ONE = WindowNote("2026-01-31T00:00:00.000Z", "aep/dev/orders", False)


def test_a_note_is_read_as_it_was_written() -> None:
    older = WindowNote("2026-01-29T00:00:00.000Z", "", None, "2026-01-29T00:01:00.000Z")
    written = WindowNote(LAST_ONE.start, LAST_ONE.owner, False, "", (EARLIER, older))
    assert WindowNote.read(written.elements()) == written
    assert WindowNote.read(written.elements()[::-1]) == written, "whatever AEP makes of the order"
    assert WindowNote.read(written.closed("x").elements()) == written.closed("x")
    assert written.every == (LAST_ONE, EARLIER, older)


def test_the_elements_of_the_last_window_are_those_that_version_0_1_0_reads() -> None:
    written = WindowNote(LAST_ONE.start, LAST_ONE.owner, False, "", (EARLIER,))
    assert list(written.elements()[:3]) == OPEN


@pytest.mark.parametrize("setting", [True, False, None])
def test_a_note_grows_by_nothing_when_its_window_ends(setting: bool | None) -> None:
    # Whatever limit AEP has for a tag: it must refuse the disable, and never the enable after it.
    opened = WindowNote(LAST_ONE.start, LAST_ONE.owner, setting, "", (EARLIER,))
    closed = opened.closed("2026-01-31T09:00:00.000Z")
    assert len(closed.elements()) == len(opened.elements())
    assert len("".join(closed.elements())) <= len("".join(opened.elements()))


@pytest.mark.parametrize("line", ["", "x", "yesterday/2026-01-30T00:01:00.000Z/plain/aep/dev/orders"])
def test_what_is_no_earlier_window_is_passed_over(line: str) -> None:
    assert WindowNote.read([*OPEN, f"earlier:{line}"]) == WindowNote.read(OPEN)


@pytest.mark.parametrize(("said", "answer"), [("time-series", True), ("record", False), ("ad hoc", False)])
def test_only_time_series_data_is_time_series(said: str, answer: bool) -> None:
    assert read(classification={"dataBehavior": said}).time_series is answer


LAST = 253_402_300_799_999
"""The last millisecond of the year 9999."""


@pytest.mark.parametrize("created", [0, LAST])
def test_a_time_of_creation_is_in_milliseconds(created: int) -> None:
    assert read(created=created).created == created


@pytest.mark.parametrize("created", [-1, LAST + 1, True, "1767225600000", 1.5])
def test_what_is_no_time_of_creation_is_an_error(created: object) -> None:
    with pytest.raises(MalformedDataset, match="created is not a time"):
        read(created=created)
