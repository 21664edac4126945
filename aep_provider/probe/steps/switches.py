"""The two tags that feed Profile: at creation, off and on again, with upsert, and where they are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from aep_provider.dataset.tags import UNIFIED_IDENTITY, UNIFIED_PROFILE, UnifiedTag
from aep_provider.probe.belief import Answer, NotAsked
from aep_provider.probe.raw import Reply
from aep_provider.probe.scratch import OFF, ON, UPSERT, created, tags_of
from aep_provider.probe.steps.look import judged, needed, patch, shown
from aep_provider.probe.steps.services import others
from aep_provider.probe.steps.step import Run, Step

PROFILE = "profile"
_STAMP = re.compile(r"enabledAt:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_TRIES, _PAUSE = 12, 5.0
"""How often, and after how many seconds, an enable is tried again that the union may not allow yet."""
_SPACED = {UNIFIED_PROFILE: ["enabled: true", "isUpsert: true"], UNIFIED_IDENTITY: ["enabled: true"]}


def creation(run: Run) -> Iterator[Answer]:
    """Datasets that are created with Profile on."""
    refused, reply = 0, run.scratch.post(PROFILE, tags=ON)
    while reply.status == 422 and refused < _TRIES:
        refused += 1
        run.clock.wait(_PAUSE)
        reply = run.scratch.post(PROFILE, tags=ON)
    yield judged(
        "union-at-once",
        not refused,
        "the first enable is accepted",
        {"union_propagation": refused} if refused else {},
        f"refused with 422 {refused} times",
    )
    dataset_id = created(needed(reply, "a dataset with Profile on could not be created"))
    body = shown(run, dataset_id, lambda one: UNIFIED_PROFILE in tags_of(one), "the tags")
    profile, identity = _tag(body, UNIFIED_PROFILE), _tag(body, UNIFIED_IDENTITY)
    on = UnifiedTag.read(profile).enabled and UnifiedTag.read(identity).enabled
    yield judged("on-at-creation", on, "both tags are on", otherwise="not both tags are on")
    stamps = [one for one in profile if one.startswith("enabledAt")]
    good = len(stamps) == 1 and _STAMP.fullmatch(stamps[0]) is not None
    yield judged(
        "enabled-at",
        good,
        "enabledAt:YYYY-MM-DD HH:MM:SS is added",
        otherwise="another form" if stamps else "nothing is added",
    )
    spaced = run.scratch.post("spaced", tags=_SPACED)
    read = shown(
        run,
        created(needed(spaced, "blanks in the two tags")),
        lambda one: UNIFIED_PROFILE in tags_of(one),
        "the tags",
    )
    kept = set(_SPACED[UNIFIED_PROFILE]) <= set(_tag(read, UNIFIED_PROFILE))
    tight = set(UPSERT[UNIFIED_PROFILE]) <= set(_tag(read, UNIFIED_PROFILE))
    yield judged(
        "spelling-kept",
        kept,
        "enabled: true stays as it is",
        otherwise="it becomes enabled:true" if tight else "it becomes something else",
    )


def one_patch(run: Run) -> Iterator[Answer]:
    """Upsert on a dataset that is on, without switching Profile off."""
    dataset_id = run.scratch.labelled(PROFILE)
    reply = _set(run, dataset_id, UPSERT)
    accepted, effect = reply.ok, False
    if accepted:
        try:
            shown(run, dataset_id, lambda one: UnifiedTag.read(_tag(one, UNIFIED_PROFILE)).upsert, "upsert")
            effect = True
        except NotAsked:
            effect = False
    seen = "accepted, and read back" if effect else "accepted, without effect"
    yield judged(
        "upsert-in-one-patch",
        effect,
        seen if accepted else f"refused: {reply.describe()}",
        {"patch_without_disable": "warn" if accepted else "refuse"},
    )


def window(run: Run) -> Iterator[Answer]:
    """The documented way: off, and on again with upsert, with a note of our own in the same requests."""
    dataset_id = run.scratch.labelled(PROFILE)
    before = _tag(run.scratch.read(dataset_id), UNIFIED_PROFILE)
    # What the dataset shows in between is looked at first; the times are taken of a second pair.
    off = _set(run, dataset_id, OFF, note="off")
    needed(off, "Profile could not be switched off")
    body = shown(run, dataset_id, lambda one: _tag(one, "probeNote") == ["off"], "the disable")
    yield judged(
        "disable",
        not UnifiedTag.read(_tag(body, UNIFIED_PROFILE)).enabled,
        "off",
        otherwise="still on, though it was answered with success",
    )
    yield judged(
        "off-kept",
        _tag(body, UNIFIED_PROFILE) == OFF[UNIFIED_PROFILE],
        "enabled:false as written",
        otherwise="changed, or something is added",
    )
    needed(_set(run, dataset_id, UPSERT, note="on"), "Profile could not be switched on again")
    body = shown(run, dataset_id, lambda one: _tag(one, "probeNote") == ["on"], "the enable")
    tag = UnifiedTag.read(_tag(body, UNIFIED_PROFILE))
    yield judged(
        "enable-with-upsert",
        tag.enabled and tag.upsert,
        "on, with upsert",
        otherwise="not on, or without upsert",
    )
    stamp = UnifiedTag.read(before).enabled_at
    yield judged(
        "enabled-at-renewed",
        bool(tag.enabled_at) and tag.enabled_at >= stamp,
        "a time, not an older one",
        otherwise="no time, or an older one",
    )
    yield judged("note-with-switch", True, "a tag of our own is written by the same PATCH")
    started = run.clock.monotonic()
    pair = [_set(run, dataset_id, OFF), _set(run, dataset_id, UPSERT)]
    took = run.clock.monotonic() - started
    yield judged(
        "window-pair",
        all(one.ok for one in pair),
        "two requests one after the other are both accepted",
        otherwise=" and ".join(one.describe() for one in pair),
    )
    run.figures["window_ms"] = round(took * 1000, 1)


def outside(run: Run) -> Iterator[Answer]:
    """Profile for a schema that is not in the union."""
    reply = run.scratch.post("outside", schema_id=others(run, union=False, time_series=False), tags=ON)
    refused = reply.status in (400, 422)
    yield judged(
        "union-checked",
        refused,
        f"refused: {reply.describe()}",
        {"union_check": "refuse" if refused else "accept"},
        f"accepted: {reply.describe()}",
    )


def events(run: Run) -> Iterator[Answer]:
    """Upsert for experience events."""
    reply = run.scratch.post("events", schema_id=others(run, union=True, time_series=True), tags=UPSERT)
    yield judged(
        "upsert-on-events",
        reply.ok,
        f"accepted: {reply.describe()}",
        otherwise=f"refused: {reply.describe()}",
    )
    body = shown(run, created(needed(reply, "a dataset for events")), bool, "a new dataset")
    kind = body.get("classification", {}).get("dataBehavior")
    yield judged(
        "events-behaviour",
        kind == "time-series",
        "dataBehavior time-series",
        otherwise="another dataBehavior",
    )


def _set(run: Run, dataset_id: str, tags: Mapping[str, list[str]], note: str = "") -> Reply:
    wanted = {**tags, **({"probeNote": [note]} if note else {})}
    return patch(
        run, dataset_id, [{"op": "add", "path": f"/tags/{key}", "value": wanted[key]} for key in wanted]
    )


def _tag(body: Mapping[str, Any], key: str) -> list[str]:
    return [one for one in tags_of(body).get(key, []) if isinstance(one, str)]


STEPS = (
    Step("Profile at creation", ("union-at-once", "on-at-creation", "enabled-at", "spelling-kept"), creation),
    Step("Upsert with one PATCH", ("upsert-in-one-patch",), one_patch),
    Step(
        "Profile off and on again",
        (
            "disable",
            "off-kept",
            "enable-with-upsert",
            "enabled-at-renewed",
            "note-with-switch",
            "window-pair",
        ),
        window,
    ),
    Step("A schema outside the union", ("union-checked",), outside),
    Step("Upsert for experience events", ("upsert-on-events", "events-behaviour"), events),
)
