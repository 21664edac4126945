"""Who waits for a place among the requests at once: what is asked before a write is asked when the place is there."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aep_provider.aep.gateway import Prepared
from aep_provider.aep.limit import Limit
from aep_provider.aep.reads import PLAIN
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from aep_provider.errors import AepProviderError
from aep_provider.plugin import host
from support.aep import BareAep
from support.local import Local

ID = "5b020a27e7040801dedbf46e"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
UPSERT = {key: [*value, "isUpsert:true"] for key, value in ON.items()}

TAKEN = [{"op": "add", "path": "/tags/pulumiManagedBy", "value": ["shop/prod/orders"]}]

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


def left_behind(local: Local, aep: BareAep, given: Given) -> Begin:
    created(local, aep, given)()
    return created(local, aep, given)


class Waits:
    """Lets something happen while a call waits for a place: at its first wait, in another run at its second, and so on.

    Attributes:
        happened: whether it has, in this run.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, aep: BareAep) -> None:
        self.happened = False
        self._aep = aep
        self._left: Iterator[int] = itertools.count()
        self._happen: Callable[[], object] = lambda: None
        self._before: Callable[[], object] = lambda: None
        self._written = 0
        acquire, here = Limit.acquire, threading.get_ident()

        def acquired(limit: Limit) -> None:
            acquire(limit)
            if threading.get_ident() == here and not self.happened:
                self._before()
            if threading.get_ident() == here and next(self._left, None) is None and not self.happened:
                self.happened = True
                self._happen()
                self._written = len(aep.writes())

        monkeypatch.setattr(Limit, "acquire", acquired)

    def nothing_is_written_after(
        self,
        happen: Callable[[], object],
        prepare: Callable[[], Begin],
        before: Callable[[], object] = lambda: None,
    ) -> None:
        """Run what was prepared, anew for each of its waits, and see that nothing is written from then on.

        Args:
            happen: lets something happen.
            prepare: makes the run.
            before: called in each wait until then.
        """
        for waited in self.runs(happen, prepare, before):
            assert len(self._aep.writes()) == self._written, f"waited {waited} times before"

    def runs(
        self,
        happen: Callable[[], object],
        prepare: Callable[[], Begin],
        before: Callable[[], object] = lambda: None,
    ) -> Iterator[int]:
        """The same runs, without the look at what is written: how many waits there were before, after each."""
        for waited in itertools.count():
            self._aep.reset()
            self.happened, self._left, self._before = False, itertools.count(), lambda: None
            begin = prepare()
            self._left, self._happen, self._before = iter(range(waited)), happen, before
            with contextlib.suppress(AepProviderError):
                begin()
            if not self.happened:
                break
            yield waited


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch, aep: BareAep) -> Waits:
    return Waits(monkeypatch, aep)


@pytest.mark.parametrize("prepared", [created, adopted, toggled, deleted, released])
def test_nothing_is_begun_by_who_waited_for_a_place_while_the_engine_went(
    local: Local,
    aep: BareAep,
    given: Given,
    waits: Waits,
    monkeypatch: pytest.MonkeyPatch,
    prepared: Callable[..., Begin],
) -> None:
    monkeypatch.setattr(host.EngineReporter, "listening", lambda _: not waits.happened)
    waits.nothing_is_written_after(lambda: None, lambda: prepared(local, aep, given))


@pytest.mark.parametrize(
    ("prepared", "asking"),
    [
        (created, "GET datasets"),
        (adopted, "GET dataset"),
        (toggled, "GET batches"),
        (deleted, "GET dataset"),
        (released, "GET dataset"),
        (left_behind, "GET dataset"),
    ],
)
def test_nothing_is_begun_by_who_reads_again_in_its_place_while_the_engine_goes(
    local: Local,
    aep: BareAep,
    given: Given,
    waits: Waits,
    monkeypatch: pytest.MonkeyPatch,
    prepared: Callable[..., Begin],
    asking: str,
) -> None:
    gone: list[bool] = []
    sending = Prepared.send

    def send(self: Prepared, fill: Any = None) -> Any:
        reply = sending(self, fill)
        if waits.happened and self.name.startswith(asking):
            gone.append(True)
        return reply

    def prepare() -> Begin:
        gone.clear()
        return prepared(local, aep, given)

    # Every request is one of this thread then.
    monkeypatch.setenv(PLAIN, "1")
    monkeypatch.setattr(Prepared, "send", send)
    monkeypatch.setattr(host.EngineReporter, "listening", lambda _: not gone)
    waits.nothing_is_written_after(lambda: host.CLOCK.wait(60), prepare)


