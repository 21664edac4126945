"""What a preview can already say: the guards, asked for new resources and for updates that write.

What waiting cannot cure fails the preview, so that a pull request shows it; batches, dataflows and network
trouble are warnings.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import chain
from typing import Any

from aep_provider import arguments
from aep_provider.announcement import unpacked
from aep_provider.arguments import OWNER_TAG, Kind
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.errors import AepProviderError, ProfileOff, Refused
from aep_provider.operations import asking, create, names, reconcile
from aep_provider.operations.change import Change, Policy
from aep_provider.operations.context import NOT_KNOWN, Context, Run
from aep_provider.operations.foreseen import foreseen, switches, taken_over
from aep_provider.operations.planner import OnRecord, Planner
from aep_provider.operations.record import Record, differs
from aep_provider.plugin import host

FARTHEST = 128
"""Datasets that are asked about ahead at most."""


class Preview:
    """The questions of one process's previews.

    The engine checks one resource after another, so a stack of a hundred new datasets would wait a hundred
    times for the service. The program says what it declares, and once a dataset has a question, what the next ones
    may ask is asked meanwhile. Listings that serve all of them say which have a question; where none does, a few
    are looked up at first, and more if they had questions too.
    Nothing that is learnt ahead is an answer; it only is in memory when the engine comes to it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._declared: list[Mapping[str, Any]] = []
        self._places: dict[tuple[Any, ...], int] = {}
        self._heard: set[str] = set()
        self._begun: set[int] = set()
        self._width = 1
        self._created = 0

    def declare(self, declared: Iterable[str], run: Run) -> None:
        """Take note of what the program declares, in its order.

        Args:
            declared: packed JSON lists of the arguments of each resource, with ``resource``, its logical name, which is
                all where the dataset that is adopted is not known yet, or there is nothing to ask. One list comes with
                several resources, since they overtake each other.
            run: told which dataset each logical name is to have.
        """
        with self._lock:
            new = [text for text in declared if text not in self._heard]
            self._heard.update(new)
            for news in chain.from_iterable(map(json.loads, map(unpacked, new))):
                with run.lock:
                    if news.get("dataset") and not news.get("dataset_id"):
                        run.sought[str(news["resource"])].add(str(news["dataset"]))
                    else:
                        run.declared[str(news["resource"])].add(str(news.get("dataset_id") or NOT_KNOWN))
                if news.keys() == {"resource"}:
                    continue
                # What `declare` announces, the resource announces again when its turn has come.
                if _key(news) not in self._places:
                    self._places[_key(news)] = len(self._declared)
                    self._declared.append(news)
                    self._created += _is_ours(news)

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
        with self._lock:
            self._begun.add(self._places.get(_key(news), -1))
        if olds and not _asks(olds, news):
            with self._lock:
                self._width = max(self._width // 2, 1)
            return []
        context = connect()
        toggles = bool(olds) and switches(olds, news)
        asking.before_read(context, schema_id=_schema_id(olds, news), toggles=toggles)
        if context.aep.reads.looks_ahead:
            self._look_ahead(context, news, new=not olds)
        return _problems(context, olds, news)

    def _look_ahead(self, context: Context, news: Mapping[str, Any], *, new: bool) -> None:
        listed = context.settings.ownership_tag
        with self._lock:
            here = self._places.get(_key(news))
            if here is None:
                return
            self._width = min(4 * self._width, FARTHEST)
            # Resources overtake each other, so some that were declared before this one come after it.
            around = range(max(here - FARTHEST, 0), min(here + 1 + FARTHEST, len(self._declared)))
            upcoming = [
                place
                for place in around
                if place not in self._begun
                and (place <= here + self._width or _told_by_listing(self._declared[place], listed))
            ]
            self._begun.update(upcoming)
            declared = [self._declared[place] for place in upcoming]
            created = self._created
        if not declared:
            return
        ask = partial(_ask_ahead, context, new=new)
        context.aep.catalog.get_ahead(
            [one["dataset_id"] for one in [news, *declared] if one.get("dataset_id")]
        )
        by_name = {one.get("name"): one for one in [news, *declared] if listed and _is_ours(one)}
        if by_name:
            _ask_by_listing(context, by_name, ask, expected=created)
        for one in declared:
            if not (listed and _is_ours(one)):
                context.aep.reads.start(partial(ask, one))


def _ask_by_listing(
    context: Context, by_name: Mapping[Any, Mapping[str, Any]], ask: Callable[..., None], *, expected: int
) -> None:
    """Ask about each dataset when its page of the listing comes, and about those that are not listed at the end."""

    def each(dataset: Observed) -> None:
        if one := by_name.get(dataset.name):
            ask(one, observed=dataset)

    def rest() -> None:
        with contextlib.suppress(AepProviderError):
            context.aep.catalog.tagged(OWNER_TAG)
        for one in by_name.values():
            context.aep.reads.start(partial(ask, one))

    context.aep.catalog.tagged_ahead(OWNER_TAG, each, expected=expected)
    context.aep.reads.start(rest)


def _key(declared: Mapping[str, Any]) -> tuple[Any, ...]:
    return declared.get("dataset") or declared.get("dataset_id"), declared.get("name")


def _is_ours(declared: Mapping[str, Any]) -> bool:
    """Whether it is created here, and not an existing dataset that is adopted."""
    return not (declared.get("dataset") or declared.get("dataset_id"))


def _told_by_listing(declared: Mapping[str, Any], listed: bool) -> bool:
    """Whether requests that serve many tell which dataset is meant; what stands for an id costs one of its own."""
    return bool(declared.get("dataset_id")) or (listed and _is_ours(declared))


def _ask_ahead(
    context: Context, declared: Mapping[str, Any], *, new: bool, observed: Observed | None = None
) -> None:
    """Have asked what the check of a resource will ask.

    Args:
        context: where.
        declared: its arguments. What the state has of it is not known here.
        new: whether the resource that had the first question was new; then this one probably is.
        observed: the dataset that it is probably about, where that was listed.
    """
    news, problems = arguments.validated({key: declared[key] for key in declared if key != "resource"})
    if problems:
        return
    # What cannot be asked, its own check asks again, and says it. Nothing of it may reach whoever else waits for the
    # listing that this is called from.
    with contextlib.suppress(Exception):
        change = _expected(context, news, observed, new=new)
        if change is not None:
            asking.ahead(context, change, preview=True)


def _expected(
    context: Context, news: dict[str, Any], observed: Observed | None, *, new: bool
) -> Change | None:
    """The change that a resource is probably about; ``None`` where several datasets may be meant."""
    if news.get("dataset") is not None:
        news["dataset_id"] = names.dataset_named(context, news["dataset"])
    desired = Desired.of(news, own_tags=context.settings.ownership_tag)
    found = [observed] if observed else _existing(context, news.get("dataset_id"), desired)
    if len(found) > 1:
        return None
    if found:
        return Planner(
            context, desired, Policy.of(news), adopting=new and bool(news.get("dataset_id"))
        ).change(found[0])
    if news.get("schema") is not None:
        news["schema_id"] = names.schema_titled(context, news["schema"])
    return create.creation(Desired.of(news, own_tags=desired.own_tags), Policy.of(news))


def _existing(context: Context, dataset_id: str | None, desired: Desired) -> list[Observed]:
    catalog = context.aep.catalog
    if dataset_id:
        return [catalog.get(dataset_id)]
    if desired.own_tags:
        return [*catalog.tagged(OWNER_TAG).by_name.get(desired.name, ())]
    return catalog.named(desired.name)


def _problems(context: Context, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
    """What `up` would be refused for; builds the change that `up` would make, and asks the same guards."""
    try:
        change = foreseen(context, olds, news)
        if change is not None and change.observed is None:
            if found := asking.problems(context, change):
                return found
            change = taken_over(context, change)
        if change is None or change.observed is None:
            return []
        recorded = OnRecord(change.recorded_owner) if olds else None
        planner = Planner(context, change.desired, change.policy, recorded)
        with reconcile.off_first(context, change.observed, planner):
            # A problem is raised here, so that it says first that Profile is off, where it is.
            found = asking.problems(context, change)
            if found:
                message, _, remedy = found[0].partition("\n")
                raise Refused(message, remedy)
        return []
    except AepProviderError as error:
        if not asking.passes(error):
            host.tell_kind(type(error).__name__)
            return [str(error)]
        # What passes by itself must not keep `up` from repairing it.
        context.report.warn(str(error) if isinstance(error, ProfileOff) else asking.unasked(error))
        return []


def _schema_id(olds: Mapping[str, Any], news: Mapping[str, Any]) -> str:
    """The schema that the guards will ask about, where the program or the record names it."""
    return str(news.get("schema_id") or "") if not olds or switches(olds, news) else ""


def _asks(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether an update has a question: it will disable, or writes to a dataset that may no longer be its own."""
    # What a refresh has found off is repaired, which is a write like any other.
    repairs = any(olds.get(key) is False for key in arguments.SWITCHES)
    managed = any(differs(key, olds, news) for key in arguments.named(Kind.MANAGED))
    moved = bool(olds.get("owner")) and differs("owner", olds, news)
    untagged = bool(Record(olds).tags.keys() - Record(news).tags.keys())
    return switches(olds, news) or repairs or managed or moved or untagged
