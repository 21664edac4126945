"""Answers that one process asks for once, however many threads want them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, Protocol, TypeVar

Answer = TypeVar("Answer")


class Memory(Protocol[Answer]):
    """Gives answers, asked for now or before."""

    def get(self, key: str, ask: Callable[[], Answer]) -> Answer:
        """The answer for `key`; raises what `ask` raises."""
        ...


class EachTime(Generic[Answer]):
    """Remembers nothing."""

    def get(self, key: str, ask: Callable[[], Answer]) -> Answer:
        """What `ask` answers now."""
        return ask()


class SingleFlight(Generic[Answer]):
    """Remembers answers by key; threads that ask for the same one share the request.

    A failure goes to everybody who waited for it and is not remembered: whoever asks later asks anew.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[str, Future[Answer]] = {}

    def get(self, key: str, ask: Callable[[], Answer]) -> Answer:
        """The answer for `key`, from `ask` if there is none yet; raises what `ask` raises."""
        with self._lock:
            answer = self._answers.get(key)
            mine = answer is None
            if answer is None:
                answer = self._answers[key] = Future()
        if mine:
            try:
                answer.set_result(ask())
            except BaseException as error:
                with self._lock:
                    del self._answers[key]
                answer.set_exception(error)
        return answer.result()
