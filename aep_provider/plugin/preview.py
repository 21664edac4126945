"""What a preview can already say: the guards, asked for new resources and planned disables.

What waiting cannot cure fails the preview, so that a pull request is red; batches, dataflows and network
trouble are warnings.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from aep_provider import arguments
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.errors import AepProviderError, ApiError, PermissionDenied, ProfileOff
from aep_provider.operations import create, guards, in_flight, reconcile
from aep_provider.operations.context import Context, Silent, describe

FARTHEST = 128
"""Datasets that are asked about ahead at most."""


class Preview:
    """The questions of one process's previews.

    The engine checks one resource after another, so a stack of a hundred new datasets would wait a hundred
    times for the service. The program says what it declares, and once a dataset has a question, those that
    are declared next are asked about as well, meanwhile: few at first, more if they had questions too.
    Nothing that is learnt ahead is an answer; it only is in memory when the engine comes to it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._declared: list[Mapping[str, Any]] = []
        self._places: dict[tuple[Any, ...], int] = {}
        self._begun = 0
        self._width = 1
        self._pool: ThreadPoolExecutor | None = None

    def declare(self, declared: Iterable[Mapping[str, Any]]) -> None:
        """Take note of what the program declares, in its order."""
        with self._lock:
            for news in declared:
                # What `declare` announces, the resource announces again when its turn has come.
                if _key(news) not in self._places:
                    self._places[_key(news)] = len(self._declared)
                    self._declared.append(news)

    def problems(
        self, connect: Callable[[], Context], olds: Mapping[str, Any], news: Mapping[str, Any]
    ) -> list[str]:
        """Ask the guards about a resource.

        Args:
            connect: makes the context; only called when there is something to ask.
            olds: the inputs on record; empty for a new resource.
            news: validated inputs, all known.

        Returns:
            What would refuse the change, for the user.
        """
        if olds and not _switches(olds, news):
            with self._lock:
                self._width = max(self._width // 2, 1)
            return []
        context = connect()
        self._look_ahead(context, news)
        return _problems(context, olds, news)

    def _look_ahead(self, context: Context, news: Mapping[str, Any]) -> None:
        with self._lock:
            here = self._places.get(_key(news))
            if here is None:
                return
            self._width = min(4 * self._width, FARTHEST)
            start = max(here + 1, self._begun)
            end = min(here + 1 + self._width, len(self._declared))
            upcoming, self._begun = self._declared[start:end], max(self._begun, end)
            if upcoming and self._pool is None:
                self._pool = ThreadPoolExecutor(context.settings.parallel, "aep-ahead")
        silent = replace(context, report=Silent())
        for one in upcoming:
            if self._pool is not None:
                self._pool.submit(_ask_ahead, silent, one)


def _key(news: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(news.get(key) for key in ("owner", "dataset_id", "name"))


def _ask_ahead(context: Context, declared: Mapping[str, Any]) -> None:
    # A shutdown must not wait for what nobody will ask any more.
    if context.clock.wait(0):
        return
    news, problems = arguments.validated(declared)
    if not problems:
        _problems(context, {}, news)


def _problems(context: Context, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    wanted = arguments.desired(news, owned_before={}, ownership_tag=context.settings.ownership_tag)
    try:
        _ask(context, wanted, olds, news)
    except PermissionDenied as error:
        return [str(error)]
    except ApiError as error:
        context.report.warn(f"The preview could not ask AEP everything: {error.message}")
    except ProfileOff as error:
        if not isinstance(error.__cause__, ApiError) or isinstance(error.__cause__, PermissionDenied):
            return [str(error)]
        # What passes by itself must not keep `up` from repairing it.
        context.report.warn(str(error))
    except AepProviderError as error:
        return [str(error)]
    return []


def _switches(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether an update will disable: upsert changes, and Profile is not known to be off already."""
    return bool(olds.get("is_upsert") != news.get("is_upsert") and olds.get("profile_enabled") is not False)


def _ask(context: Context, wanted: Desired, olds: Mapping[str, Any], news: Mapping[str, Any]) -> None:
    recorded_owner = str(olds.get("owner") or "")
    dataset_id = news.get("dataset_id") or olds.get("dataset_id")
    if dataset_id:
        observed: Observed | None = reconcile.existing(context, dataset_id)
    elif olds:
        # The engine does not tell `check` the id of a dataset created here; its owner tag finds it.
        observed = _created_here(context, olds)
    else:
        guards.sandbox(context)
        guards.schema(context, wanted.schema_id or "", upsert=wanted.is_upsert)
        observed = create.find_own(context, wanted)
        if observed is None:
            return
    if observed is None:
        guards.sandbox(context)
        guards.schema(context, wanted.schema_id or "", upsert=wanted.is_upsert)
        context.report.warn(
            f"The preview could not tell which dataset named {olds.get('name')!r} in sandbox "
            f"{context.sandbox} is this resource's; `up` asks the guards."
        )
        return
    with reconcile.off_first(context, observed, wanted):
        _ask_about(context, observed, wanted, recorded_owner, news)


def _created_here(context: Context, olds: Mapping[str, Any]) -> Observed | None:
    """The dataset on record, by owner tag; with our tags off by who created it, if that tells."""
    found = context.aep.catalog.named(str(olds.get("name")))
    owned = [dataset for dataset in found if dataset.owner and dataset.owner == olds.get("owner")]
    likely = owned or [
        dataset
        for dataset in found
        if not dataset.owner
        and dataset.created_client == context.settings.client_id
        and dataset.schema_id == olds.get("schema_id")
    ]
    return likely[0] if len(likely) == 1 else None


def _ask_about(
    context: Context, observed: Observed, wanted: Desired, recorded_owner: str, news: Mapping[str, Any]
) -> None:
    steps = reconcile.Planner(context, wanted)(observed)
    if not steps.empty:
        guards.sandbox(context)
    guards.customers(context, observed, wanted, recorded_owner)
    guards.schema(context, observed.schema_id, upsert=wanted.is_upsert)
    if steps.opens_gap:
        guards.consent(context, observed, allowed=news["allow_profile_gap"])
        guards.streaming(context, observed, upsert=wanted.is_upsert)
        ahead = in_flight.look_for_batches(context, observed.id)
        if ahead and news["in_flight_batches"] != "ignore":
            context.report.warn(
                f"{describe(context, observed)}: {len(ahead)} batches in flight: "
                f"{in_flight.listed(ahead)}; `up` would "
                f"{'wait for them' if news['in_flight_batches'] == 'wait' else 'refuse'}."
            )
