"""What a stack declares, compared with what AEP holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aep_provider import arguments
from aep_provider.cli import inventory
from aep_provider.cli.console import Progress, side_by_side
from aep_provider.cli.ownership import forgotten
from aep_provider.cli.stack import Pending, Recorded, Stack, State, logical_name
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.ownership import owner_of
from aep_provider.dataset.plan import differences
from aep_provider.dataset.tags import OWNER_TAG
from aep_provider.entries import name_of
from aep_provider.errors import AepProviderError, NotFound, Refused
from aep_provider.operations import names
from aep_provider.operations.change import Policy
from aep_provider.operations.context import Context
from aep_provider.operations.location import check_location, gone
from aep_provider.validators import DATASET_ID

FEW = 10
"""Up to so many datasets are read one by one; more are picked out of the listing, a hundred a request."""

ENTRY_OPTIONS = ("resource", "renamed_from", "aliases", "protect", "parent")
"""Keys of an entry of `aep:datasets` that are not arguments of the resource: its name and its options."""


@dataclass(frozen=True)
class Declared:
    """One dataset of the stack.

    Attributes:
        resource: logical name.
        id: dataset id; ``""`` for one that is still to be created.
        desired: what is declared, or ``None`` where nothing is, or where it is not valid.
        problems: what is wrong with the declaration.
        in_state: whether the state has it.
        owners: what its owner tag may say.
        policy: how a disable is to be treated.
        given: the arguments, with the ids on record for names that are in their place.
        unresolved: the arguments that are such names, and whose id is still to be looked up.
    """

    resource: str
    id: str
    desired: Desired | None
    problems: Sequence[str] = ()
    in_state: bool = True
    owners: frozenset[str] = frozenset()
    policy: Policy = field(default_factory=Policy)
    given: Mapping[str, Any] = field(default_factory=dict)
    unresolved: tuple[str, ...] = ()


@dataclass
class Verdict:
    """A dataset of the stack and what differs; nothing = as declared."""

    declared: Declared
    observed: Observed | None = None
    differences: list[str] = field(default_factory=list)


def declared(
    state: State, entries: Iterable[Mapping[str, Any]], owner: str, *, ownership_tag: bool
) -> list[Declared]:
    """What the stack declares: its entries in the stack file, and what only the state knows, by its inputs.

    Args:
        state: what is recorded; datasets that are only read are left out.
        entries: `aep:datasets`.
        owner: the stack's owner name, without the logical name.
        ownership_tag: whether our tags are in use.
    """
    own = {one.urn: one for one in state.recorded if not one.external}
    by_name: dict[str, list[Recorded]] = {}
    for recorded in own.values():
        by_name.setdefault(recorded.resource, []).append(recorded)
    found: list[Declared] = []
    seen: set[str] = set()
    for entry in entries:
        given = {key: value for key, value in entry.items() if key not in ENTRY_OPTIONS}
        name = name_of(entry)
        if not name or name in seen:
            fault = (
                "another entry has the same logical name" if name else "it has no logical name: `resource`"
            )
            found.append(Declared(name, "", None, [fault], in_state=False))
            continue
        seen.add(name)
        held = _held(by_name, name, former_names(entry))
        if held:
            by_name[held.resource].remove(held)
            del own[held.urn]
        given = _with_ids_on_record(given, held)
        one = judged(name, held.id if held else str(given.get("dataset_id") or ""), given, ownership_tag)
        owners = {f"{owner}/{name}", *(_owners(held, owner) if held else ())}
        found.append(replace(one, in_state=held is not None, owners=frozenset(owners)))
    for held in own.values():
        given = {
            key: value
            for key, value in held.inputs.items()
            if not key.startswith("__") and key not in (*arguments.SWITCHES, "owner")
        }
        # What an import brought in and no refresh has filled yet declares nothing but the id.
        one = judged(held.resource, held.id, given or {"dataset_id": held.id}, ownership_tag)
        found.append(replace(one, owners=_owners(held, owner)))
    return sorted(found, key=lambda one: one.resource)


def former_names(entry: Mapping[str, Any]) -> list[str]:
    """The logical names that an entry of `aep:datasets` says its resource had before."""
    names: list[str] = []
    for key in ("renamed_from", "aliases"):
        given = entry.get(key) or []
        for one in given if isinstance(given, list) else [given]:
            name = str((one.get("name") if isinstance(one, Mapping) else one) or "")
            names.append(logical_name(name) if name.startswith("urn:") else name)
    return [name for name in names if name]


def of_stack(
    context: Context, stack: Stack, config: Mapping[str, Any], state: State, progress: Progress
) -> list[Verdict]:
    """Judge all datasets of a stack.

    Args:
        context: where and how.
        stack: whose.
        config: its configuration.
        state: its state.
        progress: is told how many datasets were read.

    Raises:
        ApiError: something could not be read.
        WrongLocation: the state is of another sandbox, organisation or endpoint.
    """
    for one in state.recorded:
        check_location(context.settings, one.outputs)
    owner = stack.owner(config)
    listed = declared(state, stack.datasets(config), owner, ownership_tag=context.settings.ownership_tag)
    return compare(context, listed, owner, state.pending, progress)


def compare(
    context: Context, stack: Sequence[Declared], owner: str, pending: Sequence[Pending], progress: Progress
) -> list[Verdict]:
    """Read the datasets and judge each; also those that carry an owner of the stack without being declared.

    Args:
        context: where and how.
        stack: what is declared.
        owner: the stack's owner name, without the logical name.
        pending: operations that a killed run left behind.
        progress: is told how many datasets were read.

    Raises:
        ApiError: something could not be read.
    """
    stack = with_ids(context, stack)
    live, everything = live_datasets(context, stack, progress)
    verdicts = [_verdict(one, live.get(one.id)) for one in stack]
    if context.settings.ownership_tag:
        tagged = everything if everything is not None else context.aep.catalog.tagged(OWNER_TAG)
        verdicts += [_forgotten(dataset, owner) for dataset in _unheld(tagged, owner, stack)]
    return sorted(_with_pending(verdicts, pending, owner), key=lambda one: one.declared.resource)


def with_ids(context: Context, stack: Sequence[Declared]) -> list[Declared]:
    """The declarations with an id for every name; one whose name cannot be resolved gets that as a problem.

    Args:
        context: where the names are looked up.
        stack: what is declared.
    """
    return [_with_ids(context, one) if one.unresolved else one for one in stack]


def _with_ids(context: Context, one: Declared) -> Declared:
    given, problems = dict(one.given), []
    for name in one.unresolved:
        try:
            given[arguments.references()[name]] = names.resolved(lambda: context, name, {}, given)
        except AepProviderError as error:
            problems.append(f"{name} {error}" if isinstance(error, Refused) else str(error))
    if problems:
        return replace(one, desired=None, problems=problems, unresolved=())
    found = judged(
        one.resource, one.id or str(given.get("dataset_id") or ""), given, context.settings.ownership_tag
    )
    return replace(found, in_state=one.in_state, owners=one.owners)


def live_datasets(
    context: Context, stack: Sequence[Declared], progress: Progress
) -> tuple[dict[str, Observed], list[Observed] | None]:
    """The declared datasets that exist, by id; and everything in the sandbox, where a listing was read for it.

    Raises:
        ApiError: something could not be read.
    """
    ids = [one.id for one in stack if DATASET_ID.fullmatch(one.id)]
    everything = inventory.listed(context.aep, progress) if len(ids) > FEW else None
    wanted = set(ids)
    live = {dataset.id: dataset for dataset in everything or () if dataset.id in wanted}
    # What a listing does not show need not be gone, so it is asked for by its id.
    missing = [dataset_id for dataset_id in ids if dataset_id not in live]
    with side_by_side(context.settings.parallel) as pool:
        for dataset_id, observed in zip(
            missing, pool.map(lambda one: _read(context, one), missing), strict=True
        ):
            if observed is not None:
                live[dataset_id] = observed
    return live, everything


def _held(by_name: Mapping[str, Sequence[Recorded]], name: str, former: Sequence[str]) -> Recorded | None:
    """The recorded resource of an entry: the one at the top of the stack rather than a component's child."""
    for known in (name, *former):
        if same := by_name.get(known):
            return min(same, key=lambda one: len(one.urn))
    return None


