"""Check GitHub Actions workflows with actionlint and zizmor.

    python tools/lint_workflows.py [FOLDER ...]

A folder is what `.github` holds; without one: this repository's own, and the one that docs/examples offers for
copying. actionlint is built once from its published Go module; zizmor is a development dependency, and asks nobody on
the network.
Exit codes: 0 all is well; 1 something is wrong with a workflow; 3 a tool is missing, and why is on standard error.
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
FOLDERS = (ROOT / ".github", ROOT / "docs/examples/github")
ZIZMOR = Path(sys.executable).parent / "zizmor"
ZIZMOR_FLAGS = ("--offline", "--no-progress", "--quiet", "--persona", "pedantic")
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
    """Whether neither tool has anything to say about what a `.github` folder holds.

    It is looked at where it will be, since workflows call each other and actions by their path in the repository.
    """
    with tempfile.TemporaryDirectory() as repository:
        shutil.copytree(folder, Path(repository) / ".github")
        (Path(repository) / ".git").mkdir()
        commands: tuple[list[str | Path], ...] = (
            [command, "-no-color"],
            [ZIZMOR, *ZIZMOR_FLAGS, "--config", ROOT / "tools/zizmor.yml", "."],
        )
        codes = [subprocess.run(one, cwd=repository, check=False).returncode for one in commands]
        return codes == [0, 0]


def main(arguments: list[str]) -> int:
    """The command."""
    try:
        command = actionlint(Cache.of(os.environ))
        if not ZIZMOR.exists():
            raise UnavailableError(f"there is no {ZIZMOR}: run `make setup`, or install zizmor")
    except UnavailableError as error:
        say(f"cannot check workflows: {error}")
        return 3
    good = [check(command, folder) for folder in (Path(text) for text in arguments or FOLDERS)]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
