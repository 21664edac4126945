"""Settings: stack configuration (namespace ``aep``) and environment, in one immutable value.

The environment wins for credentials and endpoints, since the engine configures a provider from *state*
during refresh and destroy, where a rotated secret is the old one. Sandbox and organisation are never
guessed: they are required, and given twice they must agree.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from voluptuous import Invalid, MultipleInvalid, Optional, Required, Schema

from aep_provider.errors import SettingsError
from aep_provider.validators import flag, problems_of, string, whole_number

ADOBE_ENDPOINT = "https://platform.adobe.io"
ADOBE_IMS_ENDPOINT = "https://ims-na1.adobelogin.com"
DEFAULT_SCOPES = "openid,session,AdobeID,read_organizations,additional_info.projectedProductContext"
DEFAULT_PARALLEL = 16


@dataclass(frozen=True)
class Settings:
    """Everything the provider needs to know besides a resource's arguments.

    Attributes:
        sandbox: name of the AEP sandbox, lower case.
        org_id: the organisation, ``…@AdobeOrg``.
        client_id: client id of the OAuth server-to-server credential; also Adobe's ``x-api-key``.
        client_secret: its secret, or ``""`` when `access_token` is given.
        scopes: comma separated, as Adobe's token service wants them.
        access_token: a ready token instead of secret and scopes, or ``""``.
        endpoint, ims_endpoint: base URLs of AEP and of Adobe's token service.
        allow_production: whether this stack may write to a sandbox of type production.
        ownership_tag: whether the two tags of our own are written and checked.
        parallel: calls at once.
        owner: the owner name in the place of project and stack, or ``""``.
    """

    sandbox: str
    org_id: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: str = DEFAULT_SCOPES
    access_token: str = field(default="", repr=False)
    endpoint: str = ADOBE_ENDPOINT
    ims_endpoint: str = ADOBE_IMS_ENDPOINT
    allow_production: bool = False
    ownership_tag: bool = True
    parallel: int = DEFAULT_PARALLEL
    owner: str = ""

    @property
    def place(self) -> dict[str, str]:
        """What a resource records of where it lives."""
        return {"sandbox": self.sandbox, "org_id": self.org_id, "endpoint": self.endpoint}

    @classmethod
    def load(cls, config: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
        """Merge stack configuration and environment.

        Args:
            config: keys with or without the ``aep:`` namespace; values as strings (default provider) or
                typed (explicit provider).
            environ: the process environment.

        Raises:
            SettingsError: one error for everything that is missing, malformed or contradictory.
        """
        problems: list[str] = []
        raw = dict(_merge(config, environ, problems))
        try:
            loaded: dict[str, Any] = _SCHEMA(raw)
        except MultipleInvalid as error:
            loaded = {}
            found = problems_of(error)
            problems += [f"{_name(key)}: {' '.join(found[key])}" for key in _FIELDS if key in found]
        if not raw.get("client_secret") and not raw.get("access_token"):
            problems.append(
                f"{_name('client_secret')}: is missing (or a ready token in AEP_ACCESS_TOKEN). "
                f"{_how('client_secret')}"
            )
        if loaded and is_loopback(loaded["endpoint"]) != is_loopback(loaded["ims_endpoint"]):
            problems.append(
                "aep:endpoint (AEP_ENDPOINT) and aep:imsEndpoint (AEP_IMS_ENDPOINT): one is local and the "
                "other is not. Set both, or neither."
            )
        if problems:
            raise SettingsError(
                "The settings of aep_provider are not usable: " + problems[0].split(". ")[0].rstrip("."),
                "\n".join(f"- {problem}" for problem in problems),
            )
        loaded["scopes"] = ",".join(part.strip() for part in loaded["scopes"].split(",") if part.strip())
        return cls(**loaded)


def same_endpoint(one: str, other: str) -> bool:
    """Whether two endpoints are the same place; any loopback address equals any other."""
    hosts = urlsplit(one).hostname, urlsplit(other).hostname
    return hosts[0] == hosts[1] or (is_loopback(one) and is_loopback(other))


def is_loopback(url: str) -> bool:
    """Whether a URL points to this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class _Source:
    """Where a setting comes from."""

    config: str = ""
    environment: str = ""
    secret: bool = False
    must_agree: bool = False


