"""Airflow 3: preview of all stacks, one digest, approval for production, wave after wave, then a look for drift.

`aep-provider` and `pulumi` live in a virtualenv of their own on each worker and are called as commands: Airflow and
Pulumi want different versions of protobuf. Adjust the constants, and create a pool for each organisation.
"""

import json
import os
import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

BIN = os.environ.get("AEP_FLEET_BIN", "/opt/aep/venv/bin")
PROJECT = os.environ.get("AEP_FLEET_PROJECT", "/opt/aep/project")
# By organisation, the pool that limits how many of its stacks are worked on at once.
POOLS = json.loads(os.environ.get("AEP_FLEET_POOLS", '{"0123456789ABCDEF01234567@AdobeOrg": "aep_acme"}'))
# How many runs of a wave may go wrong before the next wave does not begin.
BUDGET = int(os.environ.get("AEP_FLEET_BUDGET", "0"))
Stacks = list[dict[str, Any]]


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `aep-provider`; what it says goes to the task's log."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "PULUMI_RUN_PROGRAM": "true"}
    line = ["aep-provider", *arguments]
    done = subprocess.run(line, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True)
    print(done.stdout)
    return done


@task
def stacks(params: dict[str, Any]) -> Stacks:
    """All stacks, or those that a change touches."""
    since = ["--touched", f"--changed-since={params['changed_since']}"] if params["changed_since"] else []
    found: Stacks = json.loads(command("matrix", "--json", *since).stdout)["include"]
    if unknown := {one["org"] for one in found} - POOLS.keys():
        raise AirflowFailException(f"No pool for organisation {', '.join(sorted(unknown))}")
    return found


@task
def chosen(found: Stacks, org: str, wave: str) -> list[str]:
    """The stacks of an organisation, in a wave or in all."""
    return [one["stack"] for one in found if one["org"] == org and wave in ("", one["wave"])]


@task(retries=2, retry_delay=timedelta(seconds=30))
def run(stack: str, action: str) -> None:
    """One stack. A refusal is final; what failed, is locked or left Profile off is tried again."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "result.json"
        command("run", "--stack", stack, "--out", str(out), action)
        result = json.loads(out.read_text())
    get_current_context()["ti"].xcom_push(key="result", value=result)
    if result["outcome"] not in ("clean", "changed"):
        kind = AirflowFailException if result["outcome"] == "refused" else RuntimeError
        raise kind(f"{stack}: {result['outcome']}")


@task(trigger_rule="all_done")
def digest(found: Stacks, tasks: list[str], wave: str, flags: list[str]) -> str:
    """One text for many runs; fails where `flags` say so, so that the next wave does not begin."""
    ti = get_current_context()["ti"]
    rejected = ti.xcom_pull(task_ids="approve_production", key="skipmixin_key")  # what a rejection leaves
    if rejected and (wave == "prod" or "--drift" in flags):
        raise AirflowSkipException("production was not approved")
    most = sum(wave in ("", one["wave"]) for one in found)
    pulled = [ti.xcom_pull(task_ids=one, key="result", map_indexes=list(range(most))) for one in tasks]
    with tempfile.TemporaryDirectory() as folder:
        for number, result in enumerate(result for part in pulled for result in part or () if result):
            Path(folder, f"{number}.json").write_text(json.dumps(result))
        done = command("digest", "--expect", str(most), *flags, *map(str, Path(folder).iterdir()))
    if done.returncode and "--budget" in flags:
        raise AirflowFailException(done.stdout)
    return done.stdout


def mapped(found: Any, action: str, wave: str, before: list[Any], flags: list[str]) -> Any:
    """A wave: a mapped task in the pool of each organisation, and the digest that ends it."""
    name, runs = f"{action}_{wave}" if wave else action, []
    for number, (org, pool) in enumerate(POOLS.items()):
        names = chosen.override(task_id=f"stacks_{name}_{number}")(found, org, wave)
        one = run.override(task_id=f"{name}_{number}", pool=pool)
        runs.append(one.partial(action=action).expand(stack=names))
        runs[-1].set_upstream(before)
    tasks = [f"{name}_{number}" for number in range(len(POOLS))]
    end = digest.override(task_id=f"digest_{name}")(found, tasks, wave, flags)
    end.set_upstream(runs)
    return end


@dag(schedule=None, catchup=False, max_active_runs=1, params={"changed_since": Param("", type="string")})
def aep_fleet() -> None:
    """Bring every stack up: dev, then stage, then, once it is approved, prod."""
    found, gate = stacks(), ["--budget", str(BUDGET)]
    previewed = mapped(found, "preview", "", [], [])
    body = "{{ ti.xcom_pull(task_ids='digest_preview') }}"
    approved = ApprovalOperator(task_id="approve_production", subject="May production be changed?", body=body)
    approved.set_upstream(previewed)
    dev = mapped(found, "up", "dev", [previewed], gate)
    stage = mapped(found, "up", "stage", [dev], gate)
    production = mapped(found, "up", "prod", [stage, approved], gate)
    mapped(found, "drift", "", [production], [*gate, "--drift"])


@dag(schedule="17 4 * * *", catchup=False, max_active_runs=1, params={"changed_since": ""})
def aep_drift() -> None:
    """Look every night whether AEP is as declared; nothing is written."""
    mapped(stacks(), "drift", "", [], ["--budget", "0", "--drift"])


aep_fleet()
aep_drift()
