"""The example DAG, run by Airflow's own `dag.test()` on four sandboxes: one process, SQLite, no approval asked."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.aep import Aep
from support.fleet import Fleet, disables, sandbox_of, writes

pytestmark = pytest.mark.fleet
ROOT = Path(__file__).resolve().parents[2]


def dag_test(airflow: Path, environment: dict[str, str], dag: str) -> dict[str, Any]:
    """Run a DAG to its end; what became of it and its tasks."""
    file = ROOT / "docs/examples/airflow/aep_fleet.py"
    line = [
        str(airflow / "python"),
        str(ROOT / "tests/fleet/run_dag.py"),
        str(file),
        dag,
        "approve_production",
    ]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def test_four_sandboxes_converge_wave_after_wave(
    airflow: Path, environment: dict[str, str], aep: Aep, tmp_path: Path
) -> None:
    fleet = Fleet(tmp_path / "project", aep, sandboxes=4, datasets=2)
    fleet.make()
    fleet.init(environment)
    subprocess.run([airflow / "airflow", "db", "migrate"], env=environment, check=True, capture_output=True)
    aep.forget()
    found = dag_test(airflow, environment, "aep_fleet")
    assert found["state"] == "success", found
    assert all(fleet.converged(name) for name in fleet.names())
    log = aep.requests()
    assert len(disables(log)) == len(set(disables(log))) == 8
    order = list(dict.fromkeys(sandbox_of(entry) for entry in writes(log)))
    assert order == ["s000", "s003", "s001", "s002"] or order == ["s003", "s000", "s001", "s002"]
    aep.forget()
    assert dag_test(airflow, environment, "aep_drift")["state"] == "success"
    assert writes(aep.requests()) == []
