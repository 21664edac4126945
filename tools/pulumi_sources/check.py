"""Is this `pulumi` good enough for the project?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

MINIMUM = (3, 268, 0)  # requiredPulumiVersion in Pulumi.yaml
COMPANIONS = ("pulumi-language-python", "pulumi-resource-pulumi-python")
SECONDS_TO_ANSWER = 30


def problem(pulumi: Path, search_path: str = "") -> str | None:
    """Why this command cannot run a Python dynamic provider, or None if it can.

    Its companions may be beside it or, as Pulumi itself allows, on `search_path`.
    """
    if not os.access(pulumi, os.X_OK):
        return f"{pulumi} cannot be executed"
    said = version_text(pulumi)
    version = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)(-\S+)?(\+\S+)?", said)
    if not version:
        return f"{pulumi} does not tell its version (it says {said!r})"
    numbers = tuple(int(part) for part in version.group(1, 2, 3))
    before_release = version.group(4) is not None
    if numbers < MINIMUM or (numbers == MINIMUM and before_release):
        return f"{pulumi} is {said}, older than {'.'.join(map(str, MINIMUM))}"
    # Pulumi looks beside the file itself, not beside a link to it.
    folders = os.pathsep.join(filter(None, [str(pulumi.resolve().parent), search_path]))
    missing = [name for name in COMPANIONS if shutil.which(name, path=folders) is None]
    if missing:
        return f"{pulumi} {said} lacks {' and '.join(missing)}, beside it or on PATH"
    return None


def version_text(pulumi: Path) -> str:
    """What `pulumi version` prints, or how it failed."""
    env = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run(
            [pulumi, "version"], env=env, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return answer.stdout.strip() if answer.returncode == 0 else answer.stderr.strip()
