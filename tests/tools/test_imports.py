"""What `make bench` reads of the times of imports."""

from __future__ import annotations

from imports import Cost, beyond, least, parsed

REPORT = """import time: self [us] | cumulative | imported package
import time:       120 |        120 |   zipimport
import time:      2000 |       2120 | requests.api
noise of a program
"""


def test_each_module_counts_once_by_its_own_time() -> None:
    assert parsed(REPORT.splitlines()) == {"zipimport": 120, "requests.api": 2000}


def test_what_a_busy_moment_added_to_a_module_does_not_count() -> None:
    assert least([{"a": 5, "b": 90}, {"a": 70, "b": 9}]) == {"a": 5, "b": 9}


def test_what_a_bare_provider_imports_as_well_is_not_counted() -> None:
    assert beyond({"zipimport": 120}, parsed(REPORT.splitlines())) == Cost(2.0, 1)
