"""A `pulumi` built from its published Go modules, with the small language host of tools/pulumi-cli beside it.

Two cache entries: the slow part (compiled, keyed by go.sum) and the finished one, made of links to it and of
the host with Python packages of its own; so a change of the host or of the SDK's version compiles nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from .cache import Cache
from .check import problem
from .go_toolchain import find_go
from .pins import RECIPE, host_requirements, pulumi_version
from .python_packages import make_venv
from .report import UnavailableError, run, say

COMMAND = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
SDK = "github.com/pulumi/pulumi/sdk/v3"
TAGS = "osusergo,grpcnotrace"
PLUGIN_FILES = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")
HOST_FILES = ("language_host.py", "toolchains.py")
HOST_LAUNCHER = """\
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/../host/bin/python" -I "$here/../host/language_host.py" \\
    --use-executor "$here/pulumi-language-python-exec" "$@"
"""
SECONDS_TO_BUILD = 3600
SECONDS_TO_START = 30


def compiled_name(platform: str) -> str:
    """The compiled part's place in the cache."""
    key = digest((RECIPE / "go.sum").read_bytes(), TAGS.encode())
    return f"pulumi-{pulumi_version()[1:]}-{platform}-go-{key}"


def entry_name(platform: str) -> str:
    """The finished entry's place in the cache."""
    host = [(RECIPE / name).read_bytes() for name in HOST_FILES]
    key = digest(
        compiled_name(platform).encode(), *host, HOST_LAUNCHER.encode(), host_requirements().encode()
    )
    return f"pulumi-{pulumi_version()[1:]}-{platform}-{key}"


def digest(*contents: bytes) -> str:
    """Short, for a folder's name."""
    return hashlib.sha256(b"\0".join(contents)).hexdigest()[:10]


def is_good(entry: Path) -> bool:
    """Is this entry whole, and does its host still start? (The Python it was made with may be gone.)"""
    if problem(entry / "bin" / "pulumi") is not None:
        return False
    try:
        run([entry / "bin" / "pulumi-language-python", "--help"], limit=SECONDS_TO_START)
    except UnavailableError:
        return False
    return True


def build(cache: Cache, platform: str) -> Path:
    """The built `pulumi`, in the cache."""

    def finish(part: Path) -> None:
        compiled = cache.entry(
            compiled_name(platform), is_compiled, lambda part: compile_pulumi(part, find_go(cache), platform)
        )
        (part / "bin").mkdir()
        for file in compiled.iterdir():
            link(part / "bin" / file.name, file)
        add_host(part)
        if not is_good(part):
            raise UnavailableError(problem(part / "bin" / "pulumi") or "the language host does not start")

    return cache.entry(entry_name(platform), is_good, finish) / "bin" / "pulumi"


def is_compiled(entry: Path) -> bool:
    """Is the slow part all there?"""
    return all((entry / Path(name).name).is_file() for name in ("pulumi", *PLUGIN_FILES))


def link(place: Path, file: Path) -> None:
    """The same file at another place, or a copy where links are not to be had."""
    try:
        place.hardlink_to(file)
    except OSError:
        shutil.copy2(file, place)


def compile_pulumi(part: Path, go: Path, platform: str) -> None:
    """Compile the command, and take the two scripts that belong beside it from the SDK's module."""
    system, machine = platform.split("-")
    env = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOARCH": machine,
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOOS": system,
        "GOTOOLCHAIN": "local",  # no compiler from elsewhere than where we looked
        "GOWORK": "off",
    }
    version = pulumi_version()
    stamp = f"-s -w -X {SDK}/go/common/version.Version={version}"
    flags = ["-trimpath", "-tags", TAGS, "-ldflags", stamp]
    say(f"building Pulumi {version} from its Go modules with {go}: about four minutes on two cores, once")
    run([go, "build", *flags, "-o", part / "pulumi", COMMAND], limit=SECONDS_TO_BUILD, cwd=RECIPE, env=env)
    sdk = Path(run([go, "list", "-m", "-f", "{{.Dir}}", SDK], limit=60, cwd=RECIPE, env=env).strip())
    for name in PLUGIN_FILES:
        copy = part / Path(name).name
        shutil.copyfile(sdk / name, copy)
        copy.chmod(0o755)


def add_host(part: Path) -> None:
    """The language host, with a Python environment of its own: no checkout's, which may be deleted."""
    say("adding the small language host, for development only, and its Python packages")
    requirements = part / "host-requirements.txt"
    requirements.write_text(host_requirements())
    make_venv(part / "host", requirements)
    for name in HOST_FILES:
        shutil.copy2(RECIPE / name, part / "host")
    launcher = part / "bin" / "pulumi-language-python"
    launcher.write_text(HOST_LAUNCHER)
    launcher.chmod(0o755)
