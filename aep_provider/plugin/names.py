"""What `check` does about names instead of ids, and about datasets that two resources have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pulumi.dynamic import CheckFailure

from aep_provider import arguments
from aep_provider.errors import AepProviderError, Refused
from aep_provider.operations import names
from aep_provider.operations.context import Context, Run


def resolve_names(
    connect: Callable[[], Context],
    run: Run,
    resource: str,
    olds: Mapping[str, Any],
    news: dict[str, Any],
    *,
    preview: bool,
) -> list[CheckFailure]:
    """Put the ids beside the names that are known.

    A name that cannot be looked up fails the check, of a preview too: without the id there is nothing to preview.

    Args:
        connect: makes the context; not called where every id is on record.
        run: what the program declares.
        resource: the logical name.
        olds: the inputs on record.
        news: the inputs; the ids are added.
        preview: whether the id of a name that is looked up is told.

    Returns:
        What would refuse it.
    """
    failures = []
    for name, stands_for in arguments.references().items():
        if news.get(name) is None:
            continue
        try:
            news[stands_for] = names.resolved(connect, name, olds, news)
            text = f"{name} {news[name]!r} is {news[stands_for]}"
            if preview and not names.kept(name, olds, news) and (resource, text) not in run.named:
                run.named.add((resource, text))
                connect().report.info(text)
            if name == "dataset":
                names.refuse_second(run, resource, news[stands_for])
        except AepProviderError as error:
            failures.append(CheckFailure(name, str(error)))
    return failures


def refuse_seconds(run: Run, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[CheckFailure]:
    """Refuse a dataset that another resource of the program has, where the program could not tell: of an Output.

    Of two new datasets of one name a guard tells.

    Args:
        run: what the program declares.
        olds: the inputs on record.
        news: the inputs with ``owner``, as far as they are known.

    Returns:
        What would refuse it.
    """
    failures = []
    try:
        if news.get("dataset_id"):
            names.refuse_second_owner(run, news["owner"], news["dataset_id"])
    except Refused as error:
        failures.append(CheckFailure("dataset_id", str(error)))
    try:
        if news.get("name") and (olds or arguments.adopts(news)):
            names.refuse_second_name(run, news["owner"], news["name"])
    except Refused as error:
        failures.append(CheckFailure("name", str(error)))
    return failures