def test_a_name_that_is_taken_during_a_long_wait_for_the_place_of_the_post_is_refused(
    local: Local, aep: BareAep, given: Given, waits: Waits
) -> None:
    def taken() -> None:
        host.CLOCK.wait(60)
        aep.dataset(ID, ON, name="Orders")

    waits.nothing_is_written_after(taken, lambda: created(local, aep, given))


def test_a_batch_that_begins_during_a_long_wait_for_a_place_keeps_profile_on(
    local: Local, aep: BareAep, given: Given, waits: Waits
) -> None:
    def begun() -> None:
        host.CLOCK.wait(60)
        now = int(host.CLOCK.now().timestamp() * 1000)
        related = [{"type": "dataSet", "id": ID}]
        aep.seed(batches={"B1": {"status": "processing", "created": now, "relatedObjects": related}})

    def refusing(**more: Any) -> dict[str, Any]:
        return given(**more, in_flight_batches="fail")

    waits.nothing_is_written_after(begun, lambda: toggled(local, aep, refusing))


@pytest.mark.parametrize("status", [400, 412])
def test_batches_that_cannot_be_listed_after_a_long_wait_for_a_place_keep_profile_on(
    local: Local, aep: BareAep, given: Given, waits: Waits, status: int
) -> None:
    def refused() -> None:
        host.CLOCK.wait(60)
        aep.fault({"status": status, "body": {}}, method="GET", path="/catalog/batches")

    waits.nothing_is_written_after(refused, lambda: toggled(local, aep, given))


@pytest.mark.parametrize("prepared", [adopted, toggled, deleted, released, left_behind])
@pytest.mark.parametrize("before", [0, 60], ids=["one wait", "each wait"])
def test_what_becomes_somebody_elses_during_a_long_wait_for_a_place_is_left_alone(
    local: Local,
    aep: BareAep,
    given: Given,
    waits: Waits,
    monkeypatch: pytest.MonkeyPatch,
    prepared: Callable[..., Begin],
    before: float,
) -> None:
    def taken() -> None:
        host.CLOCK.wait(60)
        for dataset_id in aep.datasets():
            aep.someone_else("PATCH", dataset_id, TAKEN)

    if before:
        # What another thread asks ahead would run out of time while this one's waits move the clock.
        monkeypatch.setenv(PLAIN, "1")
    waits.nothing_is_written_after(
        taken, lambda: prepared(local, aep, given), before=lambda: host.CLOCK.wait(before)
    )


@pytest.mark.parametrize("versions", [True, False], ids=["with versions", "without"])
def test_an_owner_that_comes_while_batches_are_listed_after_a_long_wait_is_honoured(
    local: Local, aep: BareAep, given: Given, waits: Waits, monkeypatch: pytest.MonkeyPatch, versions: bool
) -> None:
    sending, taken = Prepared.send, [False]

    def send(self: Prepared, fill: Any = None) -> Any:
        reply = sending(self, fill)
        if waits.happened and self.name.startswith("GET batches") and not taken[-1]:
            taken[-1] = True
            aep.someone_else("PATCH", ID, TAKEN)
        return reply

    def prepare() -> Begin:
        taken.append(False)
        return toggled(local, aep, given)

    monkeypatch.setenv(PLAIN, "1")
    monkeypatch.setattr(Prepared, "send", send)
    if not versions:
        monkeypatch.setattr("aep_provider.aep.catalog.etag", lambda _: "")
    for waited in waits.runs(lambda: host.CLOCK.wait(60), prepare):
        owners = aep.datasets()[ID]["tags"].get("pulumiManagedBy")
        assert not taken[-1] or owners == ["shop/prod/orders"], f"waited {waited} times before"
    assert any(taken)
