"""The lifecycle of `UpsertDataset`: check, diff, create, read, update, delete.

Thin: arguments are judged in `arguments`, changes are carried out in `operations`. The provider has no state of
its own: the plugin makes it from the name that state holds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.output import Unknown

from aep_provider import arguments
from aep_provider.arguments import Kind
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.ownership import owner_of
from aep_provider.errors import InvalidInput, NotFound, Refused, SettingsError
from aep_provider.operations import asking, create, delete, gap_report, kept_windows, planner, reconcile
from aep_provider.operations.change import Policy
from aep_provider.operations.foreseen import switches
from aep_provider.operations.location import check_location, gone
from aep_provider.operations.names import warn_of_rename
from aep_provider.operations.ownership import look_for_twins_ahead, warn_at_refresh
from aep_provider.operations.record import (
    Props,
    Record,
    differs,
    dropped,
    managed,
    outputs,
    references,
    refreshed,
)
from aep_provider.plugin import host
from aep_provider.plugin.names import refuse_seconds, resolve_names
from aep_provider.plugin.process import PROCESS

_FOR_CHECK = (arguments.PREVIEW, arguments.OWNER_PREFIX, arguments.URN)


class UpsertDatasetProvider(ResourceProvider):
    """Pulumi's calls, for one resource type."""

    def configure(self, req: ConfigureRequest) -> None:
        """Keep the configuration; it is judged when it is first needed, so that errors read well."""
        # The request's own accessor looks under the project's name; explicit providers send bare keys.
        PROCESS.configure(dict(req.config._props))

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Validate and complete the arguments; at preview also ask the guards."""
        olds, given = _own(_olds), _own(news)
        if not olds and not given:
            # `pulumi import` checks an entry without inputs; the refresh after it fills them in.
            return CheckResult({}, [])
        extra = {key: news.get(key) for key in _FOR_CHECK}
        given = {key: value for key, value in given.items() if key not in arguments.SWITCHES}
        unknown = frozenset(key for key, value in given.items() if _has_unknown(value))
        normal, problems = arguments.validated(
            given, unknown, protected=olds.get("deletion_protection") is True
        )
        failures = [CheckFailure(problem.property, problem.reason) for problem in problems]
        try:
            normal["owner"] = _owner(extra)
        except (InvalidInput, SettingsError) as error:
            failures.append(CheckFailure("", str(error)))
        program = extra[arguments.PREVIEW]
        preview = isinstance(program, Mapping) and bool(program["preview"])
        if isinstance(program, Mapping):
            PROCESS.preview.declare(program["declared"], PROCESS.run)
        if not failures:
            failures += resolve_names(
                PROCESS.sharing, PROCESS.run, _resource(extra), olds, normal, preview=preview
            )
        if not failures:
            failures += refuse_seconds(PROCESS.run, olds, normal)
        later = {key: given[key] for key in unknown}
        later |= {
            stands_for: given[name]
            for name, stands_for in arguments.references().items()
            if name in unknown and stands_for not in given
        }
        _note(olds, normal, frozenset(later))
        if preview and not failures and later.keys().isdisjoint(arguments.asked_about()):
            # What is not known yet may turn out as it is on record, and then `up` does not write it.
            supposed = {key: olds[key] for key in later if key in olds}
            texts = PROCESS.preview.problems(PROCESS.sharing, olds, {**normal, **supposed})
            failures += [CheckFailure("", text) for text in texts]
        if failures:
            host.tell_kind("Refused")
        return CheckResult({**normal, **later, **arguments.SWITCHES}, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare recorded outputs with declared inputs. No request, no warning."""
        olds, news = _own(_olds), _own(_news)
        record = Record(olds)
        check_location(PROCESS.settings, olds)
        record.check_version()
        unknown = {key for key, value in news.items() if _has_unknown(value)}
        for key in arguments.named(Kind.ASSERTED):
            if key not in unknown and olds.get(key) and differs(key, olds, news):
                raise InvalidInput(
                    f"{key} of dataset {_id} cannot be changed from {olds.get(key)!r} to {news[key]!r}",
                    "The schema of a dataset is fixed. Declare a new resource for the other schema, with "
                    "another logical name, and remove this one when it is no longer needed.",
                )
        replaces = ["dataset_id"] if "dataset_id" not in unknown and _other_dataset(_id, olds, news) else []
        changed = bool(unknown or replaces) or any(differs(key, olds, news) for key in news)
        changed = changed or bool(dropped(olds, news))
        return DiffResult(changes=changed, replaces=replaces, delete_before_replace=True)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create a dataset, or adopt an existing one."""
        given = _own(props)
        context = PROCESS.context()
        desired = Desired.of(given, own_tags=context.settings.ownership_tag)
        dataset_id, policy = given.get("dataset_id"), Policy.of(given)
        if dataset_id:
            asking.before_read(context, schema_id=desired.schema_id)
            outcome = reconcile.adopt(context, dataset_id, desired, policy)
        else:
            outcome = create.create(context, desired, policy)
        found = outputs(
            given,
            outcome.observed,
            context.settings.location,
            adopted=bool(dataset_id),
            claim=outcome.observed.ownership.claim,
            gaps=kept_windows.kept(context, outcome.observed.id, outcome.gaps, ()),
        )
        return CreateResult(outcome.observed.id, found)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Bring the dataset to the new arguments; reads first, whatever state says."""
        olds, news = _own(_olds), _own(_news)
        record = Record(olds)
        check_location(PROCESS.settings, olds, writing=True)
        record.check_version()
        free = {*arguments.steering(), *arguments.references()}
        if not any(differs(key, olds, news) for key in news if key not in free) and not (
            record.tags.keys() - Record(news).tags.keys()
        ):
            kept = {key: value for key, value in olds.items() if key not in arguments.references()}
            steering = {key: news[key] for key in arguments.steering()}
            return UpdateResult({**kept, **steering, **references(news), "managed": managed(news)})
        context = PROCESS.context()
        desired = Desired.of(news, own_tags=context.settings.ownership_tag, owned_before=record.tags)
        on_record = planner.OnRecord(record.owner, record.claim, record.created, record.windows)
        toggles = switches(olds, news)
        asking.before_read(context, schema_id=desired.schema_id if toggles else "", toggles=toggles)
        outcome = reconcile.update(context, _id, desired, Policy.of(news), on_record)
        found = outputs(
            news,
            outcome.observed,
            context.settings.location,
            adopted=bool(olds.get("adopted")),
            claim=record.claim or outcome.observed.ownership.claim,
            gaps=kept_windows.kept(context, _id, outcome.gaps, record.windows),
        )
        return UpdateResult(found)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Read the dataset for a refresh, for ``UpsertDataset.get``, or after an import."""
        record = Record(_own(props))
        check_location(PROCESS.settings, record.props)
        record.check_version()
        # What a program reads, it may read after something else of this run has changed it.
        context = PROCESS.sharing() if record.complete else PROCESS.context()
        if record.complete:
            look_for_twins_ahead(context, record)
        try:
            observed = context.aep.catalog.get(id_)
        except NotFound as error:
            if not gone(context, error, record.created):
                raise
            if record.complete:
                return ReadResult("", {})
            raise Refused(
                f"Dataset {id_} does not exist in sandbox {context.sandbox}", "Check the id and aep:sandbox."
            ) from error
        gaps = record.windows
        if record.complete:
            PROCESS.run.refreshed.add(observed.id)
            warn_at_refresh(context, observed, record)
            warn_of_rename(context, observed, record)
            gap_report.warn_while_open(context, observed)
            new = kept_windows.unreported(context, observed, gaps, {record.owner})
            gaps = kept_windows.kept(context, id_, new, gap_report.listed_since(context, id_, gaps))
        given = host.inputs_of_current_call()
        found, inputs = refreshed(record, observed, context.settings.location, gaps, given)
        return ReadResult(observed.id, found, inputs=inputs)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete a dataset that was created here; release one that was adopted."""
        record = Record(_own(_props))
        check_location(PROCESS.settings, record.props, writing=True)
        record.check_version()
        if record.props.get("deletion_protection"):
            what = "deleted, with its data in the lake and in Profile" if record.created_here else "released"
            raise Refused(
                f"Dataset {record.props.get('name')!r} ({_id}) is protected and would be {what}",
                "Set deletion_protection=False, run `pulumi up`, then remove it.",
            )
        context = PROCESS.context()
        # The engine keeps a resource's own id in the inputs, for which nothing was updated: it is not in the record.
        if record.created_here and "dataset_id" not in host.inputs_of_current_call():
            delete.delete(context, delete.Recorded(_id, record.owner, record.claim, record.created))
        else:
            delete.release(context, _id, record.owner)


