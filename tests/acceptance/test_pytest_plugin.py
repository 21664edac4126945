"""The fixtures for other people's tests, used by a stranger: files of the documentation in a folder, and pytest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.documented import blocks

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/testing.md").read_text()
FILES = {
    found[1]: text
    for language, text, _ in blocks(PAGE)
    if language == "py" and (found := re.match(r"# (test_\w+\.py)\n", text))
}


def run(folder: Path, pulumi: str = "", *flags: str, expect: int = 0, **environment: str) -> str:
    """Run pytest in a folder, with nothing of this project's configuration; returns what it printed."""
    path = f"{Path(pulumi).parent}{os.pathsep}{os.environ['PATH']}" if pulumi else os.environ["PATH"]
    kept = {key: os.environ[key] for key in ("HOME", "LANG", "TMPDIR") if key in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *flags],
        cwd=folder,
        env=kept | {"PATH": path, "PULUMI_HOME": str(folder / "pulumi-home")} | environment,
        capture_output=True,
        text=True,
        timeout=570,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(600)  # five operations of Pulumi
def test_the_documented_tests_of_a_stack_pass(tmp_path: Path, pulumi: str) -> None:
    (tmp_path / "test_datasets.py").write_text(FILES["test_datasets.py"])
    # Somebody who works with a real AEP in this shell.
    real: dict[str, Any] = {
        "AEP_ACCESS_TOKEN": "real",
        "AEP_SANDBOX": "stage",
        "AEP_ENDPOINT": "https://platform.adobe.io",
    }
    assert "4 passed" in run(tmp_path, pulumi, **real)
    assert {one.name for one in tmp_path.iterdir()} - {"__pycache__"} <= {"test_datasets.py", "pulumi-home"}


def test_the_documented_tests_with_mocks_pass(tmp_path: Path) -> None:
    (tmp_path / "test_declared.py").write_text(FILES["test_declared.py"])
    assert "2 passed" in run(tmp_path)


def test_with_mocks_each_test_is_a_program_of_its_own(tmp_path: Path) -> None:
    more = """

@pulumi.runtime.test
def test_the_same_dataset_by_another_resource():
    return UpsertDataset("people", name="Members", schema_id=SCHEMA).dataset_id


def test_two_of_one_name_are_refused():
    UpsertDataset("one", name="Twice", schema_id=SCHEMA)
    with pytest.raises(pulumi.RunError, match="is the name of UpsertDataset 'one' as well"):
        UpsertDataset("two", name="Twice", schema_id=SCHEMA)


@pulumi.runtime.test
def test_another_owner():
    pulumi.runtime.set_all_config({"aep:owner": "acme"})
    orders = UpsertDataset("orders", name="Orders", schema_id=SCHEMA)

    def owned(owner):
        assert owner == DECLARED[0].inputs["owner"] == "acme/orders"

    return orders.owner.apply(owned)
"""
    (tmp_path / "test_declared.py").write_text(FILES["test_declared.py"] + more)
    assert "5 passed" in run(tmp_path)


def test_one_emulator_serves_a_session_where_the_project_says_so(tmp_path: Path) -> None:
    (toml,) = (text for language, text, _ in blocks(PAGE) if language == "toml")
    (tmp_path / "pyproject.toml").write_text(toml)
    (tmp_path / "test_shared.py").write_text(
        "URLS = set()\n"
        "def test_one(aep_emulator): URLS.add(aep_emulator.url)\n"
        "def test_two(aep_emulator): URLS.add(aep_emulator.url); assert len(URLS) == 1\n"
    )
    run(tmp_path)
    (tmp_path / "pyproject.toml").unlink()
    (tmp_path / "test_shared.py").write_text(
        "def test_one(aep_emulator): aep_emulator.seed(datasets={'5b020a27e7040801dedbf46e': {'name': 'x'}})\n"
        "def test_two(aep_emulator): assert aep_emulator.datasets() == {}\n"
    )
    run(tmp_path)


@pytest.mark.parametrize(
    ("options", "holds"),
    [
        ({}, "health['strict'] and health['seed'] == 'empty'"),
        ({"seed": "demo", "strict": False}, "not health['strict'] and aep_emulator.datasets()"),
        ({"latency_ms": 3}, "health['latency_ms'] == 3"),
        ({"switches": {"page_cap": 7}}, "aep_emulator.settings()['page_cap'] == 7"),
    ],
)
def test_options_of_the_emulator(tmp_path: Path, options: dict[str, object], holds: str) -> None:
    (tmp_path / "conftest.py").write_text(
        f"import pytest\n@pytest.fixture\ndef aep_emulator_options(): return {options!r}\n"
    )
    (tmp_path / "test_it.py").write_text(
        f"def test_it(aep_emulator):\n    health = aep_emulator.health()\n    assert {holds}\n"
    )
    run(tmp_path)


def test_a_run_that_uses_no_fixture_loads_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    assert 'pytest_aep_provider' in sys.modules\n"
        "    heavy = {'pulumi', 'aep_provider', 'starlette', 'uvicorn', 'requests', 'opentelemetry'}\n"
        "    assert heavy.isdisjoint(sys.modules)\n"
    )
    run(tmp_path)


def test_the_fixtures_are_listed_with_what_they_are(tmp_path: Path) -> None:
    shown = run(tmp_path, "", "--fixtures", "--co")
    for name in ("aep_emulator", "aep_emulator_options", "aep_pulumi_stack"):
        assert re.search(rf"^{name}\b.* -- ", shown, re.MULTILINE)


def test_a_fixture_without_the_extra_names_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import sys\n\nsys.modules['uvicorn'] = None\n")
    (tmp_path / "test_one.py").write_text("def test_one(aep_emulator): pass\n")
    printed = run(tmp_path, expect=1)
    assert "the emulator needs uvicorn: run pip install 'aep-provider[emulator]'" in printed
    assert "Traceback" not in printed
