"""Which tests reach a line, from one run of all of them, and whether they notice a mutation."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from coverage import CoverageData

from mutation.sites import Site

TESTS = ["tests/unit", "tests/plugin"]
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
CHOICE = ["-m", "not long and not kill"]
ONE_TEST = 120  # seconds
# They start plugin processes and kill them, so that coverage learns nothing of what those run.
PROCESSES = ["tests/plugin/test_over_grpc.py", "tests/plugin/test_process.py"]
COVERAGE = """
[run]
branch = false
source = aep_provider
data_file = {root}/.coverage
"""


def copy_of(checkout: Path, folder: Path) -> Path:
    """A copy of what git knows in a checkout, changes included; mutations happen in there only."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=checkout,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (checkout / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(checkout / name, folder / name)
    return folder


def _environment(root: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(root)}


class Reach:
    """Which tests reach which lines.

    Attributes:
        by_line: per file and line, the test functions.
        by_file: per file, the test functions.
    """

    def __init__(self, data: Path, root: Path) -> None:
        self.by_line: dict[tuple[str, int], set[str]] = defaultdict(set)
        self.by_file: dict[str, set[str]] = defaultdict(set)
        self._width: Counter[str] = Counter()
        measured = CoverageData(str(data))
        measured.read()
        for path in measured.measured_files():
            file = str(Path(path).relative_to(root))
            for line, contexts in measured.contexts_by_lineno(path).items():
                functions = {_function(context) for context in contexts} - {""}
                self.by_line[file, line] |= functions
                self.by_file[file] |= functions
                self._width.update(functions)

    def tests(self, site: Site) -> list[str]:
        """The test functions that reach a site, those that reach the fewest lines first; then plugin processes."""
        if site.at_import:
            found = self.by_file[site.file]
        else:
            statement = range(site.first, site.last + 1)
            found = self.by_line[site.file, site.line] or set().union(
                *(self.by_line[site.file, line] for line in statement)
            )
        ordered = sorted(found, key=lambda test: (self._width[test], test))
        if ordered and not site.file.startswith("aep_provider/plugin/"):
            return ordered
        return [test for test in ordered if not test.startswith(tuple(PROCESSES))] + PROCESSES


def _function(context: str) -> str:
    """The test function of `tests/a.py::test_b[c]|run`."""
    return context.partition("|")[0].partition("[")[0]


def reach(root: Path) -> Reach:
    """Run all tests once, and see what each reaches.

    Raises:
        SystemExit: they fail without any mutation.
    """
    settings = root / ".coveragerc"
    settings.write_text(COVERAGE.format(root=root))
    options = ["-n", "2", "--cov", "--cov-context=test", f"--cov-config={settings}", "--cov-report="]
    done = subprocess.run(
        [*PYTEST, *options, *CHOICE, *TESTS],
        cwd=root,
        env=_environment(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout[-3000:]}\nThe tests fail before anything is mutated.")
    return Reach(root / ".coverage", root)


@dataclass(frozen=True)
class Trial:
    """What became of one mutation.

    Attributes:
        site: the mutation.
        change: its lines.
        end: "died", "took too long" (a death as well) or "survived".
        tests: how many test functions were chosen.
    """

    site: Site
    change: tuple[str, ...]
    end: str
    tests: int

    @property
    def died(self) -> bool:
        """Whether the tests noticed."""
        return self.end in ("died", "took too long")


def attempt(root: Path, site: Site, tests: list[str], limit: float) -> Trial:
    """Mutate the copy, run the tests that reach the line until one fails, and undo it.

    Args:
        root: the copy, used by nobody else meanwhile.
        site: the mutation.
        tests: the test functions to run.
        limit: seconds for all of them together.
    """
    path = root / site.file
    source = path.read_text()
    change = site.change(source)
    try:
        _write(path, site.mutated(source))
        return Trial(site, change, _verdict(root, tests, limit), len(tests))
    finally:
        _write(path, source)


def _write(path: Path, text: str) -> None:
    """Write a module, and forget what Python compiled: it tells two versions of one second and size not apart."""
    path.write_text(text)
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink()


def _verdict(root: Path, tests: list[str], limit: float) -> str:
    command = [*PYTEST, "-x", f"--timeout={ONE_TEST}", *CHOICE, *tests]
    process = subprocess.Popen(
        command,
        cwd=root,
        env=_environment(root),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return "died" if process.wait(limit) else "survived"
    except subprocess.TimeoutExpired:
        return "took too long"
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the tests and what they started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()
