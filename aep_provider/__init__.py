"""Adobe Experience Platform datasets with Profile upsert, as a Pulumi dynamic provider."""

from aep_provider.errors import AepProviderError
from aep_provider.program.declare import declare
from aep_provider.program.resource import (
    ExistingDataset,
    NewDataset,
    ProfileGap,
    UpsertDataset,
)

__all__ = [
    "AepProviderError",
    "ExistingDataset",
    "NewDataset",
    "ProfileGap",
    "UpsertDataset",
    "declare",
]
