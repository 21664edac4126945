"""A row that fits a schema nobody here has seen: its primary identity, and up to two fields of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aep_provider.probe.belief import NotAsked
from aep_provider.probe.raw import Raw, Reply

REGISTRY = "/data/foundation/schemaregistry/tenant"
DESCRIPTORS_ACCEPT = "application/vnd.adobe.xdm+json"
RESOLVED = "application/vnd.adobe.xed-full+json; version=1"
"""The form of a schema in which every field is written out."""

_IDENTITY = "xdm:descriptorIdentity"
_DEEPEST = 5
_KNOWN = (("person", "name", "firstName"), ("person", "name", "lastName"))
"""Fields of Adobe's own field group for people, which take any text."""

_RULES = ("enum", "meta:enum", "format", "pattern", "const", "maxLength")
"""What says that a text is not any text."""

_ADOBES = frozenset(
    {"identityMap", "segmentMembership", "personID", "_id", "createdByBatchID", "modifiedByBatchID"}
    | {"repositoryCreatedBy", "repositoryLastModifiedBy"}
)
"""Fields that Adobe's services fill."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class Shape:
    """How a row of the schema is built.

    Attributes:
        identity: where the value of the primary identity goes.
        namespace: the code of its namespace.
        texts: where text may go; two at most.
    """

    identity: Path
    namespace: str
    texts: tuple[Path, ...]

    def row(self, value: str, *texts: str | None) -> dict[str, Any]:
        """A row.

        Args:
            value: of the identity.
            texts: for each field of text its value; ``None`` leaves it out.
        """
        row: dict[str, Any] = {}
        given = [text for text in zip(self.texts, texts, strict=False) if text[1] is not None]
        for path, content in [(self.identity, value), *given]:
            inside = row
            for name in path[:-1]:
                inside = inside.setdefault(name, {})
            inside[path[-1]] = content
        return row

    def text(self, entity: Mapping[str, Any], number: int) -> str | None:
        """What a field of text holds in a profile; ``None`` if it is not there.

        Args:
            entity: the profile.
            number: of the field.
        """
        found: Any = entity
        for name in self.texts[number]:
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, str) else None


def shape_of(raw: Raw, schema_id: str, namespace: str) -> Shape:
    """Look up how a row of a schema is built.

    Args:
        raw: sends the requests.
        schema_id: the ``$id``.
        namespace: the code that the user gave, or ``""``.

    Raises:
        NotAsked: it cannot be built, and why.
    """
    identities = _identities(raw, schema_id)
    primary = [one for one in identities if one.get("xdm:isPrimary") is True]
    if not primary:
        raise NotAsked(
            "the schema has no primary identity in a field of its own, so no row can be made for it"
        )
    code = str(primary[0].get("xdm:namespace") or "")
    if namespace and namespace.lower() != code.lower():
        raise NotAsked("the primary identity of the schema has another namespace than --namespace names")
    path = _path(primary[0])
    if not path or any("*" in name or "[" in name for name in path):
        raise NotAsked("the primary identity of the schema is in a list, so no row can be made for it")
    body = _schema(raw, schema_id)
    kind = _property(body, path).get("type", "string")
    if kind != "string":
        raise NotAsked("the primary identity of the schema is not a text, so no row can be made for it")
    taken = {_path(one) for one in identities}
    free = [text for text in _texts(body.get("properties"), ()) if text not in taken]
    free.sort(key=lambda text: (text not in _KNOWN, not text[0].startswith("_"), len(text), text))
    return Shape(path, code, tuple(free[:2]))


def _identities(raw: Raw, schema_id: str) -> list[Mapping[str, Any]]:
    """The identity descriptors of a schema; the filter is not documented, so all are listed if it finds none."""
    for query in ({"property": f"xdm:sourceSchema=={schema_id}"}, {}):
        reply = raw.send(
            "GET", f"{REGISTRY}/descriptors", query=query, headers={"Accept": DESCRIPTORS_ACCEPT}
        )
        found = [
            one
            for one in _entries(reply)
            if one.get("@type") == _IDENTITY and one.get("xdm:sourceSchema") == schema_id
        ]
        if found:
            return found
    if not reply.ok:
        raise NotAsked(f"the descriptors of the schema could not be read: {reply.describe()}")
    return []


def _entries(reply: Reply) -> Iterator[Mapping[str, Any]]:
    """The descriptors of a listing, which groups them by type."""
    for group in reply.object().values() if reply.ok else ():
        yield from (one for one in group if isinstance(one, dict)) if isinstance(group, list) else ()


def _schema(raw: Raw, schema_id: str) -> Mapping[str, Any]:
    reply = raw.send("GET", f"{REGISTRY}/schemas/{quote(schema_id, safe='')}", headers={"Accept": RESOLVED})
    if not reply.ok:
        raise NotAsked(f"the fields of the schema could not be read: {reply.describe()}")
    return reply.object()


def _path(descriptor: Mapping[str, Any]) -> Path:
    return tuple(name for name in str(descriptor.get("xdm:sourceProperty", "")).split("/") if name)


def _property(body: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """What the schema says of a field; empty where it does not show it."""
    for name in path:
        held = body.get("properties")
        inside = held.get(name) if isinstance(held, dict) else None
        if not isinstance(inside, dict):
            return {}
        body = inside
    return body


def _texts(properties: object, above: Path) -> Iterator[Path]:
    """The fields that take any text."""
    if not isinstance(properties, dict) or len(above) >= _DEEPEST:
        return
    for name, said in properties.items():
        if not isinstance(said, dict) or name in _ADOBES:
            continue
        if said.get("type") == "object":
            yield from _texts(said.get("properties"), (*above, name))
        elif said.get("type") == "string" and not any(rule in said for rule in _RULES):
            yield (*above, name)