_FIELDS: Mapping[str, _Source] = {
    "sandbox": _Source("sandbox", "AEP_SANDBOX", must_agree=True),
    "org_id": _Source("orgId", "AEP_ORG_ID", must_agree=True),
    "client_id": _Source("clientId", "AEP_CLIENT_ID"),
    "client_secret": _Source("clientSecret", "AEP_CLIENT_SECRET", secret=True),
    "scopes": _Source("scopes", "AEP_SCOPES"),
    "access_token": _Source(environment="AEP_ACCESS_TOKEN"),
    "endpoint": _Source("endpoint", "AEP_ENDPOINT"),
    "ims_endpoint": _Source("imsEndpoint", "AEP_IMS_ENDPOINT"),
    "allow_production": _Source("allowProduction"),
    "ownership_tag": _Source("ownershipTag"),
    "parallel": _Source("parallel", "AEP_PARALLEL"),
    "owner": _Source("owner"),
}


def _merge(
    config: Mapping[str, Any], environ: Mapping[str, str], problems: list[str]
) -> Iterator[tuple[str, Any]]:
    for key, source in _FIELDS.items():
        configured = config.get(f"aep:{source.config}", config.get(source.config)) if source.config else None
        environment = environ.get(source.environment, "") if source.environment else ""
        if isinstance(configured, str) and not configured.strip():
            configured = None
        if source.must_agree and configured and environment and configured != environment:
            problems.append(
                f"{_name(key)}: the stack says {configured!r} and the environment says {environment!r}. "
                f"Unset {source.environment}, or select the stack of that place."
            )
        value = environment or configured
        if value is not None and value != "":
            yield key, value


def _name(key: str) -> str:
    source = _FIELDS[key]
    if not source.config:
        return source.environment
    return f"aep:{source.config}" + (f" ({source.environment})" if source.environment else "")


def _how(key: str) -> str:
    source = _FIELDS[key]
    secret = "--secret " if source.secret else ""
    return f"Set it: `pulumi config set {secret}aep:{source.config} …`, or export {source.environment}."


def _printable(value: str) -> str:
    # Without this the HTTP library would quote a secret in its error.
    if value and not re.fullmatch(r"[!-~]+", value):
        raise Invalid("has a space, a line break or a character that is not ASCII; copy it again.")
    return value


def _sandbox(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", value):
        raise Invalid(f"{value!r} is no sandbox name: lower-case letters, digits, hyphens.")
    return value


def _org_id(value: str) -> str:
    if not re.fullmatch(r"[^@\s]+@AdobeOrg", value):
        raise Invalid(f"{value!r} is no organisation id: it ends in @AdobeOrg.")
    return value


def _base_url(value: str) -> str:
    """A base URL: https, or http to this machine; a trailing slash is dropped."""
    url = value.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Invalid("is no URL.") from error
    if parts.username or parts.password:
        raise Invalid("must not carry a user or a password.")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        raise Invalid(f"{url!r} is no base URL such as {ADOBE_ENDPOINT}.")
    if parts.scheme == "http" and not is_loopback(url):
        raise Invalid(f"{url!r} would send the token unencrypted: https, or http to localhost.")
    return url


def _required(key: str) -> Required:
    return Required(key, msg=f"is missing. {_how(key)}")


_SCHEMA = Schema(
    {
        _required("sandbox"): string(_sandbox),
        _required("org_id"): string(_org_id),
        _required("client_id"): string(_printable),
        Optional("client_secret", default=""): string(_printable),
        Optional("scopes", default=DEFAULT_SCOPES): string(),
        Optional("access_token", default=""): string(_printable),
        Optional("endpoint", default=ADOBE_ENDPOINT): string(_base_url),
        Optional("ims_endpoint", default=ADOBE_IMS_ENDPOINT): string(_base_url),
        Optional("allow_production", default=False): flag(text=True),
        Optional("ownership_tag", default=True): flag(text=True),
        Optional("parallel", default=DEFAULT_PARALLEL): whole_number(1, 64, text=True),
        Optional("owner", default=""): string(_printable),
    }
)
