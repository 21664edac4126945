"""``aep-provider import --owned``: take back what carries an owner of this stack and is not in its state."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click

from aep_provider import arguments
from aep_provider.arguments import OWNER_TAG
from aep_provider.cli import adoption, console, files
from aep_provider.cli.import_report import Options
from aep_provider.cli.ownership import forgotten
from aep_provider.cli.pulumi import PulumiFailed
from aep_provider.cli.source import Source
from aep_provider.cli.stack import RESOURCE_TYPE, Stack
from aep_provider.cli.tables import Column, table
from aep_provider.dataset.observed import Observed
from aep_provider.operations.record import outputs
from aep_provider.settings import Settings
from aep_provider.words import plural

STEP = ("import", "--file", "{file}", "--generate-code=false", "--yes", "--protect=true")
PLACEHOLDER = "aep-import-placeholder"
"""The name of a component that stands for one that the state has lost."""

COLUMNS = (
    Column("resource", shorten=True),
    Column("id"),
    Column("name", rank=1, shorten=True),
    Column("as"),
)


@dataclass(frozen=True)
class Taken:
    """A dataset that comes back into the state.

    Attributes:
        dataset: as AEP shows it.
        types: the types of its parents, outermost first.
        type: its own.
        resource: its logical name.
    """

    dataset: Observed
    types: tuple[str, ...]
    type: str
    resource: str

    @classmethod
    def of(cls, dataset: Observed, prefix: str) -> Taken:
        """Read the owner: what stands after the stack's prefix, in the form that `owner_of` writes."""
        *types, name = dataset.owner.removeprefix(f"{prefix}/").split("$")
        own = RESOURCE_TYPE
        if types[-1:] == [""]:
            *types, own, _ = types
        return cls(dataset, tuple(types), own, unquote(name))

    @property
    def created(self) -> bool:
        """Whether a resource of the stack created it: an adopted dataset has no claim."""
        return bool(self.dataset.ownership.claim)


def import_owned(source: Source, options: Options) -> None:
    """Write the file for `pulumi import`, and run it if asked.

    Args:
        source: where the settings come from.
        options: which datasets, where the file goes, and what to print.
    """
    from aep_provider.aep import connect

    with console.errors_end_the_command():
        with console.Progress("Reading datasets"):
            stack = source.required_stack()
            config = source.config()
            settings = source.load(config)
            prefix = stack.owner(config)
            tagged = connect(settings, console.CLOCK).catalog.tagged(OWNER_TAG)
            state = stack.state()
            held = [one.id for one in state.recorded if not one.external]
            found = [
                Taken.of(dataset, prefix)
                for dataset in forgotten(tagged, prefix, held, ())
                if (not options.ids or dataset.id in options.ids) and options.wanted.matches(dataset)
            ]
            _refuse(found, options.ids, prefix)
        target = options.file if options.file.is_absolute() else source.folder / options.file
        lifted: list[str] = []
        if not options.dry_run:
            content = content_of(found, settings, state.components)
            content = adoption.merged(target, content, prefix, held)
            files.write(target, json.dumps(content, indent=2) + "\n", "Choose another file with --file.")
            lifted = _placeholders(content, stack)
    if options.as_json:
        written = None if options.dry_run else target
        console.as_json(_as_json(stack, found, written, _commands(written or Path("FILE"), lifted)))
        return
    rows = [(one.resource, one.dataset.id, one.dataset.name, _as(one)) for one in found]
    table(f"Into the state of stack {stack.name}", COLUMNS, rows, wide=options.wide)
    console.line(f"{plural(len(found), 'dataset')} {'would be ' if options.dry_run else ''}taken in")
    if not options.dry_run:
        _next(stack, _commands(target, lifted), target, run=options.run)


def _as_json(
    stack: Stack, found: Sequence[Taken], target: Path | None, commands: Sequence[Sequence[str]]
) -> Mapping[str, Any]:
    """What is taken in, and the commands that do it; the keys are those of an import of other datasets."""
    return {
        "imported": [
            {
                "resource": one.resource,
                "dataset_id": one.dataset.id,
                "name": one.dataset.name,
                "created": one.created,
            }
            for one in found
        ],
        "skipped": [],
        "file": str(target or ""),
        "commands": [["pulumi", *command, "--stack", stack.name] for command in commands],
    }


def _as(taken: Taken) -> str:
    return "created" if taken.created else "adopted (its tag has no claim)"


