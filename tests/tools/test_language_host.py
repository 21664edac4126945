"""The small language host, as a process, asked over gRPC what the engine would ask.

The fake programs hold a named pipe open: its end is read when, and only when, the program is gone.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped,unused-ignore]
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

HOST = Path(__file__).resolve().parents[2] / "tools" / "pulumi-cli" / "language_host.py"
SECONDS = 60  # for what should take none

# What stands in for pulumi-language-python-exec: Python code in the variable PROGRAM, which has `alive`, the
# writing end of the named pipe.
EXECUTOR = """
import json, os, signal, sys
alive = open(os.environ["ALIVE"], "w", buffering=1)
exec(os.environ["PROGRAM"])
"""
TELL_ALL = """
keys = ("PULUMI_CONFIG", "PULUMI_CONFIG_SECRET_KEYS", "VIRTUAL_ENV", "PATH", "PYTHONHOME")
told = {"argv": sys.argv[1:], "python": sys.executable, "env": {key: os.environ.get(key) for key in keys}}
alive.write(json.dumps(told))
"""
# Ignores the interrupt, so that it is the host that must end it, and nothing else can.
RUN_FOR_EVER = """
signal.signal(signal.SIGINT, signal.SIG_IGN)
alive.write("running\\n")
while True:
    signal.pause()
