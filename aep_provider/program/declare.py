"""`declare`: many datasets from data, such as the entries of a stack file."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from aep_provider import arguments
from aep_provider.errors import InvalidInput
from aep_provider.program.announce import announce
from aep_provider.program.resource import UpsertDataset, completed

AT_ONCE = 100

_ARGUMENTS = {*arguments.OPTIONAL, *arguments.PROVIDER_ONLY, "is_upsert"}


async def declare(
    entries: Iterable[Mapping[str, Any]],
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
            datasets = await declare(pulumi.Config("aep").require_object("datasets"))
            return {name: dataset.dataset_id for name, dataset in datasets.items()}

        pulumi.run(main)

    Args:
        entries: the arguments of `UpsertDataset`, and ``resource``, the logical name; where that is missing
            ``name`` is the logical name. An entry whose name changes keeps its dataset if ``resource`` says
            the old one.
        opts: resource options for all of them, such as a provider.
        at_once: how many datasets the engine may have before it at once.

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
    judged = _judged(entries, opts)
    made: dict[str, UpsertDataset] = {}
    unsettled: deque[UpsertDataset] = deque()
    for name, given in judged.items():
        if len(unsettled) >= at_once:
            await unsettled.popleft().urn.future()
        made[name] = UpsertDataset(name, opts=opts, **given)
        unsettled.append(made[name])
        if len(made) == 1 and pulumi.runtime.is_dry_run():
            # What waits for its turn is declared as well; a preview asks about it ahead.
            for one, arguments in judged.items():
                announce(completed(one, arguments, opts), made[name]._provider)
    return made


def _judged(entries: Iterable[object], opts: pulumi.ResourceOptions | None) -> dict[str, dict[str, Any]]:
    """The arguments by logical name."""
    judged: dict[str, dict[str, Any]] = {}
    problems: list[str] = []
    for entry in entries:
        if not isinstance(entry, Mapping):
            problems.append(f"an entry is no mapping of arguments: {entry!r}")
            continue
        given = dict(entry)
        name = given.pop("resource", given.get("name"))
        if not isinstance(name, str) or not name:
            problems.append(f"an entry needs `resource`, its logical name: {entry!r}")
        elif name in judged:
            problems.append(f"{name!r} is the logical name of two entries; give one another `resource`")
        else:
            judged[name] = given
            try:
                _judge(name, given, opts)
            except InvalidInput as error:
                problems.append(f"{error.message}\n{error.remedy}".rstrip())
    if problems:
        raise InvalidInput(problems[0], "\n".join(problems[1:]))
    return judged


def _judge(name: str, given: Mapping[str, Any], opts: pulumi.ResourceOptions | None) -> None:
    foreign = sorted(given.keys() - _ARGUMENTS)
    if foreign:
        raise InvalidInput(f"UpsertDataset {name!r}: {', '.join(foreign)} is no argument")
    completed(name, given, opts)
