"""Orders come from the emulator's own page or from no page at all."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
import requests

from aep_provider.emulator import Emulator, origin


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "emulator.localhost"])
def test_own_page_gives_orders(aep: Emulator, control: requests.Session, host: str) -> None:
    there = f"{host}:{urlsplit(aep.url).port}"

    reply = control.post("/tick", json={}, headers={"Host": there, "Origin": f"http://{there}"})

    assert reply.status_code == 200


def test_own_page_by_an_address_of_ipv6_gives_orders() -> None:
    assert origin.may_order({"host": "[::1]:8080", "origin": "http://[::1]:8080"})


@pytest.mark.parametrize(
    ("host", "page"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:9090"),
        ("127.0.0.1:8080", "http://localhost:8080"),
        ("127.0.0.1:8080", "https://127.0.0.1:8080"),
        ("127.0.0.1:8080", "null"),
        ("127.0.0.1:8080", ""),
        ("rebound.example:8080", "http://rebound.example:8080"),
        ("127.0.0.1.example:8080", "http://127.0.0.1.example:8080"),
        ("localhost.example:8080", "http://localhost.example:8080"),
        ("[::1:8080", "http://[::1:8080"),
    ],
)
def test_other_page_gives_no_orders(control: requests.Session, host: str, page: str) -> None:
    reply = control.post("/reset", json={}, headers={"Host": host, "Origin": page})

    assert reply.status_code == 403
    assert reply.json() == {"error": "no web page but the emulator's own gives orders here"}
