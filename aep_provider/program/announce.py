"""What one program declares, as a whole: told to the plugin ahead, and refused where two resources clash.

The engine shows the plugin one resource after another; the program knows all of them before the first is sent.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import pulumi
from pulumi.runtime.settings import get_monitor

from aep_provider import arguments
from aep_provider.announcement import packed
from aep_provider.dataset.ownership import owner_of
from aep_provider.errors import InvalidInput

Provider = pulumi.ProviderResource | None
"""The explicit provider of a resource. Each has a process of its own, and often another sandbox."""

_UNIQUE = {"name": "name", "dataset": "name", "dataset_id": "dataset_id"}
"""What two resources of one provider cannot have in common: by argument, what its value is."""

_AT_ONCE = min(32, (os.cpu_count() or 1) + 4)
"""How many resources the SDK sends at once at least, from the threads of an executor. They overtake each other."""

_MOST_TOLD = 4_000_000
"""Characters of one announcement and its copies, beyond which only as many as above carry it."""


class ProgramError(InvalidInput, pulumi.RunError):
    """An argument that cannot be right. Pulumi shows a `RunError` by its message alone, without a traceback."""


@dataclass
class _Text:
    """Some of what a program declares, as packed JSON, and how many resources are still to carry it."""

    text: str
    left: int


class _Program:
    """What a program has declared for one provider.

    Attributes:
        waiting: what the plugin has not been told yet.
        unasked: the same of those resources that nobody asks about; of no use before one that is asked about.
        asked: whether there was such a one.
        telling: what it is being told: whichever resource comes first must have brought it.
        taken: by what a value is and the value, the logical name of the resource that has it.
        clash: the refusal of a resource whose dataset another one has; nothing more is sent then.
    """

    def __init__(self) -> None:
        self.waiting: list[dict[str, Any]] = []
        self.unasked: list[dict[str, Any]] = []
        self.asked = False
        self.telling: list[_Text] = []
        self.taken: dict[tuple[str, str], str] = {}
        self.clash: ProgramError | None = None

    def told(self) -> list[str]:
        """What the next resource carries."""
        self.asked = self.asked or bool(self.waiting)
        if self.asked and (self.waiting or self.unasked):
            text = packed(json.dumps([*self.waiting, *self.unasked], default=_plain))
            self.telling.append(_Text(text, _carriers(text)))
            self.waiting, self.unasked = [], []
        now = list(self.telling)
        for one in now:
            one.left -= 1
        self.telling = [one for one in now if one.left]
        return [one.text for one in now]


def _carriers(text: str) -> int:
    """How many resources carry an announcement, so that whichever is checked first does."""
    settings = getattr(pulumi.runtime.settings, "SETTINGS", None)
    # The SDK's executor has four threads for each operation that the engine works on at once.
    at_once = 4 * (getattr(settings, "parallel", None) or 0)
    return max(_AT_ONCE, min(at_once, _MOST_TOLD // len(text)))


# By the monitor that a program talks to, since the Automation API runs several programs in one process, and so do tests
# with Pulumi's mocks: those have one stack for all of them, and a monitor for each `set_mocks`.
_programs: WeakKeyDictionary[Any, dict[Provider, _Program]] = WeakKeyDictionary()
_prefixes: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def announce(resource: str, given: Mapping[str, Any], provider: Provider, *, asked: bool = True) -> None:
    """Take note of a dataset that the program declares; the plugin is told with the next resource that is sent.

    Args:
        resource: the logical name.
        given: the arguments with defaults; if one is not known yet, only that there is the resource is announced.
        provider: of the resource.
        asked: whether the plugin asks about it; of others only that there is the resource is announced.
    """
    program = _program(provider)
    if program is None:
        return
    known = {key: given[key] for key in arguments.asked_about() if given.get(key) is not None}
    if not asked:
        program.unasked.append({"resource": resource})
    elif all(map(is_known, known.values())):
        program.waiting.append({"resource": resource, **known})
    else:
        program.waiting.append({"resource": resource})


def refuse_clashes(resource: str, given: Mapping[str, Any], provider: Provider) -> None:
    """Refuse a resource whose dataset another resource of the program has already.

    Args:
        resource: the logical name.
        given: the arguments.
        provider: of the resource.

    Raises:
        InvalidInput: names both. The engine is sent nothing of the program that it has not got yet.
    """
    program = _program(provider)
    if program is None:
        return
    for key, is_a in unique(given).items():
        other = program.taken.setdefault(is_a, resource)
        if other != resource:
            program.clash = ProgramError(
                f"UpsertDataset {resource!r}: {key} {is_a[1]!r} is the {is_a[0]} of UpsertDataset {other!r} as well",
                f"Two resources cannot manage one dataset. Remove one of the two, or give it another {key}.",
            )
            raise program.clash


def unique(given: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """What no other resource may have: by argument, what its value is, and the value as far as it is known."""
    return {key: (kind, given[key]) for key, kind in _UNIQUE.items() if isinstance(given.get(key), str)}


class Announcement:
    """Everything announced for the same provider by the time that the SDK serialises a resource.

    The program declares before the SDK sends anything, so the first resources carry what many announced.

    Attributes:
        provider: of the resource; set when it is known.
    """

    provider: Provider = None

    def __await__(self) -> Generator[Any, None, dict[str, Any] | None]:
        """Take what is to be told; ``None``, which the SDK does not send, where that is nothing.

        Raises:
            InvalidInput: two resources of the program clash. Failing here keeps the SDK from sending this one.
        """
        yield from ()
        program = _program(self.provider)
        if program is not None and program.clash is not None:
            raise program.clash
        declared = program.told() if program is not None else []
        preview = pulumi.runtime.is_dry_run()
        return {"preview": preview, "declared": declared} if preview or declared else None


class Owner:
    """The owner that the URN of a resource names, when the SDK serialises it.

    Args:
        urn: of the resource, as far as the program can tell.
        prefix: the value of ``aep:owner``, or ``""``.
    """

    def __init__(self, urn: pulumi.Output[str], prefix: str) -> None:
        self._urn = urn
        self._prefix = prefix

    def __await__(self) -> Generator[Any, None, str | None]:
        """The owner; ``None`` where the program cannot tell, which leaves it to `check`."""
        urn = yield from self._urn.future().__await__()
        return owner_if_told(urn or "", self._prefix)


def owner_if_told(urn: str, prefix: str) -> str | None:
    """The owner that a URN names; ``None`` where it does not tell, which leaves it to `check`."""
    try:
        return owner_of(urn, prefix)
    except ValueError:
        return None


def owner_prefix() -> str:
    """The value of ``aep:owner``, or ``""``; read once a program, since the SDK parses all of the configuration."""
    monitor = get_monitor()
    if monitor is None:
        return pulumi.Config("aep").get("owner") or ""
    if monitor not in _prefixes:
        _prefixes[monitor] = pulumi.Config("aep").get("owner") or ""
    return _prefixes[monitor]


def is_known(value: object) -> bool:
    """Whether there is no output in a value."""
    if isinstance(value, pulumi.Output) or hasattr(value, "__await__"):
        return False
    if isinstance(value, Mapping):
        return all(is_known(inner) for inner in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return all(is_known(inner) for inner in value)
    return True


def _plain(value: object) -> object:
    return (
        dict(value)
        if isinstance(value, Mapping)
        else list(value)
        if isinstance(value, Sequence)
        else str(value)
    )


def _program(provider: Provider) -> _Program | None:
    monitor = get_monitor()
    if monitor is None:
        return None
    return _programs.setdefault(monitor, {}).setdefault(provider, _Program())
