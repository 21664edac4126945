"""The lifecycle of `UpsertDataset`: check, diff, create, read, update, delete.

Thin: arguments are judged in `inputs`, changes are carried out in `reconcile`. The provider has no state of
its own: the plugin makes it from the name that state holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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
from aep_provider.dataset.observed import Observed, normal_content_type
from aep_provider.errors import InvalidInput, NotFound, Refused, SettingsError
from aep_provider.operations import create, delete, guards, reconcile
from aep_provider.plugin import host
from aep_provider.plugin.process import PROCESS

if TYPE_CHECKING:
    pass

SPEC_VERSION = 1
"""Version of the recorded outputs; it also marks props that come from state."""

_NEVER_CHANGED = ("schema_id", "schema_content_type")


class UpsertDatasetProvider(ResourceProvider):
    """Pulumi's calls, for one resource type."""

    def configure(self, req: ConfigureRequest) -> None:
        """Keep the configuration; it is judged when it is first needed, so that errors read well."""
        # The request's own accessor looks under the project's name; explicit providers send bare keys.
        PROCESS.configure(dict(req.config._props))

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Validate and complete the arguments; at preview also ask the guards."""
        olds, news = _own(_olds), _own(news)
        preview = news.pop(arguments.PREVIEW, None)
        news = {key: value for key, value in news.items() if key not in arguments.SWITCHES}
        if not olds and not news:
            # `pulumi import` checks an entry without inputs; the refresh after it fills them in.
            return CheckResult({}, [])
        unknown = frozenset(key for key, value in news.items() if _has_unknown(value))
        normal, problems = arguments.validated(
            news, unknown, protected=olds.get("deletion_protection") is True
        )
        failures = [CheckFailure(problem.property, problem.reason) for problem in problems]
        try:
            _ = PROCESS.settings
        except SettingsError as error:
            failures.append(CheckFailure("", str(error)))
        if preview:
            PROCESS.preview.declare(preview["declared"])
            if not failures and not unknown:
                texts = PROCESS.preview.problems(PROCESS.sharing, olds, normal)
                failures += [CheckFailure("", text) for text in texts]
        return CheckResult({**normal, **{key: news[key] for key in unknown}, **arguments.SWITCHES}, failures)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Compare recorded outputs with wanted inputs. No request, no warning."""
        olds, news = _own(_olds), _own(_news)
        guards.same_place(PROCESS.settings, olds)
        unknown = {key for key, value in news.items() if _has_unknown(value)}
        for key in _NEVER_CHANGED:
            if key not in unknown and _differs(key, olds, news):
                raise InvalidInput(
                    f"{key} of dataset {_id} cannot be changed from {olds.get(key)!r} to {news[key]!r}",
                    "The schema of a dataset is fixed. Declare a new resource for the other schema, with "
                    "another logical name, and remove this one when it is no longer needed.",
                )
        replaces = ["dataset_id"] if "dataset_id" not in unknown and _other_dataset(_id, olds, news) else []
        changed = bool(unknown or replaces) or any(_differs(key, olds, news) for key in news)
        changed = changed or bool(_tags(olds).keys() - _tags(news).keys())
        return DiffResult(changes=changed, replaces=replaces, delete_before_replace=True)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create a dataset, or configure an existing one."""
        props = _own(props)
        context = PROCESS.context()
        wanted = arguments.desired(props, owned_before={}, ownership_tag=context.settings.ownership_tag)
        dataset_id = props.get("dataset_id")
        policy = reconcile.Policy.of(props)
        if dataset_id:
            outcome = reconcile.configure(context, dataset_id, wanted, policy)
        else:
            outcome = create.create(context, wanted, policy)
        place = context.settings.place
        return CreateResult(
            outcome.observed.id,
            _outputs(props, outcome.observed, place, adopted=bool(dataset_id), gap=outcome.profile_gap),
        )

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Bring the dataset to the new arguments; reads first, whatever state says."""
        olds, news = _own(_olds), _own(_news)
        guards.same_place(PROCESS.settings, olds, writing=True)
        if not any(_differs(key, olds, news) for key in news if key not in arguments.PROVIDER_ONLY) and not (
            _tags(olds).keys() - _tags(news).keys()
        ):
            steering = {key: news[key] for key in arguments.PROVIDER_ONLY}
            return UpdateResult({**olds, **steering, "managed": _managed(news)})
        context = PROCESS.context()
        wanted = arguments.desired(
            news, owned_before=_tags(olds), ownership_tag=context.settings.ownership_tag
        )
        outcome = reconcile.update(
            context, _id, wanted, reconcile.Policy.of(news), str(olds.get("owner") or "")
        )
        gap = outcome.profile_gap or olds.get("profile_gap")
        adopted = bool(olds.get("adopted"))
        return UpdateResult(
            _outputs(news, outcome.observed, context.settings.place, adopted=adopted, gap=gap)
        )

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Read the dataset for a refresh, for ``UpsertDataset.get``, or after an import."""
        olds = _own(props)
        guards.same_place(PROCESS.settings, olds)
        # What a program reads, it may read after something else of this run has changed it.
        context = PROCESS.sharing() if "spec_version" in olds else PROCESS.context()
        try:
            observed = context.aep.catalog.get(id_)
        except NotFound as error:
            if not guards.gone(context, error):
                raise
            if "spec_version" in olds:
                return ReadResult("", {})
            raise Refused(
                f"Dataset {id_} does not exist in sandbox {context.sandbox}", "Check the id and aep:sandbox."
            ) from error
        return _read_result(observed, olds, context.settings.place)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete a dataset that was created here; release one that was adopted."""
        props = _own(_props)
        guards.same_place(PROCESS.settings, props, writing=True)
        # Only what certainly was created here is deleted: a record may be partial, and a program that names
        # the dataset's id says that the dataset is more than this resource.
        adopted = props.get("adopted") is not False or "dataset_id" in (props.get("managed") or ())
        if props.get("deletion_protection"):
            what = "released" if adopted else "deleted, with its data in the lake and in Profile"
            raise Refused(
                f"Dataset {props.get('name')!r} ({_id}) is protected and would be {what}",
                "Set deletion_protection=False, run `pulumi up`, then remove it.",
            )
        context = PROCESS.context()
        owner = str(props.get("owner") or "")
        if adopted:
            delete.let_go(context, _id, owner)
        else:
            delete.delete(context, _id, owner)


