"""Random sequences of calls against a model of a few lines: datasets, their two tags, batches, Profile."""

from __future__ import annotations

import json
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import requests
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
)

from aep_provider.emulator import Control, Emulator
from aep_provider.emulator.seeds import PROFILE_SCHEMA

CATALOG, IMPORT = "/data/foundation/catalog", "/data/foundation/import"
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
BINARY = {"Content-Type": "application/octet-stream"}
PEOPLE = ("ann", "bob")
MODES = {
    "off": ["enabled:false"],
    "on": ["enabled:true"],
    "upsert": ["enabled:true", "isUpsert:true"],
    "spaced": ["enabled: true", "isUpsert: true"],
}
FIELDS = st.dictionaries(st.sampled_from(["city", "age", "note"]), st.integers(0, 9), min_size=1)
ROWS = st.lists(st.tuples(st.sampled_from(PEOPLE), FIELDS), min_size=1, max_size=3)
NAMES = st.text("abz,*!~ é", min_size=1, max_size=6)


class Life(RuleBasedStateMachine):
    """The emulator, and beside it what a reader of the documentation expects of it."""

    datasets = Bundle("datasets")
    gone = Bundle("gone")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._session = requests.Session()
        self._session.trust_env = False
        self._start()
        self._session.headers.update(Control(self._aep.url).headers())
        self.names: dict[str, str] = {}
        self.modes: dict[str, str] = {}
        self.writes: dict[str, int] = {}
        self.waiting: list[tuple[str, str, list[tuple[str, dict[str, int]]]]] = []
        self.records: dict[tuple[str, str], dict[str, int]] = {}
        """By person and dataset, in the order of their last change."""

    def _start(self) -> None:
        self._aep = Emulator(state=Path(self._folder.name) / "aep.db", strict=True).start()

    def _call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self._session.request(method, self._aep.url + path, timeout=30, **options)

    def _patch(self, dataset_id: str, path: str, value: Any) -> requests.Response:
        body = json.dumps([{"op": "add", "path": path, "value": value}])
        return self._call("PATCH", f"{CATALOG}/dataSets/{dataset_id}", data=body, headers=JSON_PATCH)

    @initialize(target=datasets, name=NAMES, mode=st.sampled_from([None, *MODES]))
    def first(self, name: str, mode: str | None) -> str:
        """Rules on datasets need one."""
        return self._create(name, mode)

    @rule(target=datasets, name=NAMES, mode=st.sampled_from([None, *MODES]))
    def create(self, name: str, mode: str | None) -> str:
        return self._create(name, mode)

    def _create(self, name: str, mode: str | None) -> str:
        tags = {} if mode is None else {"unifiedProfile": MODES[mode]}
        body = {"name": name, "schemaRef": {"id": PROFILE_SCHEMA}, "tags": tags}
        reply = self._call("POST", f"{CATALOG}/dataSets", json=body)
        assert reply.status_code == 201, reply.text
        dataset_id = str(reply.json()[0]).rpartition("/")[2]
        assert dataset_id not in self.names
        self.names[dataset_id], self.modes[dataset_id], self.writes[dataset_id] = name, mode or "off", 0
        return dataset_id

    @rule(dataset_id=datasets, mode=st.sampled_from(sorted(MODES)))
    def set_profile(self, dataset_id: str, mode: str) -> None:
        assert self._patch(dataset_id, "/tags/unifiedProfile", MODES[mode]).status_code == 200
        self.modes[dataset_id] = mode
        self.writes[dataset_id] += 1

    @rule(dataset_id=datasets, name=NAMES)
    def rename(self, dataset_id: str, name: str) -> None:
        reply = self._call("PATCH", f"{CATALOG}/v2/dataSets/{dataset_id}", json={"name": name})
        assert reply.status_code == 200, reply.text
        self.names[dataset_id] = name
        self.writes[dataset_id] += 1

    @rule(dataset_id=datasets, stale=st.booleans())
    def write_with_if_match(self, dataset_id: str, stale: bool) -> None:
        version = f"1.0.{self.writes[dataset_id] + stale}"
        options: Any = {"json": {"description": "x"}, "headers": {"If-Match": version}}
        reply = self._call("PATCH", f"{CATALOG}/dataSets/{dataset_id}", **options)
        assert reply.status_code == (412 if stale else 200)
        self.writes[dataset_id] += not stale

    @rule(dataset_id=consumes(datasets), target=gone)
    def delete(self, dataset_id: str) -> str:
        assert self._call("DELETE", f"{CATALOG}/dataSets/{dataset_id}").status_code == 200
        for known in (self.names, self.modes, self.writes):
            del known[dataset_id]
        self.records = {key: record for key, record in self.records.items() if key[1] != dataset_id}
        return dataset_id

    @rule(dataset_id=gone)
    def use_what_is_gone(self, dataset_id: str) -> None:
        path = f"{CATALOG}/dataSets/{dataset_id}"
        assert [self._call(method, path).status_code for method in ("GET", "DELETE")] == [404, 404]
        assert self._patch(dataset_id, "/tags/unifiedProfile", MODES["on"]).status_code == 404
        order = {"datasetId": dataset_id, "inputFormat": {"format": "json"}}
        assert self._call("POST", f"{IMPORT}/batches", json=order).status_code == 400

    @rule(dataset_id=datasets, rows=ROWS)
    def upload(self, dataset_id: str, rows: list[tuple[str, dict[str, int]]]) -> None:
        order = {"datasetId": dataset_id, "inputFormat": {"format": "json"}}
        batch = self._call("POST", f"{IMPORT}/batches", json=order).json()["id"]
        lines = [json.dumps({"personalEmail": {"address": person}, **fields}) for person, fields in rows]
        path = f"{IMPORT}/batches/{batch}/datasets/{dataset_id}/files/rows.json"
        assert self._call("PUT", path, data="\n".join(lines), headers=BINARY).status_code == 201
        reply = self._call("POST", f"{IMPORT}/batches/{batch}", params={"action": "COMPLETE"})
        assert reply.json()["status"] == "loaded"
        self.waiting.append((batch, dataset_id, rows))

    @precondition(lambda self: self.waiting)
    @rule(by_reading=st.booleans())
    def promote(self, by_reading: bool) -> None:
        if by_reading:
            for batch, _, _ in self.waiting:
                seen = [self._call("GET", f"{CATALOG}/batches/{batch}").json()[batch] for _ in range(3)]
                assert seen[-1]["status"] == "success"
        else:
            reply = self._call("POST", "/_emulator/tick", json={"batches": True})
            assert reply.json()["batches"] == len(self.waiting)
        for _, dataset_id, rows in self.waiting:
            mode = self.modes.get(dataset_id, "off")
            for person, fields in rows if mode != "off" else ():
                old = self.records.pop((person, dataset_id), {})
                self.records[person, dataset_id] = {**old, **fields} if mode != "on" else fields
        self.waiting.clear()

    @rule(dataset_id=datasets, rows=ROWS, by_reading=st.booleans())
    def ingest(self, dataset_id: str, rows: list[tuple[str, dict[str, int]]], by_reading: bool) -> None:
        self.upload(dataset_id, rows)
        self.promote(by_reading)

    @rule(dataset_id=datasets, rows=ROWS, then=st.sampled_from(sorted(MODES)))
    def ingest_and_change(self, dataset_id: str, rows: list[tuple[str, dict[str, int]]], then: str) -> None:
        self.ingest(dataset_id, rows, by_reading=False)
        self.set_profile(dataset_id, then)

    @rule()
    def restart(self) -> None:
        self._session.close()
        self._aep.stop()
        self._start()

    @rule()
    def background_write(self) -> None:
        self._call("POST", "/_emulator/tick", json={"background": True})
        for known in self.writes:
            self.writes[known] += 1

    @rule(dataset_id=datasets, limit=st.integers(1, 3))
    def search(self, dataset_id: str, limit: int) -> None:
        """In a name ``*`` is doubled, as documented; a comma and a leading ``!`` cannot be escaped."""
        seen: list[str] = []
        params: dict[str, Any] = {"limit": limit, "orderBy": "created"}
        while page := self._call("GET", f"{CATALOG}/dataSets", params={**params, "start": len(seen)}).json():
            seen += page
        assert sorted(seen) == sorted(self.names)
        name = self.names[dataset_id]
        if "," not in name and not name.startswith("!"):
            query = {"name": name.replace("*", "**"), "limit": 100}
            found = self._call("GET", f"{CATALOG}/dataSets", params=query).json()
            assert set(found) == {key for key, other in self.names.items() if other == name}

    @invariant()
    def datasets_are_as_expected(self) -> None:
        shown = self._call("GET", f"{CATALOG}/dataSets", params={"limit": 100}).json()
        assert {key: body["name"] for key, body in shown.items()} == self.names
        for key, body in shown.items():
            tag = [item for item in body["tags"].get("unifiedProfile", []) if "enabledAt" not in item]
            assert tag in (MODES[self.modes[key]], [] if self.modes[key] == "off" else None)
            assert ("enabledAt" in str(body["tags"].get("unifiedProfile"))) is (self.modes[key] != "off")
            assert body["version"] == f"1.0.{self.writes[key]}"

    @invariant()
    def profiles_are_as_expected(self) -> None:
        for person in PEOPLE:
            query = {"schema.name": "_xdm.context.profile", "entityId": person, "entityIdNS": "Email"}
            reply = self._call("GET", "/data/core/ups/access/entities", params=query)
            expected: dict[str, int] = {}
            for (owner, _), record in self.records.items():
                expected |= record if owner == person else {}
            if not expected:
                assert reply.status_code == 404
                continue
            [body] = reply.json().values()
            entity = deepcopy(body["entity"])
            assert entity.pop("personalEmail") == {"address": person}
            assert entity == expected

    def teardown(self) -> None:
        self._session.close()
        self._aep.stop()
        self._folder.cleanup()


Life.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    database=None,
    # Shortening a failing life takes minutes, as each attempt starts an emulator; it is short enough to read.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
test_random_life_is_as_the_model_says = Life.TestCase
