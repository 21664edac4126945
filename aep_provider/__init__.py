"""Adobe Experience Platform datasets with Profile upsert, as a Pulumi dynamic provider."""

from typing import TYPE_CHECKING

from aep_provider.errors import AepProviderError

__all__ = [
    "AepProviderError",
    "ExistingDataset",
    "ExistingDatasetByName",
    "NewDataset",
    "NewDatasetByTitle",
    "ProfileGap",
    "UpsertDataset",
    "declare",
]

if TYPE_CHECKING:
    from aep_provider.program.declare import declare
    from aep_provider.program.forms import (
        ExistingDataset,
        ExistingDatasetByName,
        NewDataset,
        NewDatasetByTitle,
        ProfileGap,
    )
    from aep_provider.program.resource import UpsertDataset
else:
    # The command and the plugin declare nothing: Pulumi's SDK is a third of a second of each start of the command.
    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from aep_provider.program import declare, forms, resource

        return next(vars(module)[name] for module in (declare, forms, resource) if name in vars(module))

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
