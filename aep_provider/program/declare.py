"""`declare`: many datasets from data, such as the entries of a stack file."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pulumi

from aep_provider.errors import InvalidInput
from aep_provider.program.announce import announce, unique
from aep_provider.program.resource import UpsertDataset
from aep_provider.program.validate import as_program_error, completed

AT_ONCE = 100

_OPTIONS = ("renamed_from", "aliases", "protect")
"""What an entry takes besides `resource` and the arguments: Pulumi's options that make sense in data."""


async def declare(
    entries: Iterable[Mapping[str, Any]] | None = None,
    *,
    opts: pulumi.ResourceOptions | None = None,
    at_once: int = AT_ONCE,
) -> dict[str, UpsertDataset]:
    """Declare one `UpsertDataset` for each entry.

    The SDK looks through everything that is not settled each time that something is, so a program that
    declares thousands of resources at once takes time with the square of their number (seen with SDK 3.272:
    26 s for 2,000). This waits for the oldest whenever `at_once` are not settled. Because it waits, it is
    for a program's asynchronous entry::

        async def main() -> pulumi.Inputs:
            datasets = await declare()
            return {name: dataset.dataset_id for name, dataset in datasets.items()}

        pulumi.run(main)

    Args:
        entries: the arguments of `UpsertDataset`, and ``resource``, the logical name; where that is missing
            ``name`` is the logical name. An entry whose name changes keeps its dataset if ``resource`` says
            the old one. Without it, the entries of the stack: ``aep:datasets``, a list or the path of a file, and
            ``aep:overrides``.
        opts: resource options for all of them, such as a provider.
        at_once: how many datasets may be in progress at once.

    Returns:
        The resources by logical name, in the order of the entries.

    Raises:
        InvalidInput: an entry cannot be right; all of them at once, and none is declared. Or `at_once` is
            less than 1, or `opts` holds an id.
    """
    if at_once < 1:
        raise InvalidInput(f"declare: at_once is {at_once}, and must be at least 1")
    if opts is not None and opts.id is not None:
        raise InvalidInput("declare: opts holds an id; read a dataset with UpsertDataset.get instead")
    if entries is None:
        entries = as_program_error(_of_the_stack)
    judged = as_program_error(_judged, list(entries), opts)
    made: dict[str, UpsertDataset] = {}
    unsettled: deque[UpsertDataset] = deque()
    for name, entry in judged.items():
        if len(unsettled) >= at_once:
            await unsettled.popleft().urn.future()
        made[name] = UpsertDataset(name, opts=entry.opts, **entry.given)
        unsettled.append(made[name])
        if len(made) == 1:
            # What waits for its turn is declared as well; the plugin is told of it ahead.
            for one, other in judged.items():
                announce(one, other.complete, made[name]._provider)
    return made


def _of_the_stack() -> list[Mapping[str, Any]]:
    """What the stack's configuration declares."""
    # Imported here because no other program needs it.
    from aep_provider import entries

    config = pulumi.Config("aep")
    held = entries.read(config.get("datasets"), config.get("overrides"), Path(pulumi.get_root_directory()))
    return [entry.given for entry in held]


class _Entry(NamedTuple):
    given: dict[str, Any]
    opts: pulumi.ResourceOptions | None
    complete: dict[str, Any]


def _judged(entries: Iterable[object], opts: pulumi.ResourceOptions | None) -> dict[str, _Entry]:
    """The arguments, as given and with the defaults, and options by logical name."""
    judged: dict[str, _Entry] = {}
    problems: list[str] = []
    taken: dict[tuple[str, str], str] = {}
    for entry in entries:
        if not isinstance(entry, Mapping):
            problems.append(f"an entry is not a mapping of arguments: {entry!r}")
            continue
        given = dict(entry)
        name = given.pop("resource", given.get("name"))
        if not isinstance(name, str) or not name:
            problems.append(f"an entry needs `resource`, its logical name: {entry!r}")
        elif name in judged:
            problems.append(f"{name!r} is the logical name of two entries; give one another `resource`")
        else:
            own = {key: given.pop(key) for key in _OPTIONS if key in given}
            try:
                options = _options(name, own, opts)
                judged[name] = _Entry(given, options, completed(name, given, options))
            except InvalidInput as error:
                problems.append(f"{error.message}\n{error.remedy}".rstrip())
            problems += _clashes(name, given, taken)
    if problems:
        raise InvalidInput(problems[0], "\n".join(problems[1:]))
    return judged


def _clashes(name: str, given: Mapping[str, Any], taken: dict[tuple[str, str], str]) -> Iterator[str]:
    for kind, value in unique(given).values():
        if (other := taken.setdefault((kind, value), name)) != name:
            yield f"{other!r} and {name!r} have one {kind}, {value!r}: two resources cannot manage one dataset"


def _options(
    name: str, own: Mapping[str, Any], opts: pulumi.ResourceOptions | None
) -> pulumi.ResourceOptions | None:
    """The options of one entry, on top of those for all.

    Raises:
        InvalidInput: one of them has the wrong type.
    """
    if not own:
        return opts
    protect = own.get("protect")
    if protect is not None and not isinstance(protect, bool):
        raise InvalidInput(f"UpsertDataset {name!r}: protect must be true or false")
    formerly: list[str | pulumi.Alias] = []
    for key in ("renamed_from", "aliases"):
        value = own.get(key, ())
        for one in (value,) if isinstance(value, str) else value if isinstance(value, Sequence) else (None,):
            if not isinstance(one, str) or not one:
                raise InvalidInput(
                    f"UpsertDataset {name!r}: {key} must be an old logical name, or a list of them"
                )
            formerly.append(one if one.startswith("urn:") else pulumi.Alias(name=one))
    return pulumi.ResourceOptions.merge(
        opts, pulumi.ResourceOptions(aliases=formerly or None, protect=protect)
    )
