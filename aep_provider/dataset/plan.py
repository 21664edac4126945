"""From what is to what is wanted: the JSON Patch requests, in order.

The rules, which the property tests prove for any starting tags:

- Profile and Identity always move together, in one PATCH.
- Profile on with the other upsert setting: a disable PATCH, then an enable PATCH (Adobe's documented way).
- Profile off, or Identity off: an enable PATCH only.
- A dataset that is as wanted gets no PATCH; our owner tag alone is never a reason to write.
- Only tag keys of our own and those the program declares are touched, each as a whole key.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from aep_provider.arguments import Kind, texts
from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import (
    CLAIM_TAG,
    GAP_TAG,
    OWNER_TAG,
    SENT,
    UNIFIED_IDENTITY,
    UNIFIED_PROFILE,
    Elements,
    Ownership,
    WindowNote,
)

Operation = dict[str, Any]
Patch = tuple[Operation, ...]


class Plan(NamedTuple):
    """What to send, in this order; an empty patch is not sent.

    Attributes:
        edit: name, description and declared tags. Before a disable, so that a refusal costs nothing; after
            a mere enable, so that a bad name does not keep Profile off.
        disable: switches both tags off. Only ever followed by `enable`.
        enable: switches both tags on. After a `disable` its note holds `SENT`, to be filled in when it is sent.
        note: what `disable` notes on the dataset and `enable` closes; ``None`` when our tags are off.
    """

    edit: Patch = ()
    disable: Patch = ()
    enable: Patch = ()
    note: WindowNote | None = None

    @property
    def opens_window(self) -> bool:
        """Whether Profile goes off for a moment."""
        return bool(self.disable)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.edit or self.enable)


def plan(observed: Observed, desired: Desired, now: str, earlier: tuple[WindowNote, ...] = ()) -> Plan:
    """Plan the way from `observed` to `desired`.

    Args:
        observed: what AEP showed last.
        desired: what the program wants.
        now: the time to note on the dataset, UTC (`aep_provider.dataset.tags.timestamp`).
        earlier: the windows that a new note has to keep, the newest first.
    """
    profile, identity = observed.profile, observed.identity
    disable: Patch = ()
    enable: Patch = ()
    note: WindowNote | None = None
    edit = _edit(observed, desired)
    owner = _ownership(observed, desired)

    if profile.enabled and profile.upsert != desired.is_upsert:
        note = WindowNote(now, desired.owner, profile.upsert, earlier=earlier) if desired.own_tags else None
        disable = switch_off(observed, note)
        enable = switch_on(observed, upsert=desired.is_upsert, note=note and note.closed(SENT))
        if edit:
            edit += owner
        else:
            disable += owner
    elif not (profile.enabled and identity.enabled):
        left_open = observed.note
        closed = left_open.closed(now) if left_open and left_open.open and desired.own_tags else None
        enable = switch_on(observed, upsert=desired.is_upsert, note=closed) + owner
    elif edit or desired.claim is not None or observed.owner not in ("", desired.owner):
        # A dataset without our tag gets no write for it; one that carries the old owner's is moved, and one
        # that is taken over gets its new claim.
        edit += owner
    return Plan(edit=edit, disable=disable, enable=enable, note=note)


def switch_off(observed: Observed, note: WindowNote | None) -> Patch:
    """The documented disable: both tags, and the note of the window where our own tags are on."""
    return (
        _set(UNIFIED_PROFILE, observed.profile.switched_off(), observed),
        _set(UNIFIED_IDENTITY, observed.identity.switched_off(), observed),
        *_noted(note),
    )


def switch_on(observed: Observed, *, upsert: bool, note: WindowNote | None) -> Patch:
    """The documented enable: both tags by ``add``, which also replaces, and the note that closes a window."""
    return (
        _add(UNIFIED_PROFILE, observed.profile.switched_on(upsert=upsert)),
        _add(UNIFIED_IDENTITY, observed.identity.switched_on(upsert=False)),
        *_noted(note),
    )


def creation_body(desired: Desired) -> dict[str, Any]:
    """The body of the POST that creates a dataset: both unified tags, the declared ones, owner and claim."""
    tags = {key: list(elements) for key, elements in desired.tags.items()}
    tags[UNIFIED_PROFILE] = ["enabled:true", *(["isUpsert:true"] if desired.is_upsert else [])]
    tags[UNIFIED_IDENTITY] = ["enabled:true"]
    if desired.owner and desired.own_tags:
        ours = Ownership(desired.owner, desired.claim or "").tags()
        tags |= {key: list(elements) for key, elements in ours.items()}
    body: dict[str, Any] = {"fileDescription": {"format": "parquet"}, "tags": tags}
    given = {**desired.managed, **desired.asserted}
    for one in texts(Kind.MANAGED, Kind.ASSERTED):
        value = given.get(one.name, one.when_created)
        if value or one.name in given:
            *parents, key = one.path.split(".")
            holder = body
            for parent in parents:
                holder = holder.setdefault(parent, {})
            holder[key] = value
    return body


def released(observed: Observed, owner: str) -> Patch:
    """The patch that takes our owner and claim off a dataset; empty when it is not `owner`'s."""
    if not owner or observed.owner != owner:
        return ()
    return tuple(_remove(key) for key in (OWNER_TAG, CLAIM_TAG) if key in observed.tags)


