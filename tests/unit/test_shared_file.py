"""Adding to the file of entries that stacks share: nothing of what is there is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from aep_provider.cli.files import FileFailed
from aep_provider.cli.shared_file import add

NEW: list[dict[str, str | bool]] = [{"resource": "orders", "dataset": "Orders: all", "is_upsert": True}]


@pytest.mark.parametrize(
    "text",
    [
        "# head\n\n- resource: a   # ours\n  name: 'A'\n\n# tail\n",
        "  - {resource: a, name: A}\n  # inside\n",
        "---\n- resource: a\n  tags:\n    team:\n      - x",
        "- resource: a\r\n  name: A\r\n",
    ],
    ids=["comments", "indented", "no line break at the end", "other line breaks"],
)
def test_what_is_there_stays_as_it_is_written(tmp_path: Path, text: str) -> None:
    file = tmp_path / "d.yaml"
    file.write_bytes(text.encode())
    add(file, NEW)
    now = file.read_bytes().decode()
    assert now.startswith(text.rstrip())
    assert yaml.safe_load(now) == [*yaml.safe_load(text), *NEW]


@pytest.mark.parametrize("text", ["", "# head\n", "# head\n[]\n# tail\n", "[ ]  # none yet\n"])
def test_an_empty_list_is_filled(tmp_path: Path, text: str) -> None:
    file = tmp_path / "d.yaml"
    file.write_text(text)
    add(file, NEW)
    assert yaml.safe_load(file.read_text()) == NEW
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        line for line in file.read_text().splitlines() if line.startswith("#") and "none" not in line
    ]


@pytest.mark.parametrize("text", ["[{resource: a, name: A}]\n", "- resource: a\n...\n"])
def test_a_list_in_one_line_is_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "d.yaml"
    file.write_text(text)
    with pytest.raises(FileFailed, match="nothing can be appended to"):
        add(file, NEW)
    assert file.read_text() == text
