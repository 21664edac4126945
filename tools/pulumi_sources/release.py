"""The official release, through the Pulumi SDK's own installer."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable
from pathlib import Path

from .cache import Cache
from .check import problem
from .report import UnavailableError, run, say

SECONDS_TO_CONNECT = 4
SECONDS_TO_INSTALL = 600

# Run as processes of their own: a look-up or a download that hangs can then be ended.
PROBE = "import urllib.request as u; u.urlopen(u.Request('https://get.pulumi.com/install.sh', method='HEAD'))"
INSTALL = "import pulumi.automation as a, sys; a.PulumiCommand.install(root=sys.argv[1])"


def probe() -> None:
    """Raise unless the place that releases come from answers at once."""
    try:
        run([sys.executable, "-c", PROBE], limit=SECONDS_TO_CONNECT)
    except UnavailableError:
        raise UnavailableError("the download site does not answer") from None


def install(root: Path) -> None:
    """Install the release that belongs to the installed SDK into a folder."""
    run([sys.executable, "-c", INSTALL, str(root)], limit=SECONDS_TO_INSTALL)


def entry_name(platform: str) -> str | None:
    """The release's place in the cache; None without the SDK, which brings the installer."""
    try:
        return f"pulumi-{importlib.metadata.version('pulumi')}-{platform}-release"
    except importlib.metadata.PackageNotFoundError:
        return None


def is_good(entry: Path) -> bool:
    """Is this cache entry a whole Pulumi?"""
    return problem(entry / "bin" / "pulumi") is None


def download(
    cache: Cache,
    platform: str,
    *,
    probe: Callable[[], None] = probe,
    install: Callable[[Path], None] = install,
) -> Path:
    """The release's `pulumi`, in the cache."""
    name = entry_name(platform)
    if name is None:
        raise UnavailableError("the Pulumi SDK, which brings the installer, is not installed")

    def fill(part: Path) -> None:
        probe()
        say("downloading the official release")
        install(part)
        if fault := problem(part / "bin" / "pulumi"):
            raise UnavailableError(f"what was downloaded is of no use: {fault}")

    return cache.entry(name, is_good, fill) / "bin" / "pulumi"
