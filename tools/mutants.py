"""Mutate a sample of the code, and see whether the unit and plugin tests notice: `make mutants`.

The mutations are cosmic-ray's, in a copy of the tree; each is tried with the tests that reach its line. A mutant
that survives is a missing test, or harmless: `harmless-mutants.txt` lists the latter with the reason. Exit code 1
if more than 5 % survive that are not listed.
"""

from __future__ import annotations

import argparse
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from mutation.harmless import harmless
from mutation.sites import Site, sample
from mutation.tests import Reach, Trial, attempt, copy_of, reach

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = [f"aep_provider/{name}" for name in ("dataset", "operations", "aep", "plugin")]
HARMLESS = ROOT / "tools" / "harmless-mutants.txt"
SEED = "aep"
ALLOWED = 0.05
LIMIT = 600.0  # seconds
WORKERS = 2


def trials(sites: list[Site], reached: Reach, copies: list[Path]) -> list[Trial]:
    """Try each mutation, as many at once as there are copies of the tree."""
    free: SimpleQueue[Path] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def one(numbered: tuple[int, Site]) -> Trial:
        number, site = numbered
        copy = free.get()
        try:
            trial = attempt(copy, site, reached.tests(site), LIMIT)
        finally:
            free.put(copy)
        print(f"{number}/{len(sites)} {site.file}:{site.line} {trial.end} ({trial.tests} tests)", flush=True)
        if not trial.died:
            print("\n".join(f"    {line}" for line in trial.change), flush=True)
        return trial

    with ThreadPoolExecutor(len(copies)) as pool:
        return list(pool.map(one, enumerate(sites, 1)))


def report(tried: list[Trial], listed: dict[tuple[str, ...], str]) -> int:
    """Print the survivors and the sums; the exit code."""
    survivors = [trial for trial in tried if not trial.died]
    unlisted = 0
    print("\nSurvivors:" if survivors else "\nNothing survived.")
    for trial in sorted(survivors, key=lambda one: (one.site.file, one.site.line)):
        reason = listed.get((trial.site.file, *trial.change))
        unlisted += reason is None
        print(f"\n{trial.site.file}:{trial.site.line} {trial.site.operator}, {trial.end}")
        print("\n".join(f"    {line}" for line in trial.change))
        print(f"    harmless: {reason}" if reason else "    NOT LISTED")
    died = len(tried) - len(survivors)
    print(
        f"\n{len(tried)} sampled, {died} died, {len(survivors)} survived, of which"
        f" {len(survivors) - unlisted} are listed as harmless"
    )
    return int(unlisted > ALLOWED * len(tried))


def main() -> int:
    """Run it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("count", type=int, nargs="?", default=200, help="how many mutations; 200")
    options.add_argument("--only", default="", help="of these, those whose file:line begins with this")
    chosen = options.parse_args()
    listed = harmless(HARMLESS.read_text())
    sites = sample(ROOT, FOLDERS, chosen.count, SEED)
    sites = [site for site in sites if f"{site.file}:{site.line}".startswith(chosen.only)]
    with tempfile.TemporaryDirectory(prefix="aep-mutants-") as folder:
        copies = [copy_of(ROOT, Path(folder).resolve() / str(number)) for number in range(WORKERS)]
        print("Running all tests once, to see which lines each reaches…", flush=True)
        return report(trials(sites, reach(copies[0]), copies), listed)


if __name__ == "__main__":
    raise SystemExit(main())
