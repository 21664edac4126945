"""Run tests under each supported Python that this machine has, with the oldest and the newest Pulumi SDK.

    python tools/versions.py [--python 3.12] [--pulumi oldest] [TEST ...]

Which Pythons are supported, and which Pulumi is the oldest, pyproject.toml says. Looked for: `python3.x` on PATH, pyenv
and uv. Each Python gets an environment in .venv/versions, with the locked packages and then that Pulumi. Without a
TEST: those of units and plugin.
Exit codes: 0 all passed; 1 some did not, or none could be run.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
TESTS = ("tests/unit", "tests/plugin")
MARKS = "not long and not kill and not fleet"


def supported() -> list[str]:
    """The Pythons, such as 3.10, oldest first."""
    return re.findall(r'"Programming Language :: Python :: (3\.\d+)"', PYPROJECT)


def pulumis() -> dict[str, str]:
    """What to install, by name."""
    found = re.search(r'"pulumi>=([\d.]+),(<\d+)"', PYPROJECT)
    assert found, "pyproject.toml says which Pulumi"
    oldest, below = found.groups()
    return {"oldest": f"pulumi=={oldest}.0", "newest": f"pulumi>={oldest},{below}"}


def interpreter(version: str) -> str | None:
    """A Python of that version on this machine."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates: list[str | Path | None] = [shutil.which(f"python{version}")]
    candidates += sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)
    if uv := shutil.which("uv"):
        find = [uv, "python", "find", "--no-project", "--offline", "--no-python-downloads", version]
        candidates.append(subprocess.run(find, capture_output=True, text=True, check=False).stdout.strip())
    return next((str(one) for one in candidates if one and works(one, version)), None)


def works(python: str | Path, version: str) -> bool:
    """Whether it starts, is of that version and can make environments."""
    code = "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() == version


def environment(python: str, version: str) -> Path:
    """The Python of an environment that has the locked packages and this checkout."""
    place = ROOT / ".venv" / "versions" / version
    inside = place / "bin" / "python"
    if not inside.exists():
        subprocess.run([python, "-m", "venv", place], check=True)
    pip(inside, "--require-hashes", "-r", ROOT / "requirements.lock")
    pip(inside, "--no-deps", "--no-build-isolation", "-e", ROOT)
    return inside


def pip(python: Path, *arguments: str | Path) -> None:
    """Install something."""
    command: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, *arguments], check=True)


def passed(version: str, names: list[str], tests: list[str]) -> Iterator[tuple[str, bool | None]]:
    """Each run, and whether it went well; ``None`` where the machine has no such Python."""
    python = interpreter(version)
    if python is None:
        yield f"Python {version}", None
        return
    inside = environment(python, version)
    for name in names:
        pip(inside, "--upgrade", pulumis()[name])
        print(f"Python {version}, {name} Pulumi SDK", flush=True)
        flags = ["-q", "-n", "2", "--dist", "worksteal", "-m", MARKS, "-p", "no:cacheprovider"]
        done = subprocess.run([inside, "-m", "pytest", *flags, *tests], cwd=ROOT, check=False)
        yield f"Python {version}, {name} Pulumi SDK", done.returncode == 0


def main(argv: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", choices=supported(), help="only this one")
    parser.add_argument("--pulumi", choices=list(pulumis()), help="only this one")
    parser.add_argument("tests", nargs="*", default=TESTS, metavar="TEST")
    args = parser.parse_args(argv)
    names = [args.pulumi] if args.pulumi else list(pulumis())
    results = [
        one
        for version in ([args.python] if args.python else supported())
        for one in passed(version, names, list(args.tests))
    ]
    words = {True: "passed", False: "FAILED", None: "not on this machine"}
    for title, good in results:
        print(f"{title}: {words[good]}")
    ran = [good for _, good in results if good is not None]
    return 0 if ran and all(ran) else 1


if __name__ == "__main__":
    sys.exit(main())
