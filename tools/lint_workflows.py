"""Check GitHub Actions workflows with actionlint, which is built once from its published Go module.

    python tools/lint_workflows.py [FOLDER ...]

Without folders: this repository's own workflows and the ones that docs/examples offers for copying.
Exit codes: 0 all is well; 1 something is wrong with a workflow; 3 no actionlint could be had, and why is on
standard error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pulumi_sources.cache import Cache
from pulumi_sources.go_toolchain import find_go
from pulumi_sources.report import UnavailableError, run, say

ROOT = Path(__file__).resolve().parent.parent
RECIPE = ROOT / "tools/actionlint"
COMMAND = "github.com/rhysd/actionlint/cmd/actionlint"
FOLDERS = (ROOT / ".github/workflows", ROOT / "docs/examples/github")
SECONDS_TO_BUILD = 600


def actionlint(cache: Cache) -> Path:
    """The command, built if the cache does not have it.

    Raises:
        UnavailableError: there is no Go, or its modules cannot be had.
    """
    version = next(
        line.split()[1] for line in (RECIPE / "go.mod").read_text().splitlines() if "/actionlint v" in line
    )

    def build(part: Path) -> None:
        say(f"building actionlint {version} from its Go module")
        environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
        flags = ["-mod=readonly", "-trimpath", "-o", str(part / "actionlint")]
        run([find_go(cache), "build", *flags, COMMAND], limit=SECONDS_TO_BUILD, cwd=RECIPE, env=environment)

    def is_good(entry: Path) -> bool:
        return (entry / "actionlint").is_file()

    return cache.entry(f"actionlint-{version}", is_good, build) / "actionlint"


def check(command: Path, folder: Path) -> bool:
    """Whether actionlint has nothing to say about the workflows in a folder.

    They are looked at where they will be, since a workflow calls another by its path in the repository.
    """
    with tempfile.TemporaryDirectory() as repository:
        place = Path(repository) / ".github/workflows"
        shutil.copytree(folder, place)
        (Path(repository) / ".git").mkdir()
        return subprocess.run([command, "-no-color"], cwd=repository, check=False).returncode == 0


def main(arguments: list[str]) -> int:
    """The command."""
    try:
        command = actionlint(Cache.of(os.environ))
    except UnavailableError as error:
        say(f"no actionlint: {error}")
        return 3
    good = [check(command, folder) for folder in (Path(text) for text in arguments or FOLDERS)]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