def made() -> UpsertDatasetProvider:
    """The provider of this process: the one that is followed, where the environment asks for that."""
    if not PROCESS.follow(os.environ):
        return UpsertDatasetProvider()
    from aep_provider.plugin.followed import FollowedProvider

    return FollowedProvider()


def _own(props: Mapping[str, Any]) -> dict[str, Any]:
    """The props without what the engine and the constructor add; the caller's dict stays as it is."""
    return {key: value for key, value in props.items() if not key.startswith("__")}


def _resource(extra: Mapping[str, Any]) -> str:
    """The logical name of the resource that the current call is about."""
    return str(host.urn_of_current_call() or extra[arguments.URN] or "").split("::", 3)[-1]


def _owner(extra: Mapping[str, Any]) -> str:
    """The owner of the resource that the current call is about.

    Raises:
        InvalidInput: neither the request nor the program tells its URN.
    """
    urn = host.urn_of_current_call() or extra[arguments.URN]
    prefix = extra[arguments.OWNER_PREFIX] or PROCESS.settings.owner
    try:
        return owner_of(str(urn or ""), str(prefix or ""))
    except ValueError as error:
        raise InvalidInput(
            f"The owner of this dataset could not be derived: {error}",
            "This version of Pulumi seems to work differently. Please report it, with `pulumi version`.",
        ) from error


def _note(olds: Props, news: Props, unknown: frozenset[str]) -> None:
    """Remember whether the program continues a resource of the state, or declares another one, for the deletes."""
    if olds:
        PROCESS.run.continued.add(str(olds.get("owner") or ""))
        return
    for key in {"name", "dataset_id"} - unknown:
        if news.get(key):
            PROCESS.run.newcomers[str(news[key])].add(str(news.get("owner") or ""))


def _has_unknown(value: object) -> bool:
    if isinstance(value, Unknown):
        return True
    if isinstance(value, Mapping):
        return any(_has_unknown(inner) for inner in value.values())
    return isinstance(value, list) and any(_has_unknown(inner) for inner in value)


def _other_dataset(dataset_id: str, olds: Props, news: Props) -> bool:
    declared = news.get("dataset_id")
    if not declared or declared == dataset_id:
        return False
    if not olds.get("adopted"):
        raise InvalidInput(
            f"dataset_id {declared!r} is not the dataset that this resource created ({dataset_id})",
            "Declare another resource for it. Giving the resource its own id changes nothing.",
        )
    return True


host.prepare()
