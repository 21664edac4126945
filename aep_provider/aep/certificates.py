"""The certificates that the environment names: a clear error where the library has a path or a riddle."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from aep_provider.errors import SettingsError

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Where the HTTP library looks, in this order."""


def check_certificates(bundle: object, environ: Mapping[str, str]) -> None:
    """Refuse a bundle of certificates that cannot be used.

    Args:
        bundle: the path that the library took from the environment; anything else is passed.
        environ: tells which variable it came from.

    Raises:
        SettingsError: nothing is there, or what is there holds no certificate.
    """
    if not isinstance(bundle, str):
        return
    variable = next((name for name in VARIABLES if environ.get(name) == bundle), VARIABLES[0])
    path = Path(bundle)
    problem = ""
    if not path.exists():
        problem = "does not exist"
    elif path.is_file():
        try:
            ssl.create_default_context(cafile=bundle)
        except OSError as error:
            unreadable = isinstance(error, PermissionError)
            problem = "cannot be read" if unreadable else "does not hold a certificate in PEM form"
    if problem:
        raise SettingsError(
            f"{variable} names {bundle!r}, which {problem}",
            f"Set {variable} to a file with the certificates to trust, in PEM form, or unset it to use those "
            "that come with Python's requests.",
        )
