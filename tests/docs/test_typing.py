"""A type checker accepts what the documentation shows, and refuses nonsense."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
GOOD = """
import pulumi
from aep_provider import UpsertDataset
from aep_provider import ExistingDataset, ExistingDatasetByName, NewDataset, NewDatasetByTitle

SCHEMA = "https://ns.adobe.com/acmeinc/schemas/0"
a = UpsertDataset("a", name="A", schema_id=SCHEMA, tags={"team": ["loyalty"]}, in_flight_batches="fail")
b = UpsertDataset("b", dataset_id=a.dataset_id, is_upsert=a.is_upsert, opts=pulumi.ResourceOptions(parent=a))
c = UpsertDataset("c", dataset_id="5b020a27e7040801dedbf46e", name="C", schema_id=SCHEMA)
new: NewDataset = {"name": "N", "schema_id": SCHEMA}
existing: ExistingDataset = {"dataset_id": "5b020a27e7040801dedbf46e", "is_upsert": False}
by_title: NewDatasetByTitle = {"name": "N", "schema": "Customers"}
by_name: ExistingDatasetByName = {"dataset": "Orders", "schema": "Orders"}
d = UpsertDataset("d", **new)
e = UpsertDataset("e", **existing)
g = UpsertDataset("g", **by_title)
h = UpsertDataset("h", **by_name)
i = UpsertDataset("i", name="I", schema="Customers")
j = UpsertDataset("j", dataset="Orders", name="Orders", schema_id=SCHEMA)
f = UpsertDataset.get("f", "672a10b1074ceb2af0aa7034")
pulumi.export("gap", b.profile_gap.apply(lambda gap: gap["from"] if gap else ""))
"""
NONSENSE = (
    'UpsertDataset("a", name="A", schema_id="https://x/y", upsert=True)',
    'UpsertDataset("a", name="A", schema_id="https://x/y", in_flight_batches="never")',
    'UpsertDataset("a", name="A", schema_id="https://x/y", is_upsert="yes")',
    'UpsertDataset("a", dataset_id=24)',
    'UpsertDataset("a", dataset=24)',
    'UpsertDataset("a", name="A", schema_id="https://x/y", tags={"team": "crm"})',
)


def write(folder: Path) -> None:
    """GOOD, every Python block and example of the documentation, and NONSENSE with one call a line."""
    folder.mkdir()
    (folder / "good.py").write_text(GOOD)
    for path in PAGES:
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL)):
            (folder / f"{path.stem.replace('-', '_').lower()}_{number}.py").write_text(block)
    head = "from aep_provider import UpsertDataset"
    # What is for Airflow, or a pack of policies, cannot be judged without their packages; other tests run it.
    elsewhere = {path for name in ("airflow", "policy") for path in ROOT.glob(f"docs/examples/{name}/*.py")}
    for path in {*ROOT.glob("docs/examples/**/*.py")} - elsewhere:
        (folder / f"example_{path.parent.name}_{path.stem.strip('_')}.py").write_text(path.read_text())
    (folder / "nonsense.py").write_text("\n".join([head, *NONSENSE]) + "\n")


def judge(files: Sequence[tuple[str, int]]) -> None:
    """Nothing but the nonsense is wrong, and all of it is."""
    assert {name for name, _ in files} == {"nonsense.py"}, files
    assert {line for _, line in files} == set(range(2, len(NONSENSE) + 2))


def test_mypy(tmp_path: Path) -> None:
    write(tmp_path / "programs")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        f"--cache-dir={ROOT}/.mypy_cache/docs",
        ".",
    ]
    done = subprocess.run(
        command, cwd=tmp_path / "programs", capture_output=True, text=True, timeout=300, check=False
    )
    found = re.findall(r"^(\S+):(\d+): error: (.*)$", done.stdout, re.MULTILINE)
    judge([(name, int(line)) for name, line, _ in found])
    # One short message for each mistake, which names the argument or the entry of the dict.
    assert len(found) == len(NONSENSE)
    assert all(re.search(r'"\w+" (?:to|for) "UpsertDataset"|^Dict entry', text) for *_, text in found), found
    assert max(map(len, done.stdout.splitlines())) < 500


@pytest.mark.long
def test_pyright(tmp_path: Path, tool: Callable[[str, str], str]) -> None:
    pyright = tool("pyright", "pyright[nodejs]")
    write(tmp_path / "programs")
    done = subprocess.run(
        [pyright, "--outputjson", "--pythonpath", sys.executable, "."],
        cwd=tmp_path / "programs",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    found = json.loads(done.stdout)["generalDiagnostics"]
    judge(
        [
            (Path(one["file"]).name, one["range"]["start"]["line"] + 1)
            for one in found
            if one["severity"] == "error"
        ]
    )
