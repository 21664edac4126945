"""The form in which a program tells the plugin what it declares: small, since many resources carry a copy of it."""

from __future__ import annotations

import base64
import zlib


def packed(text: str) -> str:
    """Pack a text. The engine handles each copy several times, and what programs declare repeats itself."""
    return base64.b64encode(zlib.compress(text.encode())).decode()


def unpacked(text: str) -> str:
    """The text that was packed.

    Raises:
        ValueError, zlib.error: nothing was.
    """
    return zlib.decompress(base64.b64decode(text)).decode()
