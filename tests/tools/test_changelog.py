"""tools/changelog.py, and that the changelog of this checkout agrees with its version and tags."""

from __future__ import annotations

from pathlib import Path

import changelog
import pytest

GOOD = """# Changelog

## [Unreleased]

## [0.2.0] - 2026-12-01

### Added

- Something.

## [0.1.0] - 2026-11-27 [YANKED]

### Fixed

- Something else.
"""
TAGS = ["v0.1.0", "v0.2.0"]


def test_the_changelog_of_this_checkout_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    assert changelog.main([]) == 0, capsys.readouterr().err


def test_a_good_one_is_good() -> None:
    assert list(changelog.wrong_form(GOOD)) == []
    assert list(changelog.disagreements(GOOD, "0.2.0", TAGS, "v0.2.0")) == []


@pytest.mark.parametrize(
    ("there", "instead", "told"),
    [
        ("# Changelog", "# Changes", "it does not begin with"),
        ("## [Unreleased]\n", "", "the first entry is not"),
        ("## [0.2.0] - 2026-12-01", "## 0.2.0 (2026-12-01)", "is not `## [1.2.3]"),
        ("2026-12-01", "2026-13-01", "has no day of the calendar"),
        ("[0.2.0]", "[0.0.2]", "not in order"),
        ("[0.2.0]", "[0.1.0]", "not in order"),
        ("### Fixed", "### Bugs", "`### Bugs` is none of Added, Changed"),
    ],
)
def test_another_form_is_told(there: str, instead: str, told: str) -> None:
    assert there in GOOD
    assert any(told in one for one in changelog.wrong_form(GOOD.replace(there, instead)))


@pytest.mark.parametrize(
    ("current", "tags", "publishing", "told"),
    [
        ("0.2.0", ["v0.1.0", "v0.1.5", "v0.2.0"], "", ["tag v0.1.5 has no entry"]),
        ("0.3.0", ["v0.1.0"], "", ["0.2.0 has no tag"]),
        ("0.2.0", ["v0.1.0"], "", []),
        ("0.2.0", [], "v0.2.1", ["tag v0.2.1 is not version 0.2.0 of pyproject.toml"]),
        ("0.3.0", TAGS, "v0.3.0", ["version 0.3.0 has no entry with its day"]),
    ],
)
def test_tag_version_and_entry_have_to_agree(
    current: str, tags: list[str], publishing: str, told: list[str]
) -> None:
    assert list(changelog.disagreements(GOOD, current, tags, publishing)) == told


def test_a_tag_that_is_another_version_is_not_published(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "CHANGELOG.md").write_text(GOOD)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.2.0"\n')
    monkeypatch.setattr(changelog, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert changelog.main(["v0.2.0"]) == 0
    assert changelog.main(["v0.3.0"]) == 1
    assert "tag v0.3.0 is not version 0.2.0" in capsys.readouterr().err
