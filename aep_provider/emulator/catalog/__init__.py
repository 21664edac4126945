"""Catalog Service: datasets and batches (``/data/foundation/catalog``)."""

from aep_provider.emulator.catalog.routes import routes

__all__ = ["routes"]
