"""What people wait for: a stack of the size that Adobe's limits allow, and a fleet of such stacks."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from figure import Figure, at_most, more, ratio
from figures import SKIP, Bench
from project import Project, new, slow

from aep_provider.emulator import Control

DATASETS = 40
"""About as many as Adobe's limits leave for Profile in a sandbox."""

STACKS, EACH = 60, 20
AT_A_TIME = 10
"""Stacks of one sample."""

PARALLEL = ("--parallel", "32")
BARE = "bare provider, same calls, same concurrency"


class Felt(Bench):
    """Runs the figures."""

    def forty(self) -> list[Figure]:
        """Each operation on 40 datasets at 100 ms a call, against a bare provider that makes the same calls."""
        asked = f"N={DATASETS}, 100 ms a call, --parallel 32"
        figures = {
            "create": Figure(f"create, {asked}", BARE, "≤ 1.10", at_most(1.10), ratio),
            "toggle": Figure(f"toggle, {asked}", BARE, "≤ 1.10", at_most(1.10), ratio),
            "toggles": Figure(
                f"preview of toggles, {asked}", "bare provider", "≤ 0.5 s more", at_most(0.5), more, " s"
            ),
            "nothing": Figure(
                f"preview of no change, {asked}", "bare provider", "≤ 1.08", at_most(1.08), ratio
            ),
            "refresh": Figure(f"refresh, {asked}", BARE, "≤ 1.05", at_most(1.05), ratio),
        }
        for _ in range(self.runs):
            for bare in (False, True):
                with self.project(bare=bare, BENCH_SAME="1") as made, slow(made.url):
                    for name, seconds in _each_once(made):
                        (figures[name].theirs if bare else figures[name].ours).append(seconds)
            self.say(f"forty: {[round(one.result, 2) for one in figures.values()]}")
        return list(figures.values())

    def fleet(self) -> list[Figure]:
        """Preview, no-op and drift of many stacks, two at a time: CPU and wall time of each stack."""
        figures = {
            (name, what): Figure(
                f"{name}, {what} a stack, {STACKS} stacks of {EACH}, two at a time",
                "bare provider",
                "≤ 1.10",
                at_most(1.10),
                ratio,
            )
            for name in ("preview", "no-op up", "drift")
            for what in ("CPU time", "time")
        }
        memory = Figure(
            f"memory of a preview, all its processes, {EACH} datasets",
            "bare provider",
            "≤ 1.10",
            at_most(1.10),
            ratio,
        )
        with ExitStack() as stack:
            ours, theirs = (self._stacks(stack, bare=bare) for bare in (False, True))
            self.say("fleet: all stacks are made")
            for name, command in (("preview", Project.preview), ("no-op up", Project.up), ("drift", _drift)):
                # A few of ours, then a few of theirs, since the machine is now slower, now faster.
                for first in range(0, STACKS, AT_A_TIME):
                    for made in (ours, theirs):
                        taken = _two_at_a_time(made[first : first + AT_A_TIME], command)
                        for what, seconds in zip(("CPU time", "time"), taken, strict=True):
                            figure = figures[name, what]
                            (figure.ours if made is ours else figure.theirs).append(seconds / AT_A_TIME)
                found = [round(figures[name, what].result, 3) for what in ("CPU time", "time")]
                self.say(f"fleet, {name}: {found}")
            for mine, bare in zip(ours[: self.runs], theirs, strict=False):
                memory.ours.append(mine.memory_of_preview())
                memory.theirs.append(bare.memory_of_preview())
            self.say(f"memory: {[round(one) for one in (*memory.ours, *memory.theirs)]} MiB")
        return [*figures.values(), memory]

    def _stacks(self, stack: ExitStack, *, bare: bool) -> list[Project]:
        """Stacks that are up, each in a sandbox of its own."""
        made = [
            stack.enter_context(self.project(bare=bare, anew=number == 0, BENCH_SAME="1"))
            for number in range(STACKS)
        ]
        for number, one in enumerate(made):
            _in_sandbox(one, f"s{number:03}")
            one.declare(new(EACH))
            one.environment |= SKIP
        _two_at_a_time(made, Project.up)
        return made


def _each_once(made: Project) -> Iterator[tuple[str, float]]:
    """Create, look, change: every operation once, with how long it took."""
    made.declare(new(DATASETS))
    yield "create", made.up(*PARALLEL)
    yield "nothing", made.preview(*PARALLEL)
    yield "refresh", made.refresh(*PARALLEL)
    made.declare(new(DATASETS, upsert=False))
    yield "toggles", made.preview(*PARALLEL)
    yield "toggle", made.up(*PARALLEL)


def _in_sandbox(made: Project, name: str) -> None:
    aep = Control(made.url)
    aep.seed(
        sandboxes=[
            {
                "name": name,
                "title": name,
                "id": f"{name}{0:032}",
                "state": "active",
                "type": "development",
                "region": "VA7",
                "isDefault": False,
            }
        ]
    )
    made.use_sandbox(name)


def _drift(made: Project) -> float:
    return made.run("preview", "--refresh", "--expect-no-changes")


def _two_at_a_time(made: list[Project], command: Callable[[Project], float]) -> tuple[float, float]:
    """CPU seconds and seconds that a command takes on all stacks."""
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(command, made))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.monotonic() - start
