"""The probe finds a lie: each test changes one behaviour of the emulator and looks what the probe says."""

from __future__ import annotations

from typing import Any

import pytest

from aep_provider.emulator import errors, filters
from aep_provider.emulator.catalog import dataset as model
from aep_provider.emulator.catalog import datasets, effects, patches, profile
from aep_provider.probe.steps import datasets as creating
from aep_provider.probe.steps import ends, listings, names, switches, writes
from support.aep import BareAep
from support.probed import probed

Patch = pytest.MonkeyPatch


def test_a_patch_without_effect(aep: BareAep, monkeypatch: Patch) -> None:
    monkeypatch.setattr(patches, "json_patch", lambda _call, dataset: dict(dataset))
    found = probed(aep, only=(*creating.STEPS, *writes.STEPS), wait=5)
    assert {"patch-add", "patch-replace", "patch-escape"} <= found.differs


def test_a_patch_that_is_applied_in_part(aep: BareAep, monkeypatch: Patch) -> None:
    real = patches.json_patch

    def lenient(call: Any, dataset: dict[str, Any]) -> dict[str, Any]:
        try:
            return real(call, dataset)
        except errors.Refused:
            tags = {**dataset["tags"], **{op["path"][6:]: op["value"] for op in call.json() if "value" in op}}
            return {**dataset, "tags": tags}

    monkeypatch.setattr(patches, "json_patch", lenient)
    assert "patch-whole" in probed(aep, only=(*creating.STEPS, *writes.STEPS)).differs


def test_no_time_of_the_enable(aep: BareAep, monkeypatch: Patch) -> None:
    monkeypatch.setattr(profile, "stamp", lambda *_: None)
    assert {"enabled-at", "enabled-at-renewed"} <= probed(aep, only=switches.STEPS).differs


def test_blanks_that_are_taken_out_of_the_two_tags(aep: BareAep, monkeypatch: Patch) -> None:
    real = effects.write

    def tight(world: Any, sandbox: str, dataset_id: str, after: Any) -> None:
        for key in (profile.PROFILE, profile.IDENTITY):
            if after and key in after["tags"]:
                after["tags"][key] = [value.replace(": ", ":") for value in after["tags"][key]]
        real(world, sandbox, dataset_id, after)

    monkeypatch.setattr(effects, "write", tight)
    assert probed(aep, only=switches.STEPS)["spelling-kept"].seen == "it becomes enabled:true"


def test_a_disable_that_is_answered_and_forgotten(aep: BareAep, monkeypatch: Patch) -> None:
    real = effects.write

    def deaf(world: Any, sandbox: str, dataset_id: str, after: Any) -> None:
        if after and after["tags"].get(profile.PROFILE) == ["enabled:false"]:
            after["tags"][profile.PROFILE] = ["enabled:true"]
        real(world, sandbox, dataset_id, after)

    monkeypatch.setattr(effects, "write", deaf)
    assert "disable" in probed(aep, only=switches.STEPS).differs


def test_a_limit_that_is_cut_and_not_refused(aep: BareAep, monkeypatch: Patch) -> None:
    monkeypatch.setattr(
        filters, "page_bounds", lambda limit, start, *_: (min(int(limit or 20), 100), int(start or 0))
    )
    assert "page-limit" in probed(aep, only=listings.STEPS).differs


def test_pages_that_begin_at_one(aep: BareAep, monkeypatch: Patch) -> None:
    real = filters.page
    monkeypatch.setattr(filters, "page", lambda rows, start, *rest: real(rows, max(start - 1, 0), *rest))
    assert "start-offset" in probed(aep, only=(*creating.STEPS, *names.STEPS, *listings.STEPS)).differs


def test_a_missing_dataset_of_another_title(aep: BareAep, monkeypatch: Patch) -> None:
    monkeypatch.setattr(datasets, "_not_found", lambda: errors.catalog(404, "NoSuchThing", "none"))
    assert {"missing-dataset", "gone-title"} <= probed(aep, only=ends.STEPS).differs


def test_names_that_have_to_be_unique(aep: BareAep, monkeypatch: Patch) -> None:
    real = model.check

    def unique(call: Any, fields: dict[str, Any]) -> None:
        real(call, fields)
        if any(
            body["name"] == fields["name"] for body in call.world.store.all("dataset", call.sandbox).values()
        ):
            raise errors.bad_request("the name is in use")

    monkeypatch.setattr(model, "check", unique)
    found = probed(aep, only=(*creating.STEPS, *names.STEPS))
    assert found["equal-names"].seen == "a second dataset of one name: 400 BadRequestError"


def test_names_that_are_cut(aep: BareAep, monkeypatch: Patch) -> None:
    real = effects.write

    def cut(world: Any, sandbox: str, dataset_id: str, after: Any) -> None:
        real(world, sandbox, dataset_id, after and {**after, "name": after["name"][:120]})

    monkeypatch.setattr(effects, "write", cut)
    found = probed(aep, only=names.STEPS)
    assert found["name-length"].seen == "0 characters are kept, 200: cut or changed"


def test_tags_that_come_in_another_order(aep: BareAep, monkeypatch: Patch) -> None:
    real = model.complete

    def sorted_tags(world: Any, sandbox: str, dataset_id: str, fields: Any, client: str) -> Any:
        tags = {key: values[::-1] for key, values in fields.get("tags", {}).items()}
        fields["tags"] = tags
        return real(world, sandbox, dataset_id, fields, client)

    monkeypatch.setattr(model, "complete", sorted_tags)
    assert "own-tags" in probed(aep, only=creating.STEPS).differs


def test_a_version_that_moves_in_twos(aep: BareAep, monkeypatch: Patch) -> None:
    real = model.touch

    def twice(*given: Any) -> None:
        real(*given)
        real(*given)

    monkeypatch.setattr(model, "touch", twice)
    assert "version-steps" in probed(aep, only=(*creating.STEPS, *writes.STEPS)).differs


def test_a_token_that_lives_milliseconds(aep: BareAep, monkeypatch: Patch) -> None:
    body = {"access_token": "x" * 40, "token_type": "bearer", "expires_in": 86_399_000}
    aep.fault({"status": 200, "body": body}, service="ims")
    assert "expires_in 86399000" in probed(aep)["token-reply"].seen


def test_a_reply_that_names_a_limit(aep: BareAep) -> None:
    aep.fault(
        {"status": 200, "body": {}, "headers": {"X-RateLimit-Limit": "7"}},
        times=None,
        method="GET",
        path="dataSets$",
    )
    assert probed(aep)["limit-headers"].seen == "response headers x-ratelimit-limit"


def test_a_delete_that_is_answered_and_forgotten(aep: BareAep) -> None:
    aep.fault({"status": 202, "body": {}}, times=None, method="DELETE", path="dataSets")
    found = probed(aep, only=ends.STEPS, wait=5)
    assert {"delete-reply", "gone-at-once"} <= found.differs
    assert [one.why for one in found.outcome.left] == ["it is still shown after its deletion"]