"""


@dataclass
class Host:
    """The process, and the engine's end of the connection."""

    process: subprocess.Popen[bytes]
    channel: grpc.Channel
    folder: Path
    stub: language_pb2_grpc.LanguageRuntimeStub = field(init=False)

    def __post_init__(self) -> None:
        self.stub = language_pb2_grpc.LanguageRuntimeStub(self.channel)

    def info(self, **options: str) -> language_pb2.ProgramInfo:
        info = language_pb2.ProgramInfo(
            root_directory=str(self.folder), program_directory=str(self.folder), entry_point="."
        )
        info.options.update(options or {"toolchain": "pip", "virtualenv": "venv"})
        return info

    def request(self, **options: str) -> language_pb2.RunRequest:
        return language_pb2.RunRequest(
            project="aep",
            stack="dev",
            pwd=str(self.folder),
            program=".",
            args=["extra"],
            config={"aep:sandbox": "dev", "aep:clientSecret": "s"},
            configSecretKeys=["aep:clientSecret"],
            dryRun=True,
            parallel=7,
            monitor_address="127.0.0.1:1",
            organization="organization",
            info=self.info(**options),
        )

    def packages(self, **options: str) -> list[Any]:
        """What the engine asks before it runs a program."""
        request = language_pb2.GetRequiredPackagesRequest(info=self.info(**options))
        return list(self.stub.GetRequiredPackages(request, timeout=SECONDS).packages)

    def refusal(self, **options: str) -> str:
        """Why the packages of a project are not listed."""
        with pytest.raises(grpc.RpcError) as raised:
            self.packages(**options)
        assert raised.value.code() == grpc.StatusCode.UNKNOWN
        return str(raised.value.details())

    def run(self, **options: str) -> language_pb2.RunResponse:
        """Run the program to its end."""
        response: language_pb2.RunResponse = self.stub.Run(self.request(**options), timeout=SECONDS)
        return response

    def alive(self) -> BinaryIO:
        """The reading end of the pipe; waits for the program to have started."""
        return open(self.folder / "alive", "rb", buffering=0)

    def output(self) -> tuple[bytes, bytes]:
        """What host and program wrote, the host having been stopped."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=SECONDS)
        return out, err


Start = Callable[..., Host]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a host whose program runs the given code."""
    hosts: list[Host] = []
    (tmp_path / "executor.py").write_text(EXECUTOR)
    os.mkfifo(tmp_path / "alive")
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").symlink_to(sys.executable)

    def start(program: str = "", **environ: str) -> Host:
        env = {**os.environ, "PROGRAM": program, "ALIVE": str(tmp_path / "alive"), **environ}
        process = subprocess.Popen(
            [sys.executable, "-I", HOST, "--use-executor", tmp_path / "executor.py", "127.0.0.1:2"],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # as the engine does
        )
        assert process.stdout is not None
        port = int(process.stdout.readline())
        hosts.append(Host(process, grpc.insecure_channel(f"127.0.0.1:{port}"), tmp_path))
        return hosts[-1]

    yield start
    for host in hosts:
        host.channel.close()
        host.process.terminate()  # not by force: its program is in a session of its own
        host.process.wait(SECONDS)
        for pipe in (host.process.stdin, host.process.stdout, host.process.stderr):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def reader(tmp_path: Path, start: Start) -> Iterator[BinaryIO]:
    """The reading end of the pipe for programs that end by themselves, open before they start."""
    with open(os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as reader:
        yield reader


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize(
    ("program", "error", "bail"),
    [
        ("", "", False),
        ("sys.exit(1)", "program exited with non-zero exit code: 1", False),
        ("sys.exit(32)", "", True),
        ("os.kill(os.getpid(), 9)", "program exited with non-zero exit code: -1", False),
    ],
)
def test_how_a_program_ended(start: Start, program: str, error: str, bail: bool) -> None:
    response = start(program).run()
    assert (response.error, response.bail) == (error, bail)


@pytest.mark.usefixtures("reader")
def test_output_is_passed_on(start: Start) -> None:
    host = start("print('to stdout'); print('to stderr', file=sys.stderr); 1 / 0")
    assert host.run().error == "program exited with non-zero exit code: 1"
    out, err = host.output()
    assert out == b"to stdout\n"
    assert err.startswith(b"to stderr\nTraceback")
    assert err.endswith(b"ZeroDivisionError: division by zero\n")


def test_what_a_program_is_given(start: Start, reader: BinaryIO, tmp_path: Path) -> None:
    host = start(TELL_ALL, PATH="/usr/bin", PYTHONHOME="/nowhere")
    assert host.run().error == ""
    told = json.loads(reader.read())
    assert told["argv"] == [
        *("--monitor", "127.0.0.1:1"),
        *("--engine", "127.0.0.1:2"),
        *("--project", "aep"),
        *("--root_directory", str(tmp_path)),
        *("--stack", "dev"),
        *("--pwd", str(tmp_path)),
        *("--dry_run", "true"),
        *("--parallel", "7"),
        *("--organization", "organization"),
        *(".", "extra"),
    ]
    env = told["env"]
    assert json.loads(env["PULUMI_CONFIG"]) == {"aep:sandbox": "dev", "aep:clientSecret": "s"}
    assert json.loads(env["PULUMI_CONFIG_SECRET_KEYS"]) == ["aep:clientSecret"]
    assert told["python"] == str(tmp_path / "venv" / "bin" / "python")
    assert env["VIRTUAL_ENV"] == str(tmp_path / "venv")
    assert env["PATH"] == f"{tmp_path / 'venv' / 'bin'}:/usr/bin"
    assert env["PYTHONHOME"] is None


def command(folder: Path, name: str, body: str) -> None:
    """Put a command on PATH, where PATH is `folder` and the system's."""
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def path(folder: Path) -> str:
    return f"{folder}:/usr/bin:/bin"


@pytest.fixture
def poetry(tmp_path: Path) -> Path:
    """A Poetry whose environment is `venv`."""
    command(tmp_path, "poetry", f"test \"$1 $2 $3\" = 'env info --path' && echo {tmp_path / 'venv'}")
    return tmp_path


@pytest.fixture
def uv(tmp_path: Path) -> Path:
    """A uv that writes down how it was called."""
    command(tmp_path, "uv", f'echo "$PWD $UV_PROJECT_ENVIRONMENT $*" >> {tmp_path / "uv.log"}')
    return tmp_path


def test_uv_means_the_folder_dot_venv(start: Start, reader: BinaryIO, uv: Path) -> None:
    (uv / "venv").rename(uv / ".venv")
    assert start(TELL_ALL, PATH=path(uv)).run(toolchain="uv").error == ""
    assert json.loads(reader.read())["python"] == str(uv / ".venv" / "bin" / "python")


@pytest.mark.usefixtures("reader")
def test_uv_brings_the_environment_up_to_date_before_each_run(start: Start, uv: Path) -> None:
    (uv / "pyproject.toml").touch()
    assert start(PATH=path(uv)).run(toolchain="uv", virtualenv="venv").error == ""
    assert (uv / "uv.log").read_text() == f"{uv} {uv / 'venv'} sync --inexact\n"


def test_a_uv_that_fails_is_quoted(start: Start, uv: Path) -> None:
    (uv / "pyproject.toml").touch()
    command(uv, "uv", "echo no solution found >&2; exit 1")
    error = start(PATH=path(uv)).run(toolchain="uv", virtualenv="venv").error
    assert error == f"`uv sync --inexact` failed in {uv}:\nno solution found\n"


def test_uvs_environment_stands_beside_the_lock_of_a_folder_above(
    start: Start, reader: BinaryIO, uv: Path
) -> None:
    (uv / "venv").rename(uv / ".venv")
    (uv / "uv.lock").touch()
    host = start(TELL_ALL, PATH=path(uv))
    (uv / "below").mkdir()
    host.folder = uv / "below"
    assert host.run(toolchain="uv").error == ""
    assert json.loads(reader.read())["env"]["VIRTUAL_ENV"] == str(uv / ".venv")


def test_poetry_is_asked_for_its_own(start: Start, reader: BinaryIO, poetry: Path) -> None:
    host = start(TELL_ALL, PATH=path(poetry))
    assert host.run(toolchain="poetry").error == ""
    told = json.loads(reader.read())
    assert told["python"] == str(poetry / "venv" / "bin" / "python")
    assert told["env"]["VIRTUAL_ENV"] == str(poetry / "venv")


@pytest.mark.usefixtures("poetry", "uv")
@pytest.mark.parametrize("toolchain", ["poetry", "uv"])
def test_a_project_without_its_lock_is_refused(start: Start, tmp_path: Path, toolchain: str) -> None:
    host = start(PATH=path(tmp_path))
    assert host.refusal(toolchain=toolchain, virtualenv="venv").startswith(f"could not find {toolchain}.lock")
    (tmp_path / f"{toolchain}.lock").touch()
    assert host.packages(toolchain=toolchain, virtualenv="venv") == []


@pytest.mark.usefixtures("poetry", "uv")
@pytest.mark.parametrize("toolchain", ["poetry", "uv"])
def test_a_lock_chooses_the_toolchain_where_the_project_does_not(
    start: Start, tmp_path: Path, toolchain: str
) -> None:
    (tmp_path / f"{toolchain}.lock").touch()
    (tmp_path / toolchain).unlink()
    assert f"Could not find `{toolchain}` executable" in start(PATH=path(tmp_path)).refusal(virtualenv="venv")


def test_a_poetry_without_an_environment_is_told_what_to_do(start: Start, tmp_path: Path) -> None:
    assert "Could not find `poetry`" in start(PATH="/usr/bin:/bin").run(toolchain="poetry").error
    command(tmp_path, "poetry", "echo no pyproject.toml >&2; exit 1")
    error = start(PATH=path(tmp_path)).run(toolchain="poetry").error
    assert f"Poetry has no virtual environment for {tmp_path}: run `poetry install` there" in error
    assert "no pyproject.toml" in error


def test_an_environment_without_pip_is_refused_for_the_toolchain_pip(start: Start, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    assert "has no pip" in start().refusal(toolchain="pip", virtualenv="bare")


def test_plugins_of_installed_packages_are_asked_for(start: Start, tmp_path: Path) -> None:
    site = tmp_path / "venv/lib/python3/site-packages"
    told = {"resource": True, "name": "made", "version": "4.5.6", "server": "https://example.com"}
    plugins = {"pulumi_made": told, "pulumi_none": {"resource": False}}
    for name, version in (
        ("pip", "1"),
        ("pulumi", "3.274.0"),
        ("pulumi_cloud", "7.1"),
        ("pulumi_early", "1.0.0a1"),
        ("pulumi_policy", "1.2.3"),
        *((name, "1.0.0") for name in plugins),
    ):
        (site / f"{name}-{version}.dist-info").mkdir(parents=True)
        (site / name).mkdir()
    for name, text in plugins.items():
        (site / name / "pulumi-plugin.json").write_text(json.dumps(text))
    found = start().packages(toolchain="pip", virtualenv="venv")
    assert [(one.name, one.version, one.kind, one.server) for one in found] == [
        ("cloud", "v7.1.0", "resource", ""),
        ("made", "v4.5.6", "resource", "https://example.com"),
    ]


def test_without_virtualenv_the_chosen_python_runs(start: Start, reader: BinaryIO) -> None:
    host = start(TELL_ALL, PULUMI_PYTHON_CMD=sys.executable)
    assert host.run(toolchain="pip").error == ""
    assert json.loads(reader.read())["python"] == sys.executable


def test_handshake_brings_the_engines_address(start: Start, reader: BinaryIO) -> None:
    host = start(TELL_ALL)
    host.stub.Handshake(language_pb2.LanguageHandshakeRequest(engine_address="127.0.0.1:3"), timeout=SECONDS)
    host.run()
    assert json.loads(reader.read())["argv"][2:4] == ["--engine", "127.0.0.1:3"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"virtualenv": "nope"}, "{folder}/nope is not a virtual environment"),
        ({"toolchain": "uv"}, "{folder}/.venv is not a virtual environment"),
        ({"toolchain": "pdm"}, "unsupported toolchain option: pdm"),
    ],
)
def test_no_python_for_the_program(start: Start, uv: Path, options: dict[str, str], error: str) -> None:
    host = start(PATH=path(uv))
    assert error.format(folder=uv) in host.run(**options).error
    assert error.format(folder=uv) in host.refusal(**options)


