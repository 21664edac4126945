"""What a stack declares as data: `aep:datasets`, a list or a file that stacks share, and `aep:overrides`.

Program and command read it through here, so that both see the same entries. One rule of precedence: argument by
argument, what the stack says in `aep:overrides` wins over what `aep:datasets` says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aep_provider.errors import InvalidInput

DATASETS, OVERRIDES = "aep:datasets", "aep:overrides"

_WHAT_AN_ENTRY_IS = (
    "Each entry holds the arguments of UpsertDataset, and `resource`, its logical name. aep:datasets may also be the "
    "path of a YAML file of them (.yaml, .yml)."
)


@dataclass(frozen=True)
class Entry:
    """One declared dataset.

    Attributes:
        given: the arguments, the options, and ``resource``, the logical name, as they count.
        shared: whether `aep:datasets` has it; otherwise only `aep:overrides` has.
        changed: the keys that `aep:overrides` says of one that `aep:datasets` has.
    """

    given: Mapping[str, Any]
    shared: bool = True
    changed: tuple[str, ...] = ()


def file_of(datasets: object) -> str:
    """The path that `aep:datasets` names, a text that ends in .yaml or .yml; ``""`` where it holds something else."""
    text = datasets.strip() if isinstance(datasets, str) else ""
    return text if text.lower().endswith((".yaml", ".yml")) else ""


def read(datasets: object, overrides: object, folder: Path) -> list[Entry]:
    """The entries of a stack.

    Args:
        datasets: the value of `aep:datasets`: a list, a list as JSON text, a path, or nothing.
        overrides: the value of `aep:overrides`: a list, a list as JSON text, or nothing.
        folder: the project's; a path is relative to it.

    Raises:
        InvalidInput: one of them is something else, or the file cannot be read.
    """
    path = file_of(datasets)
    shared = from_file(folder, path) if path else _listed(datasets, DATASETS)
    return merged(shared, _listed(overrides, OVERRIDES))


def from_file(folder: Path, path: str) -> list[Mapping[str, Any]]:
    """The entries of a YAML file.

    Args:
        folder: the project's.
        path: relative to it.

    Raises:
        InvalidInput: it cannot be read, or holds something else.
    """
    # Imported here because a program that declares its datasets itself needs no YAML.
    import yaml

    if Path(path).is_absolute():
        raise InvalidInput(
            f"{DATASETS} names {path}", "Write a path relative to the project's folder, for every machine."
        )
    try:
        held = yaml.safe_load((folder / path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(
            f"{DATASETS} names {path}, which cannot be read in {folder}: {error.strerror}",
            "It is the path of a YAML file with a list of entries, relative to the project's folder.",
        ) from error
    except (ValueError, yaml.YAMLError) as error:
        raise InvalidInput(
            f"{path}, which {DATASETS} names, is not YAML: {error}", _WHAT_AN_ENTRY_IS
        ) from error
    return _entries(held, path)


def merged(shared: Iterable[Mapping[str, Any]], own: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """Put what a stack says on top of what it shares.

    Args:
        shared: entries, in their order.
        own: entries of one stack. One whose logical name is among `shared` changes that entry, key by key, and a key
            without a value (null) takes the shared one away; any other is added behind.

    Raises:
        InvalidInput: two of `own` have one logical name, or one has none.
    """
    changes: dict[str, Mapping[str, Any]] = {}
    for entry in own:
        name = name_of(entry)
        if not name:
            raise InvalidInput(
                f"An entry of {OVERRIDES} has no `resource`: {dict(entry)!r}",
                f"Write the logical name of the entry of {DATASETS} that it changes, or of the one that it adds.",
            )
        if name in changes:
            raise InvalidInput(f"{OVERRIDES} has two entries for {name!r}", "Put them into one.")
        changes[name] = entry
    found = []
    for entry in shared:
        change = changes.pop(name_of(entry), {})
        found.append(
            Entry(
                _without_null({**entry, **change}), changed=tuple(key for key in change if key != "resource")
            )
        )
    return found + [Entry(_without_null(entry), shared=False) for entry in changes.values()]


def name_of(entry: Mapping[str, Any]) -> str:
    """The logical name of an entry, or ``""``."""
    return str(entry.get("resource") or entry.get("name") or "")


def _without_null(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value is not None}


def _listed(held: object, key: str) -> list[Mapping[str, Any]]:
    if isinstance(held, str):
        try:
            held = json.loads(held) if held.strip() else None
        except ValueError:
            held = False
    return _entries(held, key)


def _entries(held: object, where: str) -> list[Mapping[str, Any]]:
    if held is None:
        return []
    if isinstance(held, list) and all(isinstance(entry, dict) for entry in held):
        return held
    raise InvalidInput(f"{where} is not a list of entries", _WHAT_AN_ENTRY_IS)
