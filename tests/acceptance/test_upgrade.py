"""State recorded by each released version: the present code previews it without change and destroys it.

`AEP_RECORD_STATE=1 pytest tests/acceptance/test_upgrade.py` records the state of the present version; a
recording of a released version is never changed.
"""

from __future__ import annotations

import base64
import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project

STATES = Path(__file__).parent / "states"
ADOPTED = "5b020a27e7040801dedbf46e"
PROGRAM = (
    f'UpsertDataset("members", name="Loyalty members", schema_id="{PROFILE_SCHEMA}", description="d",'
    ' tags={"team": ["crm"]}, deletion_protection=False)',
    f'UpsertDataset("orders", dataset_id="{ADOPTED}")',
)


def without_places(value: Any) -> Any:
    """The state without the paths of the machine that recorded it."""
    if isinstance(value, dict):
        places = ("sourcePosition", "stackTrace", "secrets_providers")
        return {key: without_places(inner) for key, inner in value.items() if key not in places}
    return [without_places(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.skipif(
    not os.environ.get("AEP_RECORD_STATE"), reason="only to record the state of a new version"
)
def test_record(project: Project, aep: Aep) -> None:
    aep.dataset(ADOPTED, PROFILE_SCHEMA, {"unifiedProfile": ["enabled:true"]})
    project.program(*PROGRAM)
    project.up()
    state = json.loads(project.run("stack", "export").text)
    held = aep.datasets()
    recording = {"state": without_places(state), "datasets": held}
    (STATES / f"{version('aep-provider')}.json").write_text(json.dumps(recording, indent=1) + "\n")


@pytest.mark.parametrize("recording", sorted(STATES.glob("*.json")), ids=lambda path: path.stem)
def test_upgrade_from_recorded_state(project: Project, aep: Aep, recording: Path, tmp_path: Path) -> None:
    recorded = json.loads(recording.read_text())
    aep.seed(datasets=recorded["datasets"])
    file = tmp_path / "state.json"
    file.write_text(json.dumps(recorded["state"]))
    project.run("stack", "import", "--file", str(file))
    project.program(*PROGRAM)
    aep.forget()
    project.preview("--expect-no-changes")
    project.refresh("--expect-no-changes")
    project.up("--expect-no-changes")
    assert aep.writes() == []
    project.destroy()
    assert list(aep.datasets()) == [ADOPTED]
    assert "pulumiManagedBy" not in aep.datasets()[ADOPTED]["tags"]


@pytest.mark.parametrize("recording", sorted(STATES.glob("*.json")), ids=lambda path: path.stem)
def test_recorded_state_names_the_provider_and_holds_no_code(recording: Path) -> None:
    resources = json.loads(recording.read_text())["state"]["deployment"]["resources"]
    blobs = {
        resource["inputs"]["__provider"] for resource in resources if "UpsertDataset" in resource["type"]
    }
    (blob,) = blobs
    pickled = base64.b64decode(blob)
    assert b"aep_provider._entry" in pickled
    assert b"provider_v1" in pickled
    assert len(pickled) < 80


def test_the_present_version_is_recorded() -> None:
    assert (STATES / f"{version('aep-provider')}.json").exists()
