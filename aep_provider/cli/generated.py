"""Declarations of datasets as text: Python for a program of one's own, YAML for `aep:datasets`."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

Entry = Mapping[str, str | bool]

_RESERVED = frozenset({"UpsertDataset"})


def python(entries: Sequence[Entry], title: str) -> str:
    """A Python module with one `UpsertDataset` for each entry, formatted as `ruff format` does.

    Args:
        entries: `resource` is the logical name, everything else an argument.
        title: what the module's docstring says.
    """
    blocks = [f'"""{title}"""\n\nfrom aep_provider import UpsertDataset\n']
    for name, entry in zip(_variables(entries), entries, strict=True):
        arguments = [f"{key}={_literal(value)}" for key, value in entry.items() if key != "resource"]
        lines = [_literal(entry["resource"]), *arguments]
        blocks.append("".join([f"{name} = UpsertDataset(\n", *(f"    {line},\n" for line in lines), ")\n"]))
    return "\n".join(blocks)


def as_yaml(entries: Iterable[Mapping[str, Any]]) -> str:
    """The entries as they stand under `aep:datasets`."""
    return yaml.safe_dump([dict(entry) for entry in entries], allow_unicode=True, sort_keys=False)


def _variables(entries: Iterable[Entry]) -> list[str]:
    names: list[str] = []
    for entry in entries:
        name = re.sub(r"\W+", "_", str(entry["resource"])).strip("_").lower()
        if not name.isidentifier():
            name = f"dataset_{name}".rstrip("_")
        if keyword.iskeyword(name) or name in _RESERVED:
            name += "_"
        unique, number = name, 2
        while unique in names:
            unique, number = f"{name}_{number}", number + 1
        names.append(unique)
    return names


def _literal(value: str | bool) -> str:
    if isinstance(value, bool):
        return str(value)
    # Formatters choose the quotes that need fewer escapes, double ones if there are none.
    text = repr(value)
    return f'"{text[1:-1]}"' if text[0] == "'" and '"' not in value else text
