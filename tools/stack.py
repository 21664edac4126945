"""Run Pulumi on one stack; for the stack `local`, against an emulator in the background.

Called by the Makefile. The emulator's state and address stay in `.aep/` in the checkout, so a second run
finds the same datasets on the same port.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".aep"
RUNNING = FOLDER / "emulator.json"
COMMAND = Path(sys.executable).parent / "aep-provider"
_PAST_PROXIES = urllib.request.build_opener(urllib.request.ProxyHandler({}))
DEMO = {
    "AEP_SANDBOX": "dev",
    "AEP_ORG_ID": "0123456789ABCDEF01234567@AdobeOrg",
    "AEP_CLIENT_ID": "demo-client",
    "AEP_CLIENT_SECRET": "demo-secret",
}
"""The emulator's own credential, for the table; Pulumi takes it from the stack file."""

LOCAL = {
    "PULUMI_BACKEND_URL": f"file://{FOLDER / 'state'}",
    "PULUMI_CONFIG_PASSPHRASE": "local",
}
"""The stack `local` keeps its state in the checkout; its passphrase protects nothing but a demo secret.
Any other stack uses the backend and the passphrase that you have chosen."""


def main() -> int:
    """Run the action; the exit code is Pulumi's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("up", "preview", "refresh", "down", "env", "stop-emulator"))
    parser.add_argument("stack", nargs="?", default="local")
    arguments = parser.parse_args()
    if arguments.action == "stop-emulator":
        stop_emulator()
        return 0
    local = arguments.stack == "local"
    environment = dict(os.environ) | past_the_proxy(os.environ)
    if local:
        endpoint = start_emulator()
        (FOLDER / "state").mkdir(exist_ok=True)
        print(f"Emulator of AEP: {endpoint}, status page {endpoint}/_emulator/", file=sys.stderr)
        environment |= {"AEP_ENDPOINT": endpoint, "AEP_IMS_ENDPOINT": endpoint} | LOCAL
    pulumi = find_pulumi()
    if pulumi is None:
        return 1
    if arguments.action == "env":
        return print_exports(environment, pulumi) if local else wrong_stack_for_env(arguments.stack)
    code = run_pulumi(pulumi, arguments.action, arguments.stack, environment)
    if local and arguments.action == "up" and code == 0:
        code = subprocess.run([COMMAND, "discover"], env=environment | DEMO, cwd=ROOT, check=False).returncode
    if local and arguments.action == "down":
        stop_emulator()
    return code


def print_exports(environment: Mapping[str, str], pulumi: Path) -> int:
    """Print what a shell needs so that `pulumi` and `aep-provider` work on the stack `local` here."""
    names = ("AEP_ENDPOINT", "AEP_IMS_ENDPOINT", *LOCAL, "no_proxy", "NO_PROXY")
    exports = {name: environment[name] for name in names} | {
        "PULUMI_RUN_PROGRAM": "true",
        "PULUMI_STACK": "local",
    }
    for name, value in exports.items():
        print(f"export {name}={shlex.quote(value)}")
    folders = f"{COMMAND.parent}{os.pathsep}{pulumi.parent}{os.pathsep}"
    print(f'export PATH={shlex.quote(folders)}"$PATH"')
    return 0


def wrong_stack_for_env(stack: str) -> int:
    """Refuse to print settings that only their owner knows."""
    print(
        f"`make env` is for the stack `local`, whose state and passphrase are known here. For {stack!r} run "
        "`pulumi login`, or export PULUMI_BACKEND_URL; and PULUMI_CONFIG_PASSPHRASE and AEP_CLIENT_SECRET.",
        file=sys.stderr,
    )
    return 1


def past_the_proxy(environ: Mapping[str, str]) -> dict[str, str]:
    """What keeps a proxy out of the talk on this machine: of Pulumi's processes, and with the emulator."""
    return {
        name: ",".join(filter(None, (environ.get(name), "127.0.0.1", "localhost")))
        for name in ("no_proxy", "NO_PROXY")
    }


def find_pulumi() -> Path | None:
    """The Pulumi of tools/get_pulumi.py, which says why there is none."""
    found = subprocess.run(
        [sys.executable, ROOT / "tools/get_pulumi.py"], stdout=subprocess.PIPE, text=True, check=False
    )
    return Path(found.stdout.strip()) if found.returncode == 0 else None