def _refuse(found: Sequence[Taken], ids: Collection[str], prefix: str) -> None:
    if missing := set(ids) - {one.dataset.id for one in found}:
        raise PulumiFailed(
            f"Not taken in: {', '.join(sorted(missing))}, which carry no owner {prefix}/…, or are in the state "
            "already; nothing was changed",
            "`aep-provider status` lists what is there; leave the ids out to take in all of them.",
        )
    if not found:
        raise PulumiFailed(
            f"No dataset carries an owner {prefix}/… without being in the state; nothing was changed",
            "`aep-provider discover` shows the owner of each dataset.",
        )
    owners = [one.dataset.owner for one in found]
    if twice := {owner for owner in owners if owners.count(owner) > 1}:
        same = [one.dataset.id for one in found if one.dataset.owner in twice]
        raise PulumiFailed(
            f"Several datasets carry one owner, {sorted(twice)[0]!r}: {', '.join(same)}; nothing was changed",
            "Give the id of the one to take in, and `aep-provider release` the others.",
        )


def content_of(found: Sequence[Taken], settings: Settings, components: Sequence[str]) -> dict[str, Any]:
    """The content of the file for `pulumi import --file`.

    Args:
        found: the datasets.
        settings: where they are.
        components: the URNs of the components in the state.
    """
    table_: dict[str, str] = {}
    placeholders: dict[tuple[str, ...], dict[str, Any]] = {}
    entries = []
    for one in found:
        entry = _entry(one, settings)
        if one.types:
            entry["parent"] = _parent(one.types, components, table_, placeholders)
        entries.append(entry)
    return {
        **({"nameTable": table_} if table_ else {}),
        "resources": [*placeholders.values(), *entries],
    }


def _parent(
    types: tuple[str, ...],
    components: Sequence[str],
    name_table: dict[str, str],
    placeholders: dict[tuple[str, ...], dict[str, Any]],
) -> str:
    """The name in the file of a component of these types: one in state, else a placeholder.

    A URN names the types of the parents and not their names, so any component of them will do; the next `up`
    records the real one.
    """
    whole = "$".join(types)
    for urn in components:
        if urn.split("::")[2] == whole:
            name = f"parent-{whole}"
            name_table[name] = urn
            return name
    if types not in placeholders:
        name = "-".join((PLACEHOLDER, *(str(len(placeholders)),)))
        outer = {"parent": _parent(types[:-1], components, name_table, placeholders)} if types[1:] else {}
        placeholders[types] = {"type": types[-1], "name": name, "component": True, **outer}
    return str(placeholders[types]["name"])


def _entry(taken: Taken, settings: Settings) -> dict[str, Any]:
    """The full record: with anything less, `pulumi` takes it for adopted, or shows a change."""
    dataset = taken.dataset
    note = dataset.note
    was_upsert = note.upsert if note is not None and not dataset.profile.enabled else dataset.upsert
    told: dict[str, Any] = {
        "name": dataset.name,
        "schema_id": dataset.schema_id,
        "is_upsert": bool(was_upsert),
        **({} if taken.created else {"dataset_id": dataset.id}),
    }
    given, _ = arguments.validated(told)
    inputs = {**given, **arguments.SWITCHES, "owner": dataset.owner}
    found = outputs(
        inputs,
        dataset,
        settings.location,
        adopted=not taken.created,
        claim=dataset.ownership.claim,
        gaps=(),
    )
    provider = {"__provider": adoption.PROVIDER}
    return {
        "type": taken.type,
        "name": taken.resource,
        "id": dataset.id,
        "inputs": {**inputs, **provider},
        # The engine keeps no `None` either.
        "outputs": {key: value for key, value in {**found, **provider}.items() if value is not None},
    }


def _placeholders(content: dict[str, Any], stack: Stack) -> list[str]:
    """The URNs of the placeholders in an import file."""
    named = {one["name"]: one for one in content["resources"] if one.get("component")}

    def types(one: dict[str, Any]) -> str:
        outer = f"{types(named[one['parent']])}$" if one.get("parent") in named else ""
        return f"{outer}{one['type']}"

    return [
        f"urn:pulumi:{stack.short_name}::{stack.project}::{types(one)}::{one['name']}"
        for one in named.values()
    ]


def _commands(target: Path, placeholders: Sequence[str]) -> list[list[str]]:
    """What takes the file into the state. The next `up` removes the placeholders, so these are not protected."""
    return [
        [part.format(file=target) for part in STEP],
        *(["state", "unprotect", urn, "--yes"] for urn in placeholders),
    ]


def _next(stack: Stack, commands: Sequence[Sequence[str]], target: Path, *, run: bool) -> None:
    if not run:
        console.line(f"Written: {target}. Now run, with PULUMI_RUN_PROGRAM=true in the environment:")
    for command in commands:
        if not run:
            console.line(f"  pulumi {shlex.join(command)} --stack {stack.name}")
        elif code := stack.run(*command):
            raise click.ClickException(
                f"The command `pulumi {command[0]}` ended with exit code {code}. Correct what it says, then run "
                f"this again: what is in the state already is left out."
            )
    console.line(f"Then see what the program changes: pulumi preview --diff --stack {stack.name}")
    console.line(
        "They are imported as protected. Where the program sets deletion_protection=False, its next `pulumi up` ends "
        "that; where it does not declare them, `pulumi up` is refused until it does."
    )
