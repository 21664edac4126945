"""The probe: what does this AEP do? It compares what the provider assumes with what it sees."""
