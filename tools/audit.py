"""Look the locked dependencies up in the database of known vulnerabilities, with pip-audit.

    python tools/audit.py

Exit codes: 0 nothing known; 1 something known; 3 the database or pip-audit cannot be had, and why is on
standard error.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "requirements.lock"
SECONDS = 300


def main() -> int:
    """The command."""
    if importlib.util.find_spec("pip_audit") is None:
        return unknown("pip-audit is not installed: python -m pip install pip-audit")
    # The lock is whole and hashed, so nothing has to be resolved.
    flags = ["--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off"]
    command = [sys.executable, "-m", "pip_audit", *flags, "-r", str(LOCK)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return unknown(f"no answer within {SECONDS} s")
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (KeyError, ValueError):
        return unknown((done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1])
    asked = [one for one in found if "skip_reason" not in one]
    if not asked:
        return unknown(
            f"nothing could be looked up: {found[0]['skip_reason'] if found else 'the lock is empty'}"
        )
    bad = [(one["name"], one["version"], known) for one in asked for known in one["vulns"]]
    for name, version, known in bad:
        print(
            f"{name} {version}: {known['id']}, repaired in {', '.join(known['fix_versions']) or 'no version'}"
        )
    print(f"{len(asked)} of {len(found)} packages looked up, {len(bad)} known vulnerabilities")
    return 1 if bad else 0


def unknown(reason: str) -> int:
    """Say why there is no answer."""
    print(f"audit: {reason}", file=sys.stderr)
    return 3


if __name__ == "__main__":
    sys.exit(main())
