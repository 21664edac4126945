"""A folder of finished things: an entry is there whole or not at all, also with several runs at once."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .report import say


@dataclass(frozen=True)
class Cache:
    """Entries are folders; filling one happens beside it under another name, and a rename publishes it."""

    folder: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Cache:
        """The user's cache: outside the checkout, so that it outlives it and serves the next one."""
        if chosen := environ.get("AEP_PULUMI_CACHE"):
            return cls(Path(chosen).expanduser().absolute())
        base = environ.get("XDG_CACHE_HOME") or "~/.cache"
        return cls(Path(base).expanduser().absolute() / "aep-provider")

    def entry(self, name: str, is_good: Callable[[Path], bool], fill: Callable[[Path], None]) -> Path:
        """The entry's folder, filled first if it is missing or no longer good."""
        entry = self.folder / name
        if is_good(entry):
            return entry
        with self._locked(name):
            if is_good(entry):  # another run filled it while this one waited
                return entry
            for leftover in self.folder.glob(f"{name}.part-*"):  # of a run that was killed
                shutil.rmtree(leftover)
            part = Path(tempfile.mkdtemp(prefix=f"{name}.part-", dir=self.folder))
            try:
                fill(part)
                part.chmod(0o755)
                if entry.exists():
                    shutil.rmtree(entry)
                part.rename(entry)
            finally:
                shutil.rmtree(part, ignore_errors=True)
        return entry

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / f"{name}.lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"another run is filling {self.folder / name}; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield  # closing the file lets go, and so does the death of this process
