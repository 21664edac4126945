"""Print the licences of everything that installing this package brings, as docs/licences.md holds them.

python tools/licences.py > docs/licences.md
"""

from __future__ import annotations

import importlib.metadata
import re

HEAD = """\
# Licences

aep_provider itself is under the [Apache License 2.0](../LICENSE). Installing it with the extra `emulator`
brings these packages, with the licences that their own metadata names. `python tools/licences.py` prints the
list.

| package | licence |
|---|---|
"""
NAME = re.compile(r"[A-Za-z0-9._-]+")


def needed(root: str, extras: frozenset[str]) -> set[str]:
    """The names of all packages that `root` needs here, itself left out."""
    found: set[str] = set()
    waiting = [(root, extras)]
    while waiting:
        name, wanted = waiting.pop()
        try:
            requires = importlib.metadata.distribution(name).requires or []
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform or Python
        for text in requires:
            requirement, _, marker = text.partition(";")
            match = NAME.match(requirement)
            if match is None or (
                "extra" in marker and not any(f'"{one}"' in marker.replace("'", '"') for one in wanted)
            ):
                continue
            dependency = match[0].lower().replace("_", "-").replace(".", "-")
            if dependency not in found:
                found.add(dependency)
                waiting.append((dependency, frozenset()))
    return found


def licence(name: str) -> str | None:
    """What the package's metadata says, or None if it is not installed."""
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    classifiers = [text for text in metadata.get_all("Classifier") or [] if text.startswith("License ::")]
    if classifiers:
        return ", ".join(text.rpartition(" :: ")[2] for text in classifiers)
    return metadata["License"].splitlines()[0] if "License" in metadata else "not named"


def main() -> None:
    """The command."""
    print(HEAD, end="")
    for name in sorted(needed("aep-provider", frozenset({"emulator"}))):
        if text := licence(name):
            print(f"| {name} | {text} |")


if __name__ == "__main__":
    main()
