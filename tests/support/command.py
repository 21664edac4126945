"""The emulator's command, as tests start it."""

from __future__ import annotations

import subprocess
import sys

COMMAND = [sys.executable, "-c", "from aep_provider.cli.emulator import emulator; emulator()"]
WAIT = 30
"""Seconds after which a process counts as hanging."""

Process = subprocess.Popen[str]
