"""Asking which datasets to take in."""

from __future__ import annotations

from collections.abc import Sequence

import click

from aep_provider.cli import console
from aep_provider.cli.adoption import Adoption
from aep_provider.words import plural

MANY = 25
"""Candidates that are listed without asking for a part of the name first."""


def asked(adoptions: Sequence[Adoption]) -> list[Adoption]:
    """Let the user pick on a terminal; a long list is narrowed down first."""
    offered = list(adoptions)
    while len(offered) > MANY:
        text = click.prompt(
            f"{plural(len(offered), 'dataset')} can be taken in. Part of the name (empty = list all)",
            default="",
            show_default=False,
        ).casefold()
        if not text:
            break
        narrowed = [one for one in offered if text in one.name.casefold()]
        if narrowed:
            offered = narrowed
            break
        console.line("No name contains that.")
    for number, one in enumerate(offered, 1):
        upsert = "with upsert" if one.entry["is_upsert"] else "without upsert"
        console.line(f"{number:4}  {one.name}  {one.entry['dataset_id']}  {upsert}")

    def chosen(text: str) -> list[Adoption]:
        if text.strip() == "all":
            return offered
        numbers = _numbers(text, len(offered))
        return [one for number, one in enumerate(offered, 1) if number in numbers]

    picked: list[Adoption] = click.prompt(
        "Which (such as 1 4 6-9, or all; empty = none)", default="", show_default=False, value_proc=chosen
    )
    return picked


def _numbers(text: str, highest: int) -> set[int]:
    numbers: set[int] = set()
    for part in text.replace(",", " ").split():
        low, _, high = part.partition("-")
        if not low.isdecimal() or not (high or low).isdecimal():
            raise click.BadParameter(f"{part!r} is neither a number nor a range such as 3-7.")
        numbers.update(range(int(low), int(high or low) + 1))
    if not numbers <= set(range(1, highest + 1)):
        raise click.BadParameter(f"the numbers go from 1 to {highest}.")
    return numbers
