"""tools/audit.py, with a stand-in for pip-audit that answers what the real one would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = {"name": "click", "version": "8.1", "vulns": []}
BAD = {"name": "rich", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "anyio", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("answer", "code", "text"),
    [
        (
            json.dumps({"dependencies": [GOOD, UNKNOWN]}),
            0,
            "1 of 2 packages looked up, 0 known vulnerabilities",
        ),
        (json.dumps({"dependencies": [GOOD, BAD]}), 1, "rich 1.0: PYSEC-1, repaired in 1.1"),
        (
            json.dumps({"dependencies": [UNKNOWN]}),
            3,
            "audit: nothing could be looked up: Dependency not found",
        ),
        ("no connection", 3, "audit: pip-audit said nothing"),
    ],
)
def test_the_exit_code_tells_safe_from_unsafe_from_unknown(
    tmp_path: Path, answer: str, code: int, text: str
) -> None:
    (tmp_path / "pip_audit.py").write_text(
        "import sys\nassert '--require-hashes' in sys.argv and sys.argv[-1].endswith('requirements.lock')\n"
        f"print({answer!r})\n"
    )
    done = subprocess.run(
        [sys.executable, ROOT / "tools/audit.py"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, text in done.stdout + done.stderr) == (code, True), done


def test_the_lock_has_a_hash_for_every_package_and_names_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    packages = [block for block in lock.split("\n") if "==" in block and not block.startswith(" ")]
    assert len(packages) > 30
    assert all(line.endswith("\\") for line in packages)
    assert "://" not in lock


@pytest.mark.long
def test_nothing_in_the_lock_is_known_to_be_vulnerable(tool: Callable[[str, str], str]) -> None:
    python = Path(tool("pip-audit", "pip-audit>=2.7")).resolve().parent / "python"
    done = subprocess.run(
        [python, ROOT / "tools/audit.py"], capture_output=True, text=True, timeout=290, check=False
    )
    if done.returncode == 3:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout
