"""The pure core: tags, plans, and what any sequence of crashes and foreign writes leads to."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.plan import Plan, differences, plan, released
from aep_provider.dataset.tags import (
    CLAIM_TAG,
    GAP_TAG,
    OWN_TAGS,
    OWNER_TAG,
    SENT,
    UNIFIED_IDENTITY,
    UNIFIED_PROFILE,
    UnifiedTag,
)

NOW = "2026-01-31T09:00:00.000Z"
ID = "5b020a27e7040801dedbf46e"

known = st.sampled_from(
    [
        "enabled:true",
        "enabled: true",
        " enabled :true",
        "enabled:false",
        "isUpsert:true",
        "isUpsert: true",
        "isUpsert:false",
        "enabledAt:2024-11-05 12:33:59",
    ]
)
foreign_element = st.text(max_size=12).filter(
    lambda text: text.partition(":")[0].strip() not in ("enabled", "isUpsert", "enabledAt")
)
elements = st.lists(known | foreign_element, max_size=5)
foreign_key = st.text(min_size=1, max_size=12).filter(lambda key: key not in OWN_TAGS)
tag_maps = st.builds(
    lambda unified, foreign: foreign | unified,
    st.dictionaries(st.sampled_from([UNIFIED_PROFILE, UNIFIED_IDENTITY]), elements, max_size=2),
    st.dictionaries(foreign_key, st.lists(st.text(max_size=8), max_size=3), max_size=4),
)
wishes = st.builds(
    Desired,
    is_upsert=st.booleans(),
    managed=st.sampled_from([{}, {"name": "Orders"}, {"name": "Members"}]),
    owner=st.sampled_from(["", "aep/dev/orders"]),
    own_tags=st.booleans(),
    # Said, since Hypothesis makes up what a tuple has a default for.
    asserted=st.just({}),
    tags=st.just({}),
    released_tags=st.just(frozenset()),
    claim=st.none(),
)


def body(tags: dict[str, list[str]], name: str = "Orders") -> dict[str, Any]:
    return {"name": name, "description": "", "tags": copy.deepcopy(tags)}


def look(held: dict[str, Any]) -> Observed:
    return Observed.read(ID, held)


def send(held: dict[str, Any], patch: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    changed: dict[str, Any] = jsonpatch.apply_patch(held, list(patch)) if patch else held
    return changed


def requests(steps: Plan) -> list[tuple[dict[str, Any], ...]]:
    """The requests in the order in which they are sent."""
    if steps.disable:
        return [patch for patch in (steps.edit, steps.disable, steps.enable) if patch]
    return [patch for patch in (steps.enable, steps.edit) if patch]


def paths(patch: tuple[dict[str, Any], ...]) -> set[str]:
    return {operation["path"] for operation in patch}


@given(tags=tag_maps, wish=wishes, crashes=st.lists(st.integers(0, 3), max_size=4), late=foreign_key)
def test_any_crash_point_converges_and_foreign_tags_stay(
    tags: dict[str, list[str]], wish: Desired, crashes: list[int], late: str
) -> None:
    held = body(tags)
    for crash in crashes:
        for patch in requests(plan(look(held), wish, NOW))[:crash]:
            held = send(held, patch)
            held["tags"].setdefault(late, ["written meanwhile"])
    for patch in requests(plan(look(held), wish, NOW)):
        held = send(held, patch)
    assert differences(look(held), wish) == []
    assert plan(look(held), wish, NOW).empty
    assert {k: v for k, v in held["tags"].items() if k not in OWN_TAGS and k != late} == {
        k: v for k, v in tags.items() if k not in OWN_TAGS and k != late
    }


@given(tags=tag_maps, wish=wishes)
def test_unknown_elements_of_the_unified_tags_are_never_lost(
    tags: dict[str, list[str]], wish: Desired
) -> None:
    held = body(tags)
    before = {key: UnifiedTag.read(tags.get(key, [])).foreign for key in (UNIFIED_PROFILE, UNIFIED_IDENTITY)}
    for patch in requests(plan(look(held), wish, NOW)):
        held = send(held, patch)
    for key, foreign in before.items():
        assert UnifiedTag.read(held["tags"].get(key, [])).foreign == foreign


@given(tags=tag_maps, wish=wishes)
def test_both_tags_move_together_and_a_disable_is_never_alone(
    tags: dict[str, list[str]], wish: Desired
) -> None:
    observed = look(body(tags))
    steps = plan(observed, wish, NOW)
    both = {f"/tags/{UNIFIED_PROFILE}", f"/tags/{UNIFIED_IDENTITY}"}
    for patch in (steps.disable, steps.enable):
        assert not patch or both <= paths(patch)
    assert not both & paths(steps.edit)
    if steps.disable:
        assert steps.enable
        assert observed.profile.enabled
        assert observed.profile.upsert != wish.is_upsert


@given(tags=tag_maps, wish=wishes)
def test_after_the_disable_only_an_enable_is_planned(tags: dict[str, list[str]], wish: Desired) -> None:
    held = body(tags)
    steps = plan(look(held), wish, NOW)
    if not steps.disable:
        return
    held = send(held, steps.disable)
    again = plan(look(held), wish, NOW)
    assert not again.disable
    assert again.enable
    noted = look(held).open_note
    assert (noted is not None) is wish.own_tags


@given(tags=tag_maps, wish=wishes)
def test_only_own_keys_are_touched(tags: dict[str, list[str]], wish: Desired) -> None:
    steps = plan(look(body(tags)), wish, NOW)
    allowed = {"/name", "/description", *(f"/tags/{key}" for key in OWN_TAGS)}
    touched = paths(steps.edit) | paths(steps.disable) | paths(steps.enable)
    assert touched <= allowed
    if not wish.owner:
        assert f"/tags/{OWNER_TAG}" not in touched
    if not wish.own_tags:
        assert f"/tags/{GAP_TAG}" not in touched


def test_the_documented_bodies() -> None:
    observed = look(body({UNIFIED_PROFILE: ["enabled:true"], UNIFIED_IDENTITY: ["enabled:true"]}))
    steps = plan(observed, Desired(is_upsert=True, own_tags=False), NOW)
    assert list(steps.disable) == [
        {"op": "replace", "path": "/tags/unifiedProfile", "value": ["enabled:false"]},
        {"op": "replace", "path": "/tags/unifiedIdentity", "value": ["enabled:false"]},
    ]
    assert list(steps.enable) == [
        {"op": "add", "path": "/tags/unifiedProfile", "value": ["enabled:true", "isUpsert:true"]},
        {"op": "add", "path": "/tags/unifiedIdentity", "value": ["enabled:true"]},
    ]


def test_a_window_is_noted_by_the_disable_and_closed_by_the_enable() -> None:
    observed = look(body({UNIFIED_PROFILE: ["enabled:true"], UNIFIED_IDENTITY: ["enabled:true"]}))
    steps = plan(observed, Desired(is_upsert=True, owner="aep/dev/orders"), NOW)
    note = {"op": "add", "path": "/tags/pulumiProfileGap"}
    opened = steps.disable[2]["value"]
    assert (steps.disable[2], opened[:3]) == (
        note | {"value": opened},
        [f"from:{NOW}", "by:aep/dev/orders", "was:plain"],
    )
    assert steps.enable[2] == note | {
        "value": [f"from:{NOW}", "by:aep/dev/orders", "was:plain", f"to:{SENT}"]
    }


def test_only_a_wrong_owner_tag_is_a_reason_to_write() -> None:
    on = {UNIFIED_PROFILE: ["enabled:true", "isUpsert:true"], UNIFIED_IDENTITY: ["enabled:true"]}
    wish = Desired(is_upsert=True, owner="aep/qa/orders")
    assert plan(look(body(on)), wish, NOW).empty
    moved = plan(look(body(on | {OWNER_TAG: ["aep/dev/orders"]})), wish, NOW)
    assert list(moved.edit) == [{"op": "add", "path": "/tags/pulumiManagedBy", "value": ["aep/qa/orders"]}]


def test_a_tag_key_with_slashes_is_escaped() -> None:
    wish = Desired(is_upsert=True, tags={"a/b~c": ("x",)}, released_tags=frozenset({"d/e"}))
    held = body(
        {
            "d/e": ["old"],
            UNIFIED_PROFILE: ["enabled:true", "isUpsert:true"],
            UNIFIED_IDENTITY: ["enabled:true"],
        }
    )
    steps = plan(look(held), wish, NOW)
    assert paths(steps.edit) == {"/tags/a~1b~0c", "/tags/d~1e"}
    assert send(held, steps.edit)["tags"]["a/b~c"] == ["x"]


@pytest.mark.parametrize(
    ("profile", "identity", "upsert", "said"),
    [
        (["enabled:true"], ["enabled:true"], True, ["upsert is off"]),
        (["enabled:true", "isUpsert:true"], ["enabled:true"], False, ["upsert is on"]),
        (["enabled:true"], ["enabled:false"], False, ["Identity is off"]),
        (["enabled:false", "isUpsert:true"], ["enabled:false"], False, ["Profile is off", "Identity is off"]),
    ],
)
def test_what_differs_of_the_two_switches_is_said(
    profile: list[str], identity: list[str], upsert: bool, said: list[str]
) -> None:
    observed = look(body({UNIFIED_PROFILE: profile, UNIFIED_IDENTITY: identity}))
    assert differences(observed, Desired(is_upsert=upsert)) == said


@pytest.mark.parametrize(
    ("kept", "hint"),
    [
        ("Cafe\u0301s 1", " (AEP normalised its Unicode; declare it as AEP keeps it)"),
        ("Caf\u00e9", " (AEP cut it; declare a shorter one)"),
        ("Caf\u00e9s1", " (AEP removed blanks; declare it as AEP keeps it)"),
        ("Tea rooms", ""),
        ("Bars", ""),
    ],
)
def test_a_service_that_alters_a_name_is_named_as_the_cause(kept: str, hint: str) -> None:
    tags = {UNIFIED_PROFILE: ["enabled:true"], UNIFIED_IDENTITY: ["enabled:true"]}
    desired = Desired(is_upsert=False, managed={"name": "Caf\u00e9s 1"})
    (said,) = differences(look(body(tags, kept)), desired)
    assert said == f"name is {kept!r}, not 'Caf\u00e9s 1'{hint}"


@pytest.mark.parametrize(
    ("owner", "removed"),
    [("aep/dev/orders", {OWNER_TAG, CLAIM_TAG}), ("aep/dev/people", set()), ("", set())],
)
def test_a_release_takes_owner_and_claim_off_what_that_owner_has(owner: str, removed: set[str]) -> None:
    tags = {"team": ["shop"], OWNER_TAG: ["aep/dev/orders"], CLAIM_TAG: ["0a"]}
    held = send(body(tags), released(look(body(tags)), owner))
    assert tags.keys() - held["tags"].keys() == removed


def test_a_release_of_what_nobody_owns_writes_nothing() -> None:
    assert released(look(body({CLAIM_TAG: ["0a"]})), "") == ()
