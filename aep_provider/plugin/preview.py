"""What a preview can already say: the guards, asked for new resources and planned disables.

What waiting cannot cure fails the preview, so that a pull request is red; batches, dataflows and network
trouble are warnings.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from typing import Any

from aep_provider import arguments
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.errors import AepProviderError, ProfileOff, Refused
from aep_provider.operations import create, guards, planner, reconcile
from aep_provider.operations.change import Policy
from aep_provider.operations.context import Context, Run, Silent
from aep_provider.operations.location import existing

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
        self._heard: set[str] = set()
        self._begun = 0
        self._width = 1
        self._pool: ThreadPoolExecutor | None = None

    def declare(self, declared: Iterable[str], run: Run) -> None:
        """Take note of what the program declares, in its order.

        Args:
            declared: JSON lists of the arguments of each resource, with ``resource``, its logical name. One list
                comes with several resources, since they overtake each other.
            run: told which dataset each logical name is to have.
        """
        with self._lock:
            new = [text for text in declared if text not in self._heard]
            self._heard.update(new)
            for news in chain.from_iterable(map(json.loads, new)):
                if news.get("dataset_id"):
                    run.declared[str(news["resource"])].add(str(news["dataset_id"]))
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
        if olds and not _asks(olds, news):
            with self._lock:
                self._width = max(self._width // 2, 1)
            return []
        context = connect()
        if context.aep.reads.looks_ahead:
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


def _key(declared: Mapping[str, Any]) -> tuple[Any, ...]:
    return declared.get("dataset_id"), declared.get("name")


def _ask_ahead(context: Context, declared: Mapping[str, Any]) -> None:
    # A shutdown must not wait for what nobody will ask any more.
    if context.clock.wait(0):
        return
    news, problems = arguments.validated({key: declared[key] for key in declared if key != "resource"})
    if not problems:
        _problems(context, {}, news)


def _problems(context: Context, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    """What `up` would be refused for; builds the change that `up` would make, and asks the same guards."""
    desired = Desired.of(
        news, own_tags=context.settings.ownership_tag, owned_before=olds.get("tags") if olds else None
    )
    policy = Policy.of(news)
    try:
        if not olds and not news.get("dataset_id"):
            return guards.problems(context, create.creation(desired, policy))
        recorded = planner.OnRecord(str(olds.get("owner") or "")) if olds else None
        make = planner.Planner(context, desired, policy, recorded, adopting=not olds)
        observed = _observed(context, olds, news)
        if observed is None:
            return []
        with reconcile.off_first(context, observed, desired):
            # A problem is raised here, so that it says first that Profile is off, where it is.
            found = guards.problems(context, make.change(observed))
            if found:
                message, _, remedy = found[0].partition("\n")
                raise Refused(message, remedy)
        return []
    except AepProviderError as error:
        if not guards.passes(error):
            return [str(error)]
        # What passes by itself must not keep `up` from repairing it.
        asked = "" if isinstance(error, ProfileOff) else "The preview could not ask AEP everything: "
        context.report.warn(f"{asked}{error}" if isinstance(error, ProfileOff) else f"{asked}{error.message}")
        return []


def _asks(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether an update has a question: it will disable, or gives another name."""
    return _switches(olds, news) or (bool(news.get("name")) and news.get("name") != olds.get("name"))


def _switches(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether an update will disable: upsert changes, and Profile is not known to be off already."""
    return olds.get("is_upsert") != news["is_upsert"] and olds.get("profile_enabled") is not False


def _observed(context: Context, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Observed | None:
    """The dataset that a change is about; ``None`` where a preview cannot tell."""
    dataset_id = news.get("dataset_id") or olds.get("dataset_id")
    if dataset_id:
        return existing(context, dataset_id)
    return _created_here(context, olds)


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
