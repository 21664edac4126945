"""The command `aep-provider`."""

from __future__ import annotations

import click

from aep_provider.cli.card import card
from aep_provider.cli.console import Commands
from aep_provider.cli.diff import diff
from aep_provider.cli.digest import digest
from aep_provider.cli.discover import discover
from aep_provider.cli.doctor import doctor
from aep_provider.cli.emulator import emulator
from aep_provider.cli.enable import enable
from aep_provider.cli.gaps import gaps
from aep_provider.cli.importing import import_
from aep_provider.cli.matrix import matrix
from aep_provider.cli.probe import probe
from aep_provider.cli.release import release
from aep_provider.cli.replay import replay
from aep_provider.cli.run import run
from aep_provider.cli.status import status

__all__ = ["main"]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aep-provider")
def main() -> None:
    """Tools for the Pulumi provider of Adobe Experience Platform datasets.

    Settings come from the selected Pulumi stack, the AEP_ variables and flags. Start with `doctor`.

    \b
    Examples:
      aep-provider doctor
      aep-provider discover --profile --no-upsert
      aep-provider COMMAND --help
    """


main.add_command(card)
main.add_command(diff)
main.add_command(digest)
main.add_command(discover)
main.add_command(doctor)
main.add_command(emulator)
main.add_command(enable)
main.add_command(gaps)
main.add_command(import_)
main.add_command(matrix)
main.add_command(probe)
main.add_command(release)
main.add_command(replay)
main.add_command(run)
main.add_command(status)
