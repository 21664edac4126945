"""A small Pulumi language host for Python, for development machines without an installed Pulumi.

The engine starts it, reads a port number from the first line of its output and asks it over gRPC to run the
program. Pulumi's own host does much more (installing dependencies, type checking, debugging, plugins written
in Python); this one does what `preview`, `up`, `refresh` and `destroy` need, with a policy pack too. See
tools/README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import logging
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import grpc

sys.path.insert(0, str(Path(__file__).resolve().parent))  # `python -I` leaves our own folder out
from toolchains import SetupError, Toolchain

if TYPE_CHECKING:
    from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped,unused-ignore]
    from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2
else:
    # The SDK's stubs without the SDK: importing `pulumi` itself would double the time this takes to start.
    sys.path.insert(0, str(Path(importlib.util.find_spec("pulumi").origin).parent / "runtime"))
    from google.protobuf.empty_pb2 import Empty
    from proto import language_pb2, language_pb2_grpc, plugin_pb2

ALREADY_EXPLAINED = 32  # the exec script's exit code for "the user has been shown what went wrong"
LARGEST_MESSAGE = 400 * 1024 * 1024  # what the engine itself allows
SECONDS_TO_LEAVE = 2
SECONDS_AFTER_CANCEL = 5
SECONDS_TO_END = 3  # the engine kills us 5 s after its interrupt; our program must be gone before that

DESCRIBE_PYTHON = "import json, platform, sys; print(json.dumps([sys.executable, platform.python_version()]))"
LIST_PACKAGES = (
    "import importlib.metadata as m, json;"
    "print(json.dumps(sorted({(d.metadata['Name'], d.version) for d in m.distributions()})))"
)


def toolchain_of(info: language_pb2.ProgramInfo) -> Toolchain:
    """What Pulumi.yaml says about the project's Python."""
    return Toolchain.of(Path(info.root_directory), Path(info.program_directory), dict(info.options.items()))


