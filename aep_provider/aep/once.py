"""Answers that one process asks for once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Once(Generic[Answer]):
    """Remembers answers by key; threads that ask for the same one share the request.

    A failure is not remembered: whoever asks next asks anew.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._known: dict[str, Answer] = {}

    def get(self, key: str, ask: Callable[[], Answer]) -> Answer:
        """The answer for `key`, from `ask` if there is none yet; raises what `ask` raises."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._known:
                self._known[key] = ask()
            return self._known[key]
