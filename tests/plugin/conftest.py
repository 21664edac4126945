"""Two ways to run the provider: the plugin process that Pulumi starts, over gRPC; its class, in process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from support.aep import BareAep, serving
from support.local import Local, inputs
from support.plugin import Plugin, started
from support.settings import config


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> Local:
    return Local(monkeypatch)


@pytest.fixture
def aep() -> Iterator[BareAep]:
    with serving() as running:
        yield running


@pytest.fixture
def given() -> Callable[..., dict[str, Any]]:
    return inputs


@pytest.fixture
def configured() -> Callable[[str], dict[str, str]]:
    return config


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask a module that generates its cases for them, with the means to run the provider."""
    if "case" not in metafunc.fixturenames:
        return
    with pytest.MonkeyPatch.context() as patch, serving() as running:
        try:
            cases = metafunc.module.cases(Local(patch), running, inputs)
        except Exception as error:
            # One broken operation must not keep every other test from being collected.
            cases = [pytest.param(error, id="the cases could not be recorded")]
    metafunc.parametrize("case", cases)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Plugin]]:
    """Start plugin processes: ``start(url)``; all of them end with the test."""
    with ExitStack() as running:
        yield lambda url, **more: started(running, tmp_path, url, more)


@pytest.fixture
def plugin(aep: BareAep, start: Callable[..., Plugin]) -> Plugin:
    return start(aep.url)