def _own(props: Mapping[str, Any]) -> dict[str, Any]:
    """The props without what the engine adds; the caller's dict stays as it is."""
    return {
        key: value for key, value in props.items() if not key.startswith("__") or key == arguments.PREVIEW
    }


def _has_unknown(value: object) -> bool:
    if isinstance(value, Unknown):
        return True
    if isinstance(value, Mapping):
        return any(_has_unknown(inner) for inner in value.values())
    return isinstance(value, list) and any(_has_unknown(inner) for inner in value)


def _tags(props: Mapping[str, Any]) -> Mapping[str, Any]:
    tags = props.get("tags")
    return tags if isinstance(tags, Mapping) else {}


def _managed(given: Mapping[str, Any]) -> list[str]:
    return [key for key in arguments.OPTIONAL if given.get(key) is not None]


def _differs(key: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether an argument that the program gives differs from the record."""
    want = news.get(key)
    if want is None or key == "dataset_id":
        return False
    if key == "owner" and olds.get("adopted") and not olds.get(key):
        # After an import; our tag rides on the next write that is made anyway.
        return False
    if key == "schema_content_type":
        return bool(olds.get(key)) and normal_content_type(want) != olds.get(key)
    return bool(want != olds.get(key))


def _other_dataset(dataset_id: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    want = news.get("dataset_id")
    if not want or want == dataset_id:
        return False
    if not olds.get("adopted"):
        raise InvalidInput(
            f"dataset_id {want!r} is not the dataset that this resource created ({dataset_id})",
            "Declare another resource for it. Giving the resource its own id changes nothing.",
        )
    return True


def _outputs(
    given: Mapping[str, Any],
    observed: Observed,
    place: Mapping[str, str],
    *,
    adopted: bool,
    gap: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Everything recorded: the arguments as resolved, and what only AEP or this provider knows."""
    outputs: dict[str, Any] = {key: given[key] for key in ("owner", *arguments.PROVIDER_ONLY) if key in given}
    outputs |= {
        "name": observed.name,
        "description": observed.description,
        "schema_id": observed.schema_id,
        "schema_content_type": observed.schema_content_type,
        "tags": {key: list(observed.tags[key]) for key in _tags(given) if key in observed.tags},
        "is_upsert": observed.upsert,
        "profile_enabled": observed.profile.enabled,
        "identity_enabled": observed.identity.enabled,
        "dataset_id": observed.id,
        "enabled_at": observed.profile.enabled_at,
        "created": observed.created_at,
        "adopted": adopted,
        "managed": _managed(given),
        "profile_gap": dict(gap) if gap else None,
        "spec_version": SPEC_VERSION,
        **place,
    }
    return outputs


def _read_result(observed: Observed, olds: Mapping[str, Any], place: Mapping[str, str]) -> ReadResult:
    if "spec_version" in olds:
        managed = [key for key in olds.get("managed") or [] if key in arguments.OPTIONAL]
        given = {key: olds.get(key) for key in (*managed, "owner", *arguments.PROVIDER_ONLY)}
        adopted = bool(olds.get("adopted"))
    else:
        # Nothing is recorded: the form that a program would declare for an adopted dataset.
        managed = ["dataset_id", "name", "schema_id"]
        given, _ = arguments.validated({"dataset_id": observed.id})
        given |= {"name": observed.name, "schema_id": observed.schema_id}
        # An import file names the owner, which the plugin cannot know: it is never told the stack.
        given |= {"owner": olds["owner"]} if olds.get("owner") else {}
        adopted = True
    outputs = _outputs(given, observed, place, adopted=adopted, gap=olds.get("profile_gap"))
    outputs["managed"] = managed
    switches = ("is_upsert", *arguments.SWITCHES)
    live = {
        key: outputs[key]
        for key in (*managed, *switches, "owner", *arguments.PROVIDER_ONLY)
        if key in outputs
    }
    if "dataset_id" in managed:
        live["dataset_id"] = observed.id
    return ReadResult(observed.id, outputs, inputs=live)


host.prepare()
