"""Thousands of replies that are not as documented: each ends as an error of ours or as the right result.

A small AEP in memory takes the place of the transport, and one kind of reply is damaged: cut, mistyped,
emptied, garbled. What is not understood must never lead to a write.
"""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable
from typing import Any

import jsonpatch
import pytest
import requests

from aep_provider.aep.transport import Response, Transport
from aep_provider.dataset.tags import UnifiedTag
from aep_provider.emulator.seeds import PROFILE_SCHEMA
from aep_provider.errors import AepProviderError
from support.local import Local

ID = "5b020a27e7040801dedbf46e"
OTHER = "65f1c0a2b3d4e5f60718293a"
NOW = 1_790_000_000_000
ROUNDS = 24
PER_ROUND = 30

KINDS = {
    "token": r"^/ims/token/v3",
    "dataset": rf"/catalog/dataSets/{ID}$",
    "listing": r"/catalog/dataSets$",
    "batches": r"/catalog/batches$",
    "schema": r"/schemaregistry/",
    "sandboxes": r"/sandbox-management/$",
    "flows": r"/flowservice/flows",
    "connections": r"/flowservice/targetConnections",
}
ADVICE = ("flows", "connections")
"""What these say is advice: without it an operation goes on, with a warning."""

WRONG: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    float("nan"),
    "",
    "x",
    "\ud800",
    "\x00",
    [],
    {},
    [None],
    {"": 0},
    [[]],
)


def dataset(name: str, tags: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "name": name,
        "description": "of the club",
        "schemaRef": {"id": PROFILE_SCHEMA, "contentType": "application/vnd.adobe.xed+json; version=1"},
        "tags": {"team": ["commerce"], **tags},
        "created": NOW,
        "createdClient": "demo-client",
        "classification": {"managedBy": "CUSTOMER", "dataBehavior": "record"},
    }


class SmallAep:
    """Answers like AEP, except that replies of one kind are damaged.

    Args:
        kind: of the replies to damage.
        damage: turns the bytes of a body into others.
    """

    def __init__(self, kind: str, damage: Callable[[bytes], bytes]) -> None:
        on = {"unifiedProfile": ["enabled:true"], "unifiedIdentity": ["enabled:true"]}
        self.held = {ID: dataset("Orders", on), OTHER: dataset("Products", {})}
        self.writes: list[str] = []
        self._kind, self._damage = KINDS[kind], damage

    def send(
        self,
        _: Transport,
        request: requests.PreparedRequest,
        name: str,
        *,
        urgent: bool = False,
        limited: bool = True,
        status_suffices: bool = False,
    ) -> Response:
        """Stand in for `Transport.send`."""
        path = request.path_url.partition("?")[0]
        body = json.dumps(self._answer(str(request.method), path, request.body)).encode()
        if request.method == "GET" or "/ims/" in path:
            body = self._damage(body) if re.search(self._kind, path) else body
        return Response(name, 200, {"Content-Type": "application/json"}, body)

    def _answer(self, method: str, path: str, body: Any) -> object:
        if "/ims/" in path:
            return {"access_token": "t", "expires_in": 86399, "token_type": "bearer"}
        if method != "GET":
            self.writes.append(method)
        if method == "PATCH":
            self.held[ID] = jsonpatch.apply_patch(self.held[ID], json.loads(body))
            return [f"@/dataSets/{ID}"]
        if method == "POST":
            new = json.loads(body)
            self.held["0" * 24] = dataset(new["name"], new["tags"])
            return ["@/dataSets/" + "0" * 24]
        if path.endswith("/dataSets"):
            return self.held
        if "/dataSets/" in path:
            return {path.rpartition("/")[2]: self.held[path.rpartition("/")[2]]}
        if path.endswith("/batches"):
            return {"b1": {"status": "success", "created": NOW, "completed": NOW + 1}}
        if "/schemaregistry/" in path:
            behaviour = "https://ns.adobe.com/xdm/data/record"
            tags = {"meta:immutableTags": ["union"], "meta:extends": [behaviour], "meta:class": "c"}
            return {"$id": PROFILE_SCHEMA, "title": "Customers", **tags}
        if "/flowservice/targetConnections" in path:
            return {"items": [{"id": "c1", "params": {"dataSetId": ID}}], "_links": {}}
        if "/flowservice/" in path:
            flow = {"id": "f1", "name": "stream", "state": "enabled", "targetConnectionIds": ["c1"]}
            spec = {"id": "d8a6f005-7eaf-4153-983e-e8574508b877"}
            return {"items": [flow | {"flowSpec": spec, "inheritedAttributes": {}}], "_links": {"next": {}}}
        return {"sandboxes": [{"name": "dev", "type": "development", "state": "active"}]}


