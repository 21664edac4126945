"""Airflow from a virtualenv of its own, which `make test-fleet` makes; without it these tests are skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aep_provider.emulator import Emulator
from aep_provider.emulator.seeds import CLIENT_SECRET, ORG_ID
from support.aep import Aep

ROOT = Path(__file__).resolve().parents[2]
DAG = ROOT / "docs/examples/airflow/aep_fleet.py"


@pytest.fixture(scope="session")
def airflow() -> Path:
    """The `bin` folder of Airflow's virtualenv."""
    given = os.environ.get("AEP_FLEET_VENV")
    if not given:
        pytest.skip("no Airflow here: run `make test-fleet`")
    return Path(given).resolve() / "bin"


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `aep-provider` and `pulumi`, as a worker has them in a virtualenv of their own."""
    found = subprocess.run(
        [sys.executable, ROOT / "tools/get_pulumi.py"], stdout=subprocess.PIPE, text=True, check=True
    )
    folder = tmp_path_factory.mktemp("bin")
    source = Path(found.stdout.strip()).parent
    for command in source.glob("pulumi*"):
        (folder / command.name).symlink_to(command)
    (folder / "aep-provider").symlink_to(Path(sys.executable).parent / "aep-provider")
    return folder


@pytest.fixture
def aep() -> Iterator[Aep]:
    """A strict emulator without datasets."""
    with Emulator(strict=True) as emulator:
        yield Aep(emulator.url)


@pytest.fixture
def environment(tmp_path: Path, airflow: Path, commands: Path, aep: Aep) -> dict[str, str]:
    """What a worker has in its environment, with a folder as Pulumi's backend and SQLite as Airflow's."""
    (tmp_path / "backend").mkdir()
    return {
        "PATH": f"{commands}:{airflow}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PULUMI_HOME": str(tmp_path / "pulumi-home"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "AEP_ENDPOINT": aep.url,
        "AEP_IMS_ENDPOINT": aep.url,
        "AEP_CLIENT_SECRET": CLIENT_SECRET,
        "AEP_FLEET_BIN": str(commands),
        "AEP_FLEET_PROJECT": str(tmp_path / "project"),
        "AEP_FLEET_POOLS": f'{{"{ORG_ID}": "default_pool"}}',
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAG.parent),
    }
