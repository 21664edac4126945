"""The name by which state refers to the provider. It never moves.

Pulumi pickles a dynamic provider into every resource's state. Pickled by reference through `provider_v1`,
state holds ``aep_provider._entry`` and ``provider_v1``, and no code: refresh and destroy of an old stack run
the installed code. Renaming either breaks every existing stack.
"""

from __future__ import annotations

from pulumi.dynamic import ResourceProvider


def provider_v1() -> ResourceProvider:
    """Make the provider; called when the plugin reads it from state."""
    from aep_provider.provider import UpsertDatasetProvider

    return UpsertDatasetProvider()
