"""Which Python runs the program, and what Pulumi's own language host refuses before it runs one.

The rules are those of Pulumi's own host (`sdk/python/toolchain` in its repository): a lock file chooses the
toolchain where Pulumi.yaml does not, Poetry and uv need their lock, pip needs itself in the environment.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOCKS = {"uv": "uv.lock", "poetry": "poetry.lock"}
WITHOUT_PLUGIN = {"pulumi-policy", "pulumi-esc-sdk"}
FIND_PIP = "import importlib.util, sys; sys.exit(importlib.util.find_spec('pip') is None)"
SITES = "import json, sys; print(json.dumps([folder for folder in sys.path if folder]))"


class SetupError(Exception):
    """The project's Python cannot be used; the text tells the user what to do."""


def above(folder: Path, name: str) -> Path | None:
    """The nearest folder that has a file of this name: the given one, or one above it."""
    return next((one for one in (folder, *folder.parents) if (one / name).is_file()), None)


@dataclass(frozen=True)
class Toolchain:
    """What Pulumi.yaml, or the lock file beside it, says about the project's Python.

    Args:
        name: `pip`, `uv` or `poetry`.
        program: the folder of the program, where uv and Poetry look for their files.
        virtualenv: the folder of the virtual environment, or None for the Python on PATH.
    """

    name: str
    program: Path
    virtualenv: Path | None

    @classmethod
    def of(cls, root: Path, program: Path, options: Mapping[str, Any]) -> Toolchain:
        """Read the runtime options of Pulumi.yaml.

        Args:
            root: the folder of Pulumi.yaml.
            program: the folder of the program, another one where Pulumi.yaml says `main:`.
            options: `toolchain` and `virtualenv`, if they are given.

        Raises:
            SetupError: an option has a value that Pulumi does not know, or a command is not on PATH.
        """
        for key in ("toolchain", "virtualenv"):
            if not isinstance(options.get(key, ""), str):
                raise SetupError(f"{key} option must be a string")
        given = str(options.get("virtualenv") or "")
        name = str(options.get("toolchain") or detected(program))
        if name not in ("pip", *LOCKS):
            raise SetupError(f"unsupported toolchain option: {name}")
        if name != "pip" and shutil.which(name) is None:
            raise SetupError(
                f"Could not find `{name}` executable.\nInstall {name} and make sure it is on PATH."
            )
        if name == "poetry":
            return cls(name, program, poetrys(program))
        if given:
            return cls(name, program, root / given)
        return cls(name, program, uvs(program) if name == "uv" else None)

    def python(self) -> tuple[str, dict[str, str]]:
        """The Python command, and the environment to run it in.

        Raises:
            SetupError: the virtual environment does not exist, or there is no Python on PATH.
        """
        if self.virtualenv is not None:
            python = self.virtualenv / "bin" / "python"
            if not python.is_file():
                raise SetupError(
                    f"{self.virtualenv} is not a virtual environment: create it and install the program's "
                    "dependencies into it (Pulumi's own language host would do that now; this small one "
                    "installs nothing)"
                )
            return str(python), activated(self.virtualenv)
        chosen = os.environ.get("PULUMI_PYTHON_CMD")
        for command in [chosen] if chosen else ["python3", "python"]:
            if found := shutil.which(command):
                return found, dict(os.environ)
        raise SetupError(f"{chosen or 'python3'} is not on PATH: install Python 3.10 or newer")

    def check(self) -> None:
        """Refuse what Pulumi's own host refuses when it lists the packages of a project.

        Raises:
            SetupError: no environment, no lock file, or no pip to ask.
        """
        python, environment = self.python()
        if self.name in LOCKS:
            if above(self.program, LOCKS[self.name]) is None:
                raise SetupError(
                    f"could not find {LOCKS[self.name]}: run `{self.name} lock` in {self.program}"
                )
        elif not any((site / "pip").is_dir() for site in self.sites()):
            done = subprocess.run([python, "-c", FIND_PIP], env=environment, check=False)
            if done.returncode:
                raise SetupError(
                    f"{python} has no pip, which Pulumi asks for the list of packages: "
                    f"run `{python} -m ensurepip`, or name another toolchain in Pulumi.yaml"
                )

    def synchronise(self) -> None:
        """What Pulumi's own host does before each run with uv: bring the environment up to date.

        Raises:
            SetupError: uv says why it cannot.
        """
        if self.name != "uv" or above(self.program, "pyproject.toml") is None:
            return
        environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(self.virtualenv)}
        done = subprocess.run(
            ["uv", "sync", "--inexact"],
            cwd=self.program,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SetupError(f"`uv sync --inexact` failed in {self.program}:\n{done.stderr}")

    def sites(self) -> list[Path]:
        """The folders that hold the installed packages."""
        if self.virtualenv is not None:
            return sorted(self.virtualenv.glob("lib/python*/site-packages"))
        python, environment = self.python()
        done = subprocess.run([python, "-c", SITES], env=environment, stdout=subprocess.PIPE, check=True)
        return [Path(folder) for folder in json.loads(done.stdout)]

    def packages(self) -> Iterator[dict[str, Any]]:
        """The Pulumi packages of the program, as fields of the engine's `PackageDependency`.

        Raises:
            SetupError: as `check` does.
        """
        self.check()
        locked = self._locked()
        for site in self.sites():
            for metadata in sorted(site.glob("*.dist-info")):
                distribution, _, version = metadata.name.removesuffix(".dist-info").partition("-")
                name = re.sub(r"[-_.]+", "-", distribution).lower()
                if name in WITHOUT_PLUGIN or (locked is not None and name not in locked):
                    continue
                if found := dependency(name, version, site / distribution / "pulumi-plugin.json"):
                    yield found

    def _locked(self) -> set[str] | None:
        if self.name not in LOCKS:
            return None
        folder = above(self.program, LOCKS[self.name]) or self.program
        names = re.findall(r'^name = "([^"]+)"', (folder / LOCKS[self.name]).read_text(), re.MULTILINE)
        return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


def detected(program: Path) -> str:
    """The toolchain of a project that names none: that of its lock file, else pip."""
    return next((name for name, lock in LOCKS.items() if above(program, lock)), "pip")


def poetrys(program: Path) -> Path:
    """The virtual environment that Poetry has for a program."""
    done = subprocess.run(
        ["poetry", "env", "info", "--path", "--no-interaction"],
        cwd=program,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not done.stdout.strip():
        raise SetupError(
            f"Poetry has no virtual environment for {program}: run `poetry install` there\n{done.stderr}"
        )
    return Path(done.stdout.strip())


def uvs(program: Path) -> Path:
    """The virtual environment of a uv project: beside its lock, or its pyproject.toml, or in its folder."""
    project = above(program, "uv.lock") or above(program, "pyproject.toml") or program
    return project / (os.environ.get("UV_PROJECT_ENVIRONMENT") or ".venv")


def dependency(name: str, version: str, plugin: Path) -> dict[str, Any] | None:
    """The plugin that an installed package needs, or None.

    Args:
        name: of the distribution, normalised.
        version: of the distribution.
        plugin: the package's `pulumi-plugin.json`, which may not exist.
    """
    held: dict[str, Any] = {}
    if plugin.is_file():
        held = json.loads(plugin.read_text())
        if not held.get("resource"):
            return None
    elif not name.startswith("pulumi-"):
        return None
    wanted = str(held.get("version") or version).removeprefix("v")
    if not held.get("version") and not re.fullmatch(r"\d+(\.\d+){0,2}", wanted):
        return None  # of a pre-release the plugin's version cannot be told; the engine finds one when needed
    if not held.get("version"):
        wanted = ".".join([*wanted.split("."), "0", "0"][:3])
    found: dict[str, Any] = {
        "name": held.get("name") or name.removeprefix("pulumi-"),
        "version": f"v{wanted}",
        "kind": "resource",
        "server": held.get("server", ""),
    }
    if parameters := held.get("parameterization"):
        found["parameterization"] = {
            "name": parameters["name"],
            "version": parameters["version"],
            "value": base64.b64decode(parameters["value"]),
        }
    return found


def activated(virtualenv: Path) -> dict[str, str]:
    """This process's environment as the virtual environment's `activate` script would change it."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONHOME"}
    env["PATH"] = os.pathsep.join([str(virtualenv / "bin"), *filter(None, [env.get("PATH")])])
    env["VIRTUAL_ENV"] = str(virtualenv)
    return env
