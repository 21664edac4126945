"""The example DAG with Celery workers: a fleet converges whatever dies, and writes nothing that was not approved."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from aep_provider.emulator import Emulator
from aep_provider.emulator.seeds import ORG_ID
from support.aep import Aep
from support.cluster import Cluster, found, free_port
from support.fleet import Fleet, at_once, disables, sandbox_of, writes

pytestmark = [pytest.mark.fleet, pytest.mark.timeout(4 * 3600)]
SANDBOXES = int(os.environ.get("SANDBOXES", "60"))
DATASETS = int(os.environ.get("DATASETS", "20"))
POOL, SLOTS = "aep_acme", 2


@pytest.fixture
def aep() -> Iterator[Aep]:
    """A strict emulator that takes its time, so that the log shows what goes on at once."""
    with Emulator(strict=True, latency_ms=200) as emulator:
        yield Aep(emulator.url)


@pytest.fixture
def s3(tool: Callable[[str, str], str]) -> Iterator[str]:
    """Pulumi's backend: an S3 server with a bucket named state."""
    port = free_port()
    with subprocess.Popen(
        [tool("moto_server", "moto[server]>=5,<6"), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        while "Running on" not in (line := process.stderr.readline()):
            assert line, "moto_server ended"
        # Its log is not read, and must not fill the pipe.
        drain = subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL)
        url = f"http://127.0.0.1:{port}"
        requests.put(f"{url}/state", timeout=30).raise_for_status()
        yield f"s3://state?region=us-east-1&endpoint={url}&s3ForcePathStyle=true&disableSSL=true"
        process.terminate()
    drain.wait()


@pytest.fixture
def cluster(airflow: Path, environment: dict[str, str], s3: str, tmp_path: Path) -> Iterator[Cluster]:
    """Airflow with two workers, not started yet."""
    for command in ("redis-server", "initdb"):
        if not found(command):
            pytest.skip(f"no {command}: apt-get install redis-server postgresql")
    environment |= {
        "PULUMI_BACKEND_URL": s3,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AEP_FLEET_POOLS": json.dumps({ORG_ID: POOL}),
    }
    made = Cluster(airflow, tmp_path, environment)
    yield made
    made.stop()


def loop(fleet: Fleet, environment: dict[str, str]) -> tuple[float, float]:
    """What a plain shell loop takes for preview, up and drift: seconds, and CPU seconds, for each stack."""
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    for name in fleet.names():
        for action in ("preview", "up", "drift"):
            line = ["aep-provider", "run", "--stack", name, "-C", str(fleet.folder), action]
            done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode in (0, 10), done.stdout + done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (time.monotonic() - start) / fleet.sandboxes, cpu / fleet.sandboxes


def test_a_fleet_converges_whatever_dies_and_only_with_approval(
    cluster: Cluster, environment: dict[str, str], aep: Aep, tmp_path: Path
) -> None:
    fleet = Fleet(tmp_path / "project", aep, SANDBOXES, DATASETS)
    fleet.make()
    fleet.init(environment)
    cluster.start(POOL, SLOTS, workers=2)
    aep.forget()

    # All is approved at once; a worker dies between disable and enable.
    victim, dataset = fleet.name(0), f"{0:012x}{0:012x}"
    hold = aep.fault({"hold": "before"}, method="PATCH", nth=2, path=dataset)
    begin, cpu = time.monotonic(), cluster.cpu()
    run = cluster.trigger("aep_fleet")
    cluster.answer(run, "Approve")
    cluster.until(lambda: aep.hits(hold), 9000)
    killed = cluster.kill_worker_of(victim)
    aep.clear_faults()
    off = aep.datasets(victim)[dataset]["tags"]
    assert off["unifiedProfile"][0] == "enabled:false"
    cancel = ["pulumi", "cancel", "--yes", "--stack", victim, "--cwd", str(fleet.folder)]
    subprocess.run(cancel, env=environment, check=True, capture_output=True)
    cluster.worker(f"{killed}-again")
    assert cluster.ended(run) == "success", cluster.tasks(run)
    wall, cpu = time.monotonic() - begin, cluster.cpu() - cpu
    log = aep.requests()
    assert [name for name in fleet.names() if not fleet.converged(name)] == []
    assert len(disables(log)) == len(set(disables(log))) == SANDBOXES * DATASETS
    others = [entry for entry in log if sandbox_of(entry) != victim]
    assert at_once(others) == SLOTS
    stage = [entry for entry in writes(log) if sandbox_of(entry) in fleet.names("stage")]
    production = [entry for entry in writes(log) if sandbox_of(entry) in fleet.names("prod")]
    assert max(entry["seq"] for entry in stage) < min(entry["seq"] for entry in production)

    # Somebody changes a dataset in production, and bringing that back is not approved.
    changed = f"{2:012x}{0:012x}"
    headers = aep.headers(sandbox=fleet.name(2)) | {"Content-Type": "application/json-patch+json"}
    back = [{"op": "add", "path": "/tags/unifiedProfile", "value": ["enabled:true"]}]
    url = f"{aep.url}/data/foundation/catalog/dataSets/{changed}"
    requests.patch(url, json=back, headers=headers, timeout=30).raise_for_status()
    aep.forget()
    run = cluster.trigger("aep_fleet")
    cluster.answer(run, "Reject")
    assert cluster.ended(run) == "success", cluster.tasks(run)
    states = cluster.tasks(run)
    assert {state for task, state in states.items() if task.startswith("up_prod")} == {"skipped"}
    assert states["digest_drift[-1]"] == "skipped"
    assert writes(aep.requests()) == []

    # The nightly run sees it, says so, and writes nothing.
    assert cluster.ended(cluster.trigger("aep_drift")) == "failed"
    assert writes(aep.requests()) == []
    cluster.stop()
    plain = Fleet(tmp_path / "plain", aep, min(SANDBOXES, 5), DATASETS, prefix="t")
    plain.make()
    plain.init(environment)
    each, each_cpu = loop(plain, environment)
    print(
        f"\n{SANDBOXES} sandboxes of {DATASETS} datasets, preview, up and drift: with Airflow {wall:.0f} s, "
        f"{SANDBOXES / wall * 3600:.0f} stacks an hour, {cpu / SANDBOXES:.1f} CPU s a stack; "
        f"in a loop {3600 / each:.0f} stacks an hour, {each_cpu:.1f} CPU s a stack"
    )
