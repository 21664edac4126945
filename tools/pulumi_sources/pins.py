"""What is pinned where: Pulumi and Go in tools/pulumi-cli/go.mod, Python packages in the project's lock."""

from __future__ import annotations

import re
from pathlib import Path

RECIPE = Path(__file__).resolve().parent.parent / "pulumi-cli"
LOCK = RECIPE.parent.parent / "requirements.lock"
HOST_PACKAGES = ("grpcio", "protobuf", "pulumi", "typing-extensions")  # pulumi: only its gRPC stubs are used


def pulumi_version() -> str:
    """Such as v3.274.1."""
    return _pinned(r"^\s*github\.com/pulumi/pulumi/pkg/v3 (\S+)")


def go_version() -> str:
    """Such as 1.26.6: the oldest Go that can build it."""
    return _pinned(r"^go (\S+)$")


def host_requirements() -> str:
    """What the language host imports, in the versions and with the hashes of the project's lock."""
    names = "|".join(HOST_PACKAGES)
    blocks = re.findall(rf"^(?:{names})==.*(?:\n +--hash.*)*", LOCK.read_text(), re.MULTILINE)
    if len(blocks) != len(HOST_PACKAGES):
        raise ValueError(f"{LOCK} does not pin {', '.join(HOST_PACKAGES)}")
    return "\n".join(blocks) + "\n"


def _pinned(pattern: str) -> str:
    found = re.search(pattern, (RECIPE / "go.mod").read_text(), re.MULTILINE)
    if not found:
        raise ValueError(f"{RECIPE / 'go.mod'} has no line like {pattern}")
    return found.group(1)
