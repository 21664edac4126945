"""Adobe Experience Platform datasets with Profile upsert, as a Pulumi dynamic provider."""

from aep_provider.errors import AepProviderError
from aep_provider.many import declare
from aep_provider.resource import UpsertDataset

__all__ = ["AepProviderError", "UpsertDataset", "declare"]
