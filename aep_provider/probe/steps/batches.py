"""Four batches of one row: before, inside and after the window, and what Profile makes of them.

The two fields of text of a row tell which batch a profile comes from:

=========  =================================  =======  ========
batch      when                               first    second
=========  =================================  =======  ========
first      Profile is on, without upsert      one
second     upsert was set by one PATCH                 two
third      Profile is off                              three
fourth     Profile is on again, with upsert   four
=========  =================================  =======  ========

A fifth takes the place of the first one (``replay.predecessors``), and one more is sent where the fourth could not tell
whether upsert merges.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from typing import Any

from aep_provider.aep.batches import SUCCESS, is_internal
from aep_provider.measured import DISABLING_KEEPS, WINDOW_NEEDED
from aep_provider.probe.belief import Answer, NotAsked
from aep_provider.probe.beliefs.ingestion import BELIEFS
from aep_provider.probe.ingestion import Ingestion, listed, until
from aep_provider.probe.raw import JSON_PATCH, Reply
from aep_provider.probe.rows import shape_of
from aep_provider.probe.steps import look
from aep_provider.probe.steps.step import Run, Step

STATUSES = frozenset(
    {"processing", "success", "failure", "queued", "retrying", "stalled", "aborted", "abandoned", "inactive"}
    | {"failed", "loading", "loaded", "staged", "active", "staging", "deleted"}
)
"""Of Adobe's description of Catalog."""

THREE_HOURS = 3 * 3600.0
SOON = 60.0
"""Seconds that Catalog gets at most to show what it was told."""

FIRST, SECOND = 0, 1
ONE, TWO, THREE, FOUR, FIVE = (
    f"aep-provider probe {name}" for name in ("one", "two", "three", "four", "five")
)
OURS = (ONE, TWO, THREE, FOUR, FIVE)
ON, UPSERT, OFF = ["enabled:true"], ["enabled:true", "isUpsert:true"], ["enabled:false"]


def ask(run: Run) -> Iterator[Answer]:
    """Ingest the batches one after the other, and look what Profile holds after each."""
    shape = shape_of(run.raw, run.schema_id, run.identity[0])
    if len(shape.texts) < 2:
        raise NotAsked("the schema has not two fields that take any text, so Profile could not be understood")
    dataset = run.scratch.create("batches", tags={"unifiedProfile": ON, "unifiedIdentity": ON})
    run.scratch.prove(dataset)
    story = Story(
        run, Ingestion(run, dataset, shape, run.identity[1] or scratch_identity(run, shape.namespace))
    )
    try:
        yield from story.told()
    except NotAsked:
        yield story.statuses()
        raise
    yield story.statuses()


def scratch_identity(run: Run, namespace: str) -> str:
    """A value that nobody has, marked as ours; Profile may keep it for good."""
    marked = f"aep-provider-probe-{run.clock.now():%Y%m%d%H%M%S}"
    return f"{marked}@example.com" if "mail" in namespace.lower() else marked


