"""The report of a run: fit to be shown to anybody, since nothing in it says who was probed."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

from aep_provider.aep.redact import redact
from aep_provider.measured import LOCAL, OTHER, Answer, Report
from aep_provider.settings import ADOBE_ENDPOINT, Settings, is_loopback

__all__ = ["Answer", "Report", "made", "private", "region_of"]

_REGION = re.compile(r"platform-(?!stg)([a-z]{2,3}\d{1,2})\.adobe\.io")
_LEFT_OUT = "…"

_SHAPES = (
    re.compile(r"\b(?:https?|file)://\S+"),
    re.compile(r"[\w.+-]+@[\w.-]+"),  # organisations, technical accounts, people
    re.compile(r"\b_\w+\.(?:schemas|classes|mixins|datatypes)\.\w+"),
    re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"),
    re.compile(r"\b[0-9a-fA-F]{24,}\b"),  # datasets, schemas, clients
    re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b"),  # batches
    re.compile(r"\beyJ[\w.-]+"),  # tokens
)
"""What an id, an address or a token looks like, wherever it comes from."""

_TENANT = re.compile(r"https?://ns\.adobe\.com/([^/\s]+)/|^_([A-Za-z0-9]+)\.")
_SWITCH = re.compile(r"[\w.:-]{1,40}")


def made(
    settings: Settings,
    answers: Iterable[Answer],
    *,
    date: datetime,
    sandbox_type: str,
    batches: bool,
    figures: Mapping[str, float],
    leftovers: int,
    secrets: Iterable[str] = (),
) -> Report:
    """Make the report of a run.

    Args:
        settings: where was probed, and as whom; nothing of it is in the report but the region.
        answers: one for each belief. What they say is cleaned of whatever names somebody, should a step have let it in.
        date: the end of the run, in UTC.
        sandbox_type: as AEP names it.
        batches: whether batches were ingested.
        figures: numbers by name.
        leftovers: scratch datasets that could not be deleted.
        secrets: what besides the settings must not be in it: the schema, the identity, the token that was used.
    """
    secret = (settings.client_secret, settings.access_token, *secrets)
    names = tuple(private(settings, secrets))
    return Report(
        importlib.metadata.version("aep-provider"),
        date,
        region_of(settings.endpoint),
        sandbox_type,
        batches,
        tuple(_cleaned(one, secret, names) for one in answers),
        dict(figures),
        leftovers,
    )


def private(settings: Settings, more: Iterable[str] = ()) -> Iterator[str]:
    """Whatever says who was probed: client, organisation, sandbox, hosts of one's own, tenant.

    Args:
        settings: of the run.
        more: other values, such as the id of the schema, from which the tenant is taken.
    """
    yield from (settings.client_id, settings.org_id, settings.org_id.partition("@")[0])
    yield from (settings.sandbox, settings.owner)
    for url in (settings.endpoint, settings.ims_endpoint):
        yield urlsplit(url).netloc
        yield urlsplit(url).hostname or ""
    for value in more:
        yield value
        yield from (tenant for found in _TENANT.findall(value) for tenant in found)


def region_of(endpoint: str) -> str:
    """The region of an endpoint: ``global``, one of Adobe's such as ``va7``, ``local`` (this machine) or ``other``."""
    host = (urlsplit(endpoint).hostname or "").lower()
    if host == urlsplit(ADOBE_ENDPOINT).hostname:
        return "global"
    if found := _REGION.fullmatch(host):
        return found[1]
    return LOCAL if is_loopback(endpoint) else OTHER


def _cleaned(answer: Answer, secrets: tuple[str, ...], names: tuple[str, ...]) -> Answer:
    text = redact(answer.seen, secrets)
    for value in sorted(filter(None, names), key=len, reverse=True):
        # As a whole word only: a sandbox may be called "a", and a tenant "on".
        text = re.sub(rf"(?<![^\W_]){re.escape(value)}(?![^\W_])", _LEFT_OUT, text, flags=re.IGNORECASE)
    for shape in _SHAPES:
        text = shape.sub(_LEFT_OUT, text)
    kept = {name: value for name, value in answer.switch.items() if _may_stay(value)}
    return replace(answer, seen=" ".join(text.split()), switch=kept)


def _may_stay(value: object) -> bool:
    """Whether a value can be one of a switch: a number, a truth value, or one word."""
    return isinstance(value, int | float) or (isinstance(value, str) and bool(_SWITCH.fullmatch(value)))
