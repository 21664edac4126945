"""What steps share: verdicts, and looking again until something shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from aep_provider.probe.belief import Answer, NotAsked
from aep_provider.probe.raw import DATASETS, JSON_PATCH, Reply
from aep_provider.probe.steps.step import Lag, Run

AT_ONCE = 12
"""Looks without a pause before the first one: what is a few requests behind is told from what takes time."""

LONGEST = 300.0
"""Seconds that a step looks at most: a run with batches waits hours for Profile, but not for each of its reads."""

PAUSE = 1.0
"""Seconds between the later looks."""

NONE: Mapping[str, object] = MappingProxyType({})


def judged(
    belief: str, agrees: bool, seen: str, switch: Mapping[str, object] = NONE, otherwise: str = ""
) -> Answer:
    """An answer.

    Args:
        belief: its id.
        agrees: the verdict.
        seen: what was seen, in words.
        switch: what makes the emulator do the same.
        otherwise: what was seen where it differs, if that needs other words.
    """
    return Answer(belief, "agrees" if agrees else "differs", seen if agrees else otherwise or seen, switch)


def needed(reply: Reply, what: str) -> Reply:
    """A response that a step cannot do without.

    Raises:
        NotAsked: it is not a success.
    """
    if not reply.ok:
        raise NotAsked(f"{what}: {reply.describe()}")
    return reply


def until(run: Run, look: Callable[[], Any], good: Callable[[Any], bool]) -> Lag:
    """Look again until something shows, or the time of the run for that is over.

    Args:
        run: the run.
        look: one request, or several.
        good: whether its result is what is waited for.
    """
    started, behind, paused = run.clock.monotonic(), 0, False
    while True:
        last = look()
        seconds = run.clock.monotonic() - started
        if good(last):
            return Lag(behind, seconds, paused, True, last)
        behind += 1
        if behind >= AT_ONCE:
            if seconds >= min(run.wait, LONGEST):
                return Lag(behind, seconds, paused, False, last)
            if run.clock.wait(PAUSE):
                raise NotAsked("the run was ended")
            paused = True


def patch(run: Run, dataset_id: str, operations: object, **headers: str | None) -> Reply:
    """Send a JSON Patch for a scratch dataset; a header's name is written with ``_`` for ``-``."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return run.scratch.send("PATCH", dataset_id, operations, {"Content-Type": JSON_PATCH, **given})


def shown(run: Run, dataset_id: str, good: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
    """The body of a scratch dataset once it shows something.

    Raises:
        NotAsked: it does not, within the time.
    """
    found = until(run, lambda: run.scratch.read(dataset_id), lambda body: bool(body) and good(body))
    if not found.shown:
        raise NotAsked(f"{what} did not show within {found.seconds:.0f} s")
    body: dict[str, Any] = found.last
    return body


def listing(run: Run, **query: str | int) -> Reply:
    """A listing of datasets."""
    return run.raw.send("GET", DATASETS, query=query)
