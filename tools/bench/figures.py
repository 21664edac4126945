"""The figures: what is measured, against what, and the goal. Each is run back to back with its floor."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import requests
from figure import Figure, alone, at_least, at_most, more, ratio, speed
from project import Project, existing, new, slow

from aep_provider.emulator import Control
from aep_provider.emulator.client import LoggedRequest

SKIP = {"PULUMI_SKIP_CHECKPOINTS": "true"}
"""For preparing a stack: it is not what is measured."""


class Bench:
    """Runs the figures.

    Args:
        pulumi: the command.
        url, bare_url: an emulator without latency for ours and one for the floor.
        runs: samples of each figure.
        say: takes a line of progress.
    """

    def __init__(self, pulumi: str, url: str, bare_url: str, runs: int, say: Callable[[str], None]) -> None:
        self._pulumi = pulumi
        self._url = url
        self._bare_url = bare_url
        self.runs = runs
        self.say = say

    @contextlib.contextmanager
    def project(self, *, bare: bool = False, anew: bool = True, **environment: str) -> Iterator[Project]:
        """One stack; `anew` empties its emulator first."""
        url = self._bare_url if bare else self._url
        if anew:
            Control(url).reset()
        made = Project(self._pulumi, url, bare=bare, **environment)
        try:
            yield made
        finally:
            made.remove()

    def writes(self) -> list[Figure]:
        """Create, toggle, rename and destroy, against a bare provider that makes the same calls."""
        figures = [
            Figure(
                f"{what}, N=200, 100 ms a call",
                "bare provider, same calls, same concurrency",
                "≤ 1.10",
                at_most(1.10),
                ratio,
            )
            for what in ("create", "toggle", "rename", "destroy")
        ]
        # As many properties, since the time that the engine takes for its checkpoints goes by their size.
        for _ in range(self.runs):
            for bare in (False, True):
                with self.project(bare=bare, BENCH_SAME="1") as made, slow(made.url):
                    made.declare(new(200))
                    times = [made.up()]
                    made.declare(new(200, upsert=False))
                    times.append(made.up())
                    made.declare(new(200, upsert=False, name="renamed"))
                    times.append(made.up())
                    times.append(made.destroy())
                for figure, seconds in zip(figures, times, strict=True):
                    (figure.theirs if bare else figure.ours).append(seconds)
                self.say(f"writes, {'bare' if bare else 'ours'}: {times}")
        return figures

    def unchanged(self) -> list[Figure]:
        """A no-op `up` of 1,000 datasets; most of its time goes by the number of properties."""
        figures = [
            Figure("no-op up, N=1,000", floor, "≤ 1.10", at_most(1.10), ratio)
            for floor in (
                "bare provider without any I/O, as many properties",
                "bare provider without any I/O, five properties",
            )
        ]
        with (
            self.project() as ours,
            self.project(bare=True, BENCH_SAME="1") as same,
            self.project(bare=True, anew=False) as small,
        ):
            for made in (ours, same, small):
                made.declare(new(1000, name=made.folder.name))
                made.environment |= SKIP
                made.up()
                made.environment.pop("PULUMI_SKIP_CHECKPOINTS")
            for _ in range(self.runs):
                seconds = ours.up()
                for figure, floor in zip(figures, (same, small), strict=True):
                    figure.ours.append(seconds)
                    figure.theirs.append(floor.up())
                self.say(f"no-op: {[round(figure.result, 2) for figure in figures]}")
        return figures

    def refresh(self) -> list[Figure]:
        """A refresh of 800 datasets, against one GET each from the four threads of an unwidened plugin."""
        figure = Figure(
            "refresh, N=800, 100 ms a call", "one GET each, 4 threads", "≥ 6 × faster", at_least(6), speed
        )
        with self.project() as ours, self.project(bare=True, BENCH_THREADS="4") as theirs:
            for made in (theirs, ours):
                made.declare(new(800))
                made.environment |= SKIP
                made.up()
                made.environment.pop("PULUMI_SKIP_CHECKPOINTS")
            with slow(ours.url), slow(theirs.url):
                for _ in range(self.runs):
                    figure.ours.append(ours.refresh())
                    figure.theirs.append(theirs.refresh())
                    self.say(f"refresh: {figure.ours[-1]:.2f}, bare {figure.theirs[-1]:.2f}")
        return [figure]

    def toggle(self) -> list[Figure]:
        """Toggles, against a script that sends Adobe's documented calls one after another."""
        figures = []
        for count, goal in ((40, 5.3), (200, 15.0)):
            pair = [
                Figure(
                    f"toggle, N={count}, 100 ms a call, --parallel 64{more_words}",
                    "sequential script: GET, PATCH, PATCH, GET",
                    f"≥ {goal:g} × faster",
                    at_least(goal),
                    speed,
                )
                for more_words in ("", ", checkpoints skipped")
            ]
            for _ in range(self.runs):
                script = self._scripted(count)
                for figure, extra in zip(pair, ({}, SKIP), strict=True):
                    figure.ours.append(self._toggled(count, extra))
                    figure.theirs.append(script)
                    self.say(f"toggle: {figure.ours[-1]:.2f}, script {script:.2f}")
            figures += pair
        return figures

    def _scripted(self, count: int) -> float:
        Control(self._bare_url).reset()
        entries = existing(self._bare_url, count, upsert=True)
        with slow(self._bare_url):
            return _script(self._bare_url, [entry["dataset_id"] for entry in entries])

    def _toggled(self, count: int, extra: dict[str, str]) -> float:
        with self.project(AEP_PARALLEL="64") as made:
            made.declare(new(count))
            made.environment |= SKIP
            made.up()
            made.environment.pop("PULUMI_SKIP_CHECKPOINTS")
            made.environment |= extra
            Control(self._url).clear_requests()
            with slow(self._url):
                made.declare(new(count, upsert=False))
                seconds = made.up("--parallel", "64")
            log = Control(self._url).requests()
            assert sum(entry["method"] == "PATCH" for entry in log) == 2 * count
        return seconds

    def window(self) -> list[Figure]:
        """From the reply to the disable to the arrival of the enable, as the emulator saw them."""
        figures = []
        for count, limit in ((1, 3.0), (50, 10.0)):
            figure = Figure(
                f"the window, N={count}", "—", f"< {limit:.0f} ms", at_most(limit), alone, unit=" ms"
            )
            figures.append(figure)
            with self.project() as made:
                for run in range(self.runs):
                    made.declare(new(count, upsert=run % 2 == 0))
                    made.up()
                    figure.ours += _windows(Control(self._url).requests())
                    Control(self._url).clear_requests()
            self.say(f"window: {figure.result:.2f} ms of {len(figure.ours)}")
        return figures

    def growth(self) -> list[Figure]:
        """No-op and refresh of 1,000 against 100; no-op of 2,000 against 1,000."""
        tenfold = [
            Figure(f"{what}, N=1,000", "the same, N=100", "≤ 10.5", at_most(10.5), ratio)
            for what in ("no-op up", "refresh")
        ]
        double = Figure("no-op up, N=2,000", "the same, N=1,000", "≤ 2.5", at_most(2.5), ratio)
        memory = Figure(
            "memory of the plugin, refresh and up, N=1,000", "—", "< 90 MiB", at_most(90), alone, " MiB"
        )
        size = Figure("state of one dataset, inputs and outputs", "—", "≤ 2 KB", at_most(2.0), alone, " KB")
        for count in (100, 1000, 2000):
            with self.project() as made:
                made.declare(new(count))
                made.environment |= SKIP
                made.up()
                made.environment.pop("PULUMI_SKIP_CHECKPOINTS")
                size.ours.append(made.state_size() / 1000)
                for _ in range(self.runs):
                    if count == 1000:
                        with _watched(made.folder) as peak:
                            refreshed, unchanged = made.refresh(), made.up("--refresh")
                        memory.ours.append(peak[0])
                    refreshed, unchanged = made.refresh(), made.up()
                    if count < 2000:
                        (tenfold[0].theirs if count == 100 else tenfold[0].ours).append(unchanged)
                        (tenfold[1].theirs if count == 100 else tenfold[1].ours).append(refreshed)
                    if count > 100:
                        (double.ours if count == 2000 else double.theirs).append(unchanged)
                self.say(f"growth: N={count}: refresh {refreshed:.2f}, no-op {unchanged:.2f}")
        return [*tenfold, double, memory, size]

    def preview(self) -> list[Figure]:
        """What the guards cost a preview."""
        one = Figure("preview of one unchanged dataset", "bare provider", "≤ 1.15", at_most(1.15), ratio)
        fresh = Figure(
            "preview of one new dataset, guards asked", "bare provider", "≤ 1.15", at_most(1.15), ratio
        )
        many = Figure(
            "preview of 100 adoptions, 100 ms a call",
            "bare provider, no guards",
            "< 2 s more",
            at_most(2),
            more,
            " s",
        )
        for figure, before, count in ((fresh, False, 1), (one, True, 1), (many, False, 100)):
            with self.project() as ours, self.project(bare=True) as theirs:
                theirs.declare(new(count))
                ours.declare(existing(self._url, count, upsert=True) if count > 1 else new(1))
                if before:
                    ours.up()
                    theirs.up()
                with slow(self._url, 100 if count > 1 else 0):
                    for _ in range(self.runs):
                        figure.ours.append(ours.preview())
                        figure.theirs.append(theirs.preview())
            self.say(f"{figure.name}: {figure.ours[-1]:.2f}, bare {figure.theirs[-1]:.2f}")
        return [one, fresh, many]