def damage(chance: random.Random, body: bytes) -> bytes:
    """Damage a body in one of several ways, the same for the same state of `chance`."""
    way = chance.randrange(8)
    if way == 0:
        return body[: chance.randrange(len(body))]
    if way == 1:
        place = chance.randrange(len(body))
        return body[:place] + bytes([chance.randrange(256)]) + body[place + 1 :]
    if way == 2:
        choices = [b"", b"null", b"[" * 100_000, b"{}", b"[]", b'"x"', b"<html></html>", b"\xff\xfe", b"NaN"]
        return chance.choice([*choices, b"\xef\xbb\xbf" + body, b"1" * 5000, body + body])
    if way == 3:
        return chance.randbytes(chance.randrange(60))
    value = json.loads(body)
    for _ in range(1 if way < 7 else 3):
        value = _changed(chance, value)
    return json.dumps(value).encode()


def _changed(chance: random.Random, value: Any, depth: float = 0.2) -> Any:
    """A copy with one node replaced, removed or doubled."""
    if not isinstance(value, dict | list) or not value or chance.random() < depth:
        return copy.deepcopy(chance.choice(WRONG))
    copied = copy.copy(value)
    key: Any = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
    how = chance.random()
    if how < 0.2:
        del copied[key]
    elif how < 0.3 and isinstance(copied, dict):
        copied[chance.choice(["", "x", "\ud800", key.upper()])] = copied.pop(key)
    else:
        copied[key] = _changed(chance, value[key], 0.3)
    return copied


OURS = {"unifiedProfile", "unifiedIdentity", "pulumiManagedBy", "pulumiClaim", "pulumiProfileGap"}


def understood(body: bytes) -> bool:
    """Whether a body can be a dataset at all, whatever it says; judged without the provider's own reader.

    A tag of somebody else's may hold anything: it is neither read nor written.
    """
    try:
        found = json.loads(body)[ID]
        parts = [found.get("tags", {}), found.get("schemaRef", {}), found.get("classification", {})]
        lists = [parts[0][key] for key in parts[0] if key in OURS]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False
    texts = [found.get(key) or "" for key in ("name", "description", "createdClient")]
    texts += [element for elements in lists if isinstance(elements, list) for element in elements]
    return (
        all(isinstance(part, dict) for part in parts)
        and all(isinstance(elements, list) for elements in lists)
        and all(isinstance(text, str) for text in texts)
    )


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=() if seed < 4 else pytest.mark.long) for seed in range(ROUNDS)]
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_nonsensical_reply_is_an_error_never_a_write(
    local: Local, given: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch, kind: str, seed: int
) -> None:
    chance = random.Random(f"{kind}-{seed}")
    creating = kind == "listing"
    arguments = {"name": "Members", "schema_id": PROFILE_SCHEMA} if creating else {"dataset_id": ID}
    for _ in range(PER_ROUND):
        state = chance.getstate()
        sent: list[bytes] = []

        def same(body: bytes, state: Any = state, sent: list[bytes] = sent) -> bytes:
            chance.setstate(state)
            sent.append(damage(chance, body))
            return sent[-1]

        aep = SmallAep(kind, same)
        monkeypatch.setattr(Transport, "send", lambda *args, aep=aep, **more: aep.send(*args, **more))
        provider = local.start("http://127.0.0.1:9")
        text, made = "", None
        try:
            made = provider.create(given(**arguments))
        except AepProviderError as error:
            text = str(error)
        if made is None:
            assert text.strip()
            text.encode()
            if kind == "listing" and aep.writes:
                # The first look found nothing of ours, and the one after the POST could not be understood.
                assert aep.writes == ["POST"]
                assert "0" * 24 in text, "what was created is named"
            unread = kind in ("token", "schema", "sandboxes")
            assert not unread or aep.writes == [], f"written after {sent[0]!r}"
            if kind == "dataset" and not understood(sent[0]):
                assert aep.writes == [], f"written after {sent[0]!r}"
            if kind in ("batches", *ADVICE):
                assert aep.writes in ([], ["PATCH", "PATCH"]), f"half written after {sent[0]!r}"
        else:
            json.dumps(made.outs, ensure_ascii=False).encode()
            tags = aep.held[made.id]["tags"]
            profile = UnifiedTag.read(tags["unifiedProfile"])
            assert (profile.enabled, profile.upsert) == (True, True), f"not done after {sent[0]!r}"
            assert UnifiedTag.read(tags["unifiedIdentity"]).enabled
        assert "team" in aep.held[ID]["tags"]
        for message in local.said:
            message.encode()
        if not sent:
            chance.random()


def test_the_fuzz_is_large_enough() -> None:
    assert len(KINDS) * ROUNDS * PER_ROUND >= 5000
