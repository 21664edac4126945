"""The small language host, as a process, asked over gRPC what the engine would ask.

The fake programs hold a named pipe open: its end is read when, and only when, the program is gone.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

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
        if host.process.poll() is None:
            os.killpg(host.process.pid, signal.SIGKILL)
        host.process.wait()
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
        ("os.kill(os.getpid(), 9)", "program exited with non-zero exit code: -9", False),
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


def test_uv_means_the_folder_dot_venv(start: Start, reader: BinaryIO, tmp_path: Path) -> None:
    (tmp_path / "venv").rename(tmp_path / ".venv")
    assert start(TELL_ALL).run(toolchain="uv").error == ""
    assert json.loads(reader.read())["python"] == str(tmp_path / ".venv" / "bin" / "python")


def test_poetry_is_asked_for_its_own(start: Start, reader: BinaryIO, tmp_path: Path) -> None:
    poetry = tmp_path / "poetry"
    poetry.write_text(f"#!/bin/sh\ntest \"$1 $2 $3\" = 'env info --path' && echo {tmp_path / 'venv'}\n")
    poetry.chmod(0o755)
    host = start(TELL_ALL, PATH=f"{tmp_path}:/usr/bin:/bin")
    assert host.run(toolchain="poetry").error == ""
    told = json.loads(reader.read())
    assert told["python"] == str(tmp_path / "venv" / "bin" / "python")
    assert told["env"]["VIRTUAL_ENV"] == str(tmp_path / "venv")


def test_a_poetry_without_an_environment_is_told_what_to_do(start: Start, tmp_path: Path) -> None:
    assert "no `poetry` is on PATH" in start().run(toolchain="poetry").error
    poetry = tmp_path / "poetry"
    poetry.write_text("#!/bin/sh\necho no pyproject.toml >&2\nexit 1\n")
    poetry.chmod(0o755)
    error = start(PATH=f"{tmp_path}:/usr/bin:/bin").run(toolchain="poetry").error
    assert f"Poetry has no virtual environment for {tmp_path}: run `poetry install` there" in error
    assert "no pyproject.toml" in error


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
        ({"virtualenv": "nope"}, "is set to 'nope', but {folder}/nope is no virtual environment"),
        ({"toolchain": "uv"}, "{folder}/.venv is no virtual environment"),
        ({"toolchain": "pdm"}, "toolchain 'pdm' needs Pulumi's own language host"),
    ],
)
def test_no_python_for_the_program(start: Start, tmp_path: Path, options: dict[str, str], error: str) -> None:
    assert error.format(folder=tmp_path) in start().run(**options).error


@pytest.mark.parametrize(
    "stop",
    [
        pytest.param(lambda process: os.killpg(process.pid, signal.SIGINT), id="engine interrupts the group"),
        pytest.param(lambda process: process.send_signal(signal.SIGINT), id="interrupt"),
        pytest.param(lambda process: process.send_signal(signal.SIGTERM), id="terminate"),
        pytest.param(lambda process: process.stdin.close(), id="engine is gone"),
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


def test_cancel_lets_the_program_finish(start: Start, tmp_path: Path) -> None:
    finish = tmp_path / "finish"
    os.mkfifo(finish)
    host = start(f'alive.write("running\\n"); open({str(finish)!r}).read(); print("done")')
    call = host.stub.Run.future(host.request(), timeout=SECONDS)
    with host.alive() as alive:
        assert alive.read(8) == b"running\n"
        host.stub.Cancel(Empty(), timeout=SECONDS)
        assert not call.done()
        finish.write_text("now")
    assert call.result(SECONDS).error == ""


def test_small_questions(start: Start) -> None:
    host = start()
    python = {"toolchain": "pip", "virtualenv": str(Path(sys.executable).parent.parent)}
    info = host.info(**python)
    stub = host.stub
    assert stub.GetPluginInfo(Empty(), timeout=SECONDS).version == ""
    packages = stub.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest(info=info), timeout=SECONDS)
    assert (list(packages.packages), list(packages.specs)) == ([], [])
    plugins = stub.GetRequiredPlugins(language_pb2.GetRequiredPluginsRequest(info=info), timeout=SECONDS)
    assert list(plugins.plugins) == []
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
