"""Airflow as it runs in earnest: PostgreSQL, Redis, an API server, a scheduler, a triggerer, and Celery workers."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

TICKS = os.sysconf("SC_CLK_TCK")
WAIT = 9000.0
"""Seconds within which a DAG run has to end."""


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def found(command: str) -> str:
    """The path of a command; PostgreSQL's are not on PATH where the distribution keeps several versions."""
    places = (shutil.which(command), *map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{command}"))))
    return next(filter(None, places), "")


@dataclass
class Cluster:
    """The processes of one Airflow.

    Attributes:
        airflow: the `bin` folder of its virtualenv.
        folder: for logs and files.
        environment: of every process; `start` adds what tells them of each other.
    """

    airflow: Path
    folder: Path
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    data: str = ""

    def start(self, pool: str, slots: int, workers: int) -> None:
        """Start everything; returns when the API server answers."""
        self.ports = {name: free_port() for name in ("postgres", "redis", "api")}
        self._postgres()
        self.run(
            "redis", "redis-server", "--port", str(self.ports["redis"]), "--save", "", "--bind", "127.0.0.1"
        )
        database = f"127.0.0.1:{self.ports['postgres']}/airflow"
        self.environment |= {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://postgres@{database}",
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql+psycopg2://postgres@{database}",
            "AIRFLOW__CELERY__BROKER_URL": f"redis://127.0.0.1:{self.ports['redis']}/0",
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{self.ports['api']}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__API_AUTH__JWT_SECRET": "for-this-test-only-" * 4,
            "AIRFLOW__API__SECRET_KEY": "for-this-test-only",
            "AIRFLOW__API__WORKERS": "1",
            # A worker that died is noticed after so many seconds, five minutes by default.
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
        }
        self.call("db", "migrate")
        self.call("pools", "set", pool, str(slots), "stacks at once")
        self.run("api", "airflow", "api-server", "--port", str(self.ports["api"]))
        for name in ("dag-processor", "scheduler", "triggerer"):
            self.run(name, "airflow", name)
        for number in range(workers):
            self.worker(f"worker{number}")
        self.until(lambda: self.api("GET", "dags/aep_fleet").ok, 600)

    def worker(self, name: str) -> None:
        """Start a Celery worker of two processes."""
        flags = ("--celery-hostname", f"{name}@%h", "--concurrency", "2", "--skip-serve-logs")
        self.run(name, "airflow", "celery", "worker", *flags)

    def _postgres(self) -> None:
        # PostgreSQL does not run as root, and its user cannot look into root's folders.
        self.data = tempfile.mkdtemp(prefix="aep-postgres-")
        line: list[str] = []
        if os.getuid() == 0:
            shutil.chown(self.data, "postgres")
            line = ["runuser", "-u", "postgres", "--"]
        options = ["-D", self.data, "-U", "postgres", "--auth=trust", "-E", "UTF8"]
        subprocess.run([*line, found("initdb"), *options], check=True, capture_output=True, cwd="/")
        port = str(self.ports["postgres"])
        flags = ("-D", self.data, "-p", port, "-k", self.data, "-c", "listen_addresses=127.0.0.1")
        self.run("postgres", *line, found("postgres"), *flags)
        create = [
            found("psql"),
            "-h",
            "127.0.0.1",
            "-p",
            port,
            "-U",
            "postgres",
            "-c",
            "CREATE DATABASE airflow",
        ]
        self.until(lambda: subprocess.run(create, capture_output=True, check=False).returncode == 0, 60)

    def run(self, name: str, *command: str) -> None:
        """Start a process whose output goes to a file of its name."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                executable=shutil.which(command[0], path=self.environment["PATH"]),
            )

    def call(self, *arguments: str) -> None:
        """Run the command `airflow`."""
        line = [str(self.airflow / "airflow"), *arguments]
        done = subprocess.run(line, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    def until(self, true: Any, seconds: float) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + seconds
        while not true():
            dead = [name for name, process in self.processes.items() if process.poll() is not None]
            assert not dead, f"{dead} ended, see {self.folder}"
            assert time.monotonic() < deadline, f"still not so, see {self.folder}"
            time.sleep(1)  # Airflow tells nobody when a run ends; what is asserted is never how long it took.

    def api(self, method: str, path: str, body: object = None) -> requests.Response:
        """Call Airflow's API; an answer 503 stands for a server that does not answer yet."""
        url = f"http://127.0.0.1:{self.ports['api']}"
        try:
            token = requests.get(f"{url}/auth/token", timeout=60).json()["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            return requests.request(method, f"{url}/api/v2/{path}", json=body, headers=headers, timeout=60)
        except (requests.RequestException, ValueError, KeyError):
            answer = requests.Response()
            answer.status_code = 503
            return answer

    def trigger(self, dag: str) -> str:
        """Begin a run; returns where it is, for `api`."""
        self.until(lambda: self.api("PATCH", f"dags/{dag}", {"is_paused": False}).ok, 600)
        answer = self.api("POST", f"dags/{dag}/dagRuns", {"logical_date": None})
        assert answer.ok, answer.text
        return f"dags/{dag}/dagRuns/{answer.json()['dag_run_id']}"

    def answer(self, run: str, option: str) -> None:
        """Approve or reject, as soon as it is asked for."""
        path = f"{run}/taskInstances/approve_production/-1/hitlDetails"
        body = {"chosen_options": [option], "params_input": {}}
        self.until(lambda: self.api("PATCH", path, body).ok, WAIT)

    def ended(self, run: str) -> str:
        """Wait for the end of a run; returns its state."""
        state: list[str] = []

        def over() -> bool:
            state[:] = [str((self.api("GET", run).json() or {}).get("state", ""))]
            return state[0] in ("success", "failed")

        self.until(over, WAIT)
        return state[0]

    def tasks(self, run: str) -> dict[str, str]:
        """The state of each task of a run."""
        listed = self.api("GET", f"{run}/taskInstances?limit=1000").json()["task_instances"]
        return {f"{one['task_id']}[{one['map_index']}]": str(one["state"]) for one in listed}

    def kill_worker_of(self, stack: str) -> str:
        """SIGKILL the worker that runs a stack, and all that it has started, as when its machine dies."""
        for name in [name for name in self.processes if name.startswith("worker")]:
            below = descendants(self.processes[name].pid)
            if any(f"--stack\0{stack}\0".encode() in _file(pid, "cmdline") for pid in below):
                for pid in (self.processes[name].pid, *below):
                    os.kill(pid, signal.SIGKILL)
                self.processes.pop(name).wait()
                return name
        raise AssertionError(f"nobody runs {stack}")

    def cpu(self) -> float:
        """CPU seconds of all processes so far, with what they have started and waited for."""
        every = [one.pid for one in self.processes.values()]
        every += [pid for one in self.processes.values() for pid in descendants(one.pid)]
        parts = [_file(pid, "stat").rpartition(b") ")[2].split() for pid in every]
        return sum(sum(map(int, one[11:15])) for one in parts if one) / TICKS

    def stop(self) -> None:
        """End everything."""
        for process in reversed(self.processes.values()):
            for pid in (*descendants(process.pid), process.pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            process.wait()
        if self.data:
            shutil.rmtree(self.data, ignore_errors=True)


def descendants(pid: int) -> list[int]:
    """The processes below one, the nearest first."""
    below = [int(one) for thread in _tasks(pid) for one in _file(pid, f"task/{thread}/children").split()]
    return below + [further for one in below for further in descendants(one)]


def _tasks(pid: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


def _file(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
