"""The file of entries that stacks share: adding to it without touching what is there."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

import yaml

from aep_provider import entries
from aep_provider.cli import files
from aep_provider.cli.generated import Entry, as_yaml

_EMPTY = re.compile(r"^\[ *\][ \t]*(?=#|$)", re.MULTILINE)
"""A list without entries, as a line of its own."""


def add(file: Path, added: Sequence[Entry]) -> None:
    """Append entries; what is there stays as it is written, comments too, but for the brackets of an empty list.

    Args:
        file: a YAML file with a list.
        added: the new entries.

    Raises:
        InvalidInput: it cannot be read, or holds something else.
        FileFailed: it is written in a way that cannot be appended to, or it cannot be written.
    """
    held = entries.from_file(file.parent, file.name)
    text = file.read_bytes().decode()
    if not held:
        text = _EMPTY.sub("", text, count=1)
    item = re.search(r"^( *)- ", text, re.MULTILINE)
    whole = f"{text.rstrip()}\n{textwrap.indent(as_yaml(added), item[1] if item else '')}".lstrip("\n")
    if _read(whole) != [*held, *(dict(entry) for entry in added)]:
        raise files.FileFailed(
            f"{file} is written in a way that nothing can be appended to; nothing was changed",
            "Write its list with one `- ` for each entry, or add by hand what `aep-provider import --yaml` prints.",
        )
    files.write(file, whole, "Make it writable, or add by hand what `aep-provider import --yaml` prints.")


def _read(text: str) -> object:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None
