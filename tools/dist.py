"""Build the wheel and the sdist of the present commit into a folder, `dist` by default.

    python tools/dist.py [FOLDER]

What is built is the commit, not the work tree, with its time for every file and with the installed, locked hatchling:
two builds of one commit are equal byte for byte. The wheel is built twice, from the commit and from the sdist, and must
be the same. AEP_REPOSITORY_URL, the address of the repository, becomes part of the metadata.
Exit codes: 0 built, digests on standard output; 1 not, and why is on standard error.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class NotBuiltError(Exception):
    """There is no package to show; the text says why."""


def git(*arguments: str | Path) -> str:
    """What git says about this checkout."""
    command: list[str | Path] = ["git", "-C", ROOT, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotBuiltError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def build(what: str, source: Path, folder: Path, epoch: str) -> Path:
    """Build the wheel or the sdist of a folder; its file."""
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "build",
        f"--{what}",
        "--no-isolation",
        "--outdir",
        folder,
        source,
    ]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotBuiltError(f"the {what} of {source}: {done.stdout}{done.stderr}")
    (made,) = folder.iterdir()
    return made


def unpacked(archive: Path, folder: Path) -> Path:
    """The one folder that an archive holds."""
    with tarfile.open(archive) as held:
        held.extractall(folder, filter="data")
    (top,) = folder.iterdir()
    return top


def made(work: Path) -> list[Path]:
    """Build everything in a folder that nobody else uses."""
    epoch = git("show", "--no-patch", "--format=%ct", "HEAD").strip()
    git("archive", "--prefix=tree/", "--output", work / "tree.tar", "HEAD")
    folders = {name: work / name for name in ("tree", "sdist", "wheel", "source", "again")}
    for folder in folders.values():
        folder.mkdir()
    tree = unpacked(work / "tree.tar", folders["tree"])
    sdist = build("sdist", tree, folders["sdist"], epoch)
    wheel = build("wheel", tree, folders["wheel"], epoch)
    again = build("wheel", unpacked(sdist, folders["source"]), folders["again"], epoch)
    if wheel.read_bytes() != again.read_bytes():
        raise NotBuiltError("the sdist does not build the wheel that the commit builds")
    return [sdist, wheel]


def placed(files: Iterable[Path], folder: Path) -> None:
    """Put the files where they belong, and nothing else; say their digests as `sha256sum` does."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("*.whl"), *folder.glob("*.tar.gz")):
        old.unlink()
    for file in files:
        held = file.read_bytes()
        (folder / file.name).write_bytes(held)
        print(f"{hashlib.sha256(held).hexdigest()}  {file.name}")


def main(arguments: list[str]) -> int:
    """The command."""
    folder = Path(arguments[0]) if arguments else ROOT / "dist"
    try:
        if git("status", "--porcelain", "--untracked-files=no"):
            print("dist: uncommitted changes are not part of what is built", file=sys.stderr)
        with tempfile.TemporaryDirectory() as work:
            placed(made(Path(work)), folder)
    except NotBuiltError as error:
        print(f"dist: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
