"""The package as `make dist` builds it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "https://git.example.com/acme/aep"


def build(folder: Path, **environment: str) -> str:
    """Run tools/dist.py; what it prints."""
    if not (ROOT / ".git").exists():
        pytest.skip("the commit is built, and this is a copy without git")
    done = subprocess.run(
        [sys.executable, ROOT / "tools/dist.py", folder],
        env=os.environ | {"AEP_REPOSITORY_URL": REPOSITORY} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