def interrupt_another_thread(process: int) -> None:
    thread = max(int(name) for name in os.listdir(f"/proc/{process}/task"))
    assert thread != process
    assert ctypes.CDLL(None).tgkill(process, thread, signal.SIGINT) == 0


@pytest.mark.parametrize(
    "stop",
    [
        pytest.param(lambda process: os.killpg(process.pid, signal.SIGINT), id="engine interrupts the group"),
        pytest.param(lambda process: process.send_signal(signal.SIGINT), id="interrupt"),
        pytest.param(lambda process: process.send_signal(signal.SIGTERM), id="terminate"),
        pytest.param(lambda process: process.stdin.close(), id="engine is gone"),
        pytest.param(
            lambda process: interrupt_another_thread(process.pid),
            id="the system interrupts another thread",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="threads are found in /proc"),
        ),
    ],
)
def test_stops_quietly_and_leaves_no_orphan(
    start: Start, stop: Callable[[subprocess.Popen[bytes]], None]
) -> None:
    host = start(RUN_FOR_EVER)
    call = host.stub.Run.future(host.request(), timeout=SECONDS)
    with host.alive() as alive:
        assert alive.read(8) == b"running\n"
        stop(host.process)
        assert host.process.wait(SECONDS) == 0
        assert alive.read() == b""
    call.exception(SECONDS)  # whatever became of the call, it is over
    assert host.process.stdout is not None
    assert host.process.stderr is not None
    assert (host.process.stdout.read(), host.process.stderr.read()) == (b"", b"")


