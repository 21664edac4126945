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
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from voluptuous import Invalid, MultipleInvalid, Optional, Required, Schema

from aep_provider.errors import SettingsError
from aep_provider.validators import flag, problems_of, string, whole_number
from aep_provider.words import plural

if TYPE_CHECKING:
    from aep_provider.change_window import ChangeWindow

ADOBE_ENDPOINT = "https://platform.adobe.io"
ADOBE_IMS_ENDPOINT = "https://ims-na1.adobelogin.com"
DEFAULT_SCOPES = "openid,session,AdobeID,read_organizations,additional_info.projectedProductContext"
DEFAULT_PARALLEL = 16

HTTP_HOST = "AEP_ALLOW_HTTP_HOST"
"""Names one host besides this machine that plain http is allowed to: an emulator in another container."""

_REGIONAL = re.compile(r"platform-(?!stg)[a-z]{2,3}\d{1,2}\.adobe\.io")
"""Adobe's hosts for one region, ``platform-va7.adobe.io``; not those of its stage environment."""


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
        ownership_tag: whether the three tags of our own are written and checked.
        parallel: requests at once.
        owner: the owner name instead of project and stack, or ``""``.
        probe_report: the file of a probe's report, relative to the folder of the Pulumi project, or ``""``. It is
            cited and decides nothing.
        change_window: when Profile may be switched off; ``None`` = at any time.
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
    probe_report: str = ""
    change_window: ChangeWindow | None = None

    @property
    def location(self) -> dict[str, str]:
        """What a resource records of where it lives."""
        return {"sandbox": self.sandbox, "org_id": self.org_id, "endpoint": self.endpoint}

    @classmethod
    def load(
        cls,
        config: Mapping[str, Any],
        environ: Mapping[str, str],
        flags: Mapping[str, str] = MappingProxyType({}),
    ) -> Settings:
        """Merge stack configuration and environment.

        Args:
            config: keys with or without the ``aep:`` namespace; values as strings (default provider) or
                typed (explicit provider).
            environ: the process environment.
            flags: by name of a variable, the command-line flag that its value came from, for messages.

        Raises:
            SettingsError: one error for everything that is missing, malformed or contradictory.
        """
        problems: list[str] = []
        raw = dict(_merge(config, environ, flags, problems))
        try:
            loaded: dict[str, Any] = _SCHEMA(raw)
        except MultipleInvalid as error:
            loaded = {}
            found = problems_of(error)
            problems += [f"{_name(key, flags)} {' '.join(found[key])}" for key in _FIELDS if key in found]
        if not raw.get("client_secret") and not raw.get("access_token"):
            problems.append(
                f"{_name('client_secret')} is missing (or a ready token in AEP_ACCESS_TOKEN). "
                f"{_how('client_secret')}"
            )
        if loaded:
            problems += _endpoint_problems(loaded, environ.get(HTTP_HOST, "").strip().lower())
        if problems:
            first, _, remedy = problems[0].partition(". ")
            more = f" ({plural(len(problems) - 1, 'more problem')} below)" if problems[1:] else ""
            raise SettingsError(
                f"Invalid aep_provider settings: {first.rstrip('.')}{more}",
                "\n".join(filter(None, [remedy, *(f"- {problem}" for problem in problems[1:])])),
            )
        loaded["scopes"] = ",".join(part.strip() for part in loaded["scopes"].split(",") if part.strip())
        return cls(**loaded)


def same_endpoint(one: str, other: str) -> bool:
    """Whether two endpoints are the same location.

    Any address of this machine equals any other, and so does a host that plain http was allowed to. Adobe's
    regional hosts equal `platform.adobe.io`: organisation and sandbox say which data it is.
    """
    return _location(one) == _location(other)


def is_loopback(url: str) -> bool:
    """Whether a URL points to this machine. ``*.localhost`` does: RFC 6761, section 6.3."""
    host = (urlsplit(url).hostname or "").removesuffix(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def plain_secret(stack: str) -> tuple[str, str]:
    """What to say where `aep:clientSecret` is in the configuration as plain text.

    Args:
        stack: the stack's name, or ``""`` where it is not known.

    Returns:
        The problem, and the command that encrypts the secret.
    """
    flag_of_stack = f" --stack {stack}" if stack else ""
    return (
        "aep:clientSecret is in plain text in the stack file, and after `pulumi up` in the state",
        f"Encrypt it: `pulumi config set --secret aep:clientSecret{flag_of_stack}`. If the file was shared "
        "or committed, also rotate the secret in Adobe Developer Console.",
    )


def _location(url: str) -> str:
    parts = urlsplit(url)
    if is_loopback(url) or parts.scheme == "http":
        return "local"
    host = parts.hostname or ""
    return "platform.adobe.io" if _REGIONAL.fullmatch(host) else host


def _endpoint_problems(loaded: Mapping[str, Any], http_host: str) -> Iterator[str]:
    """What is wrong with the two endpoints, which are judged together.

    Args:
        loaded: the validated settings.
        http_host: the host that plain http is allowed to, besides this machine; ``""`` for none.
    """
    if http_host == "adobe.io" or http_host.endswith((".adobe.io", ".adobelogin.com", ".adobe.com")):
        yield f"{HTTP_HOST} must not name a host of Adobe ({http_host}). Unset it."
        return
    local: list[bool] = []
    for key in ("endpoint", "ims_endpoint"):
        url = loaded[key]
        parts = urlsplit(url)
        allowed = is_loopback(url) or parts.hostname == (http_host or None)
        local.append(allowed)
        if parts.scheme == "http" and not allowed:
            yield (
                f"{_name(key)} is {url!r}, which would send the token unencrypted. Use https, or http to "
                f"this machine. For an emulator on another host: export {HTTP_HOST}={parts.hostname}."
            )
    if local[0] != local[1]:
        yield (
            f"{_name('endpoint')} and {_name('ims_endpoint')}: one is local and the other is not. "
            "Set both, or neither."
        )


class _Source(NamedTuple):
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
    "probe_report": _Source("probeReport", "AEP_PROBE_REPORT"),
    "change_window": _Source("changeWindow"),
}


