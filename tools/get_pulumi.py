"""Print the path of a Pulumi command that can run this project, getting one first if the machine has none.

In this order: `pulumi` on PATH; a copy that an earlier run left in the cache; the official release; a build
from the published Go modules. Progress and reasons go to standard error. See tools/README.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pulumi_sources import build, release
from pulumi_sources.cache import Cache
from pulumi_sources.check import MINIMUM, problem
from pulumi_sources.pins import go_version
from pulumi_sources.report import UnavailableError, say

EPILOG = """\
exit codes: 0 the path is on standard output; 1 no Pulumi could be had, and what to install is on standard
error; 2 wrong usage; 130 interrupted.

environment: AEP_PULUMI_CACHE (the cache's folder; otherwise aep-provider in $XDG_CACHE_HOME or ~/.cache).
"""
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def this_system() -> str:
    """Operating system and processor as Go names them, such as linux-amd64."""
    machine = platform.machine()
    return f"{platform.system().lower()}-{MACHINES.get(machine, machine)}"


class Source(NamedTuple):
    """A place that may have a Pulumi."""

    name: str
    get: Callable[[], Path]
    at_once: bool = False
    """Whether looking there takes no time and no network."""


class NothingThereError(UnavailableError):
    """A place is empty, which is worth a word only where no other one has a Pulumi at once."""


def on_path() -> Path:
    """The user's own Pulumi, always preferred."""
    found = shutil.which("pulumi")
    if found is None:
        raise NothingThereError("no pulumi")
    if fault := problem(Path(found), os.environ.get("PATH", "")):
        raise UnavailableError(fault)
    return Path(found).absolute()


def cached(cache: Cache, system: str) -> Path:
    """What an earlier run got."""
    entries = [(build.entry_name(system), build.is_good)]
    if name := release.entry_name(system):
        entries.insert(0, (name, release.is_good))
    for name, is_good in entries:
        entry = cache.folder / name
        if entry.exists() and is_good(entry):
            return entry / "bin" / "pulumi"
    raise UnavailableError(f"nothing usable in {cache.folder}")


def get_pulumi(sources: list[Source]) -> Path:
    """The first Pulumi that a source can offer."""
    unsaid: list[str] = []
    for source in sources:
        if not source.at_once:
            while unsaid:
                say(unsaid.pop(0))
        try:
            return source.get()
        except NothingThereError as reason:
            unsaid.append(f"{source.name}: {reason}")
        except (UnavailableError, OSError) as reason:
            say(f"{source.name}: {reason}")
    raise UnavailableError(
        f"no Pulumi. Install version {'.'.join(map(str, MINIMUM))} or newer "
        "(https://www.pulumi.com/docs/install/) so that `pulumi` is on PATH; or, for a build, "
        f"Go {go_version()} or newer. Then run this again."
    )


def warn_of_other_host(pulumi: Path) -> None:
    """Pulumi prefers a language host on PATH to the one beside it, whatever their versions."""
    other = shutil.which("pulumi-language-python")
    beside = pulumi.resolve().parent
    if other and (beside / "pulumi-language-python").exists() and Path(other).resolve().parent != beside:
        say(f"put {beside} first on PATH, or Pulumi will use {other}")


def main(argv: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args(argv)
    cache = Cache.of(os.environ)
    system = this_system()
    sources = [
        Source("PATH", on_path, at_once=True),
        Source("cache", lambda: cached(cache, system), at_once=True),
        Source("official release", lambda: release.download(cache, system)),
        Source("build", lambda: build.build(cache, system)),
    ]
    try:
        pulumi = get_pulumi(sources)
    except UnavailableError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    warn_of_other_host(pulumi)
    print(pulumi)
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended by CI, too, leave no compiler running
    sys.exit(main())
