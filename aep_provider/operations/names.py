"""Names instead of ids: what they are resolved to, and when that is kept.

A name is looked up once and the id is kept beside it in the inputs, so a run of later cannot mean another dataset or
schema because somebody renamed one. Only another name in the program, or a resource that is replaced, looks again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from aep_provider import arguments
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import timestamp
from aep_provider.errors import ApiError, Refused
from aep_provider.operations.context import Context, Run, describe
from aep_provider.operations.record import Record
from aep_provider.validators import meant

CANDIDATES = 10
"""Datasets or schemas of one name that a refusal lists at most."""


def kept(name: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> str:
    """The id on record for a name; ``""`` where the name has to be looked up.

    Args:
        name: the argument: ``schema`` or ``dataset``.
        olds: the inputs on record; empty for a resource that is created or replaced.
        news: the inputs.
    """
    same = news.get(name) is not None and olds.get(name) == news[name]
    return str(olds.get(arguments.references()[name]) or "") if same else ""


def resolved(
    connect: Callable[[], Context], name: str, olds: Mapping[str, Any], news: Mapping[str, Any]
) -> str:
    """The id that a name stands for.

    Args:
        connect: makes the context; only called where the name has to be looked up.
        name: the argument: ``schema`` or ``dataset``.
        olds: the inputs on record.
        news: the inputs.

    Raises:
        Refused: there is none of that name, or more than one; or the program gives another id as well.
        ApiError: it could not be looked up.
    """
    look_up = {"schema": schema_titled, "dataset": dataset_named}[name]
    found = kept(name, olds, news) or look_up(connect(), str(news[name]))
    given_as = arguments.references()[name]
    given = news.get(given_as)
    if given is not None and given != found:
        raise Refused(
            f"is {news[name]!r}, which is {found}, and {given_as} says {given!r}",
            f"Give one of the two: {name} where one declaration serves several sandboxes.",
        )
    return found


def schema_titled(context: Context, title: str) -> str:
    """The ``$id`` of the organisation's own schema of exactly this title.

    Raises:
        Refused: there is none, or more than one.
        ApiError: the schemas could not be listed.
    """
    found = context.aep.schemas.titled(title)
    if not found:
        others = (one.title for one in context.aep.schemas.all())
        raise Refused(
            f"is {title!r}, and sandbox {context.sandbox} has no schema of that title{meant(title, others)}",
            "Check the title (AEP > Schemas), or give schema_id. Adobe's own schemas are found by schema_id only.",
        )
    if len(found) > 1:
        lines = [_schema_line(context, one.id) for one in found]
        raise Refused(
            _several(context, title, f"{len(lines)} schemas of that title"), _choose("schema_id", lines)
        )
    return found[0].id


def dataset_named(context: Context, name: str) -> str:
    """The id of the dataset of exactly this name that Adobe does not manage.

    Raises:
        Refused: there is none, or more than one.
        ApiError: the datasets could not be listed.
    """
    every = context.aep.catalog.named(name)
    found = [one for one in every if not one.system_sign]
    if not found:
        adobes = f"; {every[0].id} has it, but is managed by Adobe: {every[0].system_sign}" if every else ""
        raise Refused(
            f"is {name!r}, and sandbox {context.sandbox} has no dataset of that name{adobes}",
            "Check the name (`aep-provider discover` lists what is there). To create it, give name and schema "
            "instead of dataset.",
        )
    if len(found) > 1:
        lines = [_dataset_line(one) for one in sorted(found, key=lambda one: one.created)]
        raise Refused(
            _several(context, name, f"{len(lines)} datasets of that name"), _choose("dataset_id", lines)
        )
    return found[0].id


def refuse_second(run: Run, resource: str, dataset_id: str) -> None:
    """Refuse a name that stands for a dataset which another resource of the program has.

    Args:
        run: what the program declares, as far as this process knows.
        resource: the logical name of the resource.
        dataset_id: what its name stands for.

    Raises:
        Refused: names both.
    """
    with run.lock:
        others = [one for one, ids in run.declared.items() if dataset_id in ids and one != resource]
        run.declared[resource].add(dataset_id)
    if others:
        raise Refused(
            f"stands for {dataset_id}, which is already the dataset of UpsertDataset {others[0]!r}",
            "Two resources cannot manage one dataset. Remove one of the two.",
        )


def refuse_second_owner(run: Run, owner: str, dataset_id: str) -> None:
    """Refuse a dataset that another resource of this run has declared.

    The program cannot tell apart two resources of one logical name under different components, and does not know an
    id that is an output.

    Args:
        run: what the program declares, as far as this process knows.
        owner: of the resource.
        dataset_id: what it declares.

    Raises:
        Refused: names the other.
    """
    first = run.adopters.setdefault(dataset_id, owner)
    if first != owner:
        raise Refused(
            f"{dataset_id} is the dataset of another resource of this run as well: {first}",
            "Two resources cannot manage one dataset. Remove one of the two.",
        )


def refuse_second_name(run: Run, owner: str, name: str) -> None:
    """Refuse a name that another resource of this run gives its dataset.

    Args:
        run: what the program declares, as far as this process knows.
        owner: of the resource.
        name: of its dataset.

    Raises:
        Refused: names the other.
    """
    first = run.creators.setdefault(name, owner)
    if first != owner:
        raise Refused(
            f"{name!r} is the name of another resource of this run as well: {first}",
            "Two resources cannot manage one dataset. Remove one of the two, or give it another name.",
        )


def warn_of_rename(context: Context, observed: Observed, record: Record) -> None:
    """Say at a refresh that a dataset no longer has the name by which the program knows it.

    Where the program manages the name as well, the next `up` gives it back, so there is nothing to say.

    Args:
        context: where and how.
        observed: the dataset, just read.
        record: what state has.
    """
    known_as = record.props.get("dataset")
    if known_as and observed.name != known_as and "name" not in record.managed:
        context.report.warn(
            f"{describe(context, observed)} is declared as dataset={known_as!r} and was renamed in AEP. This resource "
            "still manages it. Correct the program: another stack, or a replaced resource, would not find it."
        )


def renamed_schema(context: Context, title: str, schema_id: str) -> str:
    """What to say of a schema that no longer has the title by which the program knows it; ``""`` if it has.

    Args:
        context: where and how.
        title: as the program says it.
        schema_id: what it was resolved to.
    """
    try:
        now = context.aep.schemas.get(schema_id).title
    except ApiError as error:
        return f"whether schema {title!r} ({schema_id}) still has that title could not be checked: {error.message}"
    return "" if now == title else f"schema {title!r} ({schema_id}) has the title {now!r} now"


def _several(context: Context, name: str, what: str) -> str:
    return f"is {name!r}, and sandbox {context.sandbox} has {what}"


def _choose(given_as: str, lines: Sequence[str]) -> str:
    more = [f"- and {len(lines) - CANDIDATES} more"] if lines[CANDIDATES:] else []
    listed = "\n".join([*(f"- {line}" for line in lines[:CANDIDATES]), *more])
    return f"Give the one that you mean as {given_as}:\n{listed}"


def _dataset_line(dataset: Observed) -> str:
    created = f"created {dataset.created_at}" if dataset.created_at else "created at an unknown time"
    switches = "in Profile" if dataset.profile.enabled else "not in Profile"
    upsert = " with upsert" if dataset.upsert else ""
    owner = f", managed by {dataset.owner}" if dataset.owner else ""
    return f"{dataset.name!r} {dataset.id}, {created}, {switches}{upsert}, schema {dataset.schema_id}{owner}"


def _schema_line(context: Context, schema_id: str) -> str:
    try:
        schema = context.aep.schemas.get(schema_id)
    except ApiError as error:
        return f"{schema_id}, which could not be read: {error.message}"
    created = datetime.fromtimestamp(schema.created / 1000, timezone.utc) if schema.created else None
    when = f"created {timestamp(created)}" if created else "created at an unknown time"
    kind = "experience events" if schema.time_series else "records"
    union = "in the Profile union" if schema.in_union else "not in the Profile union"
    return f"{schema.title!r} {schema.id}, {when}, {kind}, {union}"