def test_a_program_that_the_engine_interrupts_with_the_host_says_nothing(start: Start) -> None:
    """Python's own answer to an interrupt is a traceback, in the middle of what the user should read."""
    host = start('alive.write("running\\n"); signal.pause()')
    call = host.stub.Run.future(host.request(), timeout=SECONDS)
    with host.alive() as alive:
        assert alive.read(8) == b"running\n"
        os.killpg(host.process.pid, signal.SIGINT)
        assert host.process.wait(SECONDS) == 0
        assert alive.read() == b""
    call.exception(SECONDS)
    assert host.process.stderr is not None
    assert host.process.stderr.read() == b""


@pytest.mark.parametrize(
    ("program", "programs"),
    [
        pytest.param(RUN_FOR_EVER.replace("SIGINT", "SIGTERM"), 5, id="five that are deaf"),
        pytest.param(
            'import subprocess; alive.write("running\\n"); '
            "child = subprocess.Popen(['sleep', '600'], pass_fds=[alive.fileno()]); child.wait()",
            1,
            id="one that has started another",
        ),
    ],
)
def test_the_host_is_gone_before_the_engine_kills_it_and_so_is_all_that_it_started(
    start: Start, program: str, programs: int
) -> None:
    host = start(program)
    calls = [host.stub.Run.future(host.request(), timeout=SECONDS) for _ in range(programs)]
    with host.alive() as alive:
        running = b""
        while running.count(b"running") < programs:
            running += alive.read(80)
        os.killpg(host.process.pid, signal.SIGINT)
        # The engine waits for five seconds. One after the other they would take fifteen.
        assert host.process.wait(12) == 0
        assert alive.read() == b""
    for call in calls:
        call.exception(SECONDS)


def test_idle_host_stops_quietly(start: Start) -> None:
    host = start()
    assert host.output() == (b"", b"")
    assert host.process.returncode == 0


