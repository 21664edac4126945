"""The table: everything that the provider, or a decision of its user, assumes of AEP without proof."""

from __future__ import annotations

from aep_provider.probe.belief import Belief
from aep_provider.probe.beliefs import datasets, gateway, ingestion, listings, profile, services, writes

__all__ = ["BELIEFS"]

BELIEFS: tuple[Belief, ...] = (
    *gateway.BELIEFS,
    *services.BELIEFS,
    *datasets.BELIEFS,
    *writes.BELIEFS,
    *listings.BELIEFS,
    *profile.BELIEFS,
    *ingestion.BELIEFS,
)
"""By topic. The ids are unique."""
