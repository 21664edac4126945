"""A dataset whose Profile was off for a moment, with batches around it, and the script that ingests them again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner, Result

from aep_provider.aep import connect
from aep_provider.aep.gateway import Prepared
from aep_provider.cli import main
from aep_provider.cli.console import CLOCK
from aep_provider.dataset.desired import Desired
from aep_provider.emulator import Control
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from aep_provider.operations import reconcile
from aep_provider.operations.change import Policy
from aep_provider.operations.context import Context, Silent
from aep_provider.settings import Settings
from support.aep import raw_dataset
from support.settings import environment
from support.upload import BINARY, IMPORT, Platform, upload

ID = "5b020a27e7040801dedbf46e"
ANN, BOB = "ann@example.com", "bob@example.com"
ON = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
UPSERT = {"unifiedProfile": ["enabled:true", "isUpsert:true"], "unifiedIdentity": ["enabled:true"]}
PATCH = {"Content-Type": "application/json-patch+json"}
ENTITY = {"schema.name": "_xdm.context.profile", "entityIdNS": "Email"}
Row = dict[str, Any]


def person(address: str, **fields: Any) -> Row:
    return {"personalEmail": {"address": address}, **fields}


class Orders:
    """A dataset in Profile, in an emulator of its own.

    Args:
        url: of the emulator, which is emptied.
        tags: of the dataset.
        fields: more of it.

    Attributes:
        report: the file of a probe's report that the settings name, or ``""``.
    """

    def __init__(self, url: str, tags: Mapping[str, Any] = ON, **fields: Any) -> None:
        self.url = url
        self.report = ""
        self.control = Control(url)
        self.control.reset()
        body = raw_dataset("Orders", fields.pop("schema", PROFILE_SCHEMA), tags)
        self.control.seed(datasets={ID: {**body, **fields}})
        self.platform = Platform(url, self.control.headers())

    def batch(self, *rows: Row) -> str:
        """Ingest rows in a batch of their own, to its end; returns its id."""
        made = upload(self.platform, ID, *rows)
        self.control.tick(batches=True)
        return made

    def called(self, name: str, *rows: Row) -> None:
        """The same with an id that is chosen here, for samples of the documentation."""
        order = {"status": "loading", "relatedObjects": [{"type": "dataSet", "id": ID}]}
        self.control.seed(batches={name: {**order, "inputFormat": {"format": "json"}}})
        content = "\n".join(json.dumps(row) for row in rows).encode()
        path = f"{IMPORT}/batches/{name}"
        assert self.platform.put(f"{path}/datasets/{ID}/files/orders.json", data=content, headers=BINARY).ok
        assert self.platform.post(f"{path}?action=COMPLETE").ok
        self.control.tick(batches=True)

    def files(self, *names: str, content: bytes = b"{}") -> str:
        """The same with files that are named; what is in them does not matter."""
        order = {"datasetId": ID, "inputFormat": {"format": "parquet"}}
        made = str(self.platform.post(f"{IMPORT}/batches", json=order).json()["id"])
        for name in names:
            path = f"{IMPORT}/batches/{made}/datasets/{ID}/files/{quote(name, safe='')}"
            assert self.platform.put(path, data=content, headers=BINARY).ok
        assert self.platform.post(f"{IMPORT}/batches/{made}?action=COMPLETE").ok
        self.control.tick(batches=True)
        return made

    def change(self, *, upsert: bool, inside: Callable[[], object] = lambda: None) -> None:
        """Change upsert as the provider does, and do something while Profile is off."""
        settings = Settings.load({}, environment(self.url))
        context = Context(connect(settings, CLOCK), settings, Silent(), CLOCK)
        sending = Prepared.send

        def send(prepared: Prepared, fill: Any = None) -> Any:
            disable = prepared.name.startswith("PATCH") and b"enabled:false" in (
                prepared._request.body or b""
            )
            response = sending(prepared, fill)
            if disable:
                inside()
            return response

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Prepared, "send", send)
            policy = Policy(in_flight_batches="ignore", wait_timeout=0)
            reconcile.adopt(context, ID, Desired(is_upsert=upsert, own_tags=True), policy)

    def change_without_a_window(self, *, upsert: bool) -> None:
        """Change upsert in one PATCH, with Profile on all the time."""
        operations = [
            {"op": "add", "path": f"/tags/{key}", "value": value}
            for key, value in (UPSERT if upsert else ON).items()
        ]
        assert self.platform.patch(
            f"/data/foundation/catalog/dataSets/{ID}", json=operations, headers=PATCH
        ).ok

    def lost(self, *, after: Sequence[Row] = ()) -> list[str]:
        """Two batches that Profile misses, and later ones; returns the ids in their order."""
        made: list[str] = []
        self.change(
            upsert=True,
            inside=lambda: made.extend(
                [self.batch(person(ANN, city="Rome")), self.batch(person(BOB, city="Bonn"))]
            ),
        )
        return made + [self.batch(row) for row in after]

    def store(self) -> dict[str, Any]:
        """What Profile holds of the two persons."""
        found = {}
        for address in (ANN, BOB):
            reply = self.platform.get(
                "/data/core/ups/access/entities", params={**ENTITY, "entityId": address}
            )
            found[address] = [entity["entity"] for entity in reply.json().values()] if reply.ok else []
        return found

    def statuses(self) -> dict[str, str]:
        """By id, the status of every batch, in the order of their creation."""
        reply = self.platform.get("/data/foundation/catalog/batches?orderBy=created&limit=100")
        return {key: str(body["status"]) for key, body in reply.json().items()}

    def replay(self, *arguments: str) -> Result:
        """Run `aep-provider replay` in this process."""
        return self.command("replay", "--no-stack", ID, *arguments)

    def command(self, *arguments: str) -> Result:
        """Run `aep-provider` in this process."""
        names = [name for name in os.environ if name.startswith("AEP_")]
        variables: dict[str, str | None] = {**dict.fromkeys(names), **environment(self.url)}
        if self.report:
            variables["AEP_PROBE_REPORT"] = self.report
        return CliRunner().invoke(main, arguments, env=variables)

    def script(self, *arguments: str) -> str:
        """The script."""
        done = self.replay("--script", *arguments)
        assert done.exit_code == 0, done.output
        return done.stdout


def run(script: str, folder: Path, shell: str = "sh", **more: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder; the test is skipped where its tools are missing."""
    for tool in (shell, "curl", "jq"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed, and the script needs it")
    file = folder / "replay.sh"
    file.write_text(script, encoding="utf-8")
    return subprocess.run(
        [shell, str(file)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "AEP_CLIENT_SECRET": "demo-secret", "AEP_REPLAY_POLL": "0", **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
