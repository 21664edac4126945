"""The one object that the services share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aep_provider.emulator.clock import Clock
from aep_provider.emulator.faults import Faults
from aep_provider.emulator.request_log import RequestLog
from aep_provider.emulator.settings import Settings
from aep_provider.emulator.store import Json, Store


@dataclass
class World:
    """State and switches of one emulator.

    Args:
        store: what is persistent.
        strict: refuse what AEP is not known to refuse, if its documentation does not name it.
        latency_ms: added to every request.
        writes: how many writes to datasets there were, for the setting ``background_every``.
        measured: the switches of an AEP that was probed; a reset goes back to them.
    """

    store: Store
    strict: bool = False
    latency_ms: int = 0
    clock: Clock = field(default_factory=Clock)
    settings: Settings = field(default_factory=Settings)
    faults: Faults = field(default_factory=Faults)
    log: RequestLog = field(default_factory=RequestLog)
    writes: int = 0
    measured: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seed(self) -> str | None:
        """The name of the seed that the state began with; None while the state is fresh."""
        meta = self.store.get("meta", "seed")
        return None if meta is None else str(meta["name"])

    def client(self, client_id: str) -> Json | None:
        """Return an OAuth client of the token service."""
        return self.store.get("client", client_id)

    def organisations(self) -> set[str]:
        """Return the organisations that some client belongs to."""
        return {str(client["org"]) for client in self.store.all("client").values()}

    def change_settings(self, values: Mapping[str, Any]) -> None:
        """Set several switches at once and make them last.

        Raises:
            ValueError: a name is unknown or a value is not one that the switch takes; nothing is changed.
        """
        self.settings.change(values)
        self.clock.skew = self.settings.clock_skew
        self.save()

    def reset_settings(self) -> None:
        """Set every switch back, to what was measured or else to its default."""
        self.settings = Settings()
        self.change_settings(self.measured)

    def save(self) -> None:
        """Make the clock and the switches survive a restart."""
        self.store.put("meta", "clock", {"offset": self.clock.offset})
        self.store.put("meta", "settings", self.settings.as_json())

    def restore(self) -> None:
        """Take the clock and the switches from the store."""
        self.clock.offset = float((self.store.get("meta", "clock") or {}).get("offset", 0.0))
        self.settings = Settings()
        self.settings.change(self.store.get("meta", "settings") or {})
        self.clock.skew = self.settings.clock_skew
