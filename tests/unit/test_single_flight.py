"""One request for what many threads ask for; and one failure."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from aep_provider.aep.single_flight import SingleFlight


def waiting(flight: SingleFlight[int], key: str) -> int:
    """How many threads wait for an answer that is under way."""
    with flight._lock:
        answer = flight._answers.get(key)
    return len(answer.answer._condition._waiters) if answer else 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("fails", [False, True])
def test_who_waits_shares_what_comes(*, fails: bool) -> None:
    flight: SingleFlight[int] = SingleFlight()
    go, calls = threading.Event(), []

    def ask() -> int:
        calls.append(1)
        assert go.wait(30)
        if fails:
            raise ValueError
        return 7

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(flight.get, "key", ask) for _ in range(8)]
        while waiting(flight, "key") < 7:
            pass
        go.set()
        errors = [one.exception() for one in asked]
    assert len(calls) == 1
    assert [type(error) for error in errors] == [ValueError if fails else type(None)] * 8


def test_a_failure_is_not_remembered() -> None:
    flight: SingleFlight[int] = SingleFlight()
    with pytest.raises(ZeroDivisionError):
        flight.get("key", lambda: 1 // 0)
    assert flight.get("key", lambda: 7) == 7
    assert flight.get("key", lambda: 8) == 7
    assert flight.get("other", lambda: 9) == 9


def test_what_was_asked_ahead_is_not_asked_again() -> None:
    started: list[Callable[[], None]] = []
    flight: SingleFlight[int] = SingleFlight(started.append)
    calls: list[int] = []

    def ask() -> int:
        calls.append(1)
        return 7

    flight.ahead("key", ask)
    flight.ahead("key", ask)
    (begin,) = started
    begin()
    assert flight.get("key", ask) == 7
    flight.ahead("key", ask)
    assert (len(calls), len(started)) == (1, 1)


def test_what_no_thread_has_begun_is_asked_by_who_needs_it() -> None:
    started: list[Callable[[], None]] = []
    flight: SingleFlight[int] = SingleFlight(started.append)
    answers = iter([7, 8])
    flight.ahead("key", lambda: next(answers))
    assert flight.get("key", lambda: next(answers)) == 7
    started[0]()
    assert flight.get("key", lambda: next(answers)) == 7


def test_a_failure_of_what_was_asked_ahead_is_heard_once_and_costs_no_second_request() -> None:
    flight: SingleFlight[float] = SingleFlight(lambda begin: begin())
    answers = iter([0, 1])
    flight.ahead("key", lambda: 1 / next(answers))
    with pytest.raises(ZeroDivisionError):
        flight.get("key", lambda: 2)
    assert flight.get("key", lambda: 1 / next(answers)) == 1
