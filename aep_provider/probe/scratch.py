"""Scratch datasets: made for one run, told from everything else, and forgotten only when they are gone."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from aep_provider.dataset.tags import OWNER_TAG, UNIFIED_IDENTITY, UNIFIED_PROFILE
from aep_provider.errors import ApiError
from aep_provider.probe.belief import NotAsked
from aep_provider.probe.raw import DATASETS, Raw, Reply
from aep_provider.validators import DATASET_ID

NAME = "aep-provider probe "
"""What the name of every scratch dataset begins with."""

OWNER = "aep-provider-probe:"
"""What the owner of every scratch dataset begins with; the owner of a stack always has a slash in it."""

CONTENT_TYPE = "application/vnd.adobe.xed+json;version=1"

ON = {UNIFIED_PROFILE: ["enabled:true"], UNIFIED_IDENTITY: ["enabled:true"]}
UPSERT = {UNIFIED_PROFILE: ["enabled:true", "isUpsert:true"], UNIFIED_IDENTITY: ["enabled:true"]}
OFF = {UNIFIED_PROFILE: ["enabled:false"], UNIFIED_IDENTITY: ["enabled:false"]}
"""The two tags, in Adobe's tight spelling."""


class Scratch:
    """The scratch datasets of one run.

    Args:
        raw: sends the requests.
        schema_id: the schema of each, unless a step names another.
        stamp: the time of the run, as the names show it.

    Attributes:
        owner: the value of the owner tag.
        names: by id, the name of each dataset that a POST was answered with.
        lost: names of which nobody knows whether a dataset exists: their POST was not answered.
    """

    def __init__(self, raw: Raw, schema_id: str, stamp: str) -> None:
        self._raw = raw
        self._schema_id = schema_id
        run = secrets.token_hex(4)
        self._prefix = f"{NAME}{stamp} {run} "
        self._labels: dict[str, str] = {}
        self.owner = f"{OWNER}{run}"
        self.names: dict[str, str] = {}
        self.lost: set[str] = set()
        self._proved: set[str] = set()

    def name(self, label: str) -> str:
        """The whole name of the dataset with a label."""
        return self._prefix + label

    def labelled(self, label: str) -> str:
        """The id of the dataset that was created with a label.

        Raises:
            NotAsked: there is none.
        """
        if label not in self._labels:
            raise NotAsked(f"the scratch dataset that it needs ({label}) could not be created")
        return self._labels[label]

    def post(
        self, label: str, *, schema_id: str = "", tags: Mapping[str, list[str]] | None = None, **fields: Any
    ) -> Reply:
        """Try to create one; if that succeeds, or may have, it is deleted at the end of the run.

        Args:
            label: what the end of its name says.
            schema_id: another schema than that of the run.
            tags: beside the owner tag.
            fields: of the body, instead of the usual ones.

        Raises:
            NotAsked: nothing could be created so far, and nobody knows why.
        """
        body = {
            "name": self.name(label),
            "schemaRef": {"id": schema_id or self._schema_id, "contentType": CONTENT_TYPE},
            "tags": {OWNER_TAG: [self.owner], **(tags or {})},
            **fields,
        }
        if self.lost and not self.names:
            raise NotAsked("no dataset is created, since the first attempt was not answered")
        # Lost until a response says otherwise: the run may end in the middle of the request.
        self.lost.add(body["name"])
        try:
            reply = self._raw.send("POST", DATASETS, body=body)
        except ApiError:
            self.lost.discard(body["name"])
            raise
        if dataset_id := created(reply):
            self.names[dataset_id] = body["name"]
            self._labels.setdefault(label, dataset_id)
        if dataset_id or not (reply.ok or reply.unknown):
            self.lost.discard(body["name"])
        return reply

    def create(self, label: str, *, tags: Mapping[str, list[str]] | None = None, **fields: Any) -> str:
        """Create one and return its id; see `post`.

        Raises:
            NotAsked: it was refused, or its outcome is unknown.
        """
        reply = self.post(label, tags=tags, **fields)
        dataset_id = created(reply)
        if not dataset_id:
            raise NotAsked(f"a scratch dataset could not be created ({reply.describe()})")
        return dataset_id

    def prove(self, dataset_id: str) -> None:
        """See that a dataset is one of this run before anything is written to it: the id is what a response said.

        One that no read shows yet may be written to: it is young, and what exists already is shown.

        Raises:
            NotAsked: it shows neither the name nor the mark of this run, or could not be read.
        """
        if dataset_id in self._proved:
            return
        body = self.read(dataset_id)
        if not body:
            return
        if not str(body.get("name")).startswith(self._prefix) and self.owner not in tags_of(body).get(
            OWNER_TAG, ()
        ):
            raise NotAsked("the creation was answered with the id of another dataset")
        self._proved.add(dataset_id)

    def send(
        self,
        method: str,
        dataset_id: str,
        body: object = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Reply:
        """Send a PATCH or a DELETE for one; see `prove`."""
        self.prove(dataset_id)
        return self._raw.send(method, f"{DATASETS}/{dataset_id}", body=body, headers=headers)

    def get(self, dataset_id: str) -> Reply:
        """Read one, once."""
        return self._raw.send("GET", f"{DATASETS}/{dataset_id}")

    def read(self, dataset_id: str) -> dict[str, Any]:
        """The body of one as a single read shows it; empty if that shows none (a 404).

        Raises:
            NotAsked: it could not be read.
        """
        reply = self.get(dataset_id)
        if reply.status == 404:
            return {}
        body = reply.object().get(dataset_id)
        if not reply.ok or not isinstance(body, dict):
            raise NotAsked(f"a scratch dataset could not be read ({reply.describe()})")
        return body


def created(reply: Reply) -> str:
    """The id in the response to a POST, or ``""``."""
    body = reply.json()
    if not reply.ok or not isinstance(body, list) or len(body) != 1 or not isinstance(body[0], str):
        return ""
    found = body[0].rpartition("/")[2].lower()
    return found if DATASET_ID.fullmatch(found) else ""


def tags_of(body: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The tags of a dataset that are lists; empty where it shows none."""
    tags = body.get("tags")
    if not isinstance(tags, dict):
        return {}
    return {key: values for key, values in tags.items() if isinstance(values, list)}
