"""Nothing in a report says who was probed: whole runs in an odd organisation, and every value of it looked for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aep_provider.emulator import Control, Emulator
from aep_provider.emulator.seeds import PROFILE_CLASS, RECORD

ORG = "0DD0DD0DD0DD0DD0DD0DD0DD@AdobeOrg"
CLIENT, SECRET = "0ddc11e4t0ddc11e4t", "p8e-0ddsecret0ddsecret"
TENANT, SANDBOX = "oddtenant", "odd-sandbox"
SCHEMA = f"https://ns.adobe.com/{TENANT}/schemas/0dd0dd4edc0a4b7d9c4b8e9f1a2b3c4d5e6f70"
TITLE = "Odd customers"
OTHER, USER, ANN = "65f1c0a2b3d4e5f607182940", "0DDUSER@techacct.adobe.com", "ann-odd-identity"
TEXT = {"type": "string"}


@dataclass
class Odd:
    """The emulator as the AEP of somebody.

    Attributes:
        control: of the emulator.
        folder: for the report.
        token: a ready token of the client.
    """

    control: Control
    folder: Path
    token: str

    def run(self, *flags: str, ready: bool = False) -> tuple[int, str]:
        """Run the command; its exit code, and everything that a reader of the report gets to see."""
        environment = {key: value for key, value in os.environ.items() if not key.startswith("AEP_")} | {
            "AEP_ENDPOINT": self.control.url,
            "AEP_IMS_ENDPOINT": self.control.url,
            "AEP_SANDBOX": SANDBOX,
            "AEP_ORG_ID": ORG,
            "AEP_CLIENT_ID": CLIENT,
            "AEP_ACCESS_TOKEN" if ready else "AEP_CLIENT_SECRET": self.token if ready else SECRET,
        }
        file = self.folder / "r.json"
        command = [
            str(Path(sys.executable).parent / "aep-provider"),
            "probe",
            "--no-stack",
            "--schema",
            SCHEMA,
        ]
        done = subprocess.run(
            [*command, "--wait", "1s", "--yes", "--report", str(file), *flags],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + file.read_text()

    def secrets(self) -> set[str]:
        """Everything that names somebody or something of theirs, the objects of the run included."""
        created = " ".join(str(entry["created"]) for entry in self.control.requests() if entry["created"])
        ids = set(re.findall(r"[0-9a-f]{24}|[0-9A-Z]{26}", created))
        assert len(ids) > 5
        named = {ORG, ORG.partition("@")[0], CLIENT, SECRET, self.token, TENANT, SANDBOX, SCHEMA, TITLE}
        host = self.control.url.removeprefix("http://")
        user = {USER, USER.partition("@")[0], "@techacct"}
        return ids | named | user | {OTHER, ANN, "Other team", host, host.partition(":")[0]}


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[Odd]:
    with Emulator(strict=True) as emulator, Control(emulator.url) as control:
        control.seed(SANDBOX, **organisation())
        headers = control.headers(CLIENT, SECRET, org=ORG, sandbox=SANDBOX)
        yield Odd(control, tmp_path, headers["Authorization"].removeprefix("Bearer "))


def organisation() -> dict[str, Any]:
    """What the emulator is seeded with."""
    fields = {"type": "object", "properties": {"id": TEXT, "one": TEXT, "two": TEXT}}
    schema = {
        "$id": SCHEMA,
        "title": TITLE,
        "version": "1.1",
        "meta:class": PROFILE_CLASS,
        "meta:extends": [PROFILE_CLASS, RECORD],
        "meta:immutableTags": ["union"],
        "meta:tenantNamespace": f"_{TENANT}",
        "properties": {f"_{TENANT}": fields},
    }
    identity = {
        "@id": "0dd1dent1ty",
        "@type": "xdm:descriptorIdentity",
        "xdm:sourceSchema": SCHEMA,
        "xdm:sourceVersion": 1,
        "xdm:sourceProperty": f"/_{TENANT}/id",
        "xdm:namespace": "oddCRM",
        "xdm:property": "xdm:code",
        "xdm:isPrimary": True,
    }
    other = {"name": "Other team", "schemaRef": {"id": SCHEMA}, "createdUser": USER, "tags": {}}
    return {
        "clients": {CLIENT: {"secret": SECRET, "org": ORG}},
        "sandboxes": [{"name": SANDBOX, "type": "development", "state": "active"}],
        "schemas": [schema],
        "descriptors": [identity],
        "datasets": {OTHER: other},
    }


def found(odd: Odd, text: str) -> set[str]:
    return {value for value in odd.secrets() if value.lower() in text.lower()}


def test_a_run_with_batches_names_nobody_in_table_and_file(odd: Odd) -> None:
    code, text = odd.run("--batches", "--identity", ANN)
    assert code == 0
    assert found(odd, text) == set()
    answers = json.loads((odd.folder / "r.json").read_text())["answers"]
    seen = {one["belief"]: one["seen"] for one in answers}
    assert seen["disabling-keeps-records"] == "disabling kept the profile record"


def test_a_ready_token_is_in_no_report(odd: Odd) -> None:
    code, text = odd.run("--json", ready=True)
    assert code == 0
    assert found(odd, text) == set()


@pytest.mark.parametrize("status", [403, 500])
def test_errors_that_name_everybody_are_cleaned(odd: Odd, status: int) -> None:
    """A service may put anything into an error, and the probe may quote it."""
    for value in (TENANT, ORG, SANDBOX, CLIENT, f"{TITLE} {TENANT}", USER, SCHEMA):
        body = {"title": value, "error_code": value, "detail": value, "message": value}
        odd.control.fault({"status": status, "body": body}, nth=8, times=4, path="/data/")
    _, text = odd.run("--json")
    shown = {value for value in found(odd, text) if value != TITLE}
    assert shown == set()
