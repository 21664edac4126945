"""The provider for whoever follows what it does: spans for a trace, events for a log.

Imported only where one of the two is asked for, so that the provider itself knows nothing of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from aep_provider.errors import (
    AepProviderError,
    Interrupted,
    InvalidInput,
    Refused,
    SettingsError,
    WrongLocation,
)
from aep_provider.plugin import host
from aep_provider.plugin.process import PROCESS
from aep_provider.plugin.provider import UpsertDatasetProvider

_REFUSALS = (SettingsError, InvalidInput, WrongLocation, Refused, Interrupted)
"""Errors after which nothing was switched off."""


class _Call:
    """What is known of one call when it is over."""

    def __init__(self, operation: str, props: Mapping[str, Any], dataset_id: str) -> None:
        self.operation = operation
        self.dataset_id = dataset_id or _text(props, "dataset_id")
        self.name = _text(props, "name")
        self.outcome = "ok"
        self.failed = False


class FollowedProvider(UpsertDatasetProvider):
    """The same calls, each told of when it is over."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """See `UpsertDatasetProvider`."""
        with _told("check", news) as call:
            result = super().check(_olds, news)
            for failure in result.failures or ():
                call.outcome, call.failed = "CheckFailure", True
                text = f"{failure.property}: {failure.reason}" if failure.property else failure.reason
                PROCESS.reporter().event(
                    "refusal", call.dataset_id, {"error": call.outcome, "message": _first_line(text)}
                )
            return result

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """See `UpsertDatasetProvider`."""
        with _told("diff", _news, _id):
            return super().diff(_id, _olds, _news)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """See `UpsertDatasetProvider`."""
        with _told("create", props) as call:
            result = super().create(props)
            call.dataset_id = result.id
            return result

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """See `UpsertDatasetProvider`."""
        with _told("read", props, id_) as call:
            result = super().read(id_, props)
            call.outcome = "ok" if result.id else "gone"
            return result

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """See `UpsertDatasetProvider`."""
        with _told("update", _news, _id):
            return super().update(_id, _olds, _news)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """See `UpsertDatasetProvider`."""
        with _told("delete", _props, _id):
            super().delete(_id, _props)


@contextmanager
def _told(operation: str, props: Mapping[str, Any], dataset_id: str = "") -> Iterator[_Call]:
    call, spans, log = _Call(operation, props, dataset_id), PROCESS.spans, PROCESS.log
    urn, sandbox = host.urn_of_current_call(), _sandbox()
    if spans:
        spans.begin(operation, host.metadata_of_current_call())
    try:
        with log.about(operation, urn, sandbox) if log else nullcontext():
            try:
                yield call
            except Exception as error:
                call.outcome, call.failed = type(error).__name__, True
                kind = "refusal" if isinstance(error, _REFUSALS) else "failure"
                message = error.message if isinstance(error, AepProviderError) else ""
                told = {"error": call.outcome, "message": message}
                PROCESS.reporter().event(kind, call.dataset_id, told)
                raise
    finally:
        if spans:
            facts = {
                "resource": urn.split("::", 3)[-1],
                "sandbox": sandbox,
                "dataset.id": call.dataset_id,
                "dataset.name": call.name,
            }
            spans.end(facts, call.outcome, failed=call.failed)


def _text(props: Mapping[str, Any], key: str) -> str:
    """A text among the props; what is unknown in a preview is none."""
    value = props.get(key)
    return value if isinstance(value, str) else ""


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _sandbox() -> str:
    try:
        return PROCESS.settings.sandbox
    except SettingsError:
        return ""
