"""What may be shown of a text that came from outside: no secret, no control character, not too much."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

LONGEST = 300
"""Characters of a response that a message quotes at most."""

HIDDEN = "***"
SHORTEST = 4
"""Characters; what is shorter is not a secret, and hiding it would make a text unreadable."""


def shown(text: str, secrets: Iterable[str], longest: int = LONGEST) -> str:
    """A text from outside as a message may quote it: redacted, then escaped, then cut.

    Args:
        text: anything.
        secrets: what must not be shown.
        longest: characters at most.
    """
    hidden = tuple(secrets)
    # Again after escaping, which may spell what a secret spells.
    return redact(escaped(redact(text, hidden)), hidden)[:longest]


def escaped(text: str) -> str:
    """The text with line breaks and control characters as Python writes them: ``\\n``, ``\\x1b``."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def redact(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets and without any usual encoding of them.

    Args:
        text: anything.
        secrets: values to hide; empty and very short ones are ignored.

    Returns:
        The text with ``***`` for each: raw, URL-encoded, as base64 (also as a part of more), as hexadecimal
        digits, and escaped for JSON, HTML or Python.
    """
    worth_hiding = [secret for secret in secrets if len(secret) >= SHORTEST]
    needles = {one for secret in worth_hiding for one in _encodings(secret)}
    ordered = sorted(needles, key=len, reverse=True)
    patterns = [_percent_encoded(secret) for secret in worth_hiding]
    while True:
        before = text
        for pattern in patterns:
            text = pattern.sub(HIDDEN, text)
        for needle in ordered:
            text = text.replace(needle, HIDDEN)
        # What is left around a hidden part may add up to a secret again.
        if text == before:
            return text


def _encodings(secret: str) -> Iterator[str]:
    raw = secret.encode("utf-8", "surrogatepass")
    plain = [secret, *_escapes(secret), raw.hex(), raw.hex().upper()]
    plain += ["".join(f"%{byte:02{case}}" for byte in raw) for case in "xX"]
    yield from (one for one in plain if len(one) >= SHORTEST)
    for inside in _base64(raw):
        yield from (inside, inside.replace("+", "-").replace("/", "_"), quote(inside, safe=""))
        yield inside.replace("/", "\\/")


def _escapes(secret: str) -> Iterator[str]:
    # Loaded only where something has to be redacted: most runs show nothing from outside.
    import html

    for ascii_only in (True, False):
        once = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield from (once, once.replace("/", "\\/"), json.dumps(once)[1:-1])
    yield from (html.escape(secret), html.escape(secret, quote=False), escaped(secret))
    yield from (repr(secret)[1:-1], ascii(secret)[1:-1], repr(secret.encode("utf-8", "replace"))[2:-1])


def _percent_encoded(secret: str) -> re.Pattern[str]:
    """The secret URL-encoded, once or several times, in either case; letters and digits stay as they are."""
    parts = []
    for one in secret:
        if one.isascii() and one.isalnum():
            parts.append(one)
            continue
        encoded = "".join(f"%(?:25)*(?i:{byte:02x})" for byte in one.encode("utf-8", "surrogatepass"))
        parts.append(f"(?:{re.escape(one)}|{encoded}{'|[+]' if one == ' ' else ''})")
    return re.compile("".join(parts))


def _base64(raw: bytes) -> Iterator[str]:
    """What base64 makes of the secret wherever it stands in what is encoded, such as behind ``user:``."""
    for before in range(3):
        text = base64.b64encode(b"\0" * before + raw).decode()
        # Characters that depend on the neighbours as well are left out at both ends.
        end = len(text) - (0, 3, 2)[(before + len(raw)) % 3]
        inside = text[(0, 2, 3)[before] : end]
        if len(inside) >= SHORTEST:
            yield inside
