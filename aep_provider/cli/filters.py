"""Which datasets a command is about: filters that `discover`, `status` and `import` share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from aep_provider.cli.console import in_utf8
from aep_provider.dataset.observed import Observed
from aep_provider.validators import DATASET_ID


@dataclass(frozen=True)
class Filter:
    """What a dataset has to be.

    Attributes:
        name: text that its name contains, in any case.
        schema: text that its schema's id contains, in any case.
        only_profile: whether it has to be in Profile.
        without_upsert: whether upsert has to be off.
    """

    name: str = ""
    schema: str = ""
    only_profile: bool = False
    without_upsert: bool = False

    def matches(self, dataset: Observed) -> bool:
        """Whether a dataset passes."""
        return (
            self.matches_texts(dataset.name, dataset.schema_id)
            and (dataset.profile.enabled or not self.only_profile)
            and not (dataset.upsert and self.without_upsert)
        )

    def matches_texts(self, name: str, schema_id: str) -> bool:
        """Whether a name and a schema id pass."""
        return self.name.casefold() in name.casefold() and self.schema.casefold() in schema_id.casefold()


def dataset_id(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """A dataset id on the command line."""
    if not DATASET_ID.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not a dataset id (24 hexadecimal characters, lower case).")
    return value


def dataset_ids(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Several of them."""
    return tuple(dataset_id(ctx, param, value) for value in values)


def takes_name(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option `--name`."""
    return click.option(
        "--name",
        "name_part",
        callback=in_utf8,
        default="",
        metavar="TEXT",
        help="Only datasets with TEXT in their name, in any case.",
    )(command)


def takes_schema(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option `--schema`."""
    return click.option(
        "--schema",
        "schema_part",
        callback=in_utf8,
        default="",
        metavar="TEXT",
        help="Only datasets with TEXT in the id of their schema, in any case.",
    )(command)
