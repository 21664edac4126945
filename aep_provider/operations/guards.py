"""The questions before the first write: one list, which `up`, preview, `doctor` and the safety page go through.

`aep_provider.operations.asking` asks them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from aep_provider.arguments import OWNER_TAG, UNIFIED_PROFILE
from aep_provider.operations import advice, checks, ownership
from aep_provider.operations.change import Change
from aep_provider.operations.context import Context


class Guard(NamedTuple):
    """One question.

    Attributes:
        name: how documentation and `doctor` name it.
        asks: what it asks, for the documentation.
        applies: whether it has to be asked about a change.
        check: raises a refusal, or warns.
        refusals: the texts of its refusals and what they advise, for the documentation; ``…`` stands for what
            differs. Empty for advice, which never refuses.
        waiting_cures: whether a refusal may be over by the time of `up`, so that it is a warning at preview.
        again: whether it is asked once more right before the disable or the POST, after a wait or an edit.
        each_disable: whether it is asked right before each disable that is sent as well; it makes no request then.
        preview_only: for advice that costs `up` more than it is worth.
        ahead: has asked meanwhile what `check` will ask, where the answer may be a moment older than the check.
    """

    name: str
    asks: str
    applies: Callable[[Change], bool]
    check: Callable[[Context, Change], None]
    refusals: tuple[tuple[str, str], ...] = ()
    waiting_cures: bool = False
    again: bool = False
    each_disable: bool = False
    preview_only: bool = False
    ahead: Callable[[Context, Change], None] = lambda _context, _change: None


def _creates(change: Change) -> bool:
    return change.observed is None


def _exists(change: Change) -> bool:
    return change.observed is not None


def _needs_schema(change: Change) -> bool:
    return change.observed is None or change.adopting or bool(change.steps.enable)


def _opens(change: Change) -> bool:
    return change.steps.opens_window


def _sandbox_ahead(context: Context, _change: Change) -> None:
    context.aep.sandboxes.ahead()


def _schema_ahead(context: Context, change: Change) -> None:
    if change.schema_id:
        context.aep.schemas.ahead(change.schema_id)


def _look_up_ahead(context: Context, change: Change) -> None:
    if change.look_up is not None:
        change.look_up.ahead(context)
    if change.desired.own_tags and change.desired.owner:
        context.aep.catalog.tagged_ahead(OWNER_TAG)


def _name_ahead(context: Context, change: Change) -> None:
    context.aep.catalog.named_ahead(change.desired.name)


def _flows_ahead(context: Context, _change: Change) -> None:
    context.aep.flows.ahead()


def _profile_datasets_ahead(context: Context, _change: Change) -> None:
    context.aep.catalog.tagged_ahead(UNIFIED_PROFILE)


def _batches_ahead(context: Context, change: Change) -> None:
    if change.observed is not None:
        context.aep.batches.recent_ahead(change.observed.id)


GUARDS: tuple[Guard, ...] = (
    Guard(
        "sandbox",
        "Does the sandbox exist, and is it active?",
        lambda change: change.writes,
        checks.check_sandbox,
        (
            (
                "Sandbox … does not exist, or the credential does not see it",
                "check `aep:sandbox`, and that a role of the credential includes it",
            ),
            ("Sandbox … is …, not active", "wait until it is active"),
        ),
        ahead=_sandbox_ahead,
    ),
    Guard(
        "production",
        "Is it a sandbox of type development, or does the stack allow production?",
        lambda change: change.writes,
        checks.check_production,
        (
            (
                "Sandbox … is of type …, and this stack may not write to production",
                "`pulumi config set aep:allowProduction true`",
            ),
        ),
    ),
    Guard(
        "Adobe-managed",
        "Is the dataset a customer's, and not managed by Adobe?",
        _exists,
        ownership.check_not_adobes,
        (("Dataset … is managed by Adobe: …", "remove the resource from the program"),),
    ),
    Guard(
        "owner",
        "Does nobody else own the dataset?",
        _exists,
        ownership.check_owner,
        (
            (
                "Dataset … is managed by …",
                "one stack only: remove it there, then `aep-provider release`; after a change of the logical "
                "name, parent or type add an alias",
            ),
        ),
        again=True,
    ),
    Guard(
        "schema of the dataset",
        "Does the dataset have the schema that the program declares?",
        _exists,
        checks.check_schema_of_dataset,
        (("Dataset … has …, not …", "correct the argument, or leave it out"),),
        again=True,
    ),
    Guard(
        "namesake",
        "Does the sandbox have no dataset of this name yet?",
        _creates,
        ownership.check_namesakes,
        (
            (
                "Sandbox … already has a dataset named …",
                "give its id as `dataset_id`, or choose another name",
            ),
            (
                "Another resource of this run creates a dataset named … as well",
                "remove one of the two, or give it another name",
            ),
            (
                "Several datasets carry the owner …",
                "keep one: give its id as `dataset_id`, and delete the others in AEP",
            ),
        ),
        again=True,
        ahead=_look_up_ahead,
    ),
    Guard(
        "interrupted run",
        "Does a dataset with this owner come from a run that was interrupted?",
        _creates,
        ownership.check_interrupted,
        (
            (
                "Dataset … carries the owner …, and is in use: …",
                "`aep-provider import --owned` brings it into this stack",
            ),
        ),
        again=True,
    ),
    Guard(
        "union",
        "Is the schema enabled for Profile?",
        _needs_schema,
        checks.check_union,
        (
            ("Schema … does not exist in sandbox …", "check `schema_id` and `aep:sandbox`"),
            ("Schema … is not enabled for Profile", "enable the schema in AEP; that cannot be undone"),
            ("The dataset names no schema", "look at it in AEP"),
        ),
        ahead=_schema_ahead,
    ),
    Guard(
        "behaviour",
        "Does the schema hold records, where upsert is wanted?",
        _needs_schema,
        checks.check_behaviour,
        (
            (
                "Schema … holds experience events (time series); upsert is for record data only",
                "`is_upsert=False`",
            ),
        ),
    ),
    Guard(
        "consent",
        "May Profile be off for a moment?",
        _opens,
        checks.check_consent,
        (
            (
                "changing upsert switches Profile off for a moment, in a sandbox of type production",
                "`allow_profile_gap=True`",
            ),
            (
                "is in Profile with the other upsert setting; nothing was changed",
                "change upsert by `pulumi up`",
            ),
        ),
    ),
    Guard(
        "change window",
        "Is it a time at which Profile may be off?",
        _opens,
        checks.check_change_window,
        (
            (
                "changing upsert switches Profile off, and the change window is closed",
                "run `pulumi up` at the time that the text names, or change `aep:changeWindow`",
            ),
        ),
        again=True,
        each_disable=True,
    ),
    Guard(
        "token",
        "Does a ready token stay valid until Profile is on again?",
        _opens,
        checks.check_token,
        (
            (
                "AEP_ACCESS_TOKEN may end while Profile is switched off; nothing was written",
                "export a fresh token, or use client id and secret",
            ),
        ),
    ),
    Guard(
        "overwritten",
        "What of an adopted dataset does the program overwrite? (advice)",
        lambda change: change.adopting,
        advice.name_what_is_overwritten,
    ),
    Guard(
        "new name",
        "Does another dataset have the new name? (advice)",
        advice.renames,
        advice.name_namesakes,
        ahead=_name_ahead,
    ),
    Guard(
        "dataflows",
        "Which streaming dataflows write into the dataset? (advice)",
        _opens,
        advice.name_streaming_dataflows,
        ahead=_flows_ahead,
    ),
    Guard(
        "identity dataset",
        "Is it the identity dataset of Adobe's streaming upserts? (advice)",
        advice.enables,
        advice.warn_of_identity_dataset,
    ),
    Guard(
        "plug-in flag",
        "Does a tag say `profile:disabled`? (advice)",
        advice.enables,
        advice.warn_of_plugin_flag,
    ),
    Guard(
        "Profile datasets",
        "How many datasets of the class are in Profile? (advice)",
        advice.adds_to_profile,
        advice.count_profile_datasets,
        preview_only=True,
        ahead=_profile_datasets_ahead,
    ),
    Guard(
        "batches",
        "Is no batch in flight?",
        _opens,
        checks.check_batches,
        (
            (
                "Could not find out whether batches are in flight for dataset …",
                "as the text after it says",
            ),
            (
                "… in flight for dataset …",
                "`wait` waits for them; with `fail` run again later",
            ),
        ),
        waiting_cures=True,
        again=True,
        ahead=_batches_ahead,
    ),
)
