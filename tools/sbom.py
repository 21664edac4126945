"""Write a software bill of materials (CycloneDX, JSON) beside the wheel in a folder, `dist` by default.

    python tools/sbom.py [FOLDER]

It lists what the wheel with all its extras brings in, in the locked versions. It needs `cyclonedx-py`, which
`make sbom` installs into an environment of its own.
Exit codes: 0 written; 1 not, and why is on standard error.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CYCLONEDX = Path(sys.prefix) / "bin" / "cyclonedx-py"
OPTIONS = (
    "--mc-type",
    "library",
    "--output-reproducible",
    "--spec-version",
    "1.6",
    "--output-format",
    "JSON",
)


def constraints() -> str:
    """The locked versions, without the digests: pip takes digests for all or for none, and the wheel has none."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return "\n".join(line.rstrip("\\ ") for line in lock.splitlines() if re.match(r"[\w.-]+==", line)) + "\n"


def extras() -> str:
    """The names of all extras, for a requirement."""
    table = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = table.partition("[project.optional-dependencies]\n")[2].partition("\n[")[0]
    return ",".join(re.findall(r"^([\w-]+) = ", section, re.MULTILINE))


def write(wheel: Path) -> Path:
    """Install the wheel, look what came with it, and write it down."""
    target = wheel.parent / f"{'-'.join(wheel.name.split('-')[:2])}.cdx.json"
    with tempfile.TemporaryDirectory() as work:
        place = Path(work) / "environment"
        # Without pip, which would be listed.
        venv.create(place, with_pip=False)
        python = place / "bin" / "python"
        (Path(work) / "constraints.txt").write_text(constraints())
        pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet")
        flags = ("--disable-pip-version-check", "--constraint", Path(work) / "constraints.txt")
        run(*pip, *flags, f"{wheel.resolve()}[{extras()}]")
        run(CYCLONEDX, "environment", *OPTIONS, "--pyproject", ROOT / "pyproject.toml", "-o", target, python)
    return target


def run(*command: str | Path) -> None:
    """Run a command to its end."""
    subprocess.run(command, check=True)


def main(arguments: list[str]) -> int:
    """The command."""
    folder = Path(arguments[0]) if arguments else ROOT / "dist"
    try:
        (wheel,) = folder.glob("*.whl")
        print(write(wheel))
    except ValueError:
        print(f"sbom: {folder} does not hold one wheel; run `make dist`", file=sys.stderr)
        return 1
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
