"""Answers that one process asks for once, however many threads want them; and asks for before anybody wants them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, Protocol, TypeVar

Answer = TypeVar("Answer")

Start = Callable[[Callable[[], None]], None]
"""Has something done beside what the thread does itself."""


class Memory(Protocol[Answer]):
    """Gives answers, asked for now or before."""

    def get(self, key: str, ask: Callable[[], Answer]) -> Answer:
        """The answer for `key`; raises what `ask` raises."""
        ...

    def ahead(self, key: str, ask: Callable[[], Answer]) -> None:
        """Have `ask` asked meanwhile, for whoever gets the answer for `key` next; does not wait."""
        ...


class EachTime(Generic[Answer]):
    """Remembers nothing."""

    def get(self, key: str, ask: Callable[[], Answer]) -> Answer:
        """What `ask` answers now."""
        return ask()

    def ahead(self, key: str, ask: Callable[[], Answer]) -> None:
        """Nothing: the answer could not be kept."""


def _nobody(_ask: Callable[[], None]) -> None:
    """Leave it to whoever gets the answer."""


class SingleFlight(Generic[Answer]):
    """Remembers answers by key; threads that ask for the same one share the request.

    A failure goes to everybody who waits for it, and to whoever asks first if it was asked ahead. Then it is
    forgotten: whoever asks later asks anew.

    Args:
        start: starts what is asked ahead.
    """

    def __init__(self, start: Start = _nobody) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._answers: dict[str, _Asked[Answer]] = {}

    def get(self, key: str, ask: Callable[[], Answer]) -> Answer:
        """The answer for `key`, from `ask` if there is none yet; raises what `ask` raises."""
        with self._lock:
            asked = self._answers.setdefault(key, _Asked(ask))
        # What no thread has begun is asked by this one: it must not wait for one that may wait for it.
        asked.settle()
        try:
            return asked.answer.result()
        except BaseException:
            with self._lock:
                if self._answers.get(key) is asked:
                    del self._answers[key]
            raise

    def forget_failures(self) -> None:
        """Forget what was asked ahead, failed, and nobody has heard."""
        with self._lock:
            for key in [key for key, asked in self._answers.items() if asked.failed]:
                del self._answers[key]

    def ahead(self, key: str, ask: Callable[[], Answer]) -> None:
        """Have `ask` asked meanwhile, unless there is an answer, or it is under way."""
        with self._lock:
            if key in self._answers:
                return
            asked = self._answers[key] = _Asked(ask)
        self._start(asked.settle)


class _Asked(Generic[Answer]):
    """A question, asked by the first thread that comes to it."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        self._ask = ask
        self.answer: Future[Answer] = Future()
        self._first = threading.Lock()

    @property
    def failed(self) -> bool:
        """Whether it was asked, and failed."""
        return self.answer.done() and self.answer.exception() is not None

    def settle(self) -> None:
        """Ask, if nobody does yet."""
        if not self._first.acquire(blocking=False):
            return
        try:
            self.answer.set_result(self._ask())
        except BaseException as error:
            self.answer.set_exception(error)
