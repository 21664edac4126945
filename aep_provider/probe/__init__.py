"""The probe: what does this AEP do? It compares what the provider takes for true with what it sees."""