def _merge(
    config: Mapping[str, Any], environ: Mapping[str, str], flags: Mapping[str, str], problems: list[str]
) -> Iterator[tuple[str, Any]]:
    for key, source in _FIELDS.items():
        configured = config.get(f"aep:{source.config}", config.get(source.config)) if source.config else None
        environment = environ.get(source.environment, "") if source.environment else ""
        if isinstance(configured, str) and not configured.strip():
            configured = None
        if source.must_agree and configured and environment and configured != environment:
            problems.append(_disagreement(key, str(configured), environment, flags))
        value = environment or configured
        if value is not None and value != "":
            yield key, value


def _disagreement(key: str, configured: str, environment: str, flags: Mapping[str, str]) -> str:
    variable = _FIELDS[key].environment
    flag_given = flags.get(variable, "")
    said_by = flag_given or "the environment"
    what = f"{_name(key)}: the stack says {configured!a} and {said_by} says {environment!a}. "
    if configured == environment.lower():
        return f"{what}Names of sandboxes are in lower case: use {configured!r}."
    leave_out = f"Leave {flag_given} out" if flag_given else f"Unset {variable}"
    return f"{what}{leave_out}, or select the stack of {environment!r} (`pulumi stack select`, or --stack)."


def _name(key: str, flags: Mapping[str, str] = MappingProxyType({})) -> str:
    source = _FIELDS[key]
    if flag_given := flags.get(source.environment):
        return flag_given
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
        raise Invalid("contains a space, a line break or a character outside ASCII. Copy it again.")
    return value


def _scopes(value: str) -> str:
    """Refuse what no scope has, and nobody sees; blanks around a scope are dropped later."""
    if not re.fullmatch(r"[\s!-~]*", value, re.ASCII):
        raise Invalid(f"contains a character outside ASCII: {value!a}. Copy it again.")
    return value


def _sandbox(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", value):
        lower = value.lower()
        hint = (
            f"Did you mean {lower!r}?"
            if re.fullmatch(r"[a-z0-9][a-z0-9-]*", lower)
            else "See AEP > Sandboxes."
        )
        raise Invalid(
            f"must be a sandbox name (lower-case letters, digits and hyphens), not {value!a}. {hint}"
        )
    return value


def _org_id(value: str) -> str:
    if not re.fullmatch(r"[!-?A-~]+@AdobeOrg", value):
        raise Invalid(f"must be an organisation id, which ends in @AdobeOrg, not {value!a}.")
    return value


def _change_window(value: str) -> ChangeWindow:
    # With it come the time zones, which most stacks do not need.
    from aep_provider.change_window import parse

    try:
        return parse(value)
    except ValueError as error:
        raise Invalid(f"{error}.") from error


def _base_url(value: str) -> str:
    """A base URL; a trailing slash is dropped."""
    url = value.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Invalid(f"must be a URL such as {ADOBE_ENDPOINT}, not {value!a}.") from error
    if parts.username or parts.password:
        raise Invalid("must not contain a user name or a password.")
    # Letters of other scripts look like those of Adobe's host, and a `#` would hide the path of each request.
    plain = re.fullmatch(r"https?://[!-~]+", url, re.IGNORECASE) and not set("?#") & set(url)
    if not plain or not parts.hostname or parts.path:
        raise Invalid(f"must be a base URL such as {ADOBE_ENDPOINT}, not {url!a}.")
    return url


def _required(key: str) -> Required:
    return Required(key, msg=f"is missing. {_how(key)}")


_SCHEMA = Schema(
    {
        _required("sandbox"): string(_sandbox),
        _required("org_id"): string(_org_id),
        _required("client_id"): string(_printable),
        Optional("client_secret", default=""): string(_printable),
        Optional("scopes", default=DEFAULT_SCOPES): string(_scopes),
        Optional("access_token", default=""): string(_printable),
        Optional("endpoint", default=ADOBE_ENDPOINT): string(_base_url),
        Optional("ims_endpoint", default=ADOBE_IMS_ENDPOINT): string(_base_url),
        Optional("allow_production", default=False): flag(text=True),
        Optional("ownership_tag", default=True): flag(text=True),
        Optional("parallel", default=DEFAULT_PARALLEL): whole_number(1, 64, text=True),
        Optional("owner", default=""): string(_printable),
        Optional("probe_report", default=""): string(),
        Optional("change_window"): string(_change_window),
    }
)