def _script(url: str, ids: list[str]) -> float:
    """Adobe's documented way, one dataset after another; how long it takes."""
    session = requests.Session()
    session.headers.update(Control(url).headers())
    start = time.perf_counter()
    for dataset_id in ids:
        address = f"{url}/data/foundation/catalog/dataSets/{dataset_id}"
        session.get(address, timeout=60).raise_for_status()
        for value in (["enabled:false"], ["enabled:true"]):
            session.patch(
                address,
                json=[
                    {"op": "add", "path": f"/tags/{tag}", "value": value}
                    for tag in ("unifiedProfile", "unifiedIdentity")
                ],
                headers={"Content-Type": "application/json-patch+json"},
                timeout=60,
            ).raise_for_status()
        session.get(address, timeout=60).raise_for_status()
    return time.perf_counter() - start


def _windows(log: list[LoggedRequest]) -> list[float]:
    """Milliseconds between the answer to each disable and the arrival of the enable of that dataset."""
    off: dict[str, float] = {}
    found: list[float] = []
    for entry in log:
        if entry["method"] != "PATCH" or entry["answered"] is None:
            continue
        if "enabled:false" in str(entry["body"]):
            off[entry["path"]] = entry["answered"]
        elif entry["path"] in off:
            found.append((entry["received"] - off.pop(entry["path"])) * 1000)
    return found


@contextlib.contextmanager
def _watched(folder: Path) -> Iterator[list[float]]:
    """The highest resident memory of any plugin that runs in `folder` meanwhile, in MiB."""
    peak = [0.0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            for process in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError, ValueError, IndexError):
                    if (
                        b"pulumi.dynamic" in (process / "cmdline").read_bytes()
                        and (process / "cwd").readlink() == folder
                    ):
                        status = (process / "status").read_text()
                        peak[0] = max(peak[0], int(status.split("VmHWM:")[1].split()[0]) / 1024)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
    assert peak[0], "no plugin was seen"
