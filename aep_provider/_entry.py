"""The name by which programs and state refer to the provider. It never moves.

Pulumi pickles a dynamic provider into every resource's state. Pickled by reference through `provider_v1`,
state holds ``aep_provider._entry`` and ``provider_v1``, and no code: refresh and destroy of an old stack run
the installed code. Renaming either breaks every existing stack.
"""

from __future__ import annotations

from collections.abc import Callable

from pulumi.dynamic import ResourceProvider


def provider_v1() -> ResourceProvider:
    """Make the provider; called when the plugin reads it from state."""
    from aep_provider.plugin.provider import made

    return made()


class Reference(ResourceProvider):
    """What the program hands to Pulumi in the provider's place: pickled, it is the name above and no more.

    So the program's process need not import what only the plugin runs.
    """

    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[Callable[[], ResourceProvider], tuple[()]]:
        return provider_v1, ()
