"""Fixtures of pytest for programs that declare AEP datasets, and for any other client of AEP.

pytest finds them by itself where the package is installed. It loads this module in every run, so nothing else is
imported here until a test asks for a fixture; that is also why it stands beside the package and not in it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import pytest

if TYPE_CHECKING:
    from pulumi.automation import Stack

    from aep_provider.emulator import Control

SCOPE = "aep_emulator_scope"
"""The ini option that says how many tests share an emulator."""

NewStack = Callable[..., "Stack"]
"""What `aep_pulumi_stack` is: ``aep_pulumi_stack(program)``."""


class EmulatorOptions(TypedDict, total=False):
    """What the fixture `aep_emulator_options` may return; ``docs/emulator.md`` says more of each.

    Attributes:
        seed: what the emulator holds at first, ``empty`` or ``demo``.
        strict: refuse what Adobe's documentation does not name; True unless given.
        latency_ms: added to every request.
        like: a report of ``aep-provider probe``.
        switches: by name, as ``Control.switch`` takes them.
    """

    seed: str
    strict: bool
    latency_ms: int
    like: str | os.PathLike[str]
    switches: Mapping[str, Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Make the scope a setting of the project."""
    parser.addini(
        SCOPE, "scope of the fixture aep_emulator: function, module, session, …", default="function"
    )


def _scope(fixture_name: str, config: pytest.Config) -> Any:  # noqa: ARG001 - pytest names its arguments
    return config.getini(SCOPE)


@pytest.fixture(scope=_scope)
def aep_emulator_options() -> EmulatorOptions:
    """What the emulator is started with; override it in a module or a `conftest.py`."""
    return {}


@pytest.fixture(scope=_scope)
def aep_emulator(aep_emulator_options: EmulatorOptions) -> Iterator[Control]:
    """An emulator of AEP on this machine, as its control client; ``aep_emulator.url`` is its address."""
    # Here, so that a run without this fixture loads none of it.
    try:
        from aep_provider.emulator import Control, Emulator
    except ModuleNotFoundError as error:
        pytest.fail(
            f"the emulator needs {error.name}: run pip install 'aep-provider[emulator]'", pytrace=False
        )

    options: dict[str, Any] = {"strict": True, **aep_emulator_options}
    switches = options.pop("switches", {})
    with Emulator(**options) as emulator, Control(emulator.url) as control:
        if switches:
            control.switch(**switches)
        yield control


@pytest.fixture
def aep_pulumi_stack(aep_emulator: Control, tmp_path: Path) -> NewStack:
    """Makes stacks of Pulumi's Automation API for the emulator; their state is in a folder of this test.

    ``aep_pulumi_stack(program, stack="dev", project="test", sandbox="dev", config=None)``: `program` is a function
    that declares resources, `config` is stack configuration by key. It returns a ``pulumi.automation.Stack``, which
    has `up`, `preview`, `refresh` and `destroy`. Needs the `pulumi` command.
    """
    from pulumi import automation

    backend = tmp_path / "pulumi-state"
    backend.mkdir()

    def new(
        program: Callable[[], Any],
        *,
        stack: str = "dev",
        project: str = "test",
        sandbox: str = "dev",
        config: Mapping[str, str] | None = None,
    ) -> Stack:
        made = automation.create_or_select_stack(
            stack_name=stack,
            project_name=project,
            program=program,
            opts=automation.LocalWorkspaceOptions(env_vars=_environment(aep_emulator.url, backend, sandbox)),
        )
        for key, value in (config or {}).items():
            made.set_config(key, automation.ConfigValue(value))
        return made

    return new


def _environment(url: str, backend: Path, sandbox: str) -> dict[str, str]:
    """What sends Pulumi and the provider to the emulator, whatever the environment of the tests says."""
    from aep_provider.emulator.seeds import CLIENT_ID, CLIENT_SECRET, ORG_ID

    return {
        # An empty variable counts as not set.
        **{name: "" for name in os.environ if name.startswith("AEP_")},
        "AEP_ENDPOINT": url,
        "AEP_IMS_ENDPOINT": url,
        "AEP_ORG_ID": ORG_ID,
        "AEP_CLIENT_ID": CLIENT_ID,
        "AEP_CLIENT_SECRET": CLIENT_SECRET,
        "AEP_SANDBOX": sandbox,
        "PULUMI_BACKEND_URL": backend.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "test",
        # An inline program names no virtual environment.
        "PULUMI_PYTHON_CMD": sys.executable,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
