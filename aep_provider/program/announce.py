"""What a program declares, told to the plugin ahead: the engine shows it one resource after another."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import pulumi

from aep_provider import arguments

Provider = pulumi.ProviderResource | None
"""The explicit provider of a resource. Each has a process of its own, and often another sandbox."""

# By stack, since the Automation API runs several programs in one process.
_waiting: WeakKeyDictionary[pulumi.Resource, dict[Provider, list[dict[str, Any]]]] = WeakKeyDictionary()


def announce(given: Mapping[str, Any], provider: Provider) -> None:
    """Take note, in a preview, of a dataset that the program declares.

    Args:
        given: the arguments with defaults and owner; if one is not known yet, nothing is announced.
        provider: of the resource.
    """
    stack = pulumi.runtime.get_root_resource()
    known = {key: given[key] for key in arguments.ASKED_ABOUT if given.get(key) is not None}
    if stack is not None and all(map(is_known, known.values())):
        _waiting.setdefault(stack, {}).setdefault(provider, []).append(known)


class Announcement:
    """Everything announced for the same provider by the time that the SDK serialises a resource.

    The program declares before the SDK sends anything, so the first resource carries what many announced.

    Attributes:
        provider: of the resource; set when it is known.
    """

    provider: Provider = None

    def __await__(self) -> Generator[Any, None, dict[str, Any]]:
        """Take what is waiting; each dataset is told once."""
        yield from ()
        stack = pulumi.runtime.get_root_resource()
        waiting = _waiting.get(stack, {}) if stack else {}
        return {"declared": waiting.pop(self.provider, [])}


def is_known(value: object) -> bool:
    """Whether there is no output in a value."""
    if isinstance(value, pulumi.Output) or hasattr(value, "__await__"):
        return False
    if isinstance(value, Mapping):
        return all(is_known(inner) for inner in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return all(is_known(inner) for inner in value)
    return True
