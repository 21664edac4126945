"""`aep-provider`, as tests run each of its commands."""

from __future__ import annotations

import sys
from pathlib import Path

from aep_provider.emulator.seeds import PROFILE_SCHEMA

COMMAND = Path(sys.executable).parent / "aep-provider"
ID = "5b020a27e7040801dedbf46e"
ARGUMENTS = {
    "enable": (ID,),
    "import": ("--all",),
    "probe": ("--schema", PROFILE_SCHEMA, "--yes"),
    "release": (ID, "--yes"),
    "replay": (ID,),
}
"""What a command cannot do without."""
