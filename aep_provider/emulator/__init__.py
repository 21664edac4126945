"""A local Adobe Experience Platform: real HTTP, Adobe's error codes, state in one SQLite file.

It is a stand-in for development, demonstrations and tests. Every behaviour and the evidence for it is listed
in ``docs/emulator.md``. It knows nothing of the rest of this package.
"""

from aep_provider.emulator.client import Control, OrderRefused
from aep_provider.emulator.server import Emulator

__all__ = ["Control", "Emulator", "OrderRefused"]
