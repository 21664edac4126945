"""A project of many stacks, one for each sandbox of an emulator, and what the emulator's log says of a fleet."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aep_provider.emulator import Control
from aep_provider.emulator.client import LoggedRequest
from aep_provider.emulator.seeds import CLIENT_ID, ORG_ID, PROFILE_SCHEMA
from support.aep import raw_dataset

ROOT = Path(__file__).resolve().parents[2]
WAVES = ("dev", "stage", "prod")
REUSED = 5.0
"""Seconds without a request after which the same address is another connection."""

ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}


@dataclass(frozen=True)
class Fleet:
    """Stacks in a folder, and their sandboxes; each dataset is in Profile without upsert, and upsert is declared.

    Attributes:
        folder: the Pulumi project.
        aep: the emulator's control client.
        sandboxes: how many, in turns dev, stage and prod.
        datasets: how many in each.
        prefix: how the names of sandboxes and stacks begin.
    """

    folder: Path
    aep: Control
    sandboxes: int
    datasets: int
    prefix: str = "s"

    def make(self) -> None:
        """Write the project and seed the emulator."""
        self.folder.mkdir(parents=True)
        (self.folder / "Pulumi.yaml").write_text(
            f"name: aep\nruntime:\n  name: python\n  options:\n    toolchain: pip\n    virtualenv: {sys.prefix}\n"
            "options:\n  refresh: always\n"
        )
        (self.folder / "__main__.py").write_text((ROOT / "__main__.py").read_text())
        common = {"state": "active", "type": "development", "region": "VA7", "isDefault": False}
        names = [self.name(number) for number in range(self.sandboxes)]
        self.aep.seed(
            sandboxes=[
                {**common, "name": one, "title": one, "id": f"{self.prefix}{n:035}"}
                for n, one in enumerate(names)
            ]
        )
        for number, name in enumerate(names):
            ids = [f"{number:012x}{one:012x}" for one in range(self.datasets)]
            held = {one: raw_dataset(f"dataset {one}", PROFILE_SCHEMA, ON) for one in ids}
            self.aep.seed(sandbox=name, datasets=held)
            config = {
                "aep:sandbox": name,
                "aep:orgId": ORG_ID,
                "aep:clientId": CLIENT_ID,
                "aep:wave": WAVES[number % 3],
                "aep:datasets": [{"resource": f"d{n}", "dataset_id": one} for n, one in enumerate(ids)],
            }
            (self.folder / f"Pulumi.{name}.yaml").write_text(json.dumps({"config": config}))

    def name(self, number: int) -> str:
        """The name of a sandbox, and of its stack."""
        return f"{self.prefix}{number:03}"

    def names(self, wave: str = "") -> list[str]:
        """The stacks of a wave, or all."""
        numbers = range(self.sandboxes)
        return [self.name(one) for one in numbers if wave in ("", WAVES[one % 3])]

    def init(self, environment: dict[str, str]) -> None:
        """Create the stacks in the backend."""
        for name in self.names():
            line = ["pulumi", "stack", "init", name, "--no-select", "--non-interactive"]
            subprocess.run(
                line, cwd=self.folder, env=environment, check=True, capture_output=True, timeout=120
            )

    def converged(self, name: str) -> bool:
        """Whether every dataset of a sandbox is in Profile, with upsert, and no window is open."""
        return all(
            {"enabled:true", "isUpsert:true"} <= set(body["tags"]["unifiedProfile"])
            and not _open(body["tags"].get("pulumiProfileGap", []))
            for body in self.aep.datasets(name).values()
        )


def _open(note: Sequence[str]) -> bool:
    return bool(note) and not any(element.startswith("to:") for element in note)


def sandbox_of(entry: LoggedRequest) -> str:
    """The sandbox that a request is about, or ``""``."""
    return str(entry["headers"].get("x-sandbox-name", ""))


def writes(log: Sequence[LoggedRequest]) -> list[LoggedRequest]:
    """The requests that change something; the token request is not one."""
    return [entry for entry in log if entry["write"] and entry["service"] != "ims"]


def disables(log: Sequence[LoggedRequest]) -> list[str]:
    """The datasets that were switched off, one for each disable that was answered."""
    return [
        entry["path"].rpartition("/")[2]
        for entry in writes(log)
        if entry["status"] == 200 and "enabled:false" in json.dumps(entry["body"])
    ]


def at_once(log: Sequence[LoggedRequest]) -> int:
    """How many sandboxes were worked on at once at most; each process asks about one, on connections of its own."""
    moments: list[tuple[float, int, str]] = []
    last: dict[tuple[str, str], float] = {}
    for entry in log:
        sandbox, start, end = sandbox_of(entry), entry["received"], entry["answered"] or entry["received"]
        if not sandbox:
            continue
        before = last.get((sandbox, entry["connection"]), 0.0)
        # What lies between two requests of one connection is work as well; a port that comes up again later is not.
        begin = before if start - before < REUSED else start
        moments += [(begin, 1, sandbox), (end, -1, sandbox)]
        last[sandbox, entry["connection"]] = end
    now: Counter[str] = Counter()
    most = 0
    for _, step, sandbox in sorted(moments):
        now[sandbox] += step
        most = max(most, sum(count > 0 for count in now.values()))
    return most
