"""State in an S3 bucket, shared by two runners. The server is moto's: a real one over HTTP, from PyPI."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator

import pytest
import requests

from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project

pytestmark = pytest.mark.long
CREATE = f'UpsertDataset("members", name="Members", schema_id="{PROFILE_SCHEMA}", is_upsert={{}})'


@pytest.fixture(scope="module")
def s3(tool: Callable[[str, str], str]) -> Iterator[str]:
    """The URL of an S3 server with a bucket named state."""
    command = tool("moto_server", "moto[server]>=5,<6")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [command, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        while "Running on" not in (line := process.stderr.readline()):
            assert line, "moto_server ended"
        url = f"http://127.0.0.1:{port}"
        requests.put(f"{url}/state", timeout=30).raise_for_status()
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture
def runners(new_project: Callable[..., Project], aep: Aep, s3: str) -> tuple[Project, Project]:
    """Two checkouts of one project on one stack, with the state in the bucket."""
    one, other = new_project(), new_project(stack="other")
    backend = f"s3://state?region=us-east-1&endpoint={s3}&s3ForcePathStyle=true&disableSSL=true"
    for runner in (one, other):
        runner.environment |= {
            "PULUMI_BACKEND_URL": backend,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "PULUMI_RUN_PROGRAM": "true",
        }
        runner.program(CREATE.format(True))
    one.run("stack", "select", "--create", "dev")
    shutil.copy(one.folder / "Pulumi.dev.yaml", other.folder)
    other.run("stack", "select", "dev")
    return one, other


def test_of_two_runners_at_once_one_changes_and_the_other_fails_cleanly(
    runners: tuple[Project, Project], aep: Aep
) -> None:
    one, other = runners
    hold = aep.fault({"hold": "before"}, method="POST", service="catalog")
    first = one.start("up", "--yes", "--skip-preview")
    aep.hit(hold)
    refused = other.up(expect=None)
    assert refused.code != 0
    assert "the stack is currently locked by 1 lock(s)" in refused.text
    aep.clear_faults()
    text, _ = first.communicate(timeout=120)
    assert first.returncode == 0, text
    # The second runner finds what the first one did: nothing lost, nothing twice.
    assert "2 unchanged" in other.up("--refresh", "--expect-no-changes").text
    assert len(aep.datasets()) == 1
    assert len(aep.writes()) == 1
    other.program(CREATE.format(False))
    other.up()
    one.program(CREATE.format(False))
    assert "2 unchanged" in one.up("--expect-no-changes").text
