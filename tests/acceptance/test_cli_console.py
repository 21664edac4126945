"""What the commands print, on a terminal and in a pipe."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from aep_provider.cli import main
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.project import Project

COMMAND = Path(sys.executable).parent / "aep-provider"
ID = "5b020a27e7040801dedbf46e"
SPACED = {"unifiedProfile": ["enabled: true"], "unifiedIdentity": ["enabled:true"]}
COLOUR = re.compile(r"\x1b\[(3[0-7]|9[0-7])m")


def on_terminal(project: Project, *arguments: str, columns: int = 80, **environment: str) -> str:
    """What a command shows on a terminal of that width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen(
        [COMMAND, *arguments],
        env=project.environment | {"TERM": "xterm-256color"} | environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    # Linux ends the reading with an error once the last writer is gone.
    with os.fdopen(ours, "rb", buffering=0) as screen:
        try:
            while part := screen.read(65536):
                shown += part
        except OSError:
            pass
    process.wait(timeout=60)
    return shown.decode()


@pytest.mark.parametrize("columns", [80, 400])
def test_an_id_can_be_copied_from_a_terminal_of_any_width(project: Project, aep: Aep, columns: int) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, SPACED, name="Members of the loyalty programme " * 4)
    shown = on_terminal(project, "discover", "--no-stack", columns=columns)
    assert f" {ID} " in shown
    assert "last batch" in shown


def test_colour_is_for_terminals_and_no_color_is_honoured(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, SPACED)
    aep.fault({"status": 403}, times=None, service="schemaregistry")  # for a warning, beside the table
    assert COLOUR.search(on_terminal(project, "discover", "--no-stack"))
    plain = on_terminal(project, "discover", "--no-stack", NO_COLOR="1")
    assert "warning: " in plain
    assert not COLOUR.search(plain)
    assert "\x1b" not in project.command("discover", "--no-stack").text


def test_slow_work_shows_progress_in_a_pipe_too(project: Project, aep: Aep) -> None:
    hold = aep.fault({"hold": "before"}, path="/dataSets")
    process = subprocess.Popen(
        [COMMAND, "discover", "--no-stack", "--json"],
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    aep.hit(hold)
    assert process.stderr.readline() == "Reading datasets\n"
    aep.clear_faults()
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "[]\n", "")


@pytest.mark.parametrize("command", ["discover", "doctor"])
def test_ctrl_c_is_no_answer(project: Project, aep: Aep, command: str) -> None:
    hold = aep.fault({"hold": "before"}, path="/dataSets")
    process = subprocess.Popen(
        [COMMAND, command, "--no-stack"],
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    aep.hit(hold)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    aep.clear_faults()
    assert (process.returncode, err.splitlines()[-1]) == (130, "Error: interrupted")


@pytest.mark.parametrize("command", sorted(set(main.commands) - {"emulator"}))
def test_an_unreachable_service_is_named_and_nothing_else_is_printed(project: Project, command: str) -> None:
    nowhere = "http://127.0.0.1:1"
    project.environment |= {"AEP_ENDPOINT": nowhere, "AEP_IMS_ENDPOINT": nowhere}
    arguments = {"enable": (ID,), "import": ("--all",)}.get(command, ())
    code = {"status": 3}.get(command, 1)
    with (project.folder / "Pulumi.dev.yaml").open("a") as file:
        file.write(f"config:\n  aep:datasets: [{{resource: a, dataset_id: {ID}}}]\n")
    told = project.command(command, "-C", str(project.folder), *arguments, expect=code)
    assert "POST token: the connection failed" in told.text
    assert "Check the network, HTTPS_PROXY and the endpoint" in told.text
    assert "Max retries" not in told.text
    assert "Traceback" not in told.text
    assert (told.out == "") is (command != "doctor")


@pytest.mark.parametrize("command", sorted(set(main.commands) - {"emulator"}))
def test_help_names_the_exit_codes_and_json_is_everywhere(project: Project, command: str) -> None:
    told = project.command(command, "--help").out
    assert "Exit codes: 0 " in told
    assert "--json" in told
