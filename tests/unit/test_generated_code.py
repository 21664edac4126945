"""The Python that `aep-provider import --code` writes: formatted, valid, and with the values that it was given."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import yaml

from aep_provider.cli.generated import Entry, as_yaml, python

ENTRIES: list[Entry] = [
    {"resource": "orders", "dataset_id": "5b020a27e7040801dedbf46e", "name": "Orders", "is_upsert": True},
    {
        "resource": "class",
        "dataset_id": "5b020a27e7040801dedbf46f",
        "name": 'He said "hi"',
        "is_upsert": False,
    },
    {"resource": "2024 load", "name": 'it\'s "both"'},
    {"resource": "2024-load", "name": "back\\slash and\ttab"},
    {"resource": "会員", "name": "会員 Größe 😀"},
    {"resource": "UpsertDataset", "name": "N"},
]


def calls(text: str) -> list[dict[str, object]]:
    """The arguments of each call, the logical name as `resource`."""
    found = []
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            call = statement.value
            given = {one.arg: ast.literal_eval(one.value) for one in call.keywords if one.arg}
            found.append({"resource": ast.literal_eval(call.args[0]), **given})
    return found


def test_every_value_arrives_as_it_was_given() -> None:
    assert calls(python(ENTRIES, "Title.")) == ENTRIES


def test_each_dataset_has_a_variable_of_its_own() -> None:
    names = [
        statement.targets[0].id
        for statement in ast.parse(python(ENTRIES, "Title.")).body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    ]
    assert names == ["orders", "class_", "dataset_2024_load", "dataset_2024_load_2", "会員", "upsertdataset"]


def test_the_code_is_formatted_and_passes_the_type_checker(tmp_path: Path) -> None:
    file = tmp_path / "datasets.py"
    file.write_text(python(ENTRIES[:2], "Title."), encoding="utf-8")
    for tool in (("ruff", "format", "--check", "--isolated"), ("mypy", "--strict")):
        done = subprocess.run(
            [sys.executable, "-m", *tool, file], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_yaml_reads_back_as_the_entries() -> None:
    assert yaml.safe_load(as_yaml(ENTRIES)) == ENTRIES