def test_program_ends_when_the_engine_gives_up_on_the_call(start: Start) -> None:
    host = start(RUN_FOR_EVER)
    call = host.stub.Run.future(host.request(), timeout=SECONDS)
    with host.alive() as alive:
        assert alive.read(8) == b"running\n"
        call.cancel()
        assert alive.read() == b""
    assert host.output() == (b"", b"")


def test_cancel_interrupts_the_program(start: Start) -> None:
    host = start(
        'signal.signal(signal.SIGINT, lambda *_: sys.exit(7)); alive.write("running\\n"); signal.pause()'
    )
    call = host.stub.Run.future(host.request(), timeout=SECONDS)
    with host.alive() as alive:
        assert alive.read(8) == b"running\n"
        host.stub.Cancel(Empty(), timeout=SECONDS)
        assert call.result(SECONDS).error == "program exited with non-zero exit code: 7"


def test_a_program_that_is_about_to_end_is_not_interrupted(start: Start, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "cancelled")
    host = start(f'alive.write("running\\n"); open({str(tmp_path / "cancelled")!r}).read()')
    call = host.stub.Run.future(host.request(), timeout=SECONDS)
    with host.alive() as alive:
        assert alive.read(8) == b"running\n"
        host.stub.Cancel(Empty(), timeout=SECONDS)
        (tmp_path / "cancelled").write_text("")
        assert call.result(SECONDS).error == ""


def test_a_program_deaf_to_cancel_is_killed(start: Start) -> None:
    host = start(RUN_FOR_EVER)
    call = host.stub.Run.future(host.request(), timeout=SECONDS)
    with host.alive() as alive:
        assert alive.read(8) == b"running\n"
        host.stub.Cancel(Empty(), timeout=SECONDS)
        assert call.result(SECONDS).error == "program exited with non-zero exit code: -1"


def test_small_questions(start: Start) -> None:
    host = start()
    python = {"toolchain": "pip", "virtualenv": str(Path(sys.executable).parent.parent)}
    info = host.info(**python)
    stub = host.stub
    assert stub.GetPluginInfo(Empty(), timeout=SECONDS).version == ""
    packages = stub.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest(info=info), timeout=SECONDS)
    assert (list(packages.packages), list(packages.specs)) == ([], [])
    prompts = stub.RuntimeOptionsPrompts(language_pb2.RuntimeOptionsRequest(info=info), timeout=SECONDS)
    assert list(prompts.prompts) == []
    about = stub.About(language_pb2.AboutRequest(info=info), timeout=SECONDS)
    assert about.version == ".".join(map(str, sys.version_info[:3]))
    dependencies = stub.GetProgramDependencies(
        language_pb2.GetProgramDependenciesRequest(info=info), timeout=SECONDS
    )
    assert "pulumi" in {dependency.name for dependency in dependencies.dependencies}


def test_what_it_does_not_do_is_refused_quietly(start: Start) -> None:
    host = start()
    install = host.stub.InstallDependencies(
        language_pb2.InstallDependenciesRequest(info=host.info()), timeout=SECONDS
    )
    with pytest.raises(grpc.RpcError, match="installs nothing"):
        list(install)
    with pytest.raises(grpc.RpcError, match="not implemented"):
        host.stub.Pack(language_pb2.PackRequest(), timeout=SECONDS)
    assert host.output() == (b"", b"")


PACKAGES = f"PYTHONPATH={sysconfig.get_path('purelib')}"
"""For the fake environment, in which no SDK is installed."""


def plugin(host: Host, kind: str) -> list[language_pb2.RunPluginResponse]:
    """What comes of a plugin in the project's folder."""
    request = language_pb2.RunPluginRequest(
        pwd=str(host.folder), args=["127.0.0.1:1"], env=["SAID=4711", PACKAGES], kind=kind, info=host.info()
    )
    return list(host.stub.RunPlugin(request, timeout=SECONDS))


def test_a_policy_pack_is_run_and_its_output_handed_on(start: Start) -> None:
    host = start()
    (host.folder / "__main__.py").write_text("import os; print(os.environ['SAID'])")
    assert plugin(host, "analyzer") == [
        language_pb2.RunPluginResponse(stdout=b"4711\n"),
        language_pb2.RunPluginResponse(exitcode=0),
    ]


def test_no_other_plugin_is_run(start: Start) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        plugin(start(), "resource")
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