def differences(observed: Observed, desired: Desired) -> list[str]:
    """What still differs, in words; empty when the dataset is as wanted. The final read is judged by it."""
    found: list[str] = []
    if not observed.profile.enabled:
        found.append("Profile is off")
    if not observed.identity.enabled:
        found.append("Identity is off")
    if observed.profile.enabled and observed.profile.upsert != desired.is_upsert:
        found.append("upsert is " + ("off" if desired.is_upsert else "on"))
    return found + unedited(observed, desired)


def unedited(observed: Observed, desired: Desired) -> list[str]:
    """What still differs besides the two switches, in words."""
    found = [
        f"{key} is {_short(observed.values[key])}, not {_short(want)}{_altered(observed.values[key], want)}"
        for key, want in desired.managed.items()
        if observed.values[key] != want
    ]
    found += [
        f"tag {key} differs{_altered(''.join(observed.tag(key)), ''.join(value))}"
        for key, value in desired.tags.items()
        if observed.tags.get(key) != value
    ]
    found += [f"tag {key} is still there" for key in sorted(desired.released_tags & set(observed.tags))]
    return found


def unowned(observed: Observed, desired: Desired) -> list[str]:
    """What still differs of owner and claim after a write, which both ride on; in words."""
    if not desired.own_tags or not desired.owner:
        return []
    found = observed.ownership
    left = [] if found.owner == desired.owner else [f"tag {OWNER_TAG} is {found.owner!r}"]
    return left + ([] if desired.claim in (None, found.claim) else [f"tag {CLAIM_TAG} is {found.claim!r}"])


def overwritten(observed: Observed, desired: Desired) -> list[str]:
    """What an adoption overwrites, in words: from what to what."""
    found = [
        f"{key}: {_short(observed.values[key])} -> {_short(want)}"
        for key, want in desired.managed.items()
        if observed.values[key] != want
    ]
    found += [
        f"tag {key}: {_short(list(observed.tag(key)))} -> {_short(list(elements))}"
        for key, elements in _changed(observed.tags, desired.tags)
        if key in observed.tags
    ]
    return found


def _altered(have: str, want: str) -> str:
    """How a service seems to have altered a text, or ``""``: such a difference comes back with every run."""
    if not have or have == want:
        return ""
    if unicodedata.normalize("NFKC", have) == unicodedata.normalize("NFKC", want):
        return " (AEP normalised its Unicode; declare it as AEP keeps it)"
    if "".join(have.split()) == "".join(want.split()):
        return " (AEP removed blanks; declare it as AEP keeps it)"
    return " (AEP cut it; declare a shorter one)" if want.startswith(have) else ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…{text[-1]}"


def _edit(observed: Observed, desired: Desired) -> Patch:
    operations: list[Operation] = [
        {"op": "add", "path": f"/{one.path.replace('.', '/')}", "value": desired.managed[one.name]}
        for one in texts(Kind.MANAGED)
        if one.name in desired.managed and observed.values[one.name] != desired.managed[one.name]
    ]
    operations += [_set(key, want, observed) for key, want in _changed(observed.tags, desired.tags)]
    operations += [_remove(key) for key in sorted(desired.released_tags & set(observed.tags))]
    return tuple(operations)


def _changed(have: Mapping[str, Elements], want: Mapping[str, Elements]) -> Iterable[tuple[str, Elements]]:
    return ((key, elements) for key, elements in sorted(want.items()) if have.get(key) != elements)


def _ownership(observed: Observed, desired: Desired) -> Patch:
    """Owner and claim as they have to be, to ride on whatever is written."""
    if not desired.own_tags or not desired.owner:
        return ()
    found = observed.ownership
    claim = found.claim if desired.claim is None else desired.claim
    want = Ownership(desired.owner, claim, kept=bool(claim) and desired.claim is None)
    return tuple(_add(key, value) for key, value in want.tags().items() if observed.tags.get(key) != value)


def _noted(note: WindowNote | None) -> Patch:
    return (_add(GAP_TAG, note.elements()),) if note else ()


def _pointer(tag: str) -> str:
    """The JSON Pointer of a tag key (RFC 6901): keys such as ``adobe/pqs/table`` hold slashes."""
    return "/tags/" + tag.replace("~", "~0").replace("/", "~1")


def _set(tag: str, elements: Elements, observed: Observed) -> Operation:
    # `replace` is what Adobe documents for the disable; on an absent key it is an error (RFC 6902).
    operation = "replace" if tag in observed.tags else "add"
    return {"op": operation, "path": _pointer(tag), "value": list(elements)}


def _add(tag: str, elements: Elements) -> Operation:
    return {"op": "add", "path": _pointer(tag), "value": list(elements)}


def _remove(tag: str) -> Operation:
    return {"op": "remove", "path": _pointer(tag)}