def _owners(held: Recorded, owner: str) -> frozenset[str]:
    recorded = (held.outputs.get("owner"), held.inputs.get("owner"))
    return frozenset({owner_of(held.urn, owner), *(str(one) for one in recorded if one)})


def _unheld(tagged: Iterable[Observed], owner: str, stack: Sequence[Declared]) -> list[Observed]:
    # An entry without an id will find its own dataset by the tag: `pulumi up` deals with it.
    to_create = [owner for one in stack if not one.id for owner in one.owners]
    return forgotten(tagged, owner, [one.id for one in stack], to_create)


def _forgotten(dataset: Observed, owner: str) -> Verdict:
    resource = dataset.owner.removeprefix(f"{owner}/")
    off = [] if dataset.profile.enabled else ["Profile is off"]
    text = "it carries this stack's owner tag, but the state does not hold it"
    return Verdict(Declared(resource, dataset.id, None, in_state=False), dataset, [text, *off])


def _with_pending(verdicts: list[Verdict], pending: Sequence[Pending], owner: str) -> list[Verdict]:
    for one in pending:
        same = [
            verdict
            for verdict in verdicts
            if verdict.declared.resource == one.resource
            or owner_of(one.urn, owner) in {*verdict.declared.owners, f"{owner}/{verdict.declared.resource}"}
        ]
        if not same:
            same = [Verdict(Declared(one.resource, "", None, in_state=False))]
            verdicts += same
        # Pulumi keeps a pending create after the resource was created, until somebody clears it.
        if one.operation != "creating" or not same[0].declared.in_state:
            same[0].differences.append(f"the last run was interrupted while {one.operation} it")
    return verdicts


