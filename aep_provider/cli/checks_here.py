"""Checks of this machine and of the Pulumi project; nothing is asked of AEP."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aep_provider.cli.findings import Finding, failed, note, ok, problem, skipped
from aep_provider.cli.pulumi import PulumiFailed, project, project_file

MINIMUM = (3, 268)
"""The oldest Pulumi whose reads and refreshes behave as this package needs; also the SDK's minimum."""

COMPANIONS = ("pulumi-language-python", "pulumi-resource-pulumi-python")
PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
"""In the order in which the HTTP library takes them, for https."""

ANSWER = 60.0
"""Seconds for a program that only has to say its version."""

_INSTALL = "Install it: https://www.pulumi.com/docs/install/"


def versions(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Python, this package, the Pulumi SDK, the `pulumi` command and its language host."""
    found = {name: importlib.metadata.version(name) for name in ("aep-provider", "pulumi")}
    yield ok("versions", f"aep-provider {found['aep-provider']}, Python {platform.python_version()}")
    command = shutil.which("pulumi", path=environ.get("PATH"))
    if command is None:
        yield problem("pulumi", "no `pulumi` on PATH", _INSTALL)
        yield skipped("language host", "`pulumi` was not found")
        return
    said = _said(command, "version")
    match = re.match(r"v?(\d+)\.(\d+)\.", said)
    if match is None:
        yield problem("pulumi", f"{command} did not print its version but {said!r}", _INSTALL)
    elif (int(match[1]), int(match[2])) < MINIMUM:
        yield problem("pulumi", f"{said} is older than {'.'.join(map(str, MINIMUM))}", _INSTALL)
    elif (match[1], match[2]) != tuple(found["pulumi"].split(".")[:2]):
        yield note("pulumi", f"{said}, with SDK {found['pulumi']}: use the same version for both")
    else:
        yield ok("pulumi", f"{said}, SDK {found['pulumi']}")
    folders = os.pathsep.join((str(Path(command).resolve().parent), environ.get("PATH", "")))
    missing = [name for name in COMPANIONS if shutil.which(name, path=folders) is None]
    if missing:
        text = f"{' and '.join(missing)}: neither beside `pulumi` nor on PATH"
        yield problem("language host", text, "Install all files of Pulumi's release, not `pulumi` alone.")
    else:
        yield ok("language host", "found")


def project_options(folder: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """The project file: refresh, runtime, interpreter."""
    file = project_file(folder)
    if file is None:
        yield skipped("project", f"no Pulumi.yaml in {folder} or above")
        return
    try:
        held = project(file)
    except PulumiFailed as error:
        yield failed("project", error)
        return
    if (held.get("options") or {}).get("refresh") != "always":
        yield problem(
            "refresh",
            f"{file} lacks `options: {{refresh: always}}`: if a run is killed and its change is reverted, "
            "Profile stays off unnoticed",
            "Add it, or always run `pulumi up --refresh`.",
        )
    else:
        yield ok("refresh", "before every change")
    if environ.get("PULUMI_RUN_PROGRAM") != "true":
        yield note(
            "run program",
            "PULUMI_RUN_PROGRAM is not `true`: refresh and destroy use the credential of the last run",
            "export PULUMI_RUN_PROGRAM=true, or set the credential in the environment.",
        )
    else:
        yield ok("run program", "refresh and destroy use the configured credential")
    yield _interpreter(file, held)


def surroundings(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Proxy, certificates, and diagnostics that write secrets."""
    yield _proxy(environ)
    yield _certificates(environ)
    if environ.get("PULUMI_DEBUG_GRPC"):
        yield problem(
            "secrets",
            "PULUMI_DEBUG_GRPC is set: Pulumi writes secrets to that file in plain text",
            "Unset it.",
        )


def _proxy(environ: Mapping[str, str]) -> Finding:
    # Imported here so that `--help` does not load the HTTP library.
    from requests.utils import should_bypass_proxies

    # gRPC, by which Pulumi's processes talk to each other, reads the names in small letters only.
    between = next((key for key in ("grpc_proxy", "https_proxy", "http_proxy") if environ.get(key)), "")
    exempt = environ.get("no_grpc_proxy") or environ.get("no_proxy") or ""
    if between and not should_bypass_proxies("http://127.0.0.1", exempt):
        return problem(
            "proxy",
            f"{between} is set and no_proxy does not name 127.0.0.1, so Pulumi's own processes would talk to "
            "each other through the proxy",
            "export no_proxy=127.0.0.1,localhost NO_PROXY=127.0.0.1,localhost; keep what they already hold.",
        )
    name = next((key for key in PROXIES if environ.get(key)), "")
    # A proxy's URL may carry a password, so only the host is shown.
    return ok("proxy", f"{name} is {urlsplit(environ[name]).hostname or 'set'}" if name else "none")


def _certificates(environ: Mapping[str, str]) -> Finding:
    name = next((key for key in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if environ.get(key)), "")
    if name and (fault := _unusable(Path(environ[name]))):
        return problem(
            "certificates",
            f"{name} names {environ[name]}, which {fault}",
            f"Set {name} to a file of certificates in PEM form, or unset it.",
        )
    if not name and environ.get("SSL_CERT_FILE"):
        return note(
            "certificates",
            "Pulumi reads SSL_CERT_FILE; the HTTP library of this package does not",
            "If a proxy inspects the traffic to AEP: export REQUESTS_CA_BUNDLE=$SSL_CERT_FILE.",
        )
    return ok("certificates", environ[name] if name else "those that come with the HTTP library")


def _unusable(bundle: Path) -> str:
    """Why the HTTP library cannot use certificates, or ``""``."""
    if not bundle.exists():
        return "does not exist"
    folder = bundle.is_dir()
    try:
        ssl.create_default_context(cafile=None if folder else bundle, capath=bundle if folder else None)
    except (OSError, ssl.SSLError):
        return "holds no certificate"
    return ""


def _interpreter(file: Path, held: Mapping[str, Any]) -> Finding:
    runtime = held.get("runtime")
    options = (runtime.get("options") or {}) if isinstance(runtime, dict) else {}
    if (runtime.get("name") if isinstance(runtime, dict) else runtime) != "python":
        return problem(
            "interpreter", "the project's runtime is not python", "Dynamic providers are Python only."
        )
    virtualenv, toolchain = options.get("virtualenv"), options.get("toolchain")
    if held.get("main") and virtualenv and not Path(virtualenv).is_absolute():
        return problem(
            "interpreter",
            "with `main:`, Pulumi looks for a relative virtualenv in two different folders",
            "Keep Pulumi.yaml and __main__.py in one folder, without `main:`.",
        )
    folder = virtualenv or (".venv" if toolchain == "uv" else "")
    if toolchain == "poetry":
        folder = _said("poetry", "--directory", str(file.parent), "env", "info", "--path")
        if not folder or not Path(folder).is_dir():
            return problem(
                "interpreter",
                f"Poetry has no environment for {file.parent}: {folder}",
                "Run `poetry install`.",
            )
    if not folder:
        return note(
            "interpreter",
            "Pulumi.yaml names neither virtualenv nor toolchain: the plugin runs the first python3 on PATH",
            "Set `toolchain:` and `virtualenv:` under `runtime: options:`.",
        )
    python = file.parent / folder / "bin" / "python"
    said = _said(str(python), "-c", "import aep_provider; print('installed')") if python.exists() else ""
    if said != "installed":
        why = "aep_provider is not installed there" if python.exists() else "the interpreter does not exist"
        return problem("interpreter", f"{python}: {why}", f"{python} -m pip install aep-provider")
    return ok("interpreter", str(python))


def _said(*command: str) -> str:
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, encoding="utf-8", timeout=ANSWER, env=environment, check=False
        )
    except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stdout if done.returncode == 0 else done.stderr).strip()
