"""Adobe Experience Platform datasets with Profile upsert, as a Pulumi dynamic provider."""
