"""Who waits for a place among the requests at once: what is asked before a write is asked when the place is there."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aep_provider.aep.limit import Limit
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from aep_provider.errors import AepProviderError
from aep_provider.plugin import host
from support.aep import BareAep
from support.local import Local

ID = "5b020a27e7040801dedbf46e"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
UPSERT = {key: [*value, "isUpsert:true"] for key, value in ON.items()}

Given = Callable[..., dict[str, Any]]
Begin = Callable[[], object]


def created(local: Local, aep: BareAep, given: Given) -> Begin:
    provider = local.start(aep.url)
    return lambda: provider.create(given(name="Orders", schema_id=PROFILE_SCHEMA))


def adopted(local: Local, aep: BareAep, given: Given) -> Begin:
    aep.dataset(ID, UPSERT)
    provider = local.start(aep.url)
    return lambda: provider.create(given(dataset_id=ID, description="new"))


def toggled(local: Local, aep: BareAep, given: Given) -> Begin:
    aep.dataset(ID, ON)
    provider = local.start(aep.url)
    return lambda: provider.create(given(dataset_id=ID, allow_profile_gap=True))


def deleted(local: Local, aep: BareAep, given: Given) -> Begin:
    made = local.start(aep.url).create(
        given(name="Orders", schema_id=PROFILE_SCHEMA, deletion_protection=False)
    )
    provider = local.start(aep.url)
    return lambda: provider.delete(str(made.id), made.outs)


def released(local: Local, aep: BareAep, given: Given) -> Begin:
    made = local.start(aep.url).create(given(dataset_id=aep.dataset(ID, ON), allow_profile_gap=True))
    provider = local.start(aep.url)
    return lambda: provider.delete(ID, made.outs)


@pytest.mark.parametrize("prepared", [created, adopted, toggled, deleted, released])
def test_nothing_is_begun_by_who_waited_for_a_place_while_the_engine_went(
    local: Local,
    aep: BareAep,
    given: Given,
    monkeypatch: pytest.MonkeyPatch,
    prepared: Callable[..., Begin],
) -> None:
    acquire, here = Limit.acquire, threading.get_ident()
    waits: Iterator[int] = itertools.count()
    gone: list[int] = []

    def acquired(limit: Limit) -> None:
        acquire(limit)
        if threading.get_ident() == here and next(waits, None) is None and not gone:
            gone.append(len(aep.writes()))

    monkeypatch.setattr(Limit, "acquire", acquired)
    monkeypatch.setattr(host.EngineReporter, "listening", lambda _: not gone)
    for before in itertools.count():
        aep.reset()
        waits = itertools.count()
        begin = prepared(local, aep, given)
        waits = iter(range(before))
        with contextlib.suppress(AepProviderError):
            begin()
        if not gone:
            break
        assert len(aep.writes()) == gone.pop(), f"waited {before} times before"


def test_a_name_that_is_taken_during_a_long_wait_for_the_place_of_the_post_is_refused(
    local: Local, aep: BareAep, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    acquire, here = Limit.acquire, threading.get_ident()
    waits: Iterator[int] = itertools.count()
    taken: list[int] = []

    def acquired(limit: Limit) -> None:
        acquire(limit)
        if threading.get_ident() == here and next(waits, None) is None and not taken:
            host.CLOCK.wait(60)
            aep.dataset(ID, ON, name="Orders")
            taken.append(len(aep.writes()))

    monkeypatch.setattr(Limit, "acquire", acquired)
    for before in itertools.count():
        aep.reset()
        waits = itertools.count()
        begin = created(local, aep, given)
        waits = iter(range(before))
        with contextlib.suppress(AepProviderError):
            begin()
        if not taken:
            break
        assert len(aep.writes()) == taken.pop(), f"waited {before} times before"


TAKEN = [{"op": "add", "path": "/tags/pulumiManagedBy", "value": ["shop/prod/orders"]}]


@pytest.mark.parametrize("prepared", [adopted, toggled, deleted, released])
def test_what_becomes_somebody_elses_during_a_long_wait_for_a_place_is_left_alone(
    local: Local,
    aep: BareAep,
    given: Given,
    monkeypatch: pytest.MonkeyPatch,
    prepared: Callable[..., Begin],
) -> None:
    acquire, here = Limit.acquire, threading.get_ident()
    waits: Iterator[int] = itertools.count()
    taken: list[int] = []

    def acquired(limit: Limit) -> None:
        acquire(limit)
        if threading.get_ident() == here and next(waits, None) is None and not taken:
            host.CLOCK.wait(60)
            for dataset_id in aep.datasets():
                aep.someone_else("PATCH", dataset_id, TAKEN)
            taken.append(len(aep.writes()))

    monkeypatch.setattr(Limit, "acquire", acquired)
    for before in itertools.count():
        aep.reset()
        waits = itertools.count()
        begin = prepared(local, aep, given)
        waits = iter(range(before))
        with contextlib.suppress(AepProviderError):
            begin()
        if not taken:
            break
        assert len(aep.writes()) == taken.pop(), f"waited {before} times before"
