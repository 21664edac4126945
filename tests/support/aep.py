"""An emulator as the tests see it: its control routes, and short forms of what they often ask of it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import requests

from aep_provider.emulator import Control, Emulator
from aep_provider.emulator.client import LoggedRequest
from aep_provider.emulator.seeds import OTHER_CLIENT_ID, OTHER_CLIENT_SECRET, PROFILE_SCHEMA

WAIT = 80.0
"""Seconds within which a request that is waited for has to come."""

CONTENT_TYPE = "application/vnd.adobe.xed+json;version=1"


def raw_dataset(name: str, schema_id: str, tags: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """The body of a dataset as a seed takes it."""
    schema = {"id": schema_id, "contentType": CONTENT_TYPE}
    return {"name": name, "schemaRef": schema, "tags": dict(tags), **fields}


class _ShortForms(Control):
    """The control routes, and short forms of what tests often ask."""

    def writes(self) -> list[LoggedRequest]:
        """The requests that change something; the token request is not one."""
        return [entry for entry in self.requests() if entry["write"] and entry["service"] != "ims"]

    def calls(self) -> list[str]:
        """The log in short: ``GET catalog/dataSets/{id}``."""
        short = []
        for entry in self.requests():
            path = re.sub(r"/[0-9a-f]{24}", "/{id}", entry["path"].removeprefix("/data/foundation/"))
            path = re.sub(r"/schemas/.*", "/schemas/{schema}", path)
            short.append(f"{entry['method']} {path}")
        return short

    def forget(self) -> None:
        """Empty the request log."""
        self.clear_requests()

    def hit(self, fault: str) -> None:
        """Wait until a fault was hit; fails the test if it is not."""
        assert self.wait_for_hit(fault, WAIT), f"no request was hit by {fault}"

    def someone_else(self, method: str, dataset_id: str, operations: object = None) -> None:
        """Change a dataset as another client, by the API."""
        headers = self.headers(OTHER_CLIENT_ID, OTHER_CLIENT_SECRET)
        headers["Content-Type"] = "application/json-patch+json"
        url = f"{self.url}/data/foundation/catalog/dataSets/{dataset_id}"
        requests.request(method, url, json=operations, headers=headers, timeout=10).raise_for_status()

    def enable_schema(self, schema_id: str) -> None:
        """Enable a schema for Profile, as somebody does in AEP: Schemas > the schema > Profile."""
        headers = self.headers(OTHER_CLIENT_ID, OTHER_CLIENT_SECRET)
        headers["Content-Type"] = "application/json"
        # What has no primary identity cannot be enabled.
        identity = {
            "@type": "xdm:descriptorIdentity",
            "xdm:sourceSchema": schema_id,
            "xdm:sourceVersion": 1,
            "xdm:sourceProperty": "/personalEmail/address",
            "xdm:namespace": "Email",
            "xdm:isPrimary": True,
        }
        self.seed(descriptors=[{**identity, "@id": "primary"}])
        url = f"{self.url}/data/foundation/schemaregistry/tenant/schemas/{quote(schema_id, safe='')}"
        union = [{"op": "add", "path": "/meta:immutableTags", "value": ["union"]}]
        requests.patch(url, json=union, headers=headers, timeout=10).raise_for_status()


class Aep(_ShortForms):
    """The emulator behind the real `pulumi` command."""

    def dataset(self, dataset_id: str, schema_id: str, tags: Mapping[str, Any], **fields: Any) -> str:
        """Put a dataset into sandbox dev, with the tags that the service gives every one; returns its id."""
        service = {"adobe/siphon/table/format": ["delta"], "adobe/pqs/table": ["t"]}
        body = raw_dataset(f"dataset {dataset_id[:4]}", schema_id, {**service, **tags})
        self.seed(datasets={dataset_id: {**body, **fields}})
        return dataset_id


class BareAep(_ShortForms):
    """The emulator behind a provider in this process or in a plugin process."""

    def dataset(self, dataset_id: str, tags: Mapping[str, Any], **fields: Any) -> str:
        """Put a dataset with exactly these tags into sandbox dev; returns its id."""
        body = raw_dataset(f"dataset {dataset_id[:4]}", PROFILE_SCHEMA, tags)
        self.seed(datasets={dataset_id: {**body, **fields}})
        return dataset_id


@contextlib.contextmanager
def serving() -> Iterator[BareAep]:
    """A strict emulator without datasets."""
    with Emulator(strict=True) as emulator:
        aep = BareAep(emulator.url)
        try:
            yield aep
        finally:
            aep.close()
