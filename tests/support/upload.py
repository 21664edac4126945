"""Batches over raw HTTP: the three calls that the documentation of batch ingestion shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import requests

IMPORT = "/data/foundation/import"
BINARY = {"Content-Type": "application/octet-stream"}


def upload(platform: requests.Session, dataset_id: str, *rows: dict[str, Any], **order: Any) -> str:
    """Upload rows in a batch of their own and complete it; returns the batch's id.

    Args:
        platform: a session whose URLs are paths of the service.
        dataset_id: where the rows go.
        rows: one JSON object a line.
        order: further fields of the order that creates the batch.
    """
    return upload_bytes(platform, dataset_id, "\n".join(json.dumps(row) for row in rows).encode(), **order)


def upload_bytes(platform: requests.Session, dataset_id: str, *contents: bytes, **order: Any) -> str:
    """The same with whole files, which are called 1.json, 2.json and so on."""
    body = {"datasetId": dataset_id, "inputFormat": {"format": "json"}, **order}
    reply = platform.post(f"{IMPORT}/batches", json=body)
    assert reply.status_code == 201, reply.text
    batch = str(reply.json()["id"])
    for number, content in enumerate(contents, 1):
        path = f"{IMPORT}/batches/{batch}/datasets/{dataset_id}/files/{number}.json"
        assert platform.put(path, data=content, headers=BINARY).ok
    assert platform.post(f"{IMPORT}/batches/{batch}", params={"action": "COMPLETE"}).ok
    return batch


class Platform(requests.Session):
    """A session whose URLs are paths of a service.

    Args:
        url: where the service is.
        headers: sent with every request.
    """

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        super().__init__()
        self.trust_env = False
        self.headers.update(headers)
        self._url = url

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        path = url.decode() if isinstance(url, bytes) else url
        return super().request(method, self._url + path, *args, **{"timeout": 30, **kwargs})
