"""The route of a request names nobody and nothing."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aep_provider.aep.routes import route

BASE = "https://platform.adobe.io"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/ims/token/v3", "/ims/token/v3"),
        ("/data/foundation/catalog/dataSets?properties=name", "/data/foundation/catalog/dataSets"),
        ("/data/foundation/catalog/dataSets/5b02,65f1", "/data/foundation/catalog/dataSets/{id}"),
        (
            "/data/foundation/schemaregistry/tenant/schemas/https%3A%2F%2Fns.adobe.com%2Facme%2Fschemas%2F1",
            "/data/foundation/schemaregistry/tenant/schemas/{id}",
        ),
        ("/data/foundation/sandbox-management/", "/data/foundation/sandbox-management/"),
        (
            "/data/foundation/export/batches/01HB/files?start=0",
            "/data/foundation/export/batches/{id}/files",
        ),
    ],
)
def test_ids_and_queries_are_left_out(path: str, expected: str) -> None:
    assert route(BASE + path) == expected


@given(st.text().map("5b02{}".format))
def test_whatever_stands_in_the_place_of_an_id_is_left_out(text: str) -> None:
    part = quote(text, safe="")
    assert route(f"{BASE}/data/foundation/catalog/dataSets/{part}?a={part}") == (
        "/data/foundation/catalog/dataSets/{id}"
    )
