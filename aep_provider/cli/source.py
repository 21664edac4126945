"""Where a command takes its settings from: flags, environment, and the selected Pulumi stack."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from aep_provider.cli import stacks
from aep_provider.cli.pulumi import PulumiFailed
from aep_provider.cli.stack import Stack
from aep_provider.errors import SettingsError
from aep_provider.measured import located
from aep_provider.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

FLAGS = {
    "sandbox": ("AEP_SANDBOX", "The sandbox."),
    "org_id": ("AEP_ORG_ID", "The organisation, …@AdobeOrg."),
    "client_id": ("AEP_CLIENT_ID", "Client id of the credential."),
    "endpoint": ("AEP_ENDPOINT", "Base URL of AEP."),
    "ims_endpoint": ("AEP_IMS_ENDPOINT", "Base URL of the token service."),
}
"""No flag for the secret or a token: other users of the machine see the arguments of a process."""


@dataclass
class Source:
    """What flags and environment say of the settings.

    Attributes:
        folder: the Pulumi project's.
        stack_name: of ``--stack``, or ``""``.
        use_stack: whether a stack is asked at all.
        environ: the environment; a flag overrides its variable.
        flags: by name of a variable, the flag that overrides it.
    """

    folder: Path
    stack_name: str
    use_stack: bool
    environ: Mapping[str, str]
    flags: Mapping[str, str] = field(default_factory=dict)
    _stack: Stack | None = field(default=None, init=False)
    _why_none: PulumiFailed | None = field(default=None, init=False)

    @property
    def stack(self) -> Stack | None:
        """The stack that is named or selected; ``None`` where there is none."""
        if self._stack is None and self._why_none is None and self.use_stack:
            try:
                self._stack = (
                    Stack(self.folder, self.stack_name) if self.stack_name else Stack.selected(self.folder)
                )
            except PulumiFailed as error:
                # Commands also work without a stack: `required_stack` and `doctor` say why there is none.
                self._why_none = error
        return self._stack

    @property
    def why_no_stack(self) -> str:
        """Why `stack` is ``None``, for a message."""
        return self._why_none.message if self._why_none else "--no-stack was given"

    def required_stack(self) -> Stack:
        """The stack, for a command that needs one.

        Raises:
            PulumiFailed: there is none.
        """
        if self.stack is None:
            raise self._why_none or PulumiFailed(
                "This command works on a Pulumi stack", "Leave --no-stack out, or use --stack NAME."
            )
        return self.stack

    def config(self) -> dict[str, Any]:
        """The stack's configuration; empty without a stack."""
        if self.stack is None:
            return {}
        # Where the environment gives the secret, the stack's is not decrypted: no passphrase is needed.
        given = self.environ.get("AEP_CLIENT_SECRET") or self.environ.get("AEP_ACCESS_TOKEN")
        try:
            return self.stack.config(secrets=not given)
        except PulumiFailed as error:
            if not self.stack_name:
                hint = "To work without the selected stack: --no-stack, and the AEP_ variables."
                error.remedy = "\n".join(filter(None, (error.remedy, hint)))
            raise

    def settings(self) -> Settings:
        """The settings.

        Raises:
            SettingsError: they are invalid, or the stack cannot be read.
        """
        return self.load(self.config())

    def load(self, config: Mapping[str, Any]) -> Settings:
        """The settings, with a configuration that was read already.

        Raises:
            SettingsError: they are invalid.
        """
        try:
            settings = Settings.load(config, self.environ, self.flags)
        except SettingsError as error:
            where = (
                f"stack {self.stack.name} and the environment"
                if self.stack
                else f"the environment alone ({self.why_no_stack})"
            )
            raise SettingsError(error.message, f"{error.remedy}\nRead from {where}.") from error
        if settings.probe_report:
            # The command may have been started elsewhere than in the project.
            report = str(located(settings.probe_report, self.folder))
            settings = replace(settings, probe_report=report)
        return settings


def takes_folder(command: F) -> F:
    """Add the option that names the folder of the project, as `folder`."""
    option: Callable[[F], F] = click.option(
        "-C",
        "--cwd",
        "folder",
        default=".",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="The folder of the Pulumi project.",
    )
    return option(command)


def takes_settings(command: F) -> F:
    """Add the options that say where settings come from; the command receives a `Source`."""

    @functools.wraps(command)
    def wrapped(*arguments: Any, stack_name: str, no_stack: bool, folder: Path, **options: Any) -> Any:
        environ, flags = dict(os.environ), {}
        for name, (variable, _) in FLAGS.items():
            value = options.pop(name)
            if value:
                environ[variable] = value
                flags[variable] = _flag(name)
        if stack_name and no_stack:
            raise click.UsageError("Use either --stack or --no-stack, not both.")
        source = Source(folder.absolute(), stack_name, not no_stack, environ, flags)
        return command(*arguments, source=source, **options)

    made: Any = wrapped
    for name, (variable, text) in reversed(FLAGS.items()):
        made = click.option(
            _flag(name), name, default="", metavar="TEXT", help=f"{text} Overrides {variable}."
        )(made)
    made = takes_folder(made)
    made = click.option("--no-stack", is_flag=True, help="Use settings from environment and flags only.")(
        made
    )
    option: Callable[[F], F] = click.option(
        "-s",
        "--stack",
        "stack_name",
        default="",
        metavar="NAME",
        shell_complete=stacks.completed,
        help="Use this stack, not the selected one.",
    )
    return option(made)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
