"""Data Access, and what a batch says of the one that it stands for: as the client reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from aep_provider.aep import Aep, connect
from aep_provider.aep.batches import Origin
from aep_provider.aep.export import DEEPEST, Export, File
from aep_provider.emulator import Control, Emulator
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from aep_provider.errors import NotFound, UnreadableResponse
from aep_provider.settings import Settings
from support.aep import raw_dataset
from support.clock import FakeClock
from support.settings import environment
from support.upload import Platform, upload_bytes

ID = "5b020a27e7040801dedbf46e"
ENDED = datetime(2026, 1, 31, 9, 0, 0, 123000, tzinfo=timezone.utc)


@pytest.fixture
def control() -> Iterator[Control]:
    with Emulator(strict=True) as emulator, Control(emulator.url) as made:
        made.seed(datasets={ID: raw_dataset("Orders", PROFILE_SCHEMA, {})})
        yield made


@pytest.fixture
def client(control: Control) -> Aep:
    return connect(Settings.load({}, environment(control.url)), FakeClock())


def ingested(control: Control, *contents: bytes, **order: Any) -> str:
    made = upload_bytes(Platform(control.url, control.headers()), ID, *contents, **order)
    control.tick(batches=True)
    return made


def answer(control: Control, path: str, *entries: object) -> None:
    control.fault({"status": 200, "body": {"data": list(entries)}}, path=path, times=None)


def test_files_have_an_id_a_name_and_a_size(control: Control, client: Aep) -> None:
    made = ingested(control, b"{}", b'{"a": 1}')
    assert Export(client.gateway).files(made) == [
        File(f"{made}-1", "1.json", 2),
        File(f"{made}-2", "2.json", 8),
    ]


def test_more_files_than_a_page_are_all_found(control: Control, client: Aep) -> None:
    made = ingested(control, *[b"{}"] * 103)
    assert len({file.name for file in Export(client.gateway).files(made)}) == 103


def test_a_folder_is_opened_and_folders_without_end_are_an_error(control: Control, client: Aep) -> None:
    answer(control, "/batches/B/files", {"dataSetFileId": "folder"})
    answer(control, "/files/folder", {"dataSetFileId": "x"}, {"dataSetFileId": "y"})
    for name in "xy":
        answer(control, f"/files/{name}", {"name": f"{name}.parquet", "length": "12"})
    assert Export(client.gateway).files("B") == [File("x", "x.parquet", 12), File("y", "y.parquet", 12)]
    control.clear_faults()
    answer(control, "/export/", {"dataSetFileId": "folder"})
    with pytest.raises(UnreadableResponse, match=f"{DEEPEST} at most"):
        Export(client.gateway).files("B")


@pytest.mark.parametrize("length", [None, "x", "-1", "²", "9" * 16, True])
def test_a_size_that_cannot_be_one_is_not_known(control: Control, client: Aep, length: object) -> None:
    answer(control, "/batches/B/files", {"dataSetFileId": "x"})
    answer(control, "/files/x", {"name": "x", "length": length})
    assert Export(client.gateway).files("B") == [File("x", "x", None)]


@pytest.mark.parametrize("entry", [{}, {"dataSetFileId": 1}, {"dataSetFileId": ""}])
def test_a_file_without_an_id_is_an_error(control: Control, client: Aep, entry: object) -> None:
    answer(control, "/batches/B/files", entry)
    with pytest.raises(UnreadableResponse, match="a file with an id was expected"):
        Export(client.gateway).files("B")


def test_a_batch_that_is_not_there_is_an_error_that_names_it(client: Aep) -> None:
    with pytest.raises(NotFound, match="files of batch NONE in sandbox dev"):
        Export(client.gateway).files("NONE")


def test_a_batch_says_which_one_it_stands_for(control: Control, client: Aep) -> None:
    first = ingested(control, b"{}")
    origin = Origin(first, ENDED)
    ingested(
        control,
        b"{}",
        replay={"predecessors": [first], "reason": "replace"},
        tags={"pulumiReplay": origin.elements()},
    )
    new, old = client.batches.of_last(ID, timedelta(days=1))
    assert (new.replaces, new.origin, old.origin) == ((first,), origin, None)


@pytest.mark.parametrize(
    "elements", [None, "of:a", ["of:a"], ["of:", "ended:2026-01-31T09:00:00.000Z"], ["of:a", "ended:x"], [1]]
)
def test_what_is_not_such_a_note_says_nothing(elements: object) -> None:
    assert Origin.read(elements) is None
