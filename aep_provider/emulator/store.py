"""Everything the emulator remembers: a SQLite file behind dictionaries in memory.

Reads come from memory, so a listing of ten thousand datasets costs no SQL. A write returns only when SQLite
has committed it, so that what a client was told survives a killed process.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    position INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    sandbox TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (kind, sandbox, id)
)
"""
_PUT = """
INSERT INTO objects (kind, sandbox, id, body) VALUES (?, ?, ?, ?)
ON CONFLICT (kind, sandbox, id) DO UPDATE SET body = excluded.body
"""


class StateInUse(Exception):
    """Another process holds the state file."""


class Store:
    """Objects by kind, sandbox ("" for those of no sandbox) and id, in the order of their creation.

    A body that was read must not be changed in place: copy it, change the copy, put it back.

    Args:
        path: the SQLite file; None keeps everything in memory.

    Raises:
        StateInUse: another process holds the file.
    """

    def __init__(self, path: Path | None) -> None:
        # Opened by one thread, then used only by the server's: never by both at once.
        self._db = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False, timeout=0.5
        )
        self._objects: dict[tuple[str, str], dict[str, Json]] = {}
        try:
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(_SCHEMA)
            rows = self._db.execute("SELECT kind, sandbox, id, body FROM objects ORDER BY position")
            for kind, sandbox, key, body in rows:
                self._collection(kind, sandbox)[key] = json.loads(body)
        except sqlite3.OperationalError as error:
            self._db.close()
            if "locked" in str(error):
                raise StateInUse(f"the state file {path} is in use by another process") from error
            raise

    def _collection(self, kind: str, sandbox: str) -> dict[str, Json]:
        return self._objects.setdefault((kind, sandbox), {})

    def all(self, kind: str, sandbox: str = "") -> Mapping[str, Json]:
        """Return the objects of a kind in a sandbox, oldest first."""
        return self._collection(kind, sandbox)

    def get(self, kind: str, key: str, sandbox: str = "") -> Json | None:
        """Return one object, or None."""
        return self._collection(kind, sandbox).get(key)

    def put(self, kind: str, key: str, body: Json, sandbox: str = "") -> None:
        """Create or replace one object."""
        self._db.execute(_PUT, (kind, sandbox, key, json.dumps(body)))
        self._collection(kind, sandbox)[key] = body

    def delete(self, kind: str, key: str, sandbox: str = "") -> None:
        """Remove one object; a missing one is not an error."""
        self._db.execute(
            "DELETE FROM objects WHERE kind = ? AND sandbox = ? AND id = ?", (kind, sandbox, key)
        )
        self._collection(kind, sandbox).pop(key, None)

    def clear(self) -> None:
        """Remove everything."""
        self._db.execute("DELETE FROM objects")
        self._objects.clear()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all the writes of the block at once; what goes in must have been checked before."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Release the file."""
        self._db.close()
