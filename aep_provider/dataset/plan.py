"""From what is to what is wanted: the JSON Patch requests, in order.

The rules, which the property tests prove for any starting tags:

- Profile and Identity always move together, in one PATCH.
- Profile on with the other upsert setting: a disable PATCH, then an enable PATCH (Adobe's documented way).
- Profile off, or Identity off: an enable PATCH only.
- A dataset that is as wanted gets no PATCH; our owner tag alone is never a reason to write.
- Only tag keys of our own and those the program declares are touched, each as a whole key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aep_provider.dataset.desired import Desired
from aep_provider.dataset.observed import Observed
from aep_provider.dataset.tags import GAP_TAG, OWNER_TAG, UNIFIED_IDENTITY, UNIFIED_PROFILE, Elements, Gap

Operation = dict[str, Any]
Patch = tuple[Operation, ...]


@dataclass(frozen=True)
class Plan:
    """What to send, in this order; an empty patch is not sent.

    Attributes:
        edit: name, description and declared tags. Before a disable, so that a refusal costs nothing; after
            a mere enable, so that a bad name does not keep Profile off.
        disable: switches both tags off. Only ever followed by `enable`.
        enable: switches both tags on.
        gap: the note that `disable` leaves on the dataset and `enable` closes; None when our tags are off.
    """

    edit: Patch = ()
    disable: Patch = ()
    enable: Patch = ()
    gap: Gap | None = None

    @property
    def opens_gap(self) -> bool:
        """Whether Profile goes off for a moment."""
        return bool(self.disable)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.edit or self.enable)


def plan(observed: Observed, desired: Desired, now: str) -> Plan:
    """Plan the way from `observed` to `desired`.

    Args:
        observed: what AEP showed last.
        desired: what the program wants.
        now: the time to note on the dataset, UTC (`aep_provider.dataset.tags.timestamp`).
    """
    profile, identity = observed.profile, observed.identity
    converged = profile.enabled and identity.enabled and profile.upsert == desired.is_upsert
    disable: Patch = ()
    enable: Patch = ()
    gap: Gap | None = None
    edit = _edit(observed, desired)
    owner = _owner(observed, desired)

    if profile.enabled and profile.upsert != desired.is_upsert:
        gap = Gap(start=now, owner=desired.owner) if desired.own_tags else None
        disable = switch_off(observed, gap)
        enable = switch_on(observed, upsert=desired.is_upsert, gap=gap and gap.closed(now))
        if edit:
            edit += owner
        else:
            disable += owner
    elif not converged:
        note = observed.gap
        close = note.closed(now) if note and note.open and desired.own_tags else None
        enable = switch_on(observed, upsert=desired.is_upsert, gap=close) + owner
    elif edit or observed.owner:
        # A dataset without our tag gets no write for it; one that carries the old owner's is moved.
        edit += owner
    return Plan(edit=edit, disable=disable, enable=enable, gap=gap)


def switch_off(observed: Observed, gap: Gap | None) -> Patch:
    """The documented disable: both tags, and the note of the gap where our own tags are on."""
    return (
        _set(UNIFIED_PROFILE, observed.profile.switched_off(), observed),
        _set(UNIFIED_IDENTITY, observed.identity.switched_off(), observed),
        *_note(gap),
    )


def switch_on(observed: Observed, *, upsert: bool, gap: Gap | None) -> Patch:
    """The documented enable: both tags by ``add``, which also replaces, and the note that closes a gap."""
    return (
        _add(UNIFIED_PROFILE, observed.profile.switched_on(upsert=upsert)),
        _add(UNIFIED_IDENTITY, observed.identity.switched_on(upsert=False)),
        *_note(gap),
    )


def creation_tags(desired: Desired) -> dict[str, list[str]]:
    """The tags for the POST of a new dataset: both unified tags, the declared ones, the owner."""
    tags = {key: list(elements) for key, elements in desired.tags.items()}
    tags[UNIFIED_PROFILE] = ["enabled:true", *(["isUpsert:true"] if desired.is_upsert else [])]
    tags[UNIFIED_IDENTITY] = ["enabled:true"]
    if desired.owner and desired.own_tags:
        tags[OWNER_TAG] = [desired.owner]
    return tags


def release(observed: Observed, owner: str) -> Patch:
    """The patch that takes our owner tag off a dataset; empty when it is not ours."""
    return (_remove(OWNER_TAG),) if owner and observed.owner == owner else ()


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
    found: list[str] = []
    if desired.name is not None and observed.name != desired.name:
        found.append(f"the name is {observed.name!r}")
    if desired.description is not None and observed.description != desired.description:
        found.append("the description differs")
    found += [f"tag {key} differs" for key, value in desired.tags.items() if observed.tags.get(key) != value]
    found += [f"tag {key} is still there" for key in sorted(desired.released_tags & set(observed.tags))]
    return found


def _edit(observed: Observed, desired: Desired) -> Patch:
    operations: list[Operation] = []
    for key, have, want in (
        ("name", observed.name, desired.name),
        ("description", observed.description, desired.description),
    ):
        if want is not None and have != want:
            operations.append({"op": "add", "path": f"/{key}", "value": want})
    operations += [_set(key, want, observed) for key, want in _changed(observed.tags, desired.tags)]
    operations += [_remove(key) for key in sorted(desired.released_tags & set(observed.tags))]
    return tuple(operations)


def _changed(have: Mapping[str, Elements], want: Mapping[str, Elements]) -> Iterable[tuple[str, Elements]]:
    return ((key, elements) for key, elements in sorted(want.items()) if have.get(key) != elements)


def _owner(observed: Observed, desired: Desired) -> Patch:
    if not desired.own_tags or not desired.owner or observed.owner == desired.owner:
        return ()
    return (_add(OWNER_TAG, (desired.owner,)),)


def _note(gap: Gap | None) -> Patch:
    return (_add(GAP_TAG, gap.elements()),) if gap else ()


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
