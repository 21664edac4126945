"""What the commands print, on a terminal and in a pipe."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import termios
from pathlib import Path

import pytest
from click.testing import CliRunner

from aep_provider.cli import main
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from support.aep import Aep
from support.cli import ARGUMENTS, COMMAND, ID
from support.project import Project

ANSWERS = {"card", "gaps", "status"}
"""Commands whose exit code 1 is an answer, so that an error is 3."""

OFFLINE = {"emulator", "digest", "matrix"}
"""Commands that ask neither Pulumi nor AEP."""

BY_THEMSELVES = {*OFFLINE, "diff", "run"}
"""And those whose own tests say what becomes of errors: one is about two stacks, one prints what `pulumi` prints."""

SPACED = {"unifiedProfile": ["enabled: true"], "unifiedIdentity": ["enabled:true"]}
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
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


NAME = "Members of the loyalty programme and their households, all countries, full load"


@pytest.mark.parametrize("columns", [80, 100, 140])
@pytest.mark.parametrize("command", [("discover",), ("status",), ("import", "--all", "--dry-run")])
def test_tables_fit_the_terminal_and_never_break_an_id(
    project: Project, aep: Aep, command: tuple[str, ...], columns: int
) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, {**SPACED, "pulumiManagedBy": ["aep/dev/members"]}, name=NAME)
    shown = on_terminal(
        project, *command, "-C", str(project.folder), columns=columns, NO_COLOR="1"
    ).splitlines()
    (row,) = (line for line in shown if f" {ID} " in line)
    table = [ESCAPE.sub("", line) for line in shown[: shown.index(row) + 1]]
    assert max(len(line) for line in table) <= columns
    told = next((line for line in shown if "--wide shows everything" in line), "")
    assert ("…" in row) is ("names shortened" in told)
    assert "…" in row or "columns not shown: name" in told or NAME in row


def test_what_is_not_shown_for_want_of_width_is_named_and_wide_shows_it(project: Project, aep: Aep) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, SPACED, name=NAME)
    narrow = on_terminal(project, "discover", "--no-stack", columns=80)
    assert "(columns not shown: schema, behaviour, managed by, last batch; names" in narrow
    wide = on_terminal(project, "discover", "--no-stack", "--wide", columns=80).replace("\r\n", "")
    assert NAME in wide
    assert "last batch" in wide
    assert "not shown" not in wide


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
    assert (process.returncode, out, err) == (0, '{\n  "schema_version": 1,\n  "datasets": []\n}\n', "")


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


@pytest.mark.parametrize("command", sorted(set(main.commands) - BY_THEMSELVES))
def test_an_unreachable_service_is_named_and_nothing_else_is_printed(project: Project, command: str) -> None:
    nowhere = "http://127.0.0.1:1"
    project.environment |= {"AEP_ENDPOINT": nowhere, "AEP_IMS_ENDPOINT": nowhere}
    arguments = ARGUMENTS.get(command, ())
    code = 3 if command in ANSWERS else 1
    with (project.folder / "Pulumi.dev.yaml").open("a") as file:
        file.write(f"config:\n  aep:datasets: [{{resource: a, dataset_id: {ID}}}]\n")
    told = project.command(command, "-C", str(project.folder), *arguments, expect=code)
    assert "POST token: the connection failed" in told.text
    assert "Check the network, HTTPS_PROXY and the endpoint" in told.text
    assert "Max retries" not in told.text
    assert "Traceback" not in told.text
    assert (told.out == "") is (command not in ("doctor", "probe"))


@pytest.mark.parametrize("command", sorted(set(main.commands) - {"emulator"}))
def test_help_names_the_exit_codes_and_json_is_everywhere(project: Project, command: str) -> None:
    told = project.command(command, "--help").out
    assert re.search(r"Exit codes:\s+0 ", told)
    # What came of a run is in the file that --out names: the output is what `pulumi` prints.
    assert ("--json" in told) is (command != "run")


LATIN = "en_US.CP1252"


@pytest.fixture(params=["C", LATIN])
def foreign_locale(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The environment of a machine whose encoding is not UTF-8."""
    name = str(request.param)
    if name == LATIN:
        if shutil.which("localedef") is None:
            pytest.skip("localedef is not installed, so no locale can be made")
        folder = tmp_path / "locales"
        folder.mkdir()
        subprocess.run(
            ["localedef", "-i", "en_US", "-f", "CP1252", folder / LATIN], check=False, capture_output=True
        )
        if not (folder / LATIN).exists():
            pytest.skip("localedef has no source of en_US")
    return {
        "LOCPATH": str(tmp_path / "locales"),
        "LC_ALL": name,
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }


def test_names_survive_an_encoding_that_is_not_utf_8(
    project: Project, aep: Aep, foreign_locale: dict[str, str]
) -> None:
    aep.dataset(ID, PROFILE_SCHEMA, SPACED, name="Kunden Größe 会員")
    here = ("-C", str(project.folder))
    project.environment |= foreign_locale
    told = project.command("import", *here, "--name", "größe", "--yaml").out
    assert "Kunden Größe 会員" in told
    project.command("import", *here, "--name", "GRÖSSE", expect=0)
    assert "name: Kunden Größe 会員" in (project.folder / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    assert "the name is" not in project.command("status", *here, expect=1).text


@pytest.mark.parametrize(
    "command", sorted(set(main.commands) - BY_THEMSELVES - {"doctor", "enable", "discover"})
)
@pytest.mark.parametrize("output", [b"\377\376\000{", b"not JSON", b"[]"])
def test_a_pulumi_that_prints_nonsense_is_an_error(
    project: Project, aep: Aep, tmp_path: Path, command: str, output: bytes
) -> None:
    (tmp_path / "reply").write_bytes(output)
    fake = tmp_path / "bin" / "pulumi"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\ncat '{tmp_path}/reply'\n")
    fake.chmod(0o755)
    project.environment["PATH"] = f"{fake.parent}{os.pathsep}{project.environment['PATH']}"
    arguments = ARGUMENTS.get(command, ())
    code = 3 if command in ANSWERS else 1
    told = project.command(command, "-C", str(project.folder), "-s", "dev", *arguments, expect=code).text
    assert "Traceback" not in told
    assert "pulumi version" in told


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["discover", "status", "doctor"])
def test_a_full_disk_under_the_output_is_an_error_of_its_own(
    project: Project, command: str, unbuffered: str
) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [COMMAND, command, "-C", project.folder],
            env={**project.environment, "PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == "Error: the output cannot be written: No space left on device"


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["status", "discover", "gaps"])
def test_a_closed_pipe_is_no_answer(project: Project, aep: Aep, command: str, unbuffered: str) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [COMMAND, command, "-C", project.folder],
        env={**project.environment, "PYTHONUNBUFFERED": unbuffered},
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(write)
    assert done.returncode == 3
    assert "defect" not in done.stderr


def test_an_unexpected_error_is_exit_3_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(main.commands["discover"], "callback", broken)
    told = CliRunner().invoke(main, ["discover"])
    assert told.exit_code == 3
    assert "unexpected error: RuntimeError: broken" in told.output
    assert "Traceback" not in told.output
    monkeypatch.setenv("AEP_DEBUG", "1")
    assert "Traceback" in CliRunner().invoke(main, ["discover"]).output
