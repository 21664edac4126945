"""The JSON schemas of the package: what the code says, and what the project's files follow."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import json_schemas
import pytest
import yaml
from jsonschema import Draft7Validator

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "aep_provider/schemas"
FILES = sorted(
    path
    for pattern in ("stacks/*.yaml", "docs/examples/sandboxes/stacks/*.yaml", "docs/examples/*/datasets.yaml")
    for path in ROOT.glob(pattern)
)
ENTRY = {"resource": "orders", "dataset": "Orders"}


def problems(kind: str, content: Any) -> list[str]:
    validator = Draft7Validator(json.loads((FOLDER / f"{kind}.schema.json").read_text()))
    return [error.message for error in validator.iter_errors(content)]


@pytest.mark.parametrize("name", ["datasets.schema.json", "stack.schema.json"])
def test_the_schemas_are_what_the_code_says(name: str) -> None:
    assert (FOLDER / name).read_text() == json_schemas.written()[name], "run: python tools/reference.py"
    Draft7Validator.check_schema(json.loads((FOLDER / name).read_text()))


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_projects_files_follow_the_schema_that_they_name(file: Path) -> None:
    kind = "datasets" if file.name == "datasets.yaml" else "stack"
    first = file.read_text().splitlines()[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(.*)", first)
    assert named is not None
    assert (file.parent / named[1]).resolve() == FOLDER / f"{kind}.schema.json"
    assert problems(kind, yaml.safe_load(file.read_text())) == []


def test_files_are_looked_for_where_they_are() -> None:
    assert len(FILES) == 8


@pytest.mark.parametrize(
    "entry",
    [
        {**ENTRY, "upsert": True},
        {**ENTRY, "is_upsert": "yes"},
        {**ENTRY, "dataset_id": "5B02"},
        {**ENTRY, "in_flight_batches": "never"},
        {**ENTRY, "wait_timeout": -1},
        {**ENTRY, "tags": {"team": "crm"}},
        {"dataset": "Orders"},
    ],
)
def test_what_check_would_refuse_is_marked_in_the_editor(entry: dict[str, Any]) -> None:
    assert problems("datasets", [ENTRY]) == []
    assert problems("datasets", [entry]) != []
    assert problems("stack", {"config": {"aep:datasets": [entry]}}) != []


def test_overrides_may_take_a_key_away() -> None:
    own = [{"resource": "orders", "dataset": None}]
    assert problems("stack", {"config": {"aep:overrides": own, "aep:datasets": "d.yaml"}}) == []
    assert problems("datasets", own) != []


def test_settings_that_do_not_exist_are_marked_in_the_editor() -> None:
    assert problems("stack", {"config": {"aep:sandboxes": "dev"}}) != []
    secret = {"aep:clientSecret": {"secure": "v1:x"}, "shop:anything": 1, "aep:allowProduction": "true"}
    assert problems("stack", {"config": secret, "encryptionsalt": "v1:x"}) == []