class Story:
    """The batches of one run, and what they showed.

    Args:
        run: of the probe.
        batches: into its scratch dataset, which is in Profile without upsert.
    """

    def __init__(self, run: Run, batches: Ingestion) -> None:
        self._run, self._batches = run, batches
        self._merged = False
        self._slowest = 0.0
        self._lake_had_first = 0.0

    def told(self) -> Iterator[Answer]:
        """The whole story; what it could not tell is left out."""
        first = self._batches.create()
        yield self._listing(first)
        yield from self._before(first)
        yield from self._one_patch()
        yield from self._window()
        yield self._sub_batches(first)
        yield from self._replay(first)

    def statuses(self) -> Answer:
        """Which statuses the batches showed."""
        seen = self._batches.statuses
        strange = [status for status in seen if status not in STATUSES]
        if not seen:
            return Answer("batch-statuses-are-known", "not asked", "no batch could be read")
        if strange:
            return Answer("batch-statuses-are-known", "differs", f"not of Adobe's list: {', '.join(strange)}")
        return Answer("batch-statuses-are-known", "agrees", f"the batches showed {', '.join(seen)}")

    def _listing(self, batch_id: str) -> Answer:
        dataset = self._batches.dataset_id
        lag = look.until(self._run, lambda: listed(self._run.raw, dataset), lambda found: batch_id in found)
        words = f"the batch was in the listing {lag.words()}"
        return look.judged("new-batch-is-listed", not lag.late, words, lag.switch("list_lag"))

    def _before(self, batch_id: str) -> Iterator[Answer]:
        belief = "profile-follows-the-lake"
        self._run.say("first batch: Profile is on, without upsert")
        try:
            self._ingest(batch_id, "the first batch", ONE, None)
        except NotAsked as error:
            if self._run.wait >= THREE_HOURS:
                yield Answer(belief, "differs", str(error))
            raise
        yield Answer(belief, "agrees", f"Profile showed it {self._slowest:.0f} s after the lake had it")

    def _one_patch(self) -> Iterator[Answer]:
        self._run.say("second batch: upsert was set by one PATCH")
        reply = self._tags(UPSERT, ON)
        if reply.unknown:
            raise NotAsked(f"whether upsert was set by one PATCH is not known: {reply.describe()}")
        if not reply.ok:
            seen = f"one PATCH that sets upsert is refused: {reply.describe()}"
            yield Answer(WINDOW_NEEDED, "agrees", seen, {"patch_without_disable": "refuse"})
        self._ingest(self._batches.create(), "the second batch", None, TWO)
        if not reply.ok:
            return
        self._merged = self._text(FIRST) == ONE
        if self._merged:
            seen = "after one PATCH that set upsert the next batch joined the record"
            yield Answer(WINDOW_NEEDED, "differs", seen, {"patch_without_disable": "warn"})
        else:
            seen = (
                "one PATCH that sets upsert is accepted, and the next batch overwrote the record all the same"
            )
            # No emulator has this value yet, so that it says that it cannot imitate it.
            yield Answer(WINDOW_NEEDED, "agrees", seen, {"patch_without_disable": "ineffective"})

    def _window(self) -> Iterator[Answer]:
        self._run.say("third batch: Profile is off")
        self._must(self._tags(OFF, OFF), "switched off")
        after_disable = self._text(SECOND)
        third = self._batches.create()
        self._batches.fill(third, None, THREE)
        self._batches.landed(third, "the batch of the window")
        while_off = self._text(SECOND)
        self._run.say("fourth batch: Profile is on again, with upsert")
        self._must(self._tags(UPSERT, ON), "switched on")
        self._ingest(self._batches.create(), "the fourth batch", FOUR, None)
        at_the_end = self._text(SECOND)
        yield _lost(while_off, at_the_end)
        gone = None in (after_disable, while_off)
        if gone:
            yield _kept(False)
        merges = yield from self._merges(at_the_end)
        if not gone:
            # Where upsert merges, the fourth batch did not take the second field away: the disable did, later on.
            yield _kept(at_the_end is not None or not merges)

    def _merges(self, at_the_end: str | None) -> Generator[Answer, None, bool]:
        merges = self._merged or at_the_end is not None
        if not merges:
            # The record may have been removed before the fourth batch, which then had nothing to join.
            self._run.say("one more batch: does upsert merge?")
            self._ingest(self._batches.create(), "the batch after it", None, FIVE)
            merges = self._text(FIRST) == FOUR
        if merges:
            yield Answer("upsert-merges", "agrees", "a batch with upsert left the other field as it was")
        else:
            yield Answer("upsert-merges", "differs", "a batch with upsert removed the other field")
        return merges

    def _sub_batches(self, first: str) -> Answer:
        belief, clock = "sub-batches-are-told-apart", self._run.clock
        others = self._others()
        if not others:
            return Answer(belief, "not asked", "no batch of Profile's own was listed")
        if not all(map(is_internal, others)):
            return Answer(
                belief, "differs", "a batch was listed that the probe did not make, and is not named so"
            )

        def over() -> bool | None:
            of_first = [one for key, one in self._others().items() if key.startswith(f"{first}-")]
            return all(one.get("status") != "loaded" for one in of_first) or None

        ended = until(self._run, over, SOON)
        seconds = math.ceil(clock.monotonic() - self._lake_had_first)
        words = f"loaded for {'at most' if ended else 'more than'} {seconds} s"
        switch = {"sub_batch_seconds": seconds} if seconds else look.NONE
        return Answer(
            belief, "agrees", f"{len(others)} of Profile's own, named so; the first {words}", switch
        )

    def _others(self) -> dict[str, Any]:
        """The batches of the dataset that the probe did not make."""
        found = listed(self._run.raw, self._batches.dataset_id)
        return {
            key: one for key, one in found.items() if key not in self._batches.made and isinstance(one, dict)
        }

    def _replay(self, first: str) -> Iterator[Answer]:
        belief, batches = "replay-replaces-its-predecessor", self._batches
        self._run.say("fifth batch: it takes the place of the first")
        reply = batches.order([first])
        if not reply.ok:
            if reply.unknown:
                raise NotAsked(f"whether such a batch is accepted is not known: {reply.describe()}")
            yield Answer(belief, "differs", f"such a batch is refused: {reply.describe()}")
            return
        batches.fill(batches.accepted(reply), ONE, None)
        batches.landed(batches.made[-1], "the batch that takes its place")
        left = until(self._run, lambda: batches.status(first) not in SUCCESS or None, SOON)
        if left:
            yield Answer(belief, "agrees", "accepted, and the predecessor has left")
        else:
            yield Answer(belief, "not asked", "accepted; the predecessor has not left while the probe looked")

    def _ingest(self, batch_id: str, what: str, *texts: str | None) -> None:
        """Fill a batch and wait until Profile shows it."""
        self._batches.fill(batch_id, *texts)
        self._batches.landed(batch_id, what)
        if batch_id == self._batches.made[0]:
            self._lake_had_first = self._run.clock.monotonic()
        number = next(number for number, text in enumerate(texts) if text is not None)
        seconds = self._batches.shown(number, str(texts[number]), what)
        self._slowest = max(self._slowest, seconds)
        self._run.figures["profile_lag_seconds"] = round(self._slowest, 1)

    def _text(self, number: int) -> str | None:
        """What a field holds of ours; other datasets may know the identity too."""
        found = self._batches.text(number)
        return found if found in OURS else None

    def _tags(self, profile: list[str], identity: list[str]) -> Reply:
        values = {"unifiedProfile": profile, "unifiedIdentity": identity}
        body = [{"op": "add", "path": f"/tags/{key}", "value": value} for key, value in values.items()]
        return self._run.scratch.send("PATCH", self._batches.dataset_id, body, {"Content-Type": JSON_PATCH})

    def _must(self, reply: Reply, what: str) -> None:
        if not reply.ok:
            raise NotAsked(f"Profile could not be {what}: {reply.describe()}")


def _kept(kept: bool) -> Answer:
    if kept:
        seen, switch = "disabling kept the profile record", "keep"
        return Answer(DISABLING_KEEPS, "agrees", seen, {"profile_on_disable": switch})
    seen, switch = "disabling removed the profile record", "remove"
    return Answer(DISABLING_KEEPS, "differs", seen, {"profile_on_disable": switch})


def _lost(while_off: str | None, at_the_end: str | None) -> Answer:
    belief = "window-batch-is-lost"
    if while_off == THREE:
        return Answer(belief, "differs", "the batch reached Profile while Profile was off for its dataset")
    if at_the_end == THREE:
        return Answer(belief, "differs", "the batch reached Profile after Profile was on again")
    return Answer(belief, "agrees", "the batch of the window was not in Profile when the batch after it was")


BATCHES = Step("Batches into Profile", tuple(belief.id for belief in BELIEFS), ask)
