"""Getting Adobe's API descriptions: only the files that are meant, whole or not at all."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import adobe_openapi

TEXT = b"openapi: 3.0.1\n"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that has two files, as an address would."""
    folder = tmp_path / "source"
    folder.mkdir()
    digests = {name: hashlib.sha256(TEXT).hexdigest() for name in ("a.yaml", "b.yaml")}
    monkeypatch.setattr(adobe_openapi, "DIGESTS", digests)
    for name in digests:
        (folder / name).write_bytes(TEXT)
    return folder


def fetch(source: Path, folder: Path) -> list[str]:
    return adobe_openapi.fetch(folder, source.as_uri())


def test_files_are_downloaded_once(source: Path, tmp_path: Path) -> None:
    assert fetch(source, tmp_path / "held") == []
    assert sorted(file.name for file in (tmp_path / "held").iterdir()) == ["a.yaml", "b.yaml"]
    for file in source.iterdir():
        file.unlink()
    assert fetch(source, tmp_path / "held") == []


def test_a_file_with_another_digest_is_refused(source: Path, tmp_path: Path) -> None:
    (source / "a.yaml").write_text("something else")
    (text,) = fetch(source, tmp_path / "held")
    assert "a.yaml: another file than the one that was pinned" in text
    assert [file.name for file in (tmp_path / "held").iterdir()] == ["b.yaml"]


def test_a_held_file_that_was_changed_is_downloaded_again(source: Path, tmp_path: Path) -> None:
    fetch(source, tmp_path / "held")
    (tmp_path / "held/a.yaml").write_text("changed")
    assert fetch(source, tmp_path / "held") == []
    assert (tmp_path / "held/a.yaml").read_bytes() == TEXT


def test_where_nothing_answers_the_command_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(adobe_openapi, "SOURCE", (tmp_path / "nowhere").as_uri())
    assert adobe_openapi.main([str(tmp_path / "held")]) == 1
    assert "name their folder in AEP_ADOBE_OPENAPI" in capsys.readouterr().err