def ask_python(info: language_pb2.ProgramInfo, code: str) -> Any:
    """What `code` prints in the project's Python, as JSON."""
    python, env = toolchain_of(info).python()
    return json.loads(
        subprocess.run([python, "-c", code], env=env, check=True, stdout=subprocess.PIPE).stdout
    )


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """What the engine asks of a language host."""

    def __init__(self, executor: str, engine: str, tracing: str) -> None:
        self._executor = executor
        self._engine = engine
        self._tracing = tracing
        self._lock = threading.Lock()
        self._programs: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        """The engine says where it listens; one that started us has said so on the command line already."""
        self._engine = request.engine_address or self._engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """No version: this is not a release."""
        return plugin_pb2.PluginInfo()

    def GetRequiredPlugins(
        self, request: language_pb2.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> NoReturn:
        """The engine asks for the required packages in place of this."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "method GetRequiredPlugins not implemented")
        raise AssertionError("abort always raises")

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """The plugins that the program's packages need; refuses what Pulumi's own host refuses."""
        try:
            found = list(toolchain_of(request.info).packages())
        except SetupError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        return language_pb2.GetRequiredPackagesResponse(packages=found)

    def RuntimeOptionsPrompts(
        self, request: language_pb2.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> language_pb2.RuntimeOptionsResponse:
        """`pulumi new` has nothing to ask about this host."""
        return language_pb2.RuntimeOptionsResponse()

    def About(
        self, request: language_pb2.AboutRequest, context: grpc.ServicerContext
    ) -> language_pb2.AboutResponse:
        """The project's Python, for `pulumi about`."""
        executable, version = ask_python(request.info, DESCRIBE_PYTHON)
        return language_pb2.AboutResponse(executable=executable, version=version)

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        """The packages installed for the program, for `pulumi about`."""
        packages = ask_python(request.info, LIST_PACKAGES)
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=name, version=version) for name, version in packages
            ]
        )

    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> NoReturn:
        """`pulumi install` is not for development machines."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "the development language host installs nothing")
        raise AssertionError("abort always raises")

    def Cancel(self, request: Empty, context: grpc.ServicerContext) -> Empty:
        """Interrupt a program that does not end by itself, and kill one that does not end then.

        The engine asks for this after a Ctrl-C, and also at the end of a run that has failed, as soon as its plugins
        have ended: a program that still says why it failed would print a traceback of the interrupt.
        """
        with self._lock:
            programs = list(self._programs)
        for program in programs:
            for seconds, number in (
                (SECONDS_TO_LEAVE, signal.SIGINT),
                (SECONDS_AFTER_CANCEL, signal.SIGKILL),
            ):
                timer = threading.Timer(seconds, program.send_signal, (number,))
                timer.daemon = True
                timer.start()
        return Empty()

    def Run(
        self, request: language_pb2.RunRequest, context: grpc.ServicerContext
    ) -> language_pb2.RunResponse:
        """Run the program; its output goes where ours goes, which is where the engine reads it."""
        try:
            toolchain = toolchain_of(request.info)
            toolchain.synchronise()
            python, env = toolchain.python()
        except SetupError as error:
            return language_pb2.RunResponse(error=str(error))
        if request.attach_debugger or "typechecker" in request.info.options:
            print("the development language host neither debugs nor type-checks a program", file=sys.stderr)
        if request.config:
            env["PULUMI_CONFIG"] = json.dumps(dict(request.config), ensure_ascii=False)
        env["PULUMI_CONFIG_SECRET_KEYS"] = json.dumps(list(request.configSecretKeys))
        with self._lock:
            if self._stopped:
                return language_pb2.RunResponse(error="the language host is shutting down")
            # Not in our process group: at the end of a run the engine interrupts that without waiting for a program
            # that still says why it failed, and Python would print a traceback. We end the program, with SIGTERM.
            program = subprocess.Popen(
                [python, self._executor, *self._arguments(request)],
                env=env,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            self._programs.add(program)
        try:
            # Called when the call ends, also because the engine gave up on it: no orphan then.
            if not context.add_callback(program.terminate):
                program.terminate()
            code = program.wait()
        finally:
            with self._lock:
                self._programs.discard(program)
        if code == ALREADY_EXPLAINED:
            return language_pb2.RunResponse(bail=True)
        # Pulumi's own host says -1 of a program that a signal ended, whichever it was.
        text = f"program exited with non-zero exit code: {max(code, -1)}" if code else ""
        return language_pb2.RunResponse(error=text)

    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a policy pack, and hand on what it prints: its first line is the port that the engine waits for."""
        if request.kind != "analyzer":
            context.abort(
                grpc.StatusCode.UNIMPLEMENTED,
                "the development language host runs no plugins but policy packs",
            )
        try:
            python, env = toolchain_of(request.info).python()
        except SetupError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        env |= dict(one.split("=", 1) for one in request.env)
        command = [python, "-u", "-m", "pulumi.policy", *request.args[:1], request.info.program_directory]
        with self._lock:
            if self._stopped:
                context.abort(grpc.StatusCode.UNAVAILABLE, "the language host is shutting down")
            pack = subprocess.Popen(
                command,
                cwd=request.pwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
            self._programs.add(pack)
        try:
            if not context.add_callback(pack.terminate):
                pack.terminate()
            assert pack.stdout is not None
            for line in pack.stdout:
                yield language_pb2.RunPluginResponse(stdout=line)
            yield language_pb2.RunPluginResponse(exitcode=pack.wait())
        finally:
            with self._lock:
                self._programs.discard(pack)

    def _arguments(self, request: language_pb2.RunRequest) -> list[str]:
        options = {
            "monitor": request.monitor_address,
            "engine": self._engine,
            "project": request.project,
            "root_directory": request.info.root_directory,
            "stack": request.stack,
            "pwd": request.pwd,
            "dry_run": "true" if request.dryRun else "false",
            "parallel": str(request.parallel),
            "tracing": self._tracing,
            "organization": request.organization,
        }
        given = [part for name, value in options.items() if value for part in (f"--{name}", value)]
        return [*given, request.info.entry_point or ".", *request.args]

    def stop(self) -> None:
        """End every program; start no other."""
        with self._lock:
            self._stopped = True
            programs = list(self._programs)
        for program in programs:
            send(program, signal.SIGTERM)  # SIGINT makes Python print a traceback
        deadline = time.monotonic() + SECONDS_TO_END
        for program in programs:
            try:
                program.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                send(program, signal.SIGKILL)
                program.wait()


def send(program: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to a program, which may have ended long ago, and to what it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, number)  # it leads a group of its own


def report_end_of_input(stop: int) -> None:
    """The engine holds the other end of our standard input: its end is the engine's end, even by SIGKILL."""
    while os.read(0, 1024):
        pass
    os.write(stop, b"\0")


def main(argv: list[str] | None = None) -> int:
    """Serve until the engine interrupts us or is gone."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--use-executor", required=True, help="the pulumi-language-python-exec script")
    parser.add_argument("--tracing", default="", help="where to send traces")
    parser.add_argument("engine", nargs="?", default="", help="the engine's address")
    args, _logging_flags = parser.parse_known_args(argv)

    # A pipe wakes us whichever thread the system gives the signal to; on a lock the main thread would sleep on.
    stopped, stop = os.pipe()
    os.set_blocking(stop, False)
    signal.set_wakeup_fd(stop)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        threading.Thread(target=report_end_of_input, args=(stop,), daemon=True).start()

    logging.getLogger("grpc").addHandler(logging.NullHandler())  # errors reach the engine as replies
    host = LanguageHost(args.use_executor, args.engine, args.tracing)
    limits = [("grpc.max_receive_message_length", LARGEST_MESSAGE), ("grpc.max_send_message_length", -1)]
    server = grpc.server(ThreadPoolExecutor(), options=limits)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    os.read(stopped, 1)
    host.stop()
    server.stop(grace=None).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
