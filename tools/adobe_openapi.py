"""Download the API descriptions that Adobe publishes, for the tests that compare the emulator with them.

    python tools/adobe_openapi.py [FOLDER]

They are Adobe's (AdobeDocs/experience-platform-apis, Apache License 2.0) and no part of this repository: they go to
.adobe-openapi, which git ignores. One commit is asked for, and a file with another digest is refused.
Exit codes: 0 all files are there; 1 one could not be had, and why is on standard error; no file is half written.
"""

from __future__ import annotations

import hashlib
import sys
import urllib.request
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / ".adobe-openapi"
COMMIT = "16c60cd7a5617582fc21500f5ab3edf0e2ee308b"
SOURCE = f"https://raw.githubusercontent.com/AdobeDocs/experience-platform-apis/{COMMIT}/static/swagger-specs"
DIGESTS = {
    "batch-ingestion.yaml": "2dc264bee6687fe1d62b5166a05816ba8c22d3d909d4d326d4b7c7a8fffdf011",
    "catalog.yaml": "e8b3980c6dfb1db6ecf2b2bd314c092903feadd8fc133b4e2c35ad541a75dc3d",
    "flow-service.yaml": "f97b8f36a5ecb3282b9d65f1c3e0f283ed4afaf676053a1ef40b80857f660932",
    "sandbox.yaml": "b93e40ccd5a92730754e0b95053b9452edc90f163484e1468d319989e2380f00",
    "schema-registry.yaml": "a971ed59850192198426e3ae370ab85bd6899a0662d6d2d7a11900d32d743d35",
}
"""SHA-256 of each file in that commit."""

SECONDS = 30


def is_good(file: Path) -> bool:
    """Whether a file is there, and is the one that is meant."""
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == DIGESTS[file.name]


def fetch(folder: Path, source: str) -> list[str]:
    """Put the missing files into a folder.

    Args:
        folder: where to put them; made if need be.
        source: the address of the folder that has them.

    Returns:
        Why files are still missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    for name, digest in DIGESTS.items():
        file = folder / name
        if is_good(file):
            continue
        try:
            with urllib.request.urlopen(f"{source}/{name}", timeout=SECONDS) as response:
                body: bytes = response.read()
        except OSError as error:
            return [*wrong, f"{source}/{name}: {error}"]  # nor will the next one be there
        if hashlib.sha256(body).hexdigest() != digest:
            wrong.append(f"{source}/{name}: another file than the one that was pinned")
            continue
        part = file.with_suffix(".part")
        part.write_bytes(body)
        part.replace(file)
    return wrong


def main(arguments: list[str]) -> int:
    """The command."""
    folder = Path(arguments[0]) if arguments else FOLDER
    wrong = fetch(folder, SOURCE)
    for text in wrong:
        print(text, file=sys.stderr)
    if wrong:
        print(
            "The tests that compare the emulator with Adobe's descriptions are skipped. If you have the files, put "
            f"them into {folder}, or name their folder in AEP_ADOBE_OPENAPI.",
            file=sys.stderr,
        )
        return 1
    print(f"Adobe's API descriptions are in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
