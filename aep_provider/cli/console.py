"""What the commands share: time, and messages on standard error."""

from __future__ import annotations

import threading

import click

from aep_provider.clock import SystemClock

CLOCK = SystemClock(threading.Event())
"""The real time; a command is ended by Ctrl-C itself."""


class ConsoleReporter:
    """Messages of the core, on standard error."""

    def warn(self, message: str) -> None:
        """Print a warning."""
        click.secho(f"warning: {message}", fg="yellow", err=True)

    def info(self, message: str) -> None:
        """Print a line."""
        click.echo(message, err=True)

    def progress(self, message: str) -> None:
        """Print a line."""
        click.echo(message, err=True)