def run_pulumi(pulumi: Path, action: str, stack: str, environment: dict[str, str]) -> int:
    """Select the stack and run the action. Only `local` is created where it does not exist."""
    # The language host beside this Pulumi has to be found before any other.
    environment = environment | {"PATH": f"{pulumi.parent}{os.pathsep}{environment.get('PATH', '')}"}
    create = ["--create"] if stack == "local" else []
    select = [str(pulumi), "stack", "select", *create, stack, "--non-interactive"]
    selected = subprocess.run(select, env=environment, cwd=ROOT, check=False)
    if selected.returncode:
        say_which_stacks_exist(pulumi, stack, environment)
        return selected.returncode
    verbs = {
        "up": ["up", "--yes", "--skip-preview"] if stack == "local" else ["up"],
        "preview": ["preview", "--diff"],
        "refresh": ["refresh", "--yes", "--skip-preview"] if stack == "local" else ["refresh"],
        "down": ["destroy", "--yes", "--skip-preview"] if stack == "local" else ["destroy"],
    }
    command = [str(pulumi), *verbs[action], "--stack", stack]
    print(f"$ pulumi {' '.join(command[1:])}", flush=True)
    return subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode


def say_which_stacks_exist(pulumi: Path, stack: str, environment: Mapping[str, str]) -> None:
    """After a stack could not be selected: which ones there are, and how to create it."""
    listed = subprocess.run(
        [pulumi, "stack", "ls", "--json", "--non-interactive"],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    if listed.returncode:
        print("Choose where Pulumi keeps its state: `pulumi login`, or PULUMI_BACKEND_URL.", file=sys.stderr)
        return
    names = sorted(str(one["name"]) for one in json.loads(listed.stdout))
    if stack in names:
        return
    file = ROOT / "stacks" / f"Pulumi.{stack}.yaml"
    print(
        f"Stack {stack!r} does not exist. Stacks of this project: {', '.join(names) or 'none'}; and `local`, "
        "which `make up` creates.\n"
        f"To create it: pulumi stack init {shlex.quote(stack)}"
        + (f" (its settings are in {file.relative_to(ROOT)})" if file.is_file() else ""),
        file=sys.stderr,
    )


def start_emulator() -> str:
    """Start the emulator unless it runs; return its address."""
    FOLDER.mkdir(exist_ok=True)
    known = _known()
    if not _healthy(known.get("port", 0)):
        # On the port of the last run, since the state records it, unless somebody else has it by now.
        known = _started(known.get("port", 0)) or _started(0)
        if not known:
            sys.exit(f"The emulator did not start; see {FOLDER / 'emulator.log'}.")
        RUNNING.write_text(json.dumps(known))
    return f"http://127.0.0.1:{known['port']}"


def _started(port: int) -> dict[str, int]:
    """Port and process of a new emulator; empty if it did not start."""
    with (FOLDER / "emulator.log").open("ab") as log:
        process = subprocess.Popen(
            [
                COMMAND,
                "emulator",
                "--port",
                str(port),
                "--state",
                FOLDER / "emulator.sqlite",
                "--seed",
                "demo",
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            text=True,
        )
    assert process.stdout is not None
    endpoint, more = process.stdout.readline(), process.stdout.readline()
    return {"port": int(endpoint.strip().rpartition(":")[2]), "pid": process.pid} if more else {}


def stop_emulator() -> None:
    """Stop the emulator, if this checkout's runs, and wait until it has gone."""
    known = _known()
    if _healthy(known.get("port", 0)):
        with suppress(ProcessLookupError):
            os.kill(known["pid"], signal.SIGTERM)
        deadline = time.monotonic() + 10
        while _healthy(known["port"]) and time.monotonic() < deadline:
            time.sleep(0.05)
    RUNNING.unlink(missing_ok=True)


def _known() -> dict[str, int]:
    with suppress(OSError, ValueError):
        known: dict[str, int] = json.loads(RUNNING.read_text())
        return known
    return {}


def _healthy(port: int) -> bool:
    if not port:
        return False
    with (
        # Whatever else may listen there by now.
        suppress(OSError, HTTPException, ValueError, AttributeError),
        _PAST_PROXIES.open(f"http://127.0.0.1:{port}/_emulator/health", timeout=2) as reply,
    ):
        return bool(json.load(reply).get("status") == "ok")
    return False


if __name__ == "__main__":
    sys.exit(main())