def _verdict(one: Declared, observed: Observed | None) -> Verdict:
    verdict = Verdict(one, observed, list(one.problems))
    if not one.in_state and one.desired is not None:
        verdict.differences.append(
            "not in the state yet: `pulumi up` " + ("adopts" if one.id else "creates") + " it"
        )
    if observed is None:
        if one.id:
            verdict.differences.append("the dataset does not exist")
        return verdict
    if one.desired is not None:
        verdict.differences += differences(observed, one.desired)
        if one.desired.schema_id and one.desired.schema_id != observed.schema_id:
            verdict.differences.append(f"the schema is {observed.schema_id}")
        found = observed.owner
        if one.desired.own_tags and found and found not in one.owners:
            verdict.differences.append(f"the owner is {found}")
    return verdict


def _with_ids_on_record(given: Mapping[str, Any], held: Recorded | None) -> dict[str, Any]:
    """The arguments, with the ids that the state has for names in their place."""
    inputs = held.inputs if held else {}
    ids = {
        stands_for: found
        for name, stands_for in arguments.references().items()
        if (found := names.kept(name, inputs, given))
    }
    return {**ids, **given}


def judged(name: str, dataset_id: str, given: Mapping[str, Any], ownership_tag: bool) -> Declared:
    """A declaration, judged as the program would judge it.

    Args:
        name: the logical name.
        dataset_id: of the dataset, or ``""``.
        given: the arguments.
        ownership_tag: whether our tags are in use.
    """
    normal, problems = arguments.validated(given)
    if problems:
        texts = [f"{problem.property} {problem.reason}" for problem in problems]
        return Declared(name, dataset_id, None, texts)
    references = arguments.references().items()
    unresolved = tuple(one for one, stands_for in references if one in given and stands_for not in given)
    desired = Desired.of(normal, own_tags=ownership_tag)
    policy = Policy.of(normal)
    return Declared(name, dataset_id, desired, policy=policy, given=given, unresolved=unresolved)


def _read(context: Context, dataset_id: str) -> Observed | None:
    try:
        return context.aep.catalog.get(dataset_id)
    except NotFound as error:
        if gone(context, error, None):
            return None
        raise
