"""What the tests of several folders need."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """Let commands under test hear what whoever runs the tests may be deaf to.

    A shell makes what it runs in the background deaf to Ctrl-C, and `nohup` to the end of a terminal. A command that is
    started inherits that, but no handler.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.fixture(scope="session")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], str]:
    """Finds a command, on PATH or else in an environment of its own with a package from the registry."""

    def find(command: str, requirement: str) -> str:
        if found := shutil.which(command):
            return found
        folder = tmp_path_factory.mktemp(command)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", requirement]
        done = subprocess.run(pip, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            pytest.skip(f"{requirement} cannot be had: {done.stderr.strip().splitlines()[-1]}")
        return str(folder / "bin" / command)

    return find


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many runs each matrix had."""
    runs: Counter[tuple[str, str]] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            file = Path(report.nodeid.partition("::")[0])
            if file.stem.endswith("_matrix") and report.when == "call":
                runs[file.stem.removeprefix("test_"), outcome] += 1
    for name in sorted({name for name, _ in runs}):
        failed = runs[name, "failed"]
        terminalreporter.write_line(f"{name}: {runs[name, 'passed'] + failed} runs, {failed} failed")
